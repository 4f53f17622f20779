#include "pipeline/run/calendar_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/calendar_set.h"

/* The event that is read, and what is needed for it. */
struct reader {
    struct ics_zones *zones;
    struct ics *ics;
    size_t part;
    const struct tz *zone;
    struct arena *arena;
    struct ics_event *event;
};

/* Puts the name of the property before an error and notes its line. */
static int at_line(struct reader *reader, const struct ics_line *line, struct err *err)
{
    err_prefix(err, "%s", line->name);
    return ics_fault(reader->ics, line->number);
}

static int bad(struct reader *reader, const struct ics_line *line, struct err *err, const char *sentence)
{
    err_set(err, ERR_CONFIG, "%s", sentence);
    return at_line(reader, line, err);
}

static int one(struct reader *reader, const char *name, const struct ics_line **out, struct err *err)
{
    return ics_one(reader->ics, reader->part, name, out, err);
}

/* The zone that a time is told in. UTC has the zone "UTC". */
static int zone_of(struct reader *reader, const struct ics_line *line, const struct ics_time *time, const struct tz **out,
                   struct err *err)
{
    if (time->form == ICS_DATE || time->form == ICS_FLOATING) {
        *out = reader->zone;
        return 0;
    }
    size_t owner = reader->ics->parts[reader->part].parent;
    return ics_zone(reader->zones, owner, time->form == ICS_UTC ? "UTC" : time->tzid, line->number, out, err)
               ? err_prefix(err, "%s", line->name)
               : 0;
}

static int read_time(struct reader *reader, const struct ics_line *line, const char *text, struct ics_time *out,
                     const struct tz **tz, struct err *err)
{
    return ics_read_time(text, line->type, line->tzid, out, err) ? at_line(reader, line, err) : zone_of(reader, line, out, tz, err);
}

static int read_start(struct reader *reader, struct err *err)
{
    const struct ics_line *line = NULL;
    struct ics_event *event = reader->event;
    struct ics_time time;
    if (one(reader, "DTSTART", &line, err)) {
        return -1;
    }
    if (line == NULL) {
        err_set(err, ERR_CONFIG, "the VEVENT has no DTSTART");
        return ics_fault(reader->ics, event->number);
    }
    if (read_time(reader, line, line->value, &time, &event->tz, err)) {
        return -1;
    }
    event->wall = time.wall;
    event->form = time.form;
    return 0;
}

/* The length of an event with an end: of an all-day event in days, of another one in seconds that pass. */
static int read_end(struct reader *reader, const struct ics_line *line, struct err *err)
{
    struct ics_event *event = reader->event;
    struct ics_time time;
    const struct tz *tz = NULL;
    if (read_time(reader, line, line->value, &time, &tz, err)) {
        return -1;
    }
    if ((time.form == ICS_DATE) != (event->form == ICS_DATE)) {
        return bad(reader, line, err, "of start and end one is a date and one a time");
    }
    if (event->form == ICS_DATE) {
        event->length.days = (time.wall - event->wall) / 86400;
    } else {
        event->length.seconds = tz_instant(tz, time.wall) - tz_instant(event->tz, event->wall);
    }
    return 0;
}

static int read_length(struct reader *reader, struct err *err)
{
    struct ics_event *event = reader->event;
    const struct ics_line *end = NULL;
    const struct ics_line *duration = NULL;
    if (one(reader, "DTEND", &end, err) || one(reader, "DURATION", &duration, err)) {
        return -1;
    }
    if (end != NULL && duration != NULL) {
        return bad(reader, duration, err, "it stands beside DTEND; an event has one of them");
    }
    if (end != NULL && read_end(reader, end, err)) {
        return -1;
    }
    if (duration != NULL && ics_read_length(duration->value, &event->length, err)) {
        return at_line(reader, duration, err);
    }
    if (duration != NULL && event->form == ICS_DATE && event->length.seconds != 0) {
        return bad(reader, duration, err, "of an all-day event it is told in days");
    }
    if (end == NULL && duration == NULL && event->form == ICS_DATE) {
        event->length.days = 1;
    }
    int64_t start = 0;
    int64_t last = calendar_end(event->tz, &event->length, event->wall, &start);
    const struct ics_line *line = end != NULL ? end : duration;
    const char *sentence = last <= start                                    ? "the event does not end after its start"
                           : event->length.days > CALENDAR_LENGTH_MAX / 86400 ||
                                   event->length.days * 86400 + event->length.seconds > CALENDAR_LENGTH_MAX
                               ? "the event is longer than 31 days"
                               : NULL;
    if (sentence != NULL) {
        err_set(err, ERR_CONFIG, "%s", sentence);
        return line == NULL ? ics_fault(reader->ics, event->number) : at_line(reader, line, err);
    }
    return 0;
}

/* The last instant or reading that a rule counts, of the kind that RFC 5545 asks for beside this start. */
static int take_until(struct reader *reader, const struct ics_line *line, const struct ics_rule *rule, struct err *err)
{
    struct ics_event *event = reader->event;
    enum ics_form wanted = event->form == ICS_ZONED ? ICS_UTC : event->form;
    if (rule->until.form != wanted) {
        return bad(reader, line, err,
                   wanted == ICS_DATE  ? "UNTIL is a time where DTSTART is a date"
                   : wanted == ICS_UTC ? "UNTIL has to be in UTC (20261231T235959Z) where DTSTART has a time zone"
                                       : "UNTIL has to be a time without a zone, as DTSTART is");
    }
    event->has_until = true;
    event->until_utc = wanted == ICS_UTC;
    event->until = rule->until.wall;
    return 0;
}

static int read_rule(struct reader *reader, struct err *err)
{
    struct ics_event *event = reader->event;
    const struct ics_line *line = NULL;
    struct ics_rule rule;
    int64_t first = 0;
    if (one(reader, "RRULE", &line, err)) {
        return -1;
    }
    if (line == NULL) {
        return 0;
    }
    if (ics_read_rule(line->value, event->form == ICS_DATE, reader->arena, &rule, err) ||
        recur_new(rule.text, event->wall, &event->recur, err)) {
        return at_line(reader, line, err);
    }
    event->count = rule.count;
    if (rule.has_until && take_until(reader, line, &rule, err)) {
        return -1;
    }
    if (!recur_next(event->recur, &first) || first != event->wall) {
        bad(reader, line, err, "the rule does not begin with DTSTART, and what that means is not defined");
        return err_hint(err, "give as DTSTART the first start that the rule has");
    }
    if (event->has_until && (event->until_utc ? tz_instant(event->tz, event->wall) : event->wall) > event->until) {
        return bad(reader, line, err, "UNTIL lies before DTSTART");
    }
    return 0;
}

static void add_number(int64_t **list, size_t *count, size_t *capacity, int64_t value)
{
    GROW(*list, *capacity, *count + 1);
    (*list)[(*count)++] = value;
}

void event_exclude(struct ics_event *event, int64_t instant)
{
    add_number(&event->excluded, &event->excluded_count, &event->excluded_capacity, instant);
}

/* One value of RDATE or EXDATE, of the kind that DTSTART is. An RDATE counts in the zone of the event. */
static int take_date(struct reader *reader, const struct ics_line *line, const char *text, bool extra, struct err *err)
{
    struct ics_event *event = reader->event;
    struct ics_time time;
    const struct tz *tz = NULL;
    if (read_time(reader, line, text, &time, &tz, err)) {
        return -1;
    }
    if ((time.form == ICS_DATE) != (event->form == ICS_DATE)) {
        return bad(reader, line, err, "it is not of the kind of DTSTART: one is a date, one a time");
    }
    int64_t instant = tz_instant(tz, time.wall);
    int64_t wall = tz == event->tz ? time.wall : tz_wall(event->tz, instant);
    if (!extra) {
        event_exclude(event, instant);
    } else if (tz_instant(event->tz, wall) != instant) {
        return bad(reader, line, err, "in the time zone of DTSTART it falls into an hour that comes twice");
    } else if (wall != event->wall) {
        add_number(&event->extra, &event->extra_count, &event->extra_capacity, wall);
    }
    return 0;
}

static int read_dates(struct reader *reader, const struct ics_line *line, bool extra, struct err *err)
{
    char *rest = arena_strdup(reader->arena, line->value);
    while (rest != NULL) {
        char *next = strchr(rest, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (take_date(reader, line, rest, extra, err)) {
            return -1;
        }
        rest = next;
    }
    return 0;
}

static int read_lists(struct reader *reader, struct err *err)
{
    const struct ics_part *part = &reader->ics->parts[reader->part];
    for (size_t i = part->first; i < part->last; i++) {
        const struct ics_line *line = &reader->ics->lines[i];
        if (line->part != reader->part) {
            continue;
        }
        bool extra = str_equal(line->name, "RDATE");
        if ((extra || str_equal(line->name, "EXDATE")) && read_dates(reader, line, extra, err)) {
            return -1;
        }
        if (str_equal(line->name, "EXRULE")) {
            return bad(reader, line, err, "it was taken out of the standard; name the dates in EXDATE");
        }
    }
    return 0;
}

/* Whether this is one changed occurrence of another event. */
static int read_identity(struct reader *reader, struct err *err)
{
    struct ics_event *event = reader->event;
    const struct ics_line *uid = NULL;
    const struct ics_line *status = NULL;
    const struct ics_line *replaced = NULL;
    struct ics_time time;
    const struct tz *tz = NULL;
    if (one(reader, "UID", &uid, err) || one(reader, "STATUS", &status, err) || one(reader, "RECURRENCE-ID", &replaced, err)) {
        return -1;
    }
    event->uid = uid == NULL ? NULL : uid->value;
    event->cancelled = status != NULL && strcasecmp(status->value, "CANCELLED") == 0;
    if (replaced == NULL) {
        return 0;
    }
    if (replaced->range != NULL) {
        return bad(reader, replaced, err, "RANGE is not taken: give each changed occurrence a VEVENT, or end the rule and begin another");
    }
    if (read_time(reader, replaced, replaced->value, &time, &tz, err)) {
        return -1;
    }
    if (uid == NULL) {
        return bad(reader, replaced, err, "the event has no UID that would say whose occurrence it is");
    }
    event->replaces = true;
    event->replaced = tz_instant(tz, time.wall);
    event->replaced_form = time.form;
    return 0;
}

/* A changed occurrence stands for itself. */
static int check_single(struct reader *reader, struct err *err)
{
    const struct ics_event *event = reader->event;
    if (event->replaces && (event->recur != NULL || event->extra_count > 0)) {
        err_set(err, ERR_CONFIG, "an occurrence that has a RECURRENCE-ID does not recur");
        return ics_fault(reader->ics, event->number);
    }
    return 0;
}

int event_read(struct ics_zones *zones, struct ics *ics, size_t part, const struct tz *zone, struct arena *arena,
               struct ics_event *out, struct err *err)
{
    struct reader reader = {zones, ics, part, zone, arena, out};
    *out = (struct ics_event){.number = ics->parts[part].number};
    if (read_identity(&reader, err) || read_start(&reader, err) || read_length(&reader, err) || read_rule(&reader, err) ||
        read_lists(&reader, err) || check_single(&reader, err)) {
        event_release(out);
        return -1;
    }
    return 0;
}

void event_release(struct ics_event *event)
{
    recur_free(event->recur);
    free(event->extra);
    free(event->excluded);
    event->recur = NULL;
    event->extra = NULL;
    event->excluded = NULL;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void event_sort(struct ics_event *event)
{
    if (event->excluded_count > 0) {
        qsort(event->excluded, event->excluded_count, sizeof *event->excluded, compare_numbers);
    }
}

bool event_excludes(const struct ics_event *event, int64_t instant)
{
    return event->excluded_count > 0 &&
           bsearch(&instant, event->excluded, event->excluded_count, sizeof instant, compare_numbers) != NULL;
}
