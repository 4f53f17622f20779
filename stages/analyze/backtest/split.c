#include "stages/analyze/backtest/split.h"

#include <math.h>

/* Data for six days leaves four to learn from; judged are two then, so that each hour of the day is seen twice. */
static const int64_t long_seconds = 6 * 86400;
static const int64_t long_judged_seconds = 2 * 86400;
static const int64_t least_judged_seconds = 12 * 3600;
static const int64_t least_learned_seconds = 24 * 3600;

/* A single empty step inside a run is a scrape that was missed. Two runs may be one long one with a gap: they are parted by
 * time where they are long enough for it. */
enum { RUN_GAP_STEPS = 2, RUNS_MIN = 2, RUNS_SURE = 3 };

static bool has_data(const struct steps *steps, size_t i)
{
    return isfinite(steps->mean[i]);
}

/* Whole steps in so many seconds, rounded up. */
static size_t steps_in(const struct steps *steps, int64_t seconds)
{
    return (size_t)((seconds + steps->step_seconds - 1) / steps->step_seconds);
}

size_t steps_known(const struct steps *steps, size_t from, size_t to)
{
    size_t count = 0;
    for (size_t i = from; i < to; i++) {
        count += has_data(steps, i);
    }
    return count;
}

/* One past the last step with data. */
static size_t data_end(const struct steps *steps)
{
    size_t end = steps->count;
    while (end > 0 && !has_data(steps, end - 1)) {
        end--;
    }
    return end;
}

/* First step of the `wanted`-th run, counted from 0, or `end` where there are fewer; *runs (may be NULL) receives how
 * many there are. */
static size_t run_start(const struct steps *steps, size_t end, size_t wanted, size_t *runs)
{
    size_t count = 0;
    size_t empty = RUN_GAP_STEPS;
    size_t found = end;
    for (size_t i = 0; i < end; i++) {
        if (!has_data(steps, i)) {
            empty++;
            continue;
        }
        if (empty >= RUN_GAP_STEPS && count++ == wanted) {
            found = i;
        }
        empty = 0;
    }
    if (runs) {
        *runs = count;
    }
    return found;
}

/* The step from which on exactly `judged` steps hold data. */
static size_t start_of_last(const struct steps *steps, size_t end, size_t judged)
{
    size_t at = end;
    while (judged > 0 && at > 0) {
        at--;
        judged -= has_data(steps, at);
    }
    return at;
}

static void part_at(const struct steps *steps, size_t at, struct split *out)
{
    out->at = at;
    out->learned = steps_known(steps, 0, at);
    out->judged = steps_known(steps, at, out->end);
}

static void split_by_time(const struct steps *steps, struct split *out)
{
    size_t data = steps_known(steps, 0, out->end);
    size_t judged = data / 3;
    if (data >= steps_in(steps, long_seconds)) {
        judged = steps_in(steps, long_judged_seconds);
    } else if (judged < steps_in(steps, least_judged_seconds)) {
        judged = steps_in(steps, least_judged_seconds);
    }
    if (data < judged + steps_in(steps, least_learned_seconds)) {
        out->reason = "fewer than 36 hours of data: a day to learn from and half a day to judge";
        return;
    }
    part_at(steps, start_of_last(steps, out->end, judged), out);
}

void split_steps(const struct steps *steps, bool batch, struct split *out)
{
    size_t runs = 0;
    *out = (struct split){.end = steps->step_seconds > 0 ? data_end(steps) : 0};
    if (out->end == 0) {
        out->reason = "no series of steps";
        return;
    }
    if (batch) {
        (void)run_start(steps, out->end, 0, &runs);
    }
    if (runs < RUNS_SURE) {
        split_by_time(steps, out);
    }
    if (runs >= RUNS_SURE || (out->reason && runs >= RUNS_MIN)) {
        size_t judged = runs / 3 > 0 ? runs / 3 : 1;
        out->by_runs = true;
        out->reason = NULL;
        part_at(steps, run_start(steps, out->end, runs - judged, NULL), out);
    } else if (out->reason && batch) {
        out->reason = "fewer than two runs, and fewer than 36 hours of data";
    }
}

struct steps steps_part(const struct steps *steps, size_t from, size_t to)
{
    struct steps part = *steps;
    to = to < steps->count ? to : steps->count;
    from = from < to ? from : to;
    part.start += (int64_t)from * steps->step_seconds;
    part.count = to - from;
    if (part.count > 0) { /* without steps there are no rows to point into */
        part.mean += from;
        part.high += from;
    }
    return part;
}
