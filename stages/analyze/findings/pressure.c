#include "stages/analyze/findings/facts.h"

#include <math.h>
#include <stdio.h>

enum { LOOP_KILLS = 3, START_LONGEST = 900 };

/* Own cuts. Throttled for a quarter of all time, or half of an hour, is severe. Killed once a day, by
 * replica, is a loop. A leak that meets its limit within three days is urgent. Near a limit: CPU for a fifth
 * of the time, memory for half of it. */
static const double severe_throttling = 0.25;
static const double severe_hour = 0.5;
static const double kills_a_day = 1;
static const double many_kills = 5;
static const double urgent_days = 3;
static const double near_limit[RESOURCES] = {0.9, 0.93};
static const double near_time[RESOURCES] = {0.2, 0.5};
static const double above_request = 2;
/* As signals.c has it for the starts of new pods. */
static const double cold_ratio = 3;
static const double cold_millicores = 100;
static const double matters[RESOURCES] = {50, 64.0 * 1048576};

static void find_throttling(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    if (!sheet->container->signals.throttled) {
        return;
    }
    json_t *evidence = json_object();
    evidence_number(evidence, "throttled_ratio", of->throttled);
    evidence_number(evidence, "throttled_worst_hour", of->throttled_worst_hour);
    evidence_number(evidence, "limit_millicores", (double)of->limit[CPU]);
    bool severe = of->throttled >= severe_throttling || of->throttled_worst_hour >= severe_hour;
    sheet_add(sheet, "throttling", severe ? HIGH : MEDIUM, CPU, sheet_window(sheet), evidence,
              "CPU is held back at its limit in %.1f %% of the periods, %.1f %% in the worst hour",
              of->throttled * 100, of->throttled_worst_hour * 100);
}

/* Kills of one replica in a day, over the time that is known. */
static double kill_rate(const struct sheet *sheet)
{
    const struct subject *subject = sheet->plan->subject;
    double days = fmax(subject_history_seconds(subject) / 86400, 1.0 / 24);
    double replicas = fmax(subject_replicas(subject), 1);
    return sheet->container->container->oom_kills / replicas / days;
}

static void find_kills(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    if (!sheet->container->signals.oom) {
        return;
    }
    double rate = kill_rate(sheet);
    bool loop = of->oom_kills >= LOOP_KILLS - 0.5 && rate >= kills_a_day;
    json_t *evidence = json_object();
    evidence_number(evidence, "oom_kills", of->oom_kills);
    evidence_number(evidence, "kills_per_replica_day", rate);
    evidence_number(evidence, "peak_bytes", of->use[MEMORY].max);
    json_object_set_new(evidence, "limit_bytes", json_int_or_null(of->limit[MEMORY] >= 0, of->limit[MEMORY]));
    evidence_time(evidence, "last", of->oom_last);
    if (loop) {
        sheet_add(sheet, "oom-loop", CRITICAL, MEMORY, sheet_window(sheet), evidence,
                  "killed for memory again and again: %.0f times, %.1f a day and replica; it does not get "
                  "its work done",
                  of->oom_kills, rate);
    } else {
        sheet_add(sheet, "oom-kills", of->oom_kills >= many_kills ? CRITICAL : HIGH, MEMORY,
                  sheet_window(sheet), evidence, "killed for memory %.0f time%s in the window", of->oom_kills,
                  of->oom_kills > 1.5 ? "s" : "");
    }
}

static void find_leak(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    const struct climb *climb = &sheet->container->signals.memory_climb;
    char per_day[32];
    char until[80] = "";
    if (!sheet->container->signals.leak) {
        return;
    }
    double day = 24 * climb->per_step;
    double days =
        of->limit[MEMORY] > 0 ? fmax(0, ((double)of->limit[MEMORY] - of->use[MEMORY].max) / day) : NAN;
    if (of->oom_kills >= 0.5) {
        (void)snprintf(until, sizeof until, "; it was killed for it");
    } else if (isfinite(days)) {
        (void)snprintf(until, sizeof until, "; at this pace it meets its limit in %.1f days", days);
    }
    json_t *evidence = json_object();
    evidence_number(evidence, "bytes_per_day", day);
    evidence_number(evidence, "bytes_per_day_of_late", 24 * climb->late_per_step);
    evidence_number(evidence, "p_value", climb->p);
    evidence_number(evidence, "median_of_hourly_minima", climb->median);
    evidence_number(evidence, "lives", (double)climb->lives);
    evidence_number(evidence, "days_to_limit", days);
    sheet_add(sheet, "memory-leak", days < urgent_days || of->oom_kills >= 0.5 ? HIGH : MEDIUM, MEMORY,
              sheet_window(sheet), evidence, "memory rises by %s a day (%.0f %%) as long as it runs%s",
              amount_text(MEMORY, day, per_day), day / climb->median * 100, until);
}

static void find_heap_capped(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    if (!sheet->container->signals.heap_capped) {
        return;
    }
    json_t *evidence = json_object();
    evidence_number(evidence, "p50_bytes", of->use[MEMORY].p50);
    evidence_number(evidence, "peak_bytes", of->use[MEMORY].max);
    evidence_number(evidence, "limit_bytes", (double)of->limit[MEMORY]);
    sheet_add(sheet, "heap-capped", LOW, MEMORY, sheet_window(sheet), evidence,
              "memory lies flat just under its limit while CPU varies: a heap or cache that fills what it is "
              "given, so its use does not "
              "tell its need");
}

static void find_hot_replica(const struct sheet *sheet)
{
    const struct figures *cpu = &sheet->container->container->use[CPU];
    char hot[32];
    char median[32];
    if (!sheet->container->signals.hot) {
        return;
    }
    json_t *evidence = json_object();
    evidence_number(evidence, "highest_p95_millicores", cpu->pod_p95_max);
    evidence_number(evidence, "median_p95_millicores", cpu->pod_p95_median);
    evidence_number(evidence, "pods", cpu->pods);
    json_object_set_new(evidence, "pod", json_string_safe(cpu->hot_pod));
    sheet_add(sheet, "hot-replica", MEDIUM, CPU, sheet_window(sheet), evidence,
              "one replica (%.63s) uses %s at its 95th percentile, the middle one %s",
              cpu->hot_pod ? cpu->hot_pod : "unnamed", amount_text(CPU, cpu->pod_p95_max, hot),
              amount_text(CPU, cpu->pod_p95_median, median));
}

/* Whether the container's restarts show as short peaks: as many as there were restarts, each far above what
 * running takes. Figures of starts are of new pods; a container that starts again in its pod is told by this.
 */
static bool peaks_at_restarts(const struct container *of, double *peak)
{
    const struct figures *cpu = &of->use[CPU];
    const struct steps *steps = &cpu->steps;
    double cut = fmax(cold_ratio * cpu->weighted_p95, cold_millicores);
    int64_t inside = 0;
    double peaks = 0;
    *peak = 0;
    for (size_t i = 0; i < steps->count; i++) {
        inside = steps->high[i] > cut ? inside + steps->step_seconds : 0;
        peaks += inside == steps->step_seconds ? 1 : 0;
        *peak = inside > 0 ? fmax(*peak, steps->high[i]) : *peak;
        if (inside > START_LONGEST) {
            return false;
        }
    }
    return of->restarts >= 2 && fabs(peaks - of->restarts) <= 1;
}

/* Starting takes far more CPU than running: an autoscaler or a low limit feels it. */
static void find_cold_start(const struct sheet *sheet)
{
    const struct container *of = sheet->container->container;
    const struct figures *cpu = &of->use[CPU];
    bool signal = sheet->container->signals.cold_start;
    double peak = cpu->startup_p99;
    char start[32];
    char running[32];
    if (!cpu->known || (!signal && !peaks_at_restarts(of, &peak))) {
        return;
    }
    json_t *evidence = json_object();
    evidence_number(evidence, signal ? "startup_p99_millicores" : "peak_at_restarts_millicores", peak);
    evidence_number(evidence, "running_p95_millicores", cpu->weighted_p95);
    evidence_number(evidence, "restarts", of->restarts);
    sheet_add(sheet, "cold-start", LOW, CPU, sheet_window(sheet), evidence,
              "a start takes %s of CPU in its first minutes, running %s at the 95th percentile: the request "
              "is for running, a limit must "
              "leave room to start",
              amount_text(CPU, peak, start), amount_text(CPU, cpu->weighted_p95, running));
}

/* A limit that usage already presses against, though nothing was killed or throttled yet. */
static bool is_below_use(const struct sheet *sheet, enum resource resource)
{
    const struct container *of = sheet->container->container;
    const struct figures *use = &of->use[resource];
    const struct signals *signals = &sheet->container->signals;
    if (of->limit[resource] <= 0 || !use->known || signals->heap_capped || signals->oom) {
        return false;
    }
    double limit = (double)of->limit[resource];
    return use->max >= 0.95 * limit && (resource == MEMORY || use->p95 >= 0.95 * limit);
}

static void find_limit_below_use(const struct sheet *sheet, enum resource resource)
{
    const struct container *of = sheet->container->container;
    char peak[32];
    char limit[32];
    if (!is_below_use(sheet, resource)) {
        return;
    }
    json_t *evidence = json_object();
    evidence_number(evidence, "peak", of->use[resource].max);
    evidence_number(evidence, "limit", (double)of->limit[resource]);
    sheet_add(sheet, "limits-below-use", MEDIUM, (int)resource, sheet_window(sheet), evidence,
              "%s peaks at %s with a limit of %s", resource_word(resource),
              amount_text(resource, of->use[resource].max, peak),
              amount_text(resource, (double)of->limit[resource], limit));
}

/* Share of the known steps whose mean reaches `level`. */
static double share_above(const struct steps *steps, double level)
{
    double above = 0;
    double known = 0;
    for (size_t i = 0; i < steps->count; i++) {
        known += isfinite(steps->mean[i]) ? 1 : 0;
        above += steps->mean[i] >= level ? 1 : 0;
    }
    return above / known;
}

/* Near the limit for long; or, where there is no limit, for most of the time at a multiple of what was asked
 * for. */
static void find_saturation(const struct sheet *sheet, enum resource resource)
{
    const struct container *of = sheet->container->container;
    const struct figures *use = &of->use[resource];
    double request = (double)container_request(of, resource);
    double limit = (double)of->limit[resource];
    char used[32];
    char given[32];
    if (!use->known || (resource == MEMORY && sheet->container->signals.heap_capped)) {
        return;
    }
    double share = limit > 0 ? share_above(&use->steps, near_limit[resource] * limit) : NAN;
    json_t *evidence = json_object();
    evidence_number(evidence, "p50", use->p50);
    evidence_number(evidence, "request", request > 0 ? request : NAN);
    evidence_number(evidence, "limit", limit > 0 ? limit : NAN);
    evidence_number(evidence, "time_near_limit", share);
    if (share >= near_time[resource]) {
        bool severe = resource == CPU && of->throttled >= severe_throttling;
        sheet_add(sheet, "saturation", severe ? HIGH : MEDIUM, (int)resource, sheet_window(sheet), evidence,
                  "%s is within %.0f %% of its limit of %s for %.0f %% of the time", resource_word(resource),
                  100 - 100 * near_limit[resource], amount_text(resource, limit, given), 100 * share);
    } else if (limit <= 0 && request > 0 && use->p50 >= above_request * request &&
               use->p50 - request >= matters[resource]) {
        sheet_add(sheet, "saturation", MEDIUM, (int)resource, sheet_window(sheet), evidence,
                  "%s is at %s for half of the time and %s is requested: on a full node it gets no more than "
                  "that%s",
                  resource_word(resource), amount_text(resource, use->p50, used),
                  amount_text(resource, request, given), resource == MEMORY ? ", and is evicted first" : "");
    } else {
        json_decref(evidence);
    }
}

void find_pressure(const struct sheet *sheet)
{
    find_kills(sheet);
    find_throttling(sheet);
    find_leak(sheet);
    find_heap_capped(sheet);
    find_hot_replica(sheet);
    find_cold_start(sheet);
    for (int r = 0; r < RESOURCES; r++) {
        find_limit_below_use(sheet, (enum resource)r);
        find_saturation(sheet, (enum resource)r);
    }
}
