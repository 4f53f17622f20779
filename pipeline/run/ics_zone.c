#include "pipeline/run/ics_zone.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/recur.h"
#include "pipeline/run/ics_value.h"

enum { CHANGES_MAX = 4000, ZONES_MAX = 200, DAY = 86400, LAST_YEAR = 2100 };

/* `owner` is the VCALENDAR whose VTIMEZONE it is; IANA for one that is the same everywhere. */
struct zone {
    char *name;
    size_t owner;
    struct tz *tz;
};

static const size_t IANA = SIZE_MAX;

struct ics_zones {
    struct ics *ics;
    struct arena *arena;
    struct zone *items;
    size_t count;
    size_t capacity;
};

struct change {
    int64_t at;
    int64_t before;
    int64_t after;
};

/* The changes of a VTIMEZONE, as they are found. */
struct changes {
    struct change *items;
    size_t count;
    size_t capacity;
};

struct ics_zones *ics_zones_new(struct ics *ics, struct arena *arena)
{
    struct ics_zones *zones = xcalloc(sizeof *zones);
    zones->ics = ics;
    zones->arena = arena;
    return zones;
}

void ics_zones_free(struct ics_zones *zones)
{
    if (zones == NULL) {
        return;
    }
    for (size_t i = 0; i < zones->count; i++) {
        free(zones->items[i].name);
        tz_free(zones->items[i].tz);
    }
    free(zones->items);
    free(zones);
}

/* Puts the line and the property before the error. */
static int at_line(struct ics *ics, const struct ics_line *line, struct err *err)
{
    err_prefix(err, "%s", line->name);
    return ics_fault(ics, line->number);
}

static int missing(struct ics *ics, size_t part, const char *name, struct err *err)
{
    err_set(err, ERR_CONFIG, "%s has no %s", ics->parts[part].name, name);
    return ics_fault(ics, ics->parts[part].number);
}

static int add_change(struct ics *ics, size_t part, struct changes *changes, struct change change, struct err *err)
{
    if (changes->count == CHANGES_MAX) {
        err_set(err, ERR_CONFIG, "the time zone has more than %d changes", CHANGES_MAX);
        return ics_fault(ics, ics->parts[part].number);
    }
    GROW(changes->items, changes->capacity, changes->count + 1);
    changes->items[changes->count++] = change;
    return 0;
}

static int read_offset(struct ics *ics, size_t part, const char *name, int64_t *out, struct err *err)
{
    const struct ics_line *line = NULL;
    if (ics_one(ics, part, name, &line, err)) {
        return -1;
    }
    if (line == NULL) {
        return missing(ics, part, name, err);
    }
    return ics_read_offset(line->value, out, err) ? at_line(ics, line, err) : 0;
}

/* Whether the rule still counts at a reading before which the offset is `before`. */
static bool within(const struct ics_rule *rule, int64_t wall, int64_t before)
{
    if (!rule->has_until) {
        return true;
    }
    return (rule->until.form == ICS_UTC ? wall - before : wall) <= rule->until.wall;
}

/* Some programs begin every rule in 1601 on a day that is not of it; what counts is the rule. */
static int follow_rule(struct ics_zones *zones, size_t part, const struct ics_line *line, int64_t first, struct change like,
                       struct changes *changes, struct err *err)
{
    struct ics_rule rule;
    struct recur *recur = NULL;
    if (ics_read_rule(line->value, false, zones->arena, &rule, err) || recur_new(rule.text, first, &recur, err)) {
        return at_line(zones->ics, line, err);
    }
    int failed = 0;
    int64_t wall = 0;
    int64_t limit = date_to_days(LAST_YEAR, 1, 1) * DAY;
    while (!failed && recur_next(recur, &wall) && wall < limit && within(&rule, wall, like.before)) {
        failed = add_change(zones->ics, part, changes, (struct change){wall - like.before, like.before, like.after}, err);
    }
    recur_free(recur);
    return failed;
}

/* RDATEs of an observance: readings, separated by commas. */
static int read_dates(struct ics_zones *zones, size_t part, const struct ics_line *line, struct change like, struct changes *changes,
                      struct err *err)
{
    char *rest = arena_strdup(zones->arena, line->value);
    while (rest != NULL) {
        struct ics_time time;
        char *next = strchr(rest, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (ics_read_time(rest, line->type, NULL, &time, err)) {
            return at_line(zones->ics, line, err);
        }
        int64_t at = time.form == ICS_UTC ? time.wall : time.wall - like.before;
        if (add_change(zones->ics, part, changes, (struct change){at, like.before, like.after}, err)) {
            return -1;
        }
        rest = next;
    }
    return 0;
}

/* A STANDARD or DAYLIGHT component. */
static int read_observance(struct ics_zones *zones, size_t part, struct changes *changes, struct err *err)
{
    struct ics *ics = zones->ics;
    struct change like = {0};
    const struct ics_line *start = NULL;
    const struct ics_line *rule = NULL;
    struct ics_time first;
    if (read_offset(ics, part, "TZOFFSETFROM", &like.before, err) || read_offset(ics, part, "TZOFFSETTO", &like.after, err) ||
        ics_one(ics, part, "DTSTART", &start, err) || ics_one(ics, part, "RRULE", &rule, err)) {
        return -1;
    }
    if (start == NULL) {
        return missing(ics, part, "DTSTART", err);
    }
    if (ics_read_time(start->value, start->type, start->tzid, &first, err) ||
        (first.form != ICS_FLOATING && err_set(err, ERR_CONFIG, "a change of clocks is told by what they showed before"))) {
        return at_line(ics, start, err);
    }
    like.at = first.wall - like.before;
    if (rule != NULL ? follow_rule(zones, part, rule, first.wall, like, changes, err) : add_change(ics, part, changes, like, err)) {
        return -1;
    }
    for (size_t i = ics->parts[part].first; i < ics->parts[part].last; i++) {
        if (ics->lines[i].part == part && str_equal(ics->lines[i].name, "RDATE") &&
            read_dates(zones, part, &ics->lines[i], like, changes, err)) {
            return -1;
        }
    }
    return 0;
}

static int compare_changes(const void *a, const void *b)
{
    const struct change *x = a;
    const struct change *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* Sorts; two changes at one instant have to be the same. */
static int make_zone(struct ics *ics, size_t part, struct changes *changes, struct tz **out, struct err *err)
{
    if (changes->count == 0) {
        return missing(ics, part, "STANDARD or DAYLIGHT", err);
    }
    qsort(changes->items, changes->count, sizeof *changes->items, compare_changes);
    int64_t *at = xcalloc_array(changes->count, sizeof *at);
    int64_t *offset = xcalloc_array(changes->count, sizeof *offset);
    size_t count = 0;
    int failed = 0;
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->items[i];
        bool again = count > 0 && at[count - 1] == change->at;
        if (again && offset[count - 1] != change->after) {
            failed = err_set(err, ERR_CONFIG, "two changes of clocks come at one instant");
        }
        at[count] = change->at;
        offset[count] = change->after;
        count += again ? 0 : 1;
    }
    failed = failed || tz_make(changes->items[0].before, count, at, offset, out, err);
    free(at);
    free(offset);
    return failed ? ics_fault(ics, ics->parts[part].number) : 0;
}

static int read_zone(struct ics_zones *zones, size_t part, struct tz **out, struct err *err)
{
    struct ics *ics = zones->ics;
    struct changes changes = {0};
    int failed = 0;
    for (size_t i = part + 1; !failed && i < ics->part_count; i++) {
        if (ics->parts[i].parent == part) {
            failed = read_observance(zones, i, &changes, err);
        }
    }
    failed = failed || make_zone(ics, part, &changes, out, err);
    free(changes.items);
    return failed ? -1 : 0;
}

/* The VTIMEZONE of a name in a VCALENDAR; ics->part_count where there is none. */
static int find_part(struct ics *ics, size_t owner, const char *name, size_t *out, struct err *err)
{
    *out = ics->part_count;
    for (size_t i = owner + 1; i < ics->part_count; i++) {
        const struct ics_line *line = NULL;
        if (ics->parts[i].parent != owner || !str_equal(ics->parts[i].name, "VTIMEZONE")) {
            continue;
        }
        if (ics_one(ics, i, "TZID", &line, err)) {
            return -1;
        }
        if (line != NULL && str_equal(line->value, name)) {
            *out = i;
            return 0;
        }
    }
    return 0;
}

static int load(struct ics_zones *zones, size_t owner, const char *name, size_t number, struct zone *out, struct err *err)
{
    struct err inner = {0};
    size_t part = 0;
    if (tz_load(name, &out->tz, &inner) == 0) {
        out->owner = IANA;
        return 0;
    }
    if (find_part(zones->ics, owner, name, &part, err)) {
        return -1;
    }
    out->owner = owner;
    if (part < zones->ics->part_count) {
        return read_zone(zones, part, &out->tz, err);
    }
    err_set(err, ERR_CONFIG, "\"%.100s\" is not a time zone, and no VTIMEZONE of the calendar says what it is", name);
    err_hint(err, "%s", inner.hint);
    return ics_fault(zones->ics, number);
}

int ics_zone(struct ics_zones *zones, size_t owner, const char *name, size_t number, const struct tz **out, struct err *err)
{
    struct zone made = {.tz = NULL};
    for (size_t i = 0; i < zones->count; i++) {
        const struct zone *zone = &zones->items[i];
        if (str_equal(zone->name, name) && (zone->owner == IANA || zone->owner == owner)) {
            *out = zone->tz;
            return 0;
        }
    }
    if (zones->count == ZONES_MAX) {
        err_set(err, ERR_CONFIG, "the calendar names more than %d time zones", ZONES_MAX);
        return ics_fault(zones->ics, number);
    }
    if (load(zones, owner, name, number, &made, err)) {
        return -1;
    }
    made.name = xstrdup(name);
    GROW(zones->items, zones->capacity, zones->count + 1);
    zones->items[zones->count++] = made;
    *out = made.tz;
    return 0;
}
