#include "stages/analyze/sizing/confidence.h"

#include <math.h>

static const double full_history_seconds = 7 * 86400.0;
/* Where CPU is throttled, use above the limit cannot be seen, by the backtest neither. */
static const double throttled_ceiling = 0.6;
static const double most_lost = 0.5; /* what a request can lose that was passed for long; all of it where memory kills */
/* Below these a change of the p95 says nothing about stability. */
static const double stability_scale[RESOURCES] = {20, 32.0 * 1048576};

/* 1 where the last two days are like the days before, down to 0.5 where they have nothing in common. */
static double stability(const struct figures *use, enum resource resource)
{
    if (!isfinite(use->p95_recent) || !isfinite(use->p95_before)) {
        return 1;
    }
    double change = fabs(use->p95_recent - use->p95_before) / fmax(use->p95, stability_scale[resource]);
    return 1 - fmin(1, change) / 2;
}

/* What our request did on the held-out days beyond what the rule promises, as a share of the time or of use. */
static double excess(const struct backtest *backtest)
{
    double worst = 0;
    for (int r = 0; r < RESOURCES; r++) {
        const struct verdict *ours = &backtest->verdicts[r][CONTENDER_OURS];
        if (backtest->judged[r]) {
            /* fmax passes over NaN. */
            worst = fmax(worst, ours->time_above - backtest->promised[r]);
            worst = fmax(worst, ours->starved - backtest->promised[r]);
        }
    }
    return worst;
}

/* 1 where the held-out days went as promised, or are not known; 0.5 at worst, and where our memory limit would have
 * killed. */
static double backtest_part(const struct backtest *backtest)
{
    if (!backtest->known) {
        return 1;
    }
    bool kills = backtest->judged[MEMORY] && backtest->verdicts[MEMORY][CONTENDER_OURS].over_limit >= 1;
    return 1 - (kills ? most_lost : fmin(most_lost, excess(backtest)));
}

void confidence_of(const struct subject *subject, const struct container *container, const struct signals *signals,
                   const struct backtest *backtest, struct confidence *out)
{
    double steady = 1;
    for (int r = 0; r < RESOURCES; r++) {
        if (container->use[r].known) {
            steady = fmin(steady, stability(&container->use[r], (enum resource)r));
        }
    }
    *out = (struct confidence){.coverage = subject_coverage(subject),
                               .age = fmin(1, subject_history_seconds(subject) / full_history_seconds),
                               .stability = steady,
                               .backtest = backtest_part(backtest),
                               .ceiling = signals->throttled ? throttled_ceiling : NAN};
}

double confidence_value(const struct confidence *parts)
{
    return fmin(parts->coverage * parts->age * parts->stability * parts->backtest, parts->ceiling);
}
