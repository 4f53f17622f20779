#include "stages/analyze/scaling/load/load.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"

enum { LEVEL_REACH = 2, HALF_HOUR = 1800, TEN_MINUTES = 600, HOUR_SECONDS = 3600, HOURS_TOLD_MIN = 24 };

static const double trough_share = 0.10;
static const double rise_share = 0.99;
/* A difference below this is one of averages, not of replicas. */
static const double replica_near = 0.1;

static double row_mean(const double *values, size_t count)
{
    double sum = 0;
    double told = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            sum += values[i];
            told++;
        }
    }
    return told > 0 ? sum / told : NAN;
}

/* The container that carries the load: of the application's own the one that uses most CPU, a sidecar only where no other
 * tells. False when there is none. */
static bool find_container(const struct subject *subject, size_t *out)
{
    double best = -1;
    for (int pass = 0; pass < 2 && best < 0; pass++) {
        for (size_t i = 0; i < subject->container_count; i++) {
            const struct container *container = &subject->containers[i];
            const struct steps *steps = &container->use[CPU].steps;
            double mean = container->role == ROLE_INIT || container->duplicate ? NAN : row_mean(steps->mean, steps->count);
            if ((pass == 0) == (container->role == ROLE_CONTAINER) && mean > best) {
                best = mean;
                *out = i;
            }
        }
    }
    return best >= 0;
}

/* Replicas hour by hour. */
static void read_replicas(const struct subject *subject, struct arena *arena, struct load *out)
{
    const json_t *hourly = json_object_get(subject->usage, "hourly_replicas");
    size_t count = json_array_size(hourly);
    out->hours = count < HOURS_MAX * 2 ? count : HOURS_MAX * 2;
    double *values = arena_alloc_array(arena, out->hours + 1, sizeof *values);
    for (size_t i = 0; i < out->hours; i++) {
        double value = json_number_value(json_array_get(hourly, i));
        values[i] = value > 0 && value <= PODS_MAX ? value : NAN;
    }
    out->replicas = values;
}

/* Replicas at a step: what ran in its hour, at least one where there are samples, else the usual number. */
static double replicas_at(const struct load *load, const struct subject *subject, size_t step)
{
    size_t hour = (size_t)((int64_t)step * load->step_seconds / HOUR_SECONDS);
    double value = hour < load->hours ? load->replicas[hour] : NAN;
    if (!isfinite(value)) {
        value = subject_replicas(subject);
    }
    return value > 1 ? value : 1;
}

/* Median of up to five neighbours that are told; NaN of none. */
static double level_at(const double *total, size_t count, size_t i)
{
    double near[2 * LEVEL_REACH + 1];
    size_t n = 0;
    size_t from = i < LEVEL_REACH ? 0 : i - LEVEL_REACH;
    for (size_t j = from; j < count && j <= i + LEVEL_REACH; j++) {
        if (isfinite(total[j])) {
            near[n++] = total[j];
        }
    }
    return order_median(near, n);
}

/* The numbers of a row that are told, into scratch. */
static size_t told_of(const double *values, size_t count, double *scratch)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            scratch[n++] = values[i];
        }
    }
    return n;
}

/* What a row reaches for so many seconds in sum. */
static double held(const double *values, const struct load *load, int64_t seconds, double *scratch)
{
    size_t n = told_of(values, load->count, scratch);
    size_t steps = (size_t)(seconds / load->step_seconds);
    steps = steps < 1 ? 1 : steps;
    return n == 0 ? NAN : order_select(scratch, n, n > steps ? n - steps : 0);
}

/* How much the load grows within ten minutes where it is not small already. */
static double rise_of(const struct load *load, double middle, double *scratch)
{
    size_t reach = (size_t)(TEN_MINUTES / load->step_seconds);
    size_t n = 0;
    reach = reach < 1 ? 1 : reach;
    for (size_t i = 0; i + reach < load->count; i++) {
        double later = load->total[i + reach];
        if (load->level[i] >= middle && load->level[i] > 0 && isfinite(later)) {
            scratch[n++] = later / load->level[i];
        }
    }
    return n < LOAD_STEPS_MIN ? 1 : fmax(1, order_quantile(scratch, n, rise_share));
}

static void set_figures(struct load *out, struct arena *arena)
{
    double *scratch = arena_alloc_array(arena, out->count + 1, sizeof *scratch);
    size_t n = told_of(out->level, out->count, scratch);
    out->trough = order_quantile(scratch, n, trough_share);
    double middle = order_median(scratch, n);
    out->mean = row_mean(out->total, out->count);
    out->peak = held(out->level, out, HALF_HOUR, scratch);
    out->top = held(out->total, out, TEN_MINUTES, scratch);
    out->rise = rise_of(out, middle, scratch);
}

void load_make(const struct subject *subject, struct arena *arena, struct load *out)
{
    *out = (struct load){.rise = 1};
    read_replicas(subject, arena, out);
    if (!find_container(subject, &out->container)) {
        return;
    }
    const struct steps *steps = &subject->containers[out->container].use[CPU].steps;
    out->start = steps->start;
    out->step_seconds = steps->step_seconds;
    out->count = steps->count;
    double *total = arena_alloc_array(arena, 2 * out->count + 1, sizeof *total);
    double *level = total + out->count;
    for (size_t i = 0; i < out->count; i++) {
        total[i] = steps->mean[i] * replicas_at(out, subject, i);
        out->told += isfinite(total[i]) ? 1 : 0;
    }
    for (size_t i = 0; i < out->count; i++) {
        level[i] = isfinite(total[i]) ? level_at(total, out->count, i) : NAN;
    }
    out->total = total;
    out->level = level;
    out->known = out->told >= LOAD_STEPS_MIN;
    if (out->known) {
        set_figures(out, arena);
    }
}

int64_t load_replicas_now(const struct load *load)
{
    for (size_t i = load->hours; i > 0; i--) {
        if (isfinite(load->replicas[i - 1])) {
            return (int64_t)fmax(1, round(load->replicas[i - 1]));
        }
    }
    return 0;
}

int64_t load_replicas_unchanged(const struct load *load)
{
    size_t last = load->hours;
    while (last > 0 && !isfinite(load->replicas[last - 1])) {
        last--;
    }
    size_t same = 0;
    for (size_t i = last; i > 0 && isfinite(load->replicas[i - 1]); i--, same++) {
        if (fabs(load->replicas[i - 1] - round(load->replicas[last - 1])) > replica_near) {
            break;
        }
    }
    return (int64_t)same * HOUR_SECONDS;
}

double load_replicas_share(const struct load *load, double replicas, bool above)
{
    double there = 0;
    double told = 0;
    for (size_t i = 0; i < load->hours; i++) {
        double value = load->replicas[i];
        if (isfinite(value)) {
            told++;
            there += above ? value >= replicas - replica_near : value <= replicas + replica_near;
        }
    }
    return told < HOURS_TOLD_MIN ? NAN : there / told;
}

bool load_holds(const struct load *load, double level, int64_t seconds)
{
    int64_t run = 0;
    for (size_t i = 0; i < load->count; i++) {
        run = load->level[i] >= level ? run + load->step_seconds : 0;
        if (run >= seconds) {
            return true;
        }
    }
    return false;
}
