#include "stages/analyze/scaling/policies.h"

#include <inttypes.h>
#include <math.h>

#include "pipeline/base/str.h"
#include "pricing/money/money.h"
#include "stages/analyze/scaling/policy_bounds.h"
#include "stages/analyze/scaling/replicas.h"
#include "pipeline/run/selector.h"

static const double tolerance = 0.10;  /* a ratio so near 1 changes nothing, as with a HorizontalPodAutoscaler */
static const double comfortable = 0.5; /* a target is held with ease at this share of it or less */
static const double steepest = 2;      /* an SLO that is missed by more does not ask for more than this at once */
static const double gentle = 0.25;     /* share of the replicas that go at once where cost counts */

/* One policy about this workload. */
struct judgement {
    const json_t *policy, *answer; /* `answer`: usage.policies.NAME, NULL none */
    const char *name, *type;
    struct policy_bounds bounds;
    double value, target, ratio; /* above 1: more replicas are needed; NaN unknown */
    int64_t wanted;
    char reason[200];
};

static bool is_about(const struct situation *situation, const json_t *policy)
{
    return selector_match(json_object_get(policy, "match"), situation->subject->workload, situation->subject->looked_up_in, NULL);
}

static void judge_query(const struct situation *situation, struct judgement *out)
{
    out->answer = json_object_get(json_object_get(situation->subject->usage, "policies"), out->name);
    out->value = NAN;
    out->ratio = NAN;
    out->target = NAN;
    (void)json_get_number(out->policy, "target", &out->target);
    if (!json_get_number(out->answer, "value", &out->value)) {
        const char *why = json_string_or_null(out->answer, "reason");
        (void)snprintf(out->reason, sizeof out->reason, "no value of the query: %.150s", why ? why : "it was not asked");
        str_mask_controls(out->reason);
        str_trim_utf8(out->reason);
        out->value = NAN;
        return;
    }
    bool higher = str_equal(json_string_or_null(out->policy, "direction"), "higher");
    out->ratio = higher ? (out->value > 0 ? out->target / out->value : INFINITY) : out->value / out->target;
    if (out->ratio < 0) {
        (void)snprintf(out->reason, sizeof out->reason, "the query gave a number below 0, which no replicas answer to");
        out->ratio = NAN;
    }
}

/* Replicas in proportion to the value. */
static int64_t proportional(const struct situation *situation, struct judgement *out)
{
    if (fabs(out->ratio - 1) <= tolerance + 1e-9) {
        (void)snprintf(out->reason, sizeof out->reason, "%.4g is within %.0f %% of the target", out->value, tolerance * 100);
        return situation->now;
    }
    double count = ceil((double)situation->now * fmin(out->ratio, 1000) - 1e-9);
    (void)snprintf(out->reason, sizeof out->reason, "%" PRId64 " replicas × %.4g, rounded up", situation->now, fmin(out->ratio, 1000));
    return count < 1 ? 1 : (int64_t)count;
}

/* More replicas while an SLO is missed; fewer, in steps and never below what the load needs, where it is held with ease. */
static int64_t hold_slo(const struct situation *situation, struct judgement *out)
{
    int64_t now = situation->now;
    if (out->ratio > 1) {
        int64_t more = (int64_t)ceil((double)now * fmin(out->ratio, steepest) - 1e-9);
        (void)snprintf(out->reason, sizeof out->reason, "the target is missed");
        return out->bounds.cost || more <= now ? now + 1 : more;
    }
    if (out->ratio > comfortable * (out->bounds.performance ? 0.5 : 1)) {
        (void)snprintf(out->reason, sizeof out->reason, "the target is held");
        return now;
    }
    int64_t fewer = now - (out->bounds.cost ? (int64_t)fmax(1, floor((double)now * gentle)) : 1);
    int64_t needed = situation->load.known ? replicas_for(situation, situation->shape.usual_peak, REPLICAS_AMPLE) : now;
    (void)snprintf(out->reason, sizeof out->reason, "the target is held with ease");
    return fewer >= needed ? fewer : needed < now ? needed : now;
}

/* What the money allows, and within it what is preferred. */
static int64_t spend(const struct situation *situation, struct judgement *out)
{
    int64_t now = situation->now;
    int64_t affordable = out->bounds.affordable;
    int64_t needed = situation->load.known ? replicas_for(situation, situation->shape.usual_peak, REPLICAS_AMPLE) : 0;
    if (affordable == 0) {
        (void)snprintf(out->reason, sizeof out->reason, "what a replica costs is not known");
        return now;
    }
    (void)snprintf(out->reason, sizeof out->reason, "the amount pays for %" PRId64 " replicas, the load needs %" PRId64, affordable,
                   needed);
    if (now > affordable) {
        return affordable;
    }
    if (out->bounds.performance && needed > now) {
        return needed < affordable ? needed : affordable;
    }
    return out->bounds.cost && needed > 0 && needed < now ? needed : now;
}

static void judge(const struct situation *situation, const json_t *policy, struct judgement *out)
{
    *out = (struct judgement){.policy = policy,
                              .name = json_string_or_null(policy, "name"),
                              .type = json_string_or_null(policy, "type"),
                              .value = NAN,
                              .target = NAN,
                              .ratio = NAN};
    policy_bounds_read(situation, policy, &out->bounds);
    out->wanted = situation->now;
    if (str_equal(out->type, "cost")) {
        out->wanted = spend(situation, out);
        return;
    }
    judge_query(situation, out);
    if (!isnan(out->ratio)) {
        out->wanted = str_equal(out->type, "slo") ? hold_slo(situation, out) : proportional(situation, out);
    }
}

static json_t *entry_new(const struct situation *situation, const struct judgement *judged, int64_t advised, json_t *acted)
{
    json_t *out = json_object();
    int64_t each = replica_cost(situation);
    bool told = judged->wanted > 0;
    bool priced = each > 0 && told && advised <= INT64_MAX / each;
    json_object_set_new(out, "name", json_string_safe(judged->name));
    json_object_set_new(out, "type", json_string_safe(judged->type));
    json_object_set_new(out, "value", json_real_or_null(judged->value));
    json_object_set_new(out, "target", json_real_or_null(judged->target));
    json_object_set_new(out, "now", json_int_or_null(situation->now > 0, situation->now));
    json_object_set_new(out, "wanted", json_int_or_null(told, judged->wanted));
    json_object_set_new(out, "advised", json_int_or_null(told, advised));
    json_object_set_new(out, "bounds", acted);
    json_object_set_new(out, "monthly_microusd", json_int_or_null(priced, priced ? each * advised : 0));
    json_object_set_new(out, "reason", json_string_safe(judged->reason));
    return out;
}

/* An autoscaler by the very query, where it is a measure that replicas bring down and the server may be named. */
static void write_query(struct situation *situation, const struct judgement *judged)
{
    char option[NAME_LABEL_MAX + 16];
    char name[NAME_SUBDOMAIN_MAX + 1];
    const char *reason;
    const char *text = json_string_or_null(judged->answer, "query");
    struct scale_query query = {.server = scaling_server(situation->setup), .query = text, .threshold = judged->target};
    struct scale_range range = {.min = situation->floor, .max = 2 * situation->now, .pace = {.stabilization_seconds = 300}};
    json_t *unused = json_array();
    bool higher = str_equal(json_string_or_null(judged->policy, "direction"), "higher");
    range.max = judged->wanted > range.max ? judged->wanted : range.max;
    policies_limit(situation, &range, unused);
    json_decref(unused);
    if (!query.server || !text || higher || !manifest_possible(&situation->target, &reason)) {
        return;
    }
    (void)snprintf(option, sizeof option, "policy-%s", judged->name);
    name_make(situation->target.name, "", NAME_LABEL_MAX - 16, name);
    manifest_scaled_object(situation->manifests, &situation->target, name, option, &range, NULL, &query);
}

json_t *policies_new(struct situation *situation, bool autoscaled)
{
    json_t *out = json_array();
    size_t index;
    json_t *policy;
    json_array_foreach(scaling_policies(situation->setup), index, policy)
    {
        struct judgement judged;
        json_t *acted = json_array();
        if (!is_about(situation, policy)) {
            json_decref(acted);
            continue;
        }
        judge(situation, policy, &judged);
        bool judgeable = situation->scalable && situation->now > 0;
        if (!judgeable) {
            judged.wanted = 0;
            (void)snprintf(judged.reason, sizeof judged.reason, "%.150s",
                           situation->scalable ? "how many replicas run is not known" : situation->unscalable_why);
        }
        int64_t advised = judgeable ? policy_bounds_hold(situation, &judged.bounds, judged.wanted, acted) : 0;
        if (judgeable && advised != situation->now) {
            json_t *why = json_array();
            why_add(why, "%s", judged.reason);
            if (situation->horizontal) {
                why_add(why, "%s %.60s sets the replicas: take the number for its %s", situation->horizontal->kind_name,
                        situation->horizontal->name, advised > situation->now ? "minimum" : "maximum");
            }
            advise(situation, "policy", why, "policy %s: %" PRId64 " replicas instead of %" PRId64, judged.name, advised, situation->now);
        }
        if (judgeable && !autoscaled && !isnan(judged.ratio)) {
            write_query(situation, &judged);
        }
        json_array_append_new(out, entry_new(situation, &judged, advised, acted));
    }
    return out;
}

/* Takes in one policy's bounds of a range. */
static void limit_by(const char *name, const struct policy_bounds *bounds, struct scale_range *range, json_t *why)
{
    int64_t max = range->max;
    if (bounds->max > 0 && bounds->max < max) {
        max = bounds->max;
    }
    if (bounds->affordable > 0 && bounds->affordable < max) {
        max = bounds->affordable;
    }
    if (max != range->max) {
        why_add(why, "policy %s allows at most %" PRId64 " replicas", name, max);
    }
    range->max = max;
    if (bounds->min > range->min) {
        range->min = bounds->min;
        why_add(why, "policy %s asks for at least %" PRId64 " replicas", name, bounds->min);
    }
    struct scale_pace *pace = &range->pace;
    int64_t period = bounds->cooldown_seconds > 60 ? bounds->cooldown_seconds : 60;
    if (bounds->max_increment > 0 && (pace->up_pods == 0 || bounds->max_increment < pace->up_pods)) {
        pace->up_pods = bounds->max_increment;
        pace->up_seconds = period;
    }
    if (bounds->max_decrement > 0 && (pace->down_pods == 0 || bounds->max_decrement < pace->down_pods)) {
        pace->down_pods = bounds->max_decrement;
        pace->down_seconds = period;
    }
    if (bounds->cooldown_seconds > pace->stabilization_seconds) {
        pace->stabilization_seconds = bounds->cooldown_seconds;
    }
}

void policies_limit(const struct situation *situation, struct scale_range *range, json_t *why)
{
    size_t index;
    json_t *policy;
    json_array_foreach(scaling_policies(situation->setup), index, policy)
    {
        struct policy_bounds bounds;
        if (is_about(situation, policy)) {
            policy_bounds_read(situation, policy, &bounds);
            limit_by(json_string_or_null(policy, "name"), &bounds, range, why);
        }
    }
    /* A minimum above the maximum would be refused; what may be spent wins over what one wants. */
    range->max = range->max < 1 ? 1 : range->max;
    range->min = range->min > range->max ? range->max : range->min;
    int64_t most = replicas_allowed(situation, range->max, why);
    range->max = range->max > most ? most : range->max;
    range->min = range->min > range->max ? range->max : range->min;
}
