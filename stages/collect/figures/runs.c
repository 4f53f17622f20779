#include "stages/collect/figures/runs.h"

#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

/* A gap as long as the one beside it, up to this, is a scrape that is rarer for a while. */
enum { RARE_SCRAPE_MS = 600 * 1000 };

/* Where in a step samples lie. */
enum { STEP_EARLY = 1, STEP_MIDDLE = 2, STEP_LATE = 4 };

/* From an instant on, so many more pods run. */
struct change {
    int64_t time_ms;
    int difference;
};

/* What the changes add up to. */
struct tally {
    int64_t *at_once; /* milliseconds for which so many ran */
    double *hours;    /* pod-milliseconds of each hour */
    size_t running;
    size_t most;
};

void runs_init(struct runs *runs, const struct window *window, int64_t interval_ms)
{
    int64_t length = (window->end - window->start) * 1000;
    *runs = (struct runs){.window = window, .interval_ms = interval_ms < 1 ? 1 : interval_ms};
    runs->step_ms = runs->interval_ms > STEP * 1000 ? runs->interval_ms : STEP * 1000;
    runs->steps = length < runs->step_ms ? 1 : (size_t)(length / runs->step_ms);
    runs->covered = xcalloc_array(runs->steps, 1);
}

void runs_release(struct runs *runs)
{
    free(runs->items);
    free(runs->covered);
    *runs = (struct runs){0};
}

/* How near to an edge of a step a sample may have been meant for the other side: where a step holds about one sample. */
static int64_t slack_of(const struct runs *runs)
{
    return runs->interval_ms * 10 >= runs->step_ms * 9 ? runs->step_ms / 10 : 0;
}

/* Marks the step that a sample inside the window lies in, and on which edge of it. Returns when the next sample is worth
 * marking. */
static int64_t mark_step(struct runs *runs, int64_t time_ms)
{
    int64_t start = runs->window->start * 1000;
    size_t step = (size_t)((time_ms - start - 1) / runs->step_ms);
    step = step < runs->steps ? step : runs->steps - 1;
    int64_t from = start + (int64_t)step * runs->step_ms;
    int64_t slack = slack_of(runs);
    unsigned place = time_ms - from <= slack ? STEP_EARLY : from + runs->step_ms - time_ms < slack ? STEP_LATE : STEP_MIDDLE;
    runs->covered[step] = (unsigned char)(runs->covered[step] | place);
    return slack == 0 ? from + runs->step_ms : time_ms;
}

/* The longest time between two samples that is no gap. */
static int64_t longest(const struct runs *runs)
{
    return runs->interval_ms * 5 / 2;
}

static int64_t distance(const struct points *points, size_t at)
{
    return at == 0 || at >= points->count ? 0 : points->items[at].time_ms - points->items[at - 1].time_ms;
}

/* Whether a container ran on between the sample before and this one. */
static bool ran_on(const struct runs *runs, const struct points *points, size_t at)
{
    int64_t gap = distance(points, at);
    return gap <= longest(runs) ||
           (gap <= RARE_SCRAPE_MS && (llabs(gap - distance(points, at - 1)) <= gap / 10 ||
                                      llabs(gap - distance(points, at + 1)) <= gap / 10));
}

/* Adds what of a run lies inside the window. One whose last sample is that near to its end is not over. */
static void add_run(struct runs *runs, uint32_t pod, int64_t first_ms, int64_t last_ms)
{
    int64_t start = runs->window->start * 1000;
    int64_t end = runs->window->end * 1000;
    int64_t from = first_ms - runs->interval_ms;
    int64_t to = end - last_ms <= longest(runs) ? end : last_ms;
    from = from < start ? start : from;
    if (last_ms > start && first_ms <= end) {
        GROW(runs->items, runs->capacity, runs->count + 1);
        runs->items[runs->count++] = (struct run){pod, from, to};
    }
}

static void note_seen(struct runs *runs, int64_t first_ms, int64_t last_ms)
{
    runs->first_ms = runs->first_ms == 0 || first_ms < runs->first_ms ? first_ms : runs->first_ms;
    runs->last_ms = last_ms > runs->last_ms ? last_ms : runs->last_ms;
}

void runs_add(struct runs *runs, uint32_t pod, const struct points *points)
{
    const struct point *items = points->items;
    size_t from = points_after(points, runs->window->start * 1000);
    size_t to = points_after(points, runs->window->end * 1000);
    if (from == to) {
        return;
    }
    note_seen(runs, items[from].time_ms, items[to - 1].time_ms);
    /* A run that began before the window counts from its start: one sample of it is enough. */
    size_t begin = from > 0 && ran_on(runs, points, from) ? from - 1 : from;
    int64_t gap = longest(runs);
    int64_t before = items[from].time_ms;
    int64_t marked_until = mark_step(runs, before);
    for (size_t i = from + 1; i < to; i++) {
        int64_t time_ms = items[i].time_ms;
        if (time_ms - before > gap && !ran_on(runs, points, i)) {
            add_run(runs, pod, items[begin].time_ms, before);
            begin = i;
        }
        if (time_ms > marked_until) {
            marked_until = mark_step(runs, time_ms);
        }
        before = time_ms;
    }
    add_run(runs, pod, items[begin].time_ms, items[to - 1].time_ms);
}

static int compare_runs(const void *a, const void *b)
{
    const struct run *x = a;
    const struct run *y = b;
    if (x->pod != y->pod) {
        return x->pod < y->pod ? -1 : 1;
    }
    return (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
}

/* Makes one run of those of a pod that overlap or touch. Returns how many pods there are. */
static size_t unite(struct runs *runs)
{
    size_t kept = 0;
    size_t pods = 0;
    qsort(runs->items, runs->count, sizeof *runs->items, compare_runs);
    for (size_t i = 0; i < runs->count; i++) {
        struct run *last = kept > 0 ? &runs->items[kept - 1] : NULL;
        const struct run *next = &runs->items[i];
        bool same = last != NULL && last->pod == next->pod;
        pods += !same;
        if (same && next->start_ms <= last->end_ms) {
            last->end_ms = next->end_ms > last->end_ms ? next->end_ms : last->end_ms;
        } else {
            runs->items[kept++] = *next;
        }
    }
    runs->count = kept;
    return pods;
}

/* By time; where one pod follows another, they did not run at once. */
static int compare_changes(const void *a, const void *b)
{
    const struct change *x = a;
    const struct change *y = b;
    if (x->time_ms != y->time_ms) {
        return x->time_ms < y->time_ms ? -1 : 1;
    }
    return x->difference - y->difference;
}

static struct change *list_changes(const struct runs *runs)
{
    struct change *out = xcalloc_array(2 * runs->count, sizeof *out);
    for (size_t i = 0; i < runs->count; i++) {
        out[2 * i] = (struct change){runs->items[i].start_ms, 1};
        out[2 * i + 1] = (struct change){runs->items[i].end_ms, -1};
    }
    qsort(out, 2 * runs->count, sizeof *out, compare_changes);
    return out;
}

/* Adds the time [from, to) at which `running` pods ran. */
static void add_span(struct tally *tally, int64_t from, int64_t to)
{
    const int64_t hour_ms = HOUR * INT64_C(1000);
    tally->at_once[tally->running] += to - from;
    while (tally->running > 0 && from < to) {
        int64_t next = (from / hour_ms + 1) * hour_ms;
        next = next < to ? next : to;
        tally->hours[from / hour_ms] += (double)tally->running * (double)(next - from);
        from = next;
    }
}

/* Goes through the changes in order of time. Returns new figures, free with tally_release. */
static struct tally tally_up(const struct runs *runs, size_t pods)
{
    int64_t start = runs->window->start * 1000;
    struct change *changes = list_changes(runs);
    struct tally out = {.at_once = xcalloc_array(pods + 1, sizeof *out.at_once),
                        .hours = xcalloc_array(runs->window->hours, sizeof *out.hours)};
    int64_t last = 0;
    for (size_t i = 0; i < 2 * runs->count; i++) {
        add_span(&out, last, changes[i].time_ms - start);
        last = changes[i].time_ms - start;
        out.running = changes[i].difference > 0 ? out.running + 1 : out.running - 1;
        out.most = out.running > out.most ? out.running : out.most;
    }
    free(changes);
    return out;
}

static void tally_release(struct tally *tally)
{
    free(tally->at_once);
    free(tally->hours);
}

/* How many ran at once, at half of the time at which any ran. */
static size_t median(const struct tally *tally)
{
    int64_t all = 0;
    int64_t sum = 0;
    for (size_t i = 1; i <= tally->most; i++) {
        all += tally->at_once[i];
    }
    for (size_t i = 1; i <= tally->most; i++) {
        sum += tally->at_once[i];
        if (2 * sum >= all) {
            return i;
        }
    }
    return tally->most;
}

static void set_replicas(const struct tally *tally, const struct window *window, json_t *out)
{
    json_t *hourly = json_array();
    int64_t length = window->end - window->start;
    double sum = 0;
    for (size_t i = 0; i < window->hours; i++) {
        int64_t rest = length - (int64_t)i * HOUR;
        double part = (double)(rest < HOUR ? rest : HOUR) * 1000;
        sum += tally->hours[i];
        json_array_append_new(hourly, tally->hours[i] > 0 ? json_real(tally->hours[i] / part) : json_null());
    }
    json_object_set_new(out, "replicas", json_integer((json_int_t)median(tally)));
    json_object_set_new(out, "replicas_max", json_integer((json_int_t)tally->most));
    json_object_set_new(out, "replicas_mean", json_real(sum / ((double)length * 1000)));
    json_object_set_new(out, "hourly_replicas", hourly);
}

static void set_ages(const struct runs *runs, json_t *out)
{
    char text[RFC3339_MAX];
    int64_t begin = runs->window->end * 1000;
    for (size_t i = 0; i < runs->count; i++) {
        begin = runs->items[i].start_ms < begin ? runs->items[i].start_ms : begin;
    }
    json_object_set_new(out, "first_seen", json_string(time_format(runs->first_ms / 1000, text)));
    json_object_set_new(out, "last_seen", json_string(time_format(runs->last_ms / 1000, text)));
    json_object_set_new(out, "history_seconds", json_integer(runs->window->end - begin / 1000));
}

/* A sample that comes a moment early or late must not leave its step empty: one at an edge covers the neighbour where its own step
 * has another. Each covers one step; those that can wait for the next step are taken last. */
static double coverage(struct runs *runs)
{
    size_t covered = 0;
    bool spare = false; /* the sample at the end of the step before is not needed there */
    for (size_t i = 0; i < runs->steps; i++) {
        unsigned own = runs->covered[i];
        bool borrowed = !spare && own == 0 && i + 1 < runs->steps && (runs->covered[i + 1] & STEP_EARLY) != 0;
        if (borrowed) {
            runs->covered[i + 1] = (unsigned char)(runs->covered[i + 1] & ~(unsigned)STEP_EARLY);
        }
        covered += spare || own != 0 || borrowed;
        spare = (own & STEP_LATE) != 0 && (spare || own != STEP_LATE);
    }
    return (double)covered / (double)runs->steps;
}

bool runs_json(struct runs *runs, json_t *out)
{
    if (runs->count == 0) {
        return false;
    }
    size_t pods = unite(runs);
    struct tally tally = tally_up(runs, pods);
    json_object_set_new(out, "pods", json_integer((json_int_t)pods));
    json_object_set_new(out, "coverage", json_real(coverage(runs)));
    set_replicas(&tally, runs->window, out);
    set_ages(runs, out);
    tally_release(&tally);
    return true;
}
