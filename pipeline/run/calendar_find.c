#include "pipeline/run/calendar_set.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"

/* Starts are found some at a time, but no further ahead than any question goes. */
enum { DAY = 86400, AHEAD = 16, FAR = 800 * DAY };

int64_t calendar_end(const struct tz *tz, const struct ics_length *length, int64_t wall, int64_t *start)
{
    *start = tz_instant(tz, wall);
    return (length->days == 0 ? *start : tz_instant(tz, wall + length->days * DAY)) + length->seconds;
}

/* Number of items of an ascending list that are at most `value`. */
static size_t passed(const int64_t *list, size_t count, int64_t value)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle] <= value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t times_passed(const struct calendar *calendar, int64_t instant)
{
    size_t low = 0;
    size_t high = calendar->time_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (calendar->times[middle].start <= instant) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool past_until(const struct calendar_rule *rule, int64_t wall)
{
    return rule->has_until && (rule->until_utc ? tz_instant(rule->tz, wall) : wall) > rule->until;
}

static bool is_excluded(const struct calendar_rule *rule, int64_t wall)
{
    if (rule->excluded_count == 0) {
        return false;
    }
    int64_t start = tz_instant(rule->tz, wall);
    size_t before = passed(rule->excluded, rule->excluded_count, start);
    return before > 0 && rule->excluded[before - 1] == start;
}

/* How far back from a reading an occurrence can still be open; two days more than its length: no change of offset is longer. */
static int64_t reach_back(const struct calendar_rule *rule)
{
    return (rule->length.days + 2) * DAY + rule->length.seconds;
}

/* Finds the starts around a reading: those whose occurrences can be open then, and some after it. */
static void fill(struct calendar_rule *rule, int64_t reached)
{
    int64_t wall = 0;
    size_t after = 0;
    rule->from = reached - reach_back(rule);
    rule->count = 0;
    rule->ended = false;
    rule->filled = true;
    recur_seek(rule->recur, rule->from);
    while (after < AHEAD && (after == 0 || wall < reached + FAR)) {
        if (!recur_next(rule->recur, &wall) || past_until(rule, wall)) {
            rule->ended = true;
            return;
        }
        if (!is_excluded(rule, wall)) {
            GROW(rule->starts, rule->capacity, rule->count + 1);
            rule->starts[rule->count++] = wall;
            after += wall > reached ? 1 : 0;
        }
    }
}

/* Makes sure that the starts around a reading are there. Returns how many of them are at or before it. */
static size_t around(struct calendar_rule *rule, int64_t reached)
{
    bool covers = rule->filled && reached - reach_back(rule) >= rule->from &&
                  (rule->ended || (rule->count > 0 && rule->starts[rule->count - 1] > reached));
    if (!covers) {
        fill(rule, reached);
    }
    return passed(rule->starts, rule->count, reached);
}

/* The latest occurrence of a rule that is open at an instant: of those of one length the last to start ends last. */
static bool rule_open(struct calendar_rule *rule, int64_t instant, struct opening *out)
{
    size_t index = around(rule, tz_wall_reached(rule->tz, instant));
    if (index == 0) {
        return false;
    }
    out->end = calendar_end(rule->tz, &rule->length, rule->starts[index - 1], &out->start);
    return out->end > instant && out->end > out->start;
}

/* The first occurrence of a rule after an instant; days that a zone skips have none. */
static bool rule_next(struct calendar_rule *rule, int64_t instant, struct opening *out)
{
    int64_t reached = tz_wall_reached(rule->tz, instant);
    for (;;) {
        size_t index = around(rule, reached);
        if (index == rule->count) {
            return false;
        }
        reached = rule->starts[index];
        out->end = calendar_end(rule->tz, &rule->length, reached, &out->start);
        if (out->end > out->start) {
            return true;
        }
    }
}

static struct calendar_memo *memo_of(struct calendar_memo *memos, int64_t instant)
{
    return &memos[(uint64_t)instant * UINT64_C(0x9E3779B97F4A7C15) >> 60];
}

static bool find_open(struct calendar *calendar, int64_t instant, struct opening *out)
{
    bool found = false;
    size_t before = times_passed(calendar, instant);
    if (before > 0) {
        const struct calendar_time *last = &calendar->times[calendar->times[before - 1].reach];
        found = last->end > instant;
        *out = (struct opening){last->start, last->end};
    }
    for (size_t i = 0; i < calendar->rule_count; i++) {
        struct opening opening;
        if (rule_open(&calendar->rules[i], instant, &opening) && (!found || opening.end > out->end)) {
            *out = opening;
            found = true;
        }
    }
    return found;
}

bool calendar_open(struct calendar *calendar, int64_t instant, struct opening *out)
{
    struct calendar_memo *memo = memo_of(calendar->open, instant);
    if (!memo->known || memo->instant != instant) {
        *memo = (struct calendar_memo){.known = true, .instant = instant};
        memo->found = find_open(calendar, instant, &memo->opening);
    }
    *out = memo->found ? memo->opening : *out;
    return memo->found;
}

static bool sooner(const struct opening *a, const struct opening *b)
{
    return a->start < b->start || (a->start == b->start && a->end > b->end);
}

static bool find_next(struct calendar *calendar, int64_t instant, struct opening *out)
{
    bool found = false;
    for (size_t i = times_passed(calendar, instant); i < calendar->time_count; i++) {
        struct opening opening = {calendar->times[i].start, calendar->times[i].end};
        if (found && opening.start > out->start) {
            break;
        }
        *out = !found || sooner(&opening, out) ? opening : *out;
        found = true;
    }
    for (size_t i = 0; i < calendar->rule_count; i++) {
        struct opening opening;
        if (rule_next(&calendar->rules[i], instant, &opening) && (!found || sooner(&opening, out))) {
            *out = opening;
            found = true;
        }
    }
    return found;
}

bool calendar_next(struct calendar *calendar, int64_t instant, int64_t horizon, struct opening *out)
{
    struct calendar_memo *memo = memo_of(calendar->next, instant);
    if (!memo->known || memo->instant != instant) {
        *memo = (struct calendar_memo){.known = true, .instant = instant};
        memo->found = find_next(calendar, instant, &memo->opening);
    }
    if (!memo->found || memo->opening.start - instant > horizon) {
        return false;
    }
    *out = memo->opening;
    return true;
}

/* Goes on with the rule that is open last as long as it is open without the others: a rule of whole days is followed at once. */
static int64_t follow(struct calendar *calendar, int64_t instant, int64_t limit)
{
    int64_t end = instant;
    for (size_t i = 0; i < calendar->rule_count; i++) {
        struct opening opening;
        while (end < limit && rule_open(&calendar->rules[i], end, &opening)) {
            end = opening.end;
        }
    }
    return end;
}

int64_t calendar_closes(struct calendar *calendar, int64_t instant, int64_t limit)
{
    struct opening *run = &calendar->run;
    bool known = instant >= run->start && instant < run->end;
    if (known && (calendar->run_ends || run->end >= limit)) {
        return run->end;
    }
    struct opening opening;
    int64_t end = known ? run->end : instant; /* goes on where it was left */
    while (end < limit && calendar_open(calendar, end, &opening)) {
        end = follow(calendar, opening.end, limit);
    }
    *run = (struct opening){known ? run->start : instant, end};
    calendar->run_ends = end < limit;
    return end;
}
