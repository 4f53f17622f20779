#include "pipeline/run/calendar.h"

#include <stdlib.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/calendar_event.h"
#include "pipeline/run/calendar_set.h"

/* A file as it is read. */
struct reading {
    struct calendar *calendar;
    struct ics_event *events;
    size_t count;
    size_t capacity;
    size_t listed; /* occurrences and exclusions so far */
};

static int fail(struct ics *ics, size_t number, struct err *err, const char *sentence)
{
    err_set(err, ERR_CONFIG, "%s", sentence);
    return ics_fault(ics, number);
}

/* What a VCALENDAR says of itself: that it is one we read, and its zone. */
static int read_head(struct calendar *calendar, size_t part, const char *window_zone, const struct tz **zone, struct err *err)
{
    struct ics *ics = &calendar->ics;
    const struct ics_line *version = NULL;
    const struct ics_line *scale = NULL;
    const struct ics_line *method = NULL;
    const struct ics_line *own = NULL;
    if (ics_one(ics, part, "VERSION", &version, err) || ics_one(ics, part, "CALSCALE", &scale, err) ||
        ics_one(ics, part, "METHOD", &method, err) || ics_one(ics, part, "X-WR-TIMEZONE", &own, err)) {
        return -1;
    }
    if (version == NULL || !str_equal(version->value, "2.0")) {
        return fail(ics, version == NULL ? ics->parts[part].number : version->number, err, "the calendar does not say VERSION:2.0");
    }
    if (scale != NULL && strcasecmp(scale->value, "GREGORIAN") != 0) {
        return fail(ics, scale->number, err, "CALSCALE is not GREGORIAN");
    }
    if (method != NULL && strcasecmp(method->value, "PUBLISH") != 0 && strcasecmp(method->value, "REQUEST") != 0) {
        return fail(ics, method->number, err, "METHOD is neither PUBLISH nor REQUEST: this is an answer to a calendar, not one");
    }
    size_t number = own == NULL ? ics->parts[part].number : own->number;
    const char *name = window_zone != NULL ? window_zone : own != NULL ? own->value : "UTC";
    if (ics_zone(calendar->zones, part, name, number, zone, err)) {
        return -1;
    }
    if (calendar->zone == NULL) {
        calendar->zone = *zone;
        calendar->zone_name = arena_strdup(&calendar->arena, name);
    }
    return 0;
}

static int read_events(struct reading *reading, const char *window_zone, struct err *err)
{
    struct calendar *calendar = reading->calendar;
    struct ics *ics = &calendar->ics;
    const struct tz *zone = NULL;
    for (size_t i = 0; i < ics->part_count; i++) {
        const struct ics_part *part = &ics->parts[i];
        if (part->parent == i && read_head(calendar, i, window_zone, &zone, err)) {
            return -1;
        }
        if (!str_equal(part->name, "VEVENT")) {
            continue;
        }
        if (ics->parts[part->parent].parent != part->parent) {
            return fail(ics, part->number, err, "VEVENT stands inside of another component");
        }
        if (reading->count == CALENDAR_EVENTS_MAX) {
            return fail(ics, part->number, err, "the calendar has more than 20000 events");
        }
        GROW(reading->events, reading->capacity, reading->count + 1);
        if (event_read(calendar->zones, ics, i, zone, &calendar->arena, &reading->events[reading->count], err)) {
            return -1;
        }
        reading->events[reading->count].order = reading->count;
        reading->count++;
    }
    return reading->count == 0 ? fail(ics, ics->parts[0].number, err, "there is no VEVENT in it") : 0;
}

/* By UID, the event itself before its changed occurrences and these by the start they had. */
static int compare_events(const void *a, const void *b)
{
    const struct ics_event *x = a;
    const struct ics_event *y = b;
    int by_uid = str_compare(x->uid, y->uid);
    if (by_uid != 0 || x->uid == NULL) {
        return by_uid != 0 ? by_uid : (x->order > y->order) - (x->order < y->order);
    }
    if (x->replaces != y->replaces) {
        return x->replaces ? 1 : -1;
    }
    return (x->replaced > y->replaced) - (x->replaced < y->replaced);
}

/* Takes the occurrences that have a VEVENT of their own out of the event they belong to. */
static int join_events(struct reading *reading, struct err *err)
{
    struct ics *ics = &reading->calendar->ics;
    struct ics_event *events = reading->events;
    struct ics_event *whole = NULL;
    qsort(events, reading->count, sizeof *events, compare_events);
    for (size_t i = 0; i < reading->count; i++) {
        struct ics_event *event = &events[i];
        bool again = i > 0 && event->uid != NULL && str_equal(events[i - 1].uid, event->uid);
        if (again && event->replaces == events[i - 1].replaces && (!event->replaces || event->replaced == events[i - 1].replaced)) {
            return fail(ics, event->number, err,
                        "another event has the same UID and RECURRENCE-ID, so which of them counts cannot be told");
        }
        whole = !event->replaces ? event : again ? whole : NULL;
        if (event->replaces && whole != NULL) {
            if (event->replaced_form == ICS_DATE ? whole->form != ICS_DATE : whole->form == ICS_DATE) {
                return fail(ics, event->number, err, "RECURRENCE-ID is not of the kind of its event's DTSTART");
            }
            event_exclude(whole, event->replaced);
        }
    }
    return 0;
}

static int add_time(struct reading *reading, const struct ics_event *event, int64_t wall, struct err *err)
{
    struct calendar *calendar = reading->calendar;
    struct calendar_time time = {.reach = 0};
    time.end = calendar_end(event->tz, &event->length, wall, &time.start);
    if (event_excludes(event, time.start) || time.end <= time.start) {
        return 0;
    }
    if (++reading->listed > CALENDAR_TIMES_MAX) {
        return fail(&calendar->ics, event->number, err, "the calendar has more than 500000 single occurrences");
    }
    GROW(calendar->times, calendar->time_capacity, calendar->time_count + 1);
    calendar->times[calendar->time_count++] = time;
    return 0;
}

/* A rule with COUNT is a list; another one stays a rule. */
static int add_rule(struct reading *reading, struct ics_event *event, struct err *err)
{
    struct calendar *calendar = reading->calendar;
    int64_t wall = 0;
    if (event->count > 0) {
        int failed = 0;
        recur_seek(event->recur, event->wall);
        while (!failed && recur_next(event->recur, &wall)) {
            failed = add_time(reading, event, wall, err);
        }
        return failed;
    }
    GROW(calendar->rules, calendar->rule_capacity, calendar->rule_count + 1);
    struct calendar_rule *rule = &calendar->rules[calendar->rule_count++];
    *rule = (struct calendar_rule){.recur = event->recur,
                                   .tz = event->tz,
                                   .length = event->length,
                                   .has_until = event->has_until,
                                   .until_utc = event->until_utc,
                                   .until = event->until,
                                   .excluded = event->excluded,
                                   .excluded_count = event->excluded_count};
    event->recur = NULL;
    event->excluded = NULL;
    return 0;
}

static int add_event(struct reading *reading, struct ics_event *event, struct err *err)
{
    if (event->cancelled) {
        return 0;
    }
    event_sort(event);
    int failed = event->recur == NULL ? add_time(reading, event, event->wall, err) : 0;
    for (size_t i = 0; !failed && i < event->extra_count; i++) {
        failed = add_time(reading, event, event->extra[i], err);
    }
    return failed || (event->recur != NULL && add_rule(reading, event, err)) ? -1 : 0;
}

static int compare_times(const void *a, const void *b)
{
    const struct calendar_time *x = a;
    const struct calendar_time *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static void sort_times(struct calendar *calendar)
{
    if (calendar->time_count == 0) {
        return;
    }
    qsort(calendar->times, calendar->time_count, sizeof *calendar->times, compare_times);
    for (size_t i = 1; i < calendar->time_count; i++) {
        size_t reach = calendar->times[i - 1].reach;
        calendar->times[i].reach = calendar->times[reach].end > calendar->times[i].end ? reach : i;
    }
}

static int read_all(struct reading *reading, const char *text, size_t length, const char *zone, struct err *err)
{
    struct calendar *calendar = reading->calendar;
    if (ics_read(text, length, &calendar->arena, &calendar->ics, err) || read_events(reading, zone, err) || join_events(reading, err)) {
        return -1;
    }
    for (size_t i = 0; i < reading->count; i++) {
        if (add_event(reading, &reading->events[i], err)) {
            return -1;
        }
    }
    sort_times(calendar);
    return 0;
}

int calendar_read(const char *text, size_t length, const char *zone, struct calendar **out, struct err *err)
{
    struct calendar *calendar = xcalloc(sizeof *calendar);
    struct reading reading = {.calendar = calendar};
    arena_init(&calendar->arena);
    calendar->zones = ics_zones_new(&calendar->ics, &calendar->arena);
    int failed = read_all(&reading, text, length, zone, err);
    for (size_t i = 0; i < reading.count; i++) {
        event_release(&reading.events[i]);
    }
    free(reading.events);
    if (failed) {
        err_prefix(err, "line %zu", calendar->ics.fault);
        calendar_free(calendar);
        return -1;
    }
    *out = calendar;
    return 0;
}

void calendar_free(struct calendar *calendar)
{
    if (calendar == NULL) {
        return;
    }
    for (size_t i = 0; i < calendar->rule_count; i++) {
        recur_free(calendar->rules[i].recur);
        free(calendar->rules[i].excluded);
        free(calendar->rules[i].starts);
    }
    free(calendar->rules);
    free(calendar->times);
    ics_zones_free(calendar->zones);
    ics_release(&calendar->ics);
    arena_release(&calendar->arena);
    free(calendar);
}

const struct tz *calendar_zone(const struct calendar *calendar, const char **name)
{
    *name = calendar->zone_name;
    return calendar->zone;
}
