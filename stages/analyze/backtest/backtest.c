#include "stages/analyze/backtest/backtest.h"

#include <math.h>

#include "stages/analyze/backtest/contenders.h"
#include "stages/analyze/backtest/judge.h"
#include "stages/analyze/backtest/split.h"
#include "stages/analyze/rules/figures.h"

/* A request made of p95 is passed for 5 % of the time; one of memory is made of more, and so it is held to that too. */
static const double promised_share = 0.05;

/* Index of the first step that begins at `time` or later. */
static size_t step_at(const struct steps *steps, int64_t time)
{
    if (steps->step_seconds <= 0 || time <= steps->start) {
        return 0;
    }
    size_t at = (size_t)((time - steps->start + steps->step_seconds - 1) / steps->step_seconds);
    return at < steps->count ? at : steps->count;
}

/* The row that says where to part both: the one with more data. */
static const struct steps *leading(const struct container *container)
{
    const struct steps *cpu = &container->use[CPU].steps;
    const struct steps *memory = &container->use[MEMORY].steps;
    return steps_known(memory, 0, memory->count) > steps_known(cpu, 0, cpu->count) ? memory : cpu;
}

/* Figures of the learned part of one resource. */
static void learn(const struct figures *native, const struct steps *rows, size_t until, struct arena *arena,
                  struct figures *out)
{
    struct figures made;
    const struct figures *whole = native->by_steps;
    figures_of_steps(rows, 0, until, NULL, arena, out);
    if (!out->known) {
        return;
    }
    if (!whole) {
        figures_of_steps(&native->steps, 0, native->steps.count, native->only, arena, &made);
        whole = &made;
    }
    figures_calibrate(native, whole, out);
}

/* The rows that count: where figures are of business hours alone, only those. */
static struct steps rows_that_count(const struct figures *use, struct arena *arena)
{
    struct steps rows = use->steps;
    if (!use->only) {
        return rows;
    }
    double *values = arena_alloc_array(arena, 2 * rows.count + 1, sizeof *values);
    for (size_t i = 0; i < rows.count; i++) {
        values[i] = use->only[i] ? rows.mean[i] : NAN;
        values[rows.count + i] = use->only[i] ? rows.high[i] : NAN;
    }
    rows.mean = values;
    rows.high = values + rows.count;
    return rows;
}

/* Share of the time above a request that its policy accepts. */
static double promised(const struct policy *policy, enum resource resource)
{
    double percentile = policy->percentile[resource];
    return percentile > 0 ? 1 - percentile / 100 : promised_share;
}

/* A kill that was seen in the judged days: nobody whose limit is not higher would have come through, although use, cut off
 * at the limit, does not show it. */
static void count_seen_kill(const struct container *container, const struct backtest *backtest,
                            struct verdict verdicts[CONTENDERS])
{
    if (container->oom_kills < 0.5 || container->oom_last < backtest->judged_from ||
        container->oom_last > backtest->judged_to) {
        return;
    }
    double killed_at = container->oom_limit > 0 ? container->oom_limit : (double)container->limit[MEMORY];
    for (int c = 0; c < CONTENDERS; c++) {
        if (verdicts[c].limit <= killed_at) {
            verdicts[c].over_limit = fmax(1, verdicts[c].over_limit);
        }
    }
}

/* The judged steps of one resource. */
static struct steps judged_part(const struct backtest *backtest, const struct steps *rows)
{
    return steps_part(rows, step_at(rows, backtest->judged_from), step_at(rows, backtest->judged_to));
}

static void judge_resource(struct pupil *pupil, enum resource resource, struct arena *arena, struct backtest *out)
{
    const struct figures *native = &pupil->container->use[resource];
    struct steps rows = rows_that_count(native, arena);
    struct steps judged = judged_part(out, &rows);
    learn(native, &rows, step_at(&rows, out->judged_from), arena, &pupil->use[resource]);
    out->rows[resource] = judged;
    out->promised[resource] = promised(pupil->policy, resource);
    struct verdict *verdicts = out->verdicts[resource];
    out->judged[resource] = pupil->use[resource].known && steps_known(&judged, 0, judged.count) > 0;
    if (!out->judged[resource]) {
        return;
    }
    contenders_ask(pupil, resource, arena, verdicts);
    for (int c = 0; c < CONTENDERS; c++) {
        judge(&judged, resource, &verdicts[c]);
    }
    if (resource == MEMORY) {
        count_seen_kill(pupil->container, out, verdicts);
    }
}

static void date(const struct steps *steps, const struct split *split, struct backtest *out)
{
    int64_t step = steps->step_seconds;
    out->by_runs = split->by_runs;
    out->judged_from = steps->start + (int64_t)split->at * step;
    out->judged_to = steps->start + (int64_t)split->end * step;
    out->learned_seconds = (int64_t)split->learned * step;
    out->judged_seconds = (int64_t)split->judged * step;
}

/* Why a container is not looked at, a clause; NULL where it is. */
static const char *not_judged(const struct container *container)
{
    if (container->role == ROLE_INIT) {
        return "an init container";
    }
    return container->duplicate ? "two containers have this name" : NULL;
}

void backtest_make(const struct subject *subject, const struct container *container, const struct scene *scene,
                   const struct policy *policy, struct arena *arena, struct backtest *out)
{
    struct split split;
    struct pupil pupil = {.subject = subject, .container = container, .scene = scene, .policy = policy};
    const struct steps *steps = leading(container);
    *out = (struct backtest){.reason = not_judged(container)};
    if (out->reason) {
        return;
    }
    split_steps(steps, subject->batch, &split);
    out->reason = split.reason;
    if (split.reason) {
        return;
    }
    date(steps, &split, out);
    pupil.until = out->judged_from;
    for (int r = 0; r < RESOURCES; r++) {
        judge_resource(&pupil, (enum resource)r, arena, out);
        out->known = out->known || out->judged[r];
    }
    if (!out->known) {
        out->reason = "no resource has data in both parts";
    }
}

struct verdict backtest_ask(const struct backtest *backtest, enum resource resource, double request, double limit)
{
    struct verdict verdict = {.request = request, .limit = limit};
    bool judged = backtest->known && backtest->judged[resource];
    const struct steps none = {.count = 0};
    judge(judged ? &backtest->rows[resource] : &none, resource, &verdict);
    return verdict;
}
