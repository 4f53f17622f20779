/*
 * Right-sizing of workloads of five pods: the load of a made series, shared unevenly (a lognormal share for each pod, 0.15), with
 * noise of each pod's own; and the same with one pod at 2.5 times the others' load. What counts is each pod's samples.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "stages/analyze/rules/figures.h"
#include "stages/analyze/rules/rules.h"
#include "tests/harness/advice_bench.h"

/* Samples of all pods, one after the other, at a fifth of the step each: the figures of all pods together. */
enum { PODS = 5, LEARN = 7 * ADVICE_DAY, SEED_OF_PODS = 11 };

enum { OF_THE_MEAN, POOLED, HIGHEST_POD, OURS, COMPARED };

static const char *const names[COMPARED] = {"p95 of the pods' mean", "all samples: max(1.10 wp95, 1.05 BH90)", "highest pod's wp95",
                                            "ours, per pod"};

static const double spread = 0.15;
static const double noise = 0.08;
static const double hot = 2.5;

struct sum {
    double above, slack, worst;
};

static double normal(void)
{
    double u = fmax(rng_unit(), 1e-300);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * rng_unit());
}

/* One series for each pod, PODS values a step. */
static double *pods_of(const struct advice_series *series, bool with_hot)
{
    double share[PODS];
    double *values = xcalloc_array(series->count * PODS, sizeof *values);
    for (size_t p = 0; p < PODS; p++) {
        share[p] = 40 * exp(spread * normal()) * (with_hot && p == 0 ? hot : 1);
    }
    for (size_t i = 0; i < series->count * PODS; i++) {
        values[i] = series->values[i / PODS] * share[i % PODS] * exp(noise * normal());
    }
    return values;
}

/* Every PODS-th value from `pod` on, or the mean of all pods for `pod` = PODS. */
static double *row_of(const double *values, size_t from, size_t count, size_t pod, struct arena *arena)
{
    double *row = arena_alloc_array(arena, count, sizeof *row);
    for (size_t i = 0; i < count; i++) {
        const double *step = values + (from + i) * PODS;
        for (size_t p = 0; p < PODS; p++) {
            row[i] += pod == p ? step[p] : pod == PODS ? step[p] / PODS : 0;
        }
    }
    return row;
}

static void figures_of_row(const double *row, int64_t start, int64_t step, size_t count, struct arena *arena, struct figures *out)
{
    struct steps steps = {.start = start, .step_seconds = step, .count = count, .mean = row, .high = row};
    figures_of_steps(&steps, 0, count, NULL, arena, out);
}

/* What a record would say of seven days: figures of all samples, pods' own, steps of the mean. */
static void learn(const struct advice_series *series, const double *values, size_t at, struct arena *arena, struct figures *all,
                  struct figures *mean)
{
    int64_t start = series->start + (int64_t)(at - LEARN) * ADVICE_STEP;
    figures_of_row(values + (at - LEARN) * PODS, start, ADVICE_STEP / PODS, (size_t)LEARN * PODS, arena, all);
    figures_of_row(row_of(values, at - LEARN, LEARN, PODS, arena), start, ADVICE_STEP, LEARN, arena, mean);
    all->pods = PODS;
    all->pod_p95_max = 0;
    for (size_t p = 0; p < PODS; p++) {
        struct figures pod;
        figures_of_row(row_of(values, at - LEARN, LEARN, p, arena), start, ADVICE_STEP, LEARN, arena, &pod);
        all->pod_p95_max = fmax(all->pod_p95_max, pod.weighted_p95);
    }
    all->steps = mean->steps;
    figures_complete(all, arena);
}

static void judge(const double *values, size_t at, double asked, struct sum *sum)
{
    double above[PODS] = {0};
    double used = 0;
    double worst = 0;
    double all = 0;
    for (size_t i = 0; i < (size_t)ADVICE_DAY * PODS; i++) {
        double value = values[at * PODS + i];
        above[i % PODS] += value > asked ? 1.0 / ADVICE_DAY : 0;
        used += value / ((double)ADVICE_DAY * PODS);
    }
    for (size_t p = 0; p < PODS; p++) {
        worst = fmax(worst, above[p]);
        all += above[p] / PODS;
    }
    sum->above += all;
    sum->worst += worst;
    sum->slack += asked / used;
}

static size_t add_series(const struct advice_series *series, bool with_hot, struct sum sums[COMPARED])
{
    struct arena arena;
    size_t days = 0;
    double *values = pods_of(series, with_hot);
    arena_init(&arena);
    for (size_t at = LEARN; at + ADVICE_DAY <= series->count; at += ADVICE_DAY, days++) {
        struct figures all;
        struct figures mean;
        struct scene scene = {.aggressiveness = AGGRESSIVENESS_BALANCED, .per_pod = true};
        const char *rule;
        learn(series, values, at, &arena, &all, &mean);
        judge(values, at, mean.p95, &sums[OF_THE_MEAN]);
        judge(values, at, fmax(1.10 * all.weighted_p95, 1.05 * all.busy_hour_p90), &sums[POOLED]);
        judge(values, at, all.pod_p95_max, &sums[HIGHEST_POD]);
        judge(values, at, rule_cpu_request(&all, &scene, &rule), &sums[OURS]);
        arena_clear(&arena);
    }
    arena_release(&arena);
    free(values);
    return days;
}

void advice_replicas(const struct advice_set *made)
{
    printf("\nfive pods, made series: share of the pods' time above the request, of the worst pod's, request ÷ mean use\n");
    printf("%-40s %28s   %28s\n", "", "even", "one pod at 2.5 times");
    for (int rule = 0; rule < COMPARED; rule++) {
        printf("%-40s", names[rule]);
        for (int with_hot = 0; with_hot < 2; with_hot++) {
            struct sum sums[COMPARED] = {{0, 0, 0}};
            double days = 0;
            rng_seed(SEED_OF_PODS);
            for (size_t i = 0; i < made->count; i++) {
                days += (double)add_series(&made->items[i], with_hot == 1, sums);
            }
            printf("   %8.2f %% %8.2f %% %6.2f", 100 * sums[rule].above / days, 100 * sums[rule].worst / days, sums[rule].slack / days);
        }
        printf("\n");
    }
}
