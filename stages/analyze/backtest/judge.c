#include "stages/analyze/backtest/judge.h"

#include <math.h>

/* Rates come a little short of a quota that bites, for it bites in periods of 100 ms. */
static const double at_limit = 0.98;
/* A killed container starts anew: it is killed again when it has fallen below this share of the limit and comes back, or
 * when it is still above after half an hour of restarts. */
static const double episode_over = 0.90;
static const int64_t episode_seconds = 1800;

enum { HOURS = 24 };

/* Steps and steps above the request, by the hour of the day. */
struct hour_counts {
    size_t steps[HOURS], above[HOURS];
};

/* Sums over the judged steps. */
struct sums {
    size_t steps, above, peaks;
    double use, over; /* of the means; `over`: the part above the request */
    struct hour_counts hours;
};

/* The highest sample of a step; where only the mean is known, the mean. */
static double step_high(const struct steps *steps, size_t i)
{
    return isfinite(steps->high[i]) ? steps->high[i] : steps->mean[i];
}

static void sum_steps(const struct steps *steps, double request, struct sums *out)
{
    *out = (struct sums){.steps = 0};
    for (size_t i = 0; i < steps->count; i++) {
        double mean = steps->mean[i];
        if (!isfinite(mean)) {
            continue;
        }
        int64_t at = steps->start + (int64_t)i * steps->step_seconds;
        size_t hour = (size_t)(((at / 3600) % HOURS + HOURS) % HOURS);
        bool above = mean > request;
        out->steps++;
        out->above += above;
        out->peaks += step_high(steps, i) > request;
        out->use += mean;
        out->over += above ? mean - request : 0;
        out->hours.steps[hour]++;
        out->hours.above[hour] += above;
    }
}

/* The highest share of an hour of the day with half an hour of data or more. */
static double worst_hour(const struct hour_counts *hours, int64_t step_seconds)
{
    double worst = NAN;
    for (int h = 0; h < HOURS; h++) {
        if (hours->steps[h] > 0 && (int64_t)hours->steps[h] * step_seconds >= 1800) {
            worst = fmax(worst, (double)hours->above[h] / (double)hours->steps[h]);
        }
    }
    return worst;
}

double share_at_limit(const struct steps *steps, double limit)
{
    size_t known = 0;
    size_t reached = 0;
    if (!(limit > 0)) {
        return NAN;
    }
    for (size_t i = 0; i < steps->count; i++) {
        double high = step_high(steps, i);
        known += high >= 0;
        reached += high >= at_limit * limit;
    }
    return known > 0 ? (double)reached / (double)known : NAN;
}

/* Number of separate times at which use goes above a memory limit. */
static double episodes(const struct steps *steps, double limit)
{
    size_t count = 0;
    bool inside = false;
    int64_t began = 0;
    for (size_t i = 0; i < steps->count; i++) {
        double high = step_high(steps, i);
        int64_t at = (int64_t)i * steps->step_seconds;
        if (inside && (high < episode_over * limit || at - began >= episode_seconds)) {
            inside = false;
        }
        if (!inside && high > limit) {
            inside = true;
            began = at;
            count++;
        }
    }
    return (double)count;
}

static double over_limit(const struct steps *judged, enum resource resource, double limit)
{
    if (!(limit > 0)) {
        return NAN;
    }
    return resource == CPU ? share_at_limit(judged, limit) : episodes(judged, limit);
}

void judge(const struct steps *judged, enum resource resource, struct verdict *verdict)
{
    struct sums sums;
    double request = verdict->request;
    verdict->time_above = verdict->peak_above = verdict->worst_hour = NAN;
    verdict->starved = verdict->slack = NAN;
    sum_steps(judged, request, &sums);
    verdict->over_limit = sums.steps > 0 ? over_limit(judged, resource, verdict->limit) : NAN;
    if (sums.steps == 0 || !isfinite(request)) {
        return;
    }
    verdict->time_above = (double)sums.above / (double)sums.steps;
    verdict->peak_above = (double)sums.peaks / (double)sums.steps;
    verdict->worst_hour = worst_hour(&sums.hours, judged->step_seconds);
    verdict->starved = sums.use > 0 ? fmin(1, sums.over / sums.use) : 0;
    verdict->slack = sums.use > 0 ? request * (double)sums.steps / sums.use : NAN;
}
