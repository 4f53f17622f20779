#ifndef TARE_RUN_CALENDAR_EVENT_H
#define TARE_RUN_CALENDAR_EVENT_H

/* Inside of calendar.h: one VEVENT, read and checked by itself. */

#include "pipeline/io/recur.h"
#include "pipeline/run/ics_value.h"
#include "pipeline/run/ics_zone.h"

struct ics_event {
    size_t number; /* line of its BEGIN */
    size_t order;  /* in the file */
    const char *uid; /* NULL where it has none */
    bool cancelled;
    bool replaces;    /* it is one changed occurrence of the event with its UID: */
    int64_t replaced; /* the one that was to start at this instant */
    enum ics_form replaced_form;
    int64_t wall; /* its start in `tz` */
    enum ics_form form;
    const struct tz *tz;
    struct ics_length length;
    struct recur *recur; /* NULL where it has no RRULE */
    int64_t count;       /* of the rule; 0: none */
    bool has_until;
    bool until_utc;
    int64_t until;
    int64_t *extra; /* readings: RDATE, but those that are the start itself */
    size_t extra_count;
    size_t extra_capacity;
    int64_t *excluded; /* instants: EXDATE and changed occurrences */
    size_t excluded_count;
    size_t excluded_capacity;
};

/* Reads the VEVENT `part`; `zone` is the one of floating times and all-day events. ERR_CONFIG, the line is noted as the fault of
 * `ics`. *out is safe to release with event_release after a success only. */
int event_read(struct ics_zones *zones, struct ics *ics, size_t part, const struct tz *zone, struct arena *arena,
               struct ics_event *out, struct err *err);

/* Frees what it holds. */
void event_release(struct ics_event *event);

/* Takes the occurrence that starts at an instant out. */
void event_exclude(struct ics_event *event, int64_t instant);

/* Brings the exclusions in order, for event_excludes. */
void event_sort(struct ics_event *event);

/* Whether the occurrence that starts at an instant was taken out. */
bool event_excludes(const struct ics_event *event, int64_t instant);

#endif
