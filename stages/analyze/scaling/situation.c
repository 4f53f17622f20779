#include "stages/analyze/scaling/situation.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/scaling/budgets.h"

enum { SENTENCE_MAX = 400 };

/* A leader that works while the others wait: the highest pod ÷ the middle one. */
static const double leader_ratio = 3;

__attribute__((format(printf, 1, 0))) static json_t *sentence(const char *format, va_list args)
{
    char text[SENTENCE_MAX];
    (void)vsnprintf(text, sizeof text, format, args);
    str_mask_controls(text);
    str_trim_utf8(text);
    return json_string_safe(text);
}

void why_add(json_t *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    json_array_append_new(why, sentence(format, args));
    va_end(args);
}

void advise(struct situation *situation, const char *code, json_t *why, const char *format, ...)
{
    json_t *entry = json_object();
    va_list args;
    va_start(args, format);
    json_object_set_new(entry, "code", json_string(code));
    json_object_set_new(entry, "message", sentence(format, args));
    json_object_set_new(entry, "why", why ? why : json_array());
    json_array_append_new(situation->advice, entry);
    va_end(args);
}

bool can_write(const struct situation *situation, json_t *why)
{
    const char *reason;
    if (manifest_possible(&situation->target, &reason)) {
        return true;
    }
    why_add(why, "no manifest can be written: %s", reason);
    return false;
}

int64_t replicas_for(const struct situation *situation, double load, double percent)
{
    double each = situation->request * percent / 100;
    if (!(each > 0) || !isfinite(load)) {
        return 0;
    }
    double count = ceil(load / each - 1e-9);
    return count < 1 ? 1 : count > PODS_MAX ? PODS_MAX : (int64_t)count;
}

/* Kinds whose replicas may follow the load. */
static bool has_stateless_kind(const struct subject *subject)
{
    static const char *const kinds[] = {"Deployment", "ReplicaSet", "Rollout", "DeploymentConfig"};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_equal(subject->kind, kinds[i])) {
            return true;
        }
    }
    return false;
}

/* Whether one pod does nearly all the work, as a leader among those that stand by. */
static bool has_leader(const struct situation *situation)
{
    const struct figures *cpu = &situation->subject->containers[situation->load.container].use[CPU];
    return situation->now >= 2 && cpu->pods >= 2 && cpu->pod_p95_max >= 20 && cpu->pod_p95_max > leader_ratio * cpu->pod_p95_median;
}

static const char *unscalable(const struct situation *situation)
{
    const struct subject *subject = situation->subject;
    if (!has_stateless_kind(subject)) {
        return "replicas of this kind do not follow a load";
    }
    if (json_object_get(subject->workload, "run_by")) {
        return "a Rollout runs these pods, and its replicas count";
    }
    if (situation->class->stateful) {
        return "it holds state, so that another replica is not more of the same";
    }
    if (situation->load.known && has_leader(situation)) {
        return "one pod does nearly all the work, as an elected leader does: more replicas would not share it";
    }
    return NULL;
}

static void find_scalers(struct situation *out)
{
    const struct scalers *scalers = out->subject->scalers;
    for (size_t i = scalers ? scalers->count : 0; i > 0; i--) {
        const struct scaler *scaler = &scalers->items[i - 1];
        if (scaler->kind == SCALER_VPA) {
            out->vertical = scaler;
        } else {
            out->horizontal = scaler;
        }
    }
}

/* The container that carries the load, and what it will ask for. */
static void find_container(struct situation *out)
{
    out->request = NAN;
    if (!out->load.known) {
        return;
    }
    const struct container_plan *container = &out->plan->containers[out->load.container];
    out->container = container;
    int64_t request = field_after(&container->fields[CPU_REQUEST]);
    request = request >= 0 ? request : container_request(container->container, CPU);
    out->request = request > 0 ? (double)request : NAN;
}

void situation_make(const struct plan *plan, const struct class *class, const struct scaling_setup *setup, struct arena *arena,
                    struct situation *out)
{
    const struct subject *subject = plan->subject;
    *out = (struct situation){.setup = setup,
                              .plan = plan,
                              .subject = subject,
                              .class = class,
                              .arena = arena,
                              .advice = json_array(),
                              .manifests = json_array()};
    load_make(subject, arena, &out->load);
    if (out->load.known) {
        calendar_make(&out->load, scaling_zone(setup), arena, &out->calendar);
        shape_make(&out->load, &out->calendar, scaling_zone(setup), arena, &out->shape);
    }
    find_container(out);
    find_scalers(out);
    out->now = load_replicas_now(&out->load);
    if (out->now == 0) {
        double replicas = subject_replicas(subject);
        out->now = replicas >= 1 ? (int64_t)round(replicas) : 0;
    }
    out->target = (struct scale_target){.namespace = subject->namespace,
                                        .api_version = json_string_or_null(subject->workload, "api_version"),
                                        .kind = subject->kind,
                                        .name = subject->name};
    out->unscalable_why = unscalable(out);
    out->scalable = out->unscalable_why == NULL;
    out->floor = budgets_floor(subject->workload, out->now, &out->floor_by);
}

int64_t replicas_allowed(const struct situation *situation, int64_t wanted, json_t *why)
{
    int64_t most = situation->plan->policy->guardrails.max_replicas;
    int64_t allowed = most < situation->now ? situation->now : most;
    if (wanted > allowed && why != NULL) {
        why_add(why, "no more than %" PRId64 ": guardrail max_replicas is %" PRId64 ", and the load would take %" PRId64, allowed, most,
                wanted);
    }
    return allowed;
}

void why_replicas(const struct situation *situation, json_t *why)
{
    if (situation->subject->replicas >= 0 && json_at(situation->subject->workload, "source.file")) {
        why_add(why, "take `replicas` out of the manifest then, or each time it is applied they are set back to %lld",
                (long long)situation->subject->replicas);
    }
}
