#include "stages/analyze/rules/peers.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"

static const double krr_memory_factor = 1.15;
static const double krr_floor[RESOURCES] = {10, 100.0 * 1048576};
static const double krr_unit[RESOURCES] = {1, 1048576};

double peer_krr(enum resource resource, const struct figures *part)
{
    if (!part->known || part->samples < KRR_POINTS) {
        return NAN;
    }
    /* Pods are known by their weighted p95; the highest pod's plain one is as far above that of all. */
    double spread = part->pod_p95_max / part->weighted_p95;
    double cpu = part->p95 * (isfinite(spread) && part->pods > 1 ? spread : 1);
    double target = resource == CPU ? cpu : krr_memory_factor * part->max;
    return ceil(fmax(target, krr_floor[resource]) / krr_unit[resource] - 1e-9) * krr_unit[resource];
}

/* The histogram's classes: the first is `first` wide, each next one 5 % wider, up to `last`. */
static const double growth = 1.05;
static const double first[RESOURCES] = {10, 1e7};
static const double last[RESOURCES] = {1e6, 1e12};
static const double vpa_half_life_seconds = 86400;
static const double vpa_percentile = 0.9;
static const double vpa_margin = 1.15;
static const double vpa_floor[RESOURCES] = {25, 250e6};

enum { CLASSES = 256, PEAK_DAYS = 8 };

/* Start of class `class`: first · (growth^class − 1) / (growth − 1). */
static double class_start(enum resource resource, double class)
{
    return first[resource] * (pow(growth, class) - 1) / (growth - 1);
}

static size_t class_of_value(enum resource resource, double value)
{
    double classes = log1p(fmin(value, last[resource]) * (growth - 1) / first[resource]) / log(growth);
    return classes < CLASSES - 2 ? (size_t)classes : CLASSES - 2;
}

/* The end of the class in which the percentile lies; NaN of no weight. */
static double percentile(enum resource resource, const double *weights)
{
    double total = 0;
    for (size_t i = 0; i < CLASSES; i++) {
        total += weights[i];
    }
    double sum = 0;
    for (size_t i = 0; i < CLASSES; i++) {
        sum += weights[i];
        if (sum > 0 && sum >= vpa_percentile * total) {
            return class_start(resource, (double)i + 1);
        }
    }
    return NAN;
}

/* p90 of the means of the steps themselves. */
static double p90_of_steps(const struct steps *steps, struct arena *arena)
{
    double *values = arena_alloc_array(arena, steps->count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < steps->count; i++) {
        if (steps->mean[i] >= 0) {
            values[count++] = steps->mean[i];
        }
    }
    return order_quantile(values, count, vpa_percentile);
}

static void add_cpu(const struct steps *steps, double scale, double *weights)
{
    double fade = exp2(-(double)steps->step_seconds / vpa_half_life_seconds);
    double weight = 1;
    for (size_t i = steps->count; i-- > 0; weight *= fade) {
        if (steps->mean[i] >= 0) {
            weights[class_of_value(CPU, scale * steps->mean[i])] += weight;
        }
    }
}

/* One peak for each 24 hours back from the end, eight of them. */
static void add_memory(const struct steps *steps, double *weights)
{
    size_t day = (size_t)(86400 / steps->step_seconds);
    size_t to = steps->count;
    for (int i = 0; i < PEAK_DAYS && to > 0 && day > 0; i++) {
        size_t from = to > day ? to - day : 0;
        double peak = NAN;
        for (size_t at = from; at < to; at++) {
            peak = fmax(peak, steps->high[at]);
        }
        if (peak >= 0) {
            weights[class_of_value(MEMORY, peak)] += exp2(-(double)i);
        }
        to = from;
    }
}

double peer_vpa(enum resource resource, const struct figures *part, size_t containers, struct arena *arena)
{
    double weights[CLASSES] = {0};
    if (!part->known || part->steps.count == 0 || part->steps.step_seconds <= 0) {
        return NAN;
    }
    if (resource == CPU) {
        double scale = part->p90 / p90_of_steps(&part->steps, arena);
        add_cpu(&part->steps, isfinite(scale) ? scale : 1, weights);
    } else {
        add_memory(&part->steps, weights);
    }
    double floor = vpa_floor[resource] / (double)(containers > 0 ? containers : 1);
    return ceil(fmax(vpa_margin * percentile(resource, weights), floor));
}
