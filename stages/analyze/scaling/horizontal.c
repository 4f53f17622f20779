#include "stages/analyze/scaling/horizontal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "stages/analyze/scaling/existing.h"
#include "stages/analyze/scaling/policies.h"
#include "stages/analyze/scaling/replicas.h"

enum { REACTION_SECONDS = 1800, STABILIZATION_SECONDS = 300, TARGET_MIN = 40, TARGET_MAX = 80, TARGET_STEP = 5, GROWTH_MAX = 10 };

static const double varies_times = 2;         /* highest ÷ lowest hour of a usual day from which on an autoscaler is worth it */
static const double leaps_times = 3;          /* peak ÷ trough where it does not come again by the hour */
static const double least_millicores = 100;   /* between trough and peak */
static const double request_used = 0.90;      /* of the requests, when the load has risen for ten minutes and new pods serve */
static const double room_above_top = 1.2;
static const double same_share = 1.1;          /* of today's replicas: about as many */
static const double saving_share = 0.85;      /* mean replicas ÷ today's, from which on it saves enough */

static json_t *member_new(const char *action, const struct scale_range *range, json_t *why)
{
    json_t *out = json_object();
    bool told = range != NULL && range->metric_count > 0;
    const struct scale_metric *metric = told ? &range->metrics[0] : NULL;
    json_object_set_new(out, "kind", json_string("HorizontalPodAutoscaler"));
    json_object_set_new(out, "name", json_null());
    json_object_set_new(out, "action", json_string(action));
    json_object_set_new(out, "metric", told ? json_string(metric->resource) : json_null());
    json_object_set_new(out, "container", told && metric->container ? json_string_safe(metric->container) : json_null());
    json_object_set_new(out, "target", json_int_or_null(told, told ? metric->percent : 0));
    json_object_set_new(out, "min", json_int_or_null(told, told ? range->min : 0));
    json_object_set_new(out, "max", json_int_or_null(told, told ? range->max : 0));
    json_object_set_new(out, "why", why);
    return out;
}

/* Why the load or the workload is nothing for an autoscaler; NULL where it is. */
static const char *unfit(const struct situation *situation)
{
    const struct load *load = &situation->load;
    double trough = fmax(load->trough, 1);
    if (situation->plan->refusal || !load->known || !situation->shape.known) {
        return "too little is known of the load: three whole days are needed";
    }
    if (!isfinite(situation->request)) {
        return "the container that carries the load requests no CPU, which utilization is counted in";
    }
    if (situation->vertical && situation->vertical->resizes) {
        return "a VerticalPodAutoscaler changes the requests that utilization is counted in";
    }
    double low = fmax(situation->shape.wave_low, 1);
    bool comes_again = situation->shape.wave_high >= varies_times * low && situation->shape.wave_high - low >= least_millicores;
    if (!comes_again && load->peak < leaps_times * trough) {
        return "the load does not vary enough: no hour of a day is usually twice another one";
    }
    if (load->peak - trough < least_millicores) {
        return "between rest and peak lie less than 100m CPU of all replicas together";
    }
    const bool *shows = situation->shape.shows;
    if (shows[LEVEL_SHIFT] && !shows[DAILY_PATTERN] && !shows[WEEKLY_PATTERN]) {
        return "the load moved to another level and does not vary on it";
    }
    if (!load_holds(load, (trough + load->peak) / 2, REACTION_SECONDS)) {
        return "peaks are over before an autoscaler could answer";
    }
    return NULL;
}

/* How full requests may be when pods are added, so that what the load grows by meanwhile still fits. */
static int64_t target_of(const struct load *load)
{
    int64_t percent = (int64_t)(request_used * 100 / load->rise) / TARGET_STEP * TARGET_STEP;
    return percent < TARGET_MIN ? TARGET_MIN : percent > TARGET_MAX ? TARGET_MAX : percent;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void set_range(const struct situation *situation, struct scale_range *out)
{
    const struct load *load = &situation->load;
    int64_t target = target_of(load);
    double percent = (double)target;
    *out = (struct scale_range){.metric_count = 1, .pace = {.stabilization_seconds = STABILIZATION_SECONDS}};
    out->metrics[0].resource = "cpu";
    out->metrics[0].percent = target;
    /* With several containers the mean over the pod would hide the one that works. */
    if (subject_running(situation->subject) > 1) {
        out->metrics[0].container = situation->container->container->name;
    }
    out->min = larger(situation->floor, replicas_for(situation, load->trough, percent));
    out->max = larger(situation->now, replicas_for(situation, load->top * room_above_top, percent));
    out->max = larger(out->min + 1, out->max);
    int64_t most = larger(GROWTH_MAX * situation->now, out->min + 1);
    out->max = out->max > most ? most : out->max;
}

/* Mean of the replicas that would have run. */
static double mean_replicas(const struct situation *situation, const struct scale_range *range)
{
    const struct load *load = &situation->load;
    double sum = 0;
    double told = 0;
    for (size_t i = 0; i < load->count; i++) {
        if (isfinite(load->level[i])) {
            int64_t wanted = replicas_for(situation, load->level[i], (double)range->metrics[0].percent);
            wanted = wanted < range->min ? range->min : wanted > range->max ? range->max : wanted;
            sum += (double)wanted;
            told++;
        }
    }
    return told > 0 ? sum / told : NAN;
}

static void explain(const struct situation *situation, const struct scale_range *range, double mean, json_t *why)
{
    const struct load *load = &situation->load;
    char request[32];
    amount_text(CPU, situation->request, request);
    why_add(why, "the load of all replicas goes from %.0fm at rest to %.0fm at its peak, %.1f times as much, and stays there long enough",
            load->trough, load->peak, load->peak / fmax(load->trough, 1));
    why_add(why,
            "within ten minutes it grows to at most %.2f times (99 of 100 times), so %" PRId64
            " %% of the request of %s leave room for it",
            load->rise, range->metrics[0].percent, request);
    why_add(why,
            "at least %" PRId64 ": the load at rest, and not below %" PRId64 " (%s); at most %" PRId64
            ": the highest load and a fifth more",
            range->min, situation->floor, situation->floor_by, range->max);
    why_add(why, "%.1f replicas on average instead of %" PRId64, mean, situation->now);
    if (range->metrics[0].container) {
        why_add(why, "counted by the container %.60s alone, which needs Kubernetes 1.30", range->metrics[0].container);
    }
}

/* Whether the load goes so far that pods should go with it, though on average there are about as many as today. */
static bool goes_far(const struct situation *situation, double mean)
{
    const struct load *load = &situation->load;
    return load->peak >= leaps_times * fmax(load->trough, 1) && mean <= same_share * (double)situation->now;
}

static json_t *create(struct situation *situation, struct horizontal *out)
{
    json_t *why = json_array();
    const char *reason = unfit(situation);
    if (reason) {
        why_add(why, "%s", reason);
        return member_new("none", NULL, why);
    }
    set_range(situation, &out->range);
    policies_limit(situation, &out->range, why);
    double mean = mean_replicas(situation, &out->range);
    bool short_now = replicas_for(situation, situation->load.peak, REPLICAS_SPIKE) > situation->now;
    bool gains = short_now || mean <= saving_share * (double)situation->now || goes_far(situation, mean);
    if (out->range.min >= out->range.max || !gains) {
        why_add(why, "it would run about as many replicas as there are: from %" PRId64 " to %" PRId64 ", %.1f on average", out->range.min,
                out->range.max, mean);
        return member_new("none", NULL, why);
    }
    out->create = true;
    explain(situation, &out->range, mean, why);
    why_replicas(situation, why);
    if (can_write(situation, why)) {
        manifest_hpa(situation->manifests, &situation->target, situation->target.name, &out->range);
    }
    json_t *reasons = json_array();
    json_array_extend(reasons, why);
    advise(situation, "horizontal", reasons,
           "a HorizontalPodAutoscaler fits: %" PRId64 " to %" PRId64 " replicas at %" PRId64 " %% of the CPU requests", out->range.min,
           out->range.max, out->range.metrics[0].percent);
    json_t *member = member_new("create", &out->range, why);
    json_object_set_new(member, "name", json_string_safe(situation->target.name));
    json_object_set_new(member, "mean_replicas", json_real_or_null(mean));
    bool whole = situation->request < 9e18;
    json_object_set_new(member, "request_millicores", json_int_or_null(whole, whole ? (json_int_t)situation->request : 0));
    return member;
}

json_t *horizontal_new(struct situation *situation, struct horizontal *out)
{
    *out = (struct horizontal){.create = false};
    if (situation->horizontal) {
        return existing_new(situation);
    }
    if (situation->scalable) {
        return create(situation, out);
    }
    if (situation->subject->batch || !situation->load.known) {
        return json_null();
    }
    json_t *why = json_array();
    why_add(why, "%s", situation->unscalable_why);
    return member_new("none", NULL, why);
}
