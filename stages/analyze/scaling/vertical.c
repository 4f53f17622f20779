#include "stages/analyze/scaling/vertical.h"

#include <math.h>

#include "pipeline/base/str.h"

/* A rise of the memory at rest that counts as growth though it is no leak: share of it in a day. */
static const double memory_growth = 0.02;

static bool memory_grows(const struct situation *situation)
{
    for (size_t i = 0; i < situation->subject->container_count; i++) {
        const struct container_plan *container = &situation->plan->containers[i];
        if (container->container->role != ROLE_INIT && climb_lasts(&container->signals.memory_climb, memory_growth, 24)) {
            return true;
        }
    }
    return false;
}

/* Why pods of this workload should change in size; NULL where nothing asks for it. *mode: how; *changes: its need does
 * change, so that it is worth a sentence. */
static const char *reason_for(const struct situation *situation, const char **mode, bool *changes)
{
    const struct subject *subject = situation->subject;
    bool daemon = str_equal(subject->kind, "DaemonSet");
    bool stateful = str_equal(subject->kind, "StatefulSet") || situation->class->stateful;
    bool grows = situation->shape.shows[GROWING] || situation->shape.shows[LEVEL_SHIFT] || memory_grows(situation);
    *changes = grows;
    if (daemon) {
        *mode = "InPlaceOrRecreate";
        return "a pod for each node cannot be more pods, only larger ones";
    }
    if (subject->batch) {
        return NULL;
    }
    *mode = situation->now >= 2 ? "InPlaceOrRecreate" : "Initial";
    if (stateful && grows) {
        return "it holds state and its need grows";
    }
    if (situation->now == 1 && grows) {
        return "a single replica whose need grows";
    }
    return NULL;
}

/* Whether a resource is left to whoever counts pods by it, or is no measure of the need. */
static bool is_left_out(const struct situation *situation, enum resource resource, bool scaled)
{
    for (size_t i = 0; i < situation->subject->container_count; i++) {
        const struct container *container = &situation->subject->containers[i];
        if (scalers_follow(situation->subject->scalers, container->name, resource) ||
            (resource == MEMORY && situation->plan->containers[i].signals.heap_capped)) {
            return true;
        }
    }
    return resource == CPU && scaled;
}

/* From half to twice of what the plan asks for, within the guardrails. */
static void range_of(const struct plan *plan, const struct container_plan *container, enum resource resource, struct size_range *out)
{
    const struct guardrails *rails = &plan->policy->guardrails;
    int64_t after = field_after(&container->fields[FIELD_OF(resource, false)]);
    after = after > 0 ? after : container_request(container->container, resource);
    out->min[resource] = out->max[resource] = -1;
    if (after <= 0) {
        return;
    }
    int64_t least = after / 2 > rails->floor[resource] ? after / 2 : rails->floor[resource];
    int64_t twice = after > INT64_MAX / 2 ? INT64_MAX : 2 * after;
    int64_t most = rails->ceiling[resource] > 0 && rails->ceiling[resource] < twice ? rails->ceiling[resource] : twice;
    least = rounded_up(resource, least > 0 ? least : 1);
    out->min[resource] = least < most ? least : -1;
    out->max[resource] = rounded_up(resource, most);
}

static void fill_ranges(const struct situation *situation, struct size_spec *spec)
{
    for (size_t i = 0; i < situation->subject->container_count; i++) {
        const struct container_plan *container = &situation->plan->containers[i];
        if (!container->judged || container->container->role == ROLE_INIT || spec->container_count == VPA_CONTAINERS_MAX) {
            continue;
        }
        struct size_range *range = &spec->containers[spec->container_count++];
        range->container = container->container->name;
        for (int r = 0; r < RESOURCES; r++) {
            range_of(situation->plan, container, (enum resource)r, range);
        }
    }
}

/* Says what a resize in place needs, where the plan changes pods that are better not started anew. */
static void advise_in_place(struct situation *situation)
{
    const struct plan *plan = situation->plan;
    bool lower = false;
    for (size_t i = 0; i < situation->subject->container_count; i++) {
        const struct field_plan *limit = &plan->containers[i].fields[MEMORY_LIMIT];
        lower = lower || (plan->containers[i].judged && limit->old > 0 && field_after(limit) >= 0 && field_after(limit) < limit->old);
    }
    advise(situation, "in-place-resize", NULL, "on Kubernetes %s the pods can be resized in place, without a restart",
           lower ? "1.34" : "1.33");
}

static json_t *member_new(const char *action, const char *mode, const struct size_spec *spec, json_t *why)
{
    json_t *out = json_object();
    json_t *resources = json_array();
    if (spec->cpu) {
        json_array_append_new(resources, json_string("cpu"));
    }
    if (spec->memory) {
        json_array_append_new(resources, json_string("memory"));
    }
    json_object_set_new(out, "kind", json_string("VerticalPodAutoscaler"));
    json_object_set_new(out, "action", json_string(action));
    json_object_set_new(out, "mode", mode ? json_string(mode) : json_null());
    json_object_set_new(out, "resources", resources);
    json_object_set_new(out, "why", why);
    return out;
}

json_t *vertical_new(struct situation *situation, bool scaled)
{
    const char *mode = NULL;
    struct size_spec spec = {.cpu = !is_left_out(situation, CPU, scaled),
                             .memory = !is_left_out(situation, MEMORY, scaled),
                             .limits_too = situation->plan->lock};
    if (situation->plan->refusal || (situation->scalable && scaled)) {
        return json_null();
    }
    bool changes = false;
    const char *reason = reason_for(situation, &mode, &changes);
    bool careful = situation->class->stateful;
    if (careful && !situation->subject->batch && plan_changes(situation->plan) && !situation->plan->policy->qos_change) {
        advise_in_place(situation);
    }
    fill_ranges(situation, &spec);
    if (!reason || (!spec.cpu && !spec.memory) || spec.container_count == 0) {
        return json_null();
    }
    json_t *why = json_array();
    why_add(why, "%s", reason);
    if (situation->vertical) {
        return member_new("keep", NULL, &spec, why);
    }
    if (str_equal(mode, "Initial")) {
        why_add(why, "updateMode Initial: sizes change when the pod starts anyway, nothing is evicted");
    } else {
        why_add(why, "updateMode InPlaceOrRecreate needs VerticalPodAutoscaler 1.4 (beta in 1.5) and Kubernetes 1.33; with older ones "
                     "take Initial");
    }
    spec.mode = mode;
    if (can_write(situation, why)) {
        manifest_vpa(situation->manifests, &situation->target, &spec);
    }
    if (changes) {
        json_t *reasons = json_array();
        json_array_extend(reasons, why);
        advise(situation, "vertical", reasons, "a VerticalPodAutoscaler fits: %s", reason);
    }
    return member_new("create", mode, &spec, why);
}
