#include "stages/analyze/scaling/existing.h"

#include <inttypes.h>
#include <math.h>

#include "pipeline/base/str.h"

static const double saturated_share = 0.10; /* of the hours at the maximum */
static const double idle_share = 0.95;      /* of the hours at the minimum */
static const double room_above_top = 1.2;

/* What is to change about it. */
struct change {
    const struct scaler *scaler;
    const struct hpa_move *move; /* that request and target can make together, NULL none */
    int64_t min, max;            /* AMOUNT_ABSENT: stays */
    double at_max, at_min;       /* shares of the hours, NaN unknown */
};

static int64_t min_of(const struct scaler *scaler)
{
    return scaler->min >= 0 ? scaler->min : scaler->kind == SCALER_KEDA ? 0 : 1;
}

/* The CPU metric that it counts by, NULL for none. */
static const struct scaler_metric *cpu_metric(const struct scaler *scaler)
{
    for (size_t i = 0; i < scaler->metric_count; i++) {
        const struct scaler_metric *metric = &scaler->metrics[i];
        if (metric->utilization && metric->resource == CPU && metric->target > 0) {
            return metric;
        }
    }
    return NULL;
}

/* Its target counts in today's request, which stays unless it moves with the target. */
static int64_t needed(const struct situation *situation, const struct scaler_metric *metric, double load)
{
    struct situation today = *situation;
    int64_t request = container_request(situation->container->container, CPU);
    today.request = request > 0 ? (double)request : NAN;
    return replicas_for(&today, load, (double)metric->target);
}

static void judge_range(const struct situation *situation, struct change *out, json_t *why)
{
    const struct scaler *scaler = out->scaler;
    const struct scaler_metric *metric = cpu_metric(scaler);
    int64_t min = min_of(scaler);
    out->at_max = scaler->max > min ? load_replicas_share(&situation->load, (double)scaler->max, true) : NAN;
    out->at_min = scaler->max > min && min > 0 ? load_replicas_share(&situation->load, (double)min, false) : NAN;
    if (!situation->load.known || !metric) {
        return;
    }
    if (out->at_max >= saturated_share) {
        int64_t max = needed(situation, metric, situation->load.top * room_above_top);
        int64_t half_more = scaler->max + (scaler->max + 1) / 2;
        out->max = max > half_more ? max : half_more;
        int64_t allowed = replicas_allowed(situation, out->max, why);
        out->max = out->max <= allowed ? out->max : allowed > scaler->max ? allowed : AMOUNT_ABSENT;
    } else if (out->at_min >= idle_share && situation->shape.known) {
        int64_t least = needed(situation, metric, situation->load.trough);
        least = least < situation->floor ? situation->floor : least;
        out->min = least > 0 && least < min ? least : AMOUNT_ABSENT;
    }
}

/* The move that the plan says can be made, of this autoscaler. */
static const struct hpa_move *find_move(const struct situation *situation)
{
    for (size_t i = 0; i < situation->plan->move_count; i++) {
        const struct hpa_move *move = &situation->plan->moves[i];
        if (move->scaler == situation->horizontal && !move->why_not && move->request >= 0 && move->new_target > 0 &&
            move->new_target <= 100) {
            return move;
        }
    }
    return NULL;
}

/* All of its metrics with their targets; false where one of them is not known well enough to be written again. */
static bool fill_metrics(const struct change *change, struct scale_range *out)
{
    const struct scaler *scaler = change->scaler;
    for (size_t i = 0; i < scaler->metric_count; i++) {
        const struct scaler_metric *metric = &scaler->metrics[i];
        const struct hpa_move *move = change->move;
        bool moved = move && move->resource == metric->resource && str_equal(move->container, metric->container);
        if (!metric->utilization || metric->target < 1 || metric->target > 100 || out->metric_count == METRICS_SHOWN_MAX) {
            return false;
        }
        out->metrics[out->metric_count++] = (struct scale_metric){.resource = metric->resource == CPU ? "cpu" : "memory",
                                                                   .container = metric->container,
                                                                   .percent = moved ? move->new_target : metric->target};
    }
    return out->metric_count > 0;
}

static void write_hpa(struct situation *situation, const struct change *change, json_t *why)
{
    struct scale_range range = {.min = change->min >= 0 ? change->min : min_of(change->scaler),
                                .max = change->max >= 0 ? change->max : change->scaler->max,
                                .pace = {.untold = true}};
    if (range.max < range.min || !name_is_subdomain(change->scaler->name) || !fill_metrics(change, &range)) {
        why_add(why, "no manifest: not all that %.60s holds is known here", change->scaler->name);
        return;
    }
    if (can_write(situation, why)) {
        why_add(why, "the manifest leaves the behaviour out, which is not known here: apply it with --server-side, or add yours");
        manifest_hpa(situation->manifests, &situation->target, change->scaler->name, &range);
    }
}

static void explain(const struct situation *situation, const struct change *change, json_t *why)
{
    const struct scaler *scaler = change->scaler;
    if (change->max >= 0) {
        why_add(why, "it stood at its maximum of %" PRId64 " for %.0f %% of the hours, and could not answer the load", scaler->max,
                change->at_max * 100);
    }
    if (change->min >= 0) {
        why_add(why, "it stood at its minimum of %" PRId64 " for %.0f %% of the hours; the load at rest needs %" PRId64, min_of(scaler),
                change->at_min * 100, change->min);
    }
    if (change->move) {
        char new_amount[32], old_amount[32], load[32];
        why_add(why,
                "with a request of %s in place of %s a target of %" PRId64 " %% in place of %" PRId64
                " %% adds pods at the same use per pod, %s; change both at once",
                amount_text(change->move->resource, (double)change->move->request, new_amount),
                amount_text(change->move->resource, (double)change->move->today, old_amount), change->move->new_target,
                change->move->target, amount_text(change->move->resource, change->move->load, load));
    }
    if (change->max < 0 && change->min < 0 && !change->move) {
        why_add(why, "its range fits what the load asked for");
    }
    if (scaler->kind == SCALER_KEDA) {
        why_add(why, "KEDA makes its HorizontalPodAutoscaler itself: change the ScaledObject");
    }
    (void)situation;
}

static void advise_change(struct situation *situation, const struct change *change, json_t *why)
{
    const struct scaler *scaler = change->scaler;
    bool keda = scaler->kind == SCALER_KEDA;
    json_t *reasons = json_array();
    json_array_extend(reasons, why);
    if (change->max >= 0) {
        advise(situation, "autoscaler-saturated", reasons, "raise %s of %s %.60s from %" PRId64 " to %" PRId64,
               keda ? "maxReplicaCount" : "maxReplicas", scaler->kind_name, scaler->name, scaler->max, change->max);
    } else if (change->min >= 0) {
        advise(situation, "autoscaler-idle", reasons, "lower %s of %s %.60s from %" PRId64 " to %" PRId64,
               keda ? "minReplicaCount" : "minReplicas", scaler->kind_name, scaler->name, min_of(scaler), change->min);
    } else {
        advise(situation, "autoscaler-target", reasons,
               "move the target of %s %.60s from %" PRId64 " to %" PRId64 " %% together with the request", scaler->kind_name,
               scaler->name, change->move->target, change->move->new_target);
    }
}

json_t *existing_new(struct situation *situation)
{
    const struct scaler *scaler = situation->horizontal;
    struct change change = {.scaler = scaler, .move = find_move(situation), .min = AMOUNT_ABSENT, .max = AMOUNT_ABSENT};
    json_t *why = json_array();
    json_t *out = json_object();
    judge_range(situation, &change, why);
    bool changes = change.max >= 0 || change.min >= 0 || change.move != NULL;
    explain(situation, &change, why);
    if (changes && scaler->kind == SCALER_HPA) {
        write_hpa(situation, &change, why);
    }
    if (changes) {
        advise_change(situation, &change, why);
    }
    const struct scaler_metric *metric = cpu_metric(scaler);
    int64_t target = change.move && change.move->resource == CPU ? change.move->new_target : metric ? metric->target : -1;
    json_object_set_new(out, "kind", json_string_safe(scaler->kind_name));
    json_object_set_new(out, "name", json_string_safe(scaler->name));
    json_object_set_new(out, "action", json_string(changes ? "change" : "keep"));
    json_object_set_new(out, "metric", metric ? json_string("cpu") : json_null());
    json_object_set_new(out, "container", metric && metric->container ? json_string_safe(metric->container) : json_null());
    json_object_set_new(out, "target", json_int_or_null(target >= 0, target));
    json_object_set_new(out, "min", json_integer(change.min >= 0 ? change.min : min_of(scaler)));
    int64_t max = change.max >= 0 ? change.max : scaler->max;
    json_object_set_new(out, "max", json_int_or_null(max >= 0, max));
    json_object_set_new(out, "max_before", json_int_or_null(scaler->max >= 0, scaler->max));
    json_object_set_new(out, "at_max_share", json_real_or_null(change.at_max));
    json_object_set_new(out, "at_min_share", json_real_or_null(change.at_min));
    json_object_set_new(out, "request_millicores",
                        json_int_or_null(change.move && change.move->resource == CPU, change.move ? change.move->request : 0));
    json_object_set_new(out, "why", why);
    return out;
}
