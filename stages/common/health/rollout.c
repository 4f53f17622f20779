#include "stages/common/health/rollout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* ---- Reading ---- */

/* Words of a controller are anybody's text. */
__attribute__((format(printf, 2, 3))) static void say(char why[ERR_MESSAGE_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, ERR_MESSAGE_MAX, format, args);
    va_end(args);
    str_trim_utf8(why);
    str_mask_controls(why);
}

static int64_t status_int(const json_t *object, const char *key)
{
    return json_int_or(json_object_get(object, "status"), key, 0);
}

static const char *text_at(const json_t *object, const char *path)
{
    return json_string_value(json_at(object, path));
}

/* A condition of the status by its type, NULL where it has none. */
static const json_t *condition(const json_t *object, const char *type)
{
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(json_at(object, "status.conditions"), index, each)
    {
        if (str_equal(json_string_or_null(each, "type"), type)) {
            return each;
        }
    }
    return NULL;
}

static bool condition_is(const json_t *each, const char *status)
{
    return str_equal(json_string_or_null(each, "status"), status);
}

static const char *message_of(const json_t *each)
{
    const char *message = json_string_or_null(each, "message");
    return message == NULL ? "no reason given" : message;
}

/* Argo Rollouts keep the number as a string. */
static bool observed(const json_t *object)
{
    const json_t *seen = json_at(object, "status.observedGeneration");
    int64_t generation = json_int_or(json_object_get(object, "metadata"), "generation", 0);
    int64_t value = 0;
    if (json_is_integer(seen)) {
        return json_integer_value(seen) >= generation;
    }
    return json_is_string(seen) && str_int64(json_string_value(seen), 0, INT64_MAX, &value) == 0 && value >= generation;
}

/* When somebody last wrote what the object asks for, as the server tells it ("2026-11-23T10:00:00Z"); "" where it does not. What
 * the controllers themselves note in it (the revision) does not count. */
static const char *asked_at(const json_t *object)
{
    const char *last = "";
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(json_at(object, "metadata.managedFields"), index, each)
    {
        const char *time = json_string_or_null(each, "time");
        const char *manager = json_string_or_null(each, "manager");
        if (time != NULL && json_string_or_null(each, "subresource") == NULL && !str_equal(manager, "kube-controller-manager") &&
            strcmp(time, last) > 0) {
            last = time;
        }
    }
    return last;
}

int64_t rollout_replicas(const json_t *object)
{
    const char *kind = json_string_or_null(object, "kind");
    const json_t *spec = json_object_get(object, "spec");
    if (str_equal(kind, "DaemonSet")) {
        return status_int(object, "desiredNumberScheduled");
    }
    if (str_equal(kind, "CronJob")) {
        return 0;
    }
    return json_int_or(spec, str_equal(kind, "Job") ? "parallelism" : "replicas", 1);
}

/* ---- Deployments, and what counts as they do ---- */

/* A deadline that an earlier template missed stays in the status until there is progress: it says nothing of the one asked for later. */
static bool deadline_missed(const json_t *object, const json_t *progressing)
{
    const char *since = json_string_or_null(progressing, "lastUpdateTime");
    return condition_is(progressing, "False") && str_equal(json_string_or_null(progressing, "reason"), "ProgressDeadlineExceeded") &&
           (since == NULL || strcmp(since, asked_at(object)) > 0);
}

static enum rollout_state counts(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    int64_t wanted = rollout_replicas(object);
    int64_t updated = status_int(object, "updatedReplicas");
    int64_t there = status_int(object, "replicas");
    int64_t available = status_int(object, "availableReplicas");
    if (updated < wanted) {
        say(why, "%" PRId64 " of %" PRId64 " pods are updated", updated, wanted);
    } else if (there > updated) {
        say(why, "%" PRId64 " pods of the former template are still there", there - updated);
    } else if (updated > wanted) {
        say(why, "%" PRId64 " pods too many are still there", updated - wanted);
    } else if (available < wanted) {
        say(why, "%" PRId64 " of %" PRId64 " pods are available", available, wanted);
    } else {
        return ROLLOUT_COMPLETE;
    }
    return ROLLOUT_UNDER_WAY;
}

static enum rollout_state judge_deployment(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    if (json_bool_or(json_object_get(object, "spec"), "paused", false)) {
        say(why, "it is paused (spec.paused)");
        return ROLLOUT_PAUSED;
    }
    enum rollout_state state = counts(object, why);
    if (state == ROLLOUT_COMPLETE) {
        return state;
    }
    const json_t *progressing = condition(object, "Progressing");
    const json_t *failure = condition(object, "ReplicaFailure");
    if (deadline_missed(object, progressing)) {
        say(why, "its progress deadline is exceeded: %s", message_of(progressing));
        return ROLLOUT_FAILED;
    }
    if (condition_is(failure, "True")) {
        say(why, "its pods cannot be made: %s", message_of(failure));
        return ROLLOUT_STUCK;
    }
    return state;
}

/* Whether a DeploymentConfig rolls out by itself when its template changes. Without the member it does. */
static bool rolls_on_change(const json_t *object)
{
    size_t index = 0;
    const json_t *each = NULL;
    const json_t *triggers = json_at(object, "spec.triggers");
    json_array_foreach(triggers, index, each)
    {
        if (str_equal(json_string_or_null(each, "type"), "ConfigChange")) {
            return true;
        }
    }
    return !json_is_array(triggers);
}

static enum rollout_state judge_config(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    enum rollout_state state = judge_deployment(object, why);
    if (state == ROLLOUT_COMPLETE && rollout_replicas(object) > 0 && !rolls_on_change(object)) {
        say(why, "it has no ConfigChange trigger: pods get a new template at its next rollout");
        return ROLLOUT_WAITS;
    }
    return state;
}

/* ---- Argo Rollouts ---- */

static bool analysis_or_timed(const json_t *object)
{
    const json_t *step = json_array_get(json_at(object, "spec.strategy.canary.steps"), (size_t)status_int(object, "currentStepIndex"));
    return json_object_get(step, "pause") == NULL || json_at(step, "pause.duration") != NULL;
}

static enum rollout_state judge_rollout(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    const char *phase = text_at(object, "status.phase");
    const char *message = text_at(object, "status.message");
    bool paused = json_array_size(json_at(object, "status.pauseConditions")) > 0;
    if (json_bool_or(json_object_get(object, "spec"), "paused", false)) {
        say(why, "it is paused (spec.paused)");
        return ROLLOUT_PAUSED;
    }
    if (json_bool_or(json_object_get(object, "status"), "abort", false) || str_equal(phase, "Degraded")) {
        say(why, "it is degraded: %s", message == NULL ? "its rollout was aborted" : message);
        return ROLLOUT_FAILED;
    }
    if (paused && !analysis_or_timed(object)) {
        say(why, "it rests at a step of its strategy until somebody promotes it (kubectl argo rollouts promote)");
        return ROLLOUT_WAITS;
    }
    if (paused || (phase != NULL && strcmp(phase, "Healthy") != 0)) {
        say(why, "%s", message == NULL ? "it is under way" : message);
        return ROLLOUT_UNDER_WAY;
    }
    return phase == NULL ? judge_deployment(object, why) : counts(object, why);
}

/* ---- StatefulSets ---- */

static int64_t set_available(const json_t *object)
{
    bool told = json_at(object, "status.availableReplicas") != NULL;
    return status_int(object, told ? "availableReplicas" : "readyReplicas");
}

static enum rollout_state judge_set(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    int64_t wanted = rollout_replicas(object);
    int64_t there = status_int(object, "replicas");
    int64_t updated = status_int(object, "updatedReplicas");
    int64_t partition = json_int_or(json_at(object, "spec.updateStrategy.rollingUpdate"), "partition", 0);
    bool on_delete = str_equal(text_at(object, "spec.updateStrategy.type"), "OnDelete");
    const char *target = text_at(object, "status.updateRevision");
    bool all = target != NULL && str_equal(target, text_at(object, "status.currentRevision"));
    int64_t reach = on_delete || partition >= wanted ? 0 : wanted - (partition > 0 ? partition : 0);
    if (there > wanted) {
        say(why, "%" PRId64 " pods too many are still there", there - wanted);
        return ROLLOUT_UNDER_WAY;
    }
    if (!all && updated < reach) {
        say(why, "%" PRId64 " of %" PRId64 " pods are updated", updated, reach);
        return ROLLOUT_UNDER_WAY;
    }
    if (set_available(object) < wanted) {
        say(why, "%" PRId64 " of %" PRId64 " pods are available", set_available(object), wanted);
        return ROLLOUT_UNDER_WAY;
    }
    if (!all && updated < wanted) {
        say(why, "%" PRId64 " of %" PRId64 " pods get the template when they are made anew: %s", wanted - updated, wanted,
            on_delete ? "its update strategy is OnDelete" : "they are below its partition");
        return ROLLOUT_WAITS;
    }
    return ROLLOUT_COMPLETE;
}

/* ---- The others ---- */

static enum rollout_state judge_daemons(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    int64_t wanted = rollout_replicas(object);
    int64_t updated = status_int(object, "updatedNumberScheduled");
    int64_t available = status_int(object, "numberAvailable");
    bool on_delete = str_equal(text_at(object, "spec.updateStrategy.type"), "OnDelete");
    if (!on_delete && updated < wanted) {
        say(why, "%" PRId64 " of %" PRId64 " pods are updated", updated, wanted);
        return ROLLOUT_UNDER_WAY;
    }
    if (available < wanted) {
        say(why, "%" PRId64 " of %" PRId64 " pods are available", available, wanted);
        return ROLLOUT_UNDER_WAY;
    }
    if (updated < wanted) {
        say(why, "%" PRId64 " of %" PRId64 " pods get the template when they are made anew: its update strategy is OnDelete",
            wanted - updated, wanted);
        return ROLLOUT_WAITS;
    }
    return ROLLOUT_COMPLETE;
}

/* Its pods keep the template that they were made from, and nothing tells which that was. */
static enum rollout_state judge_replicas(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    int64_t wanted = rollout_replicas(object);
    int64_t there = status_int(object, "replicas");
    const json_t *failure = condition(object, "ReplicaFailure");
    if (there < wanted && condition_is(failure, "True")) {
        say(why, "its pods cannot be made: %s", message_of(failure));
        return ROLLOUT_STUCK;
    }
    if (there != wanted || status_int(object, "availableReplicas") < wanted) {
        say(why, "%" PRId64 " of %" PRId64 " pods are available", status_int(object, "availableReplicas"), wanted);
        return ROLLOUT_UNDER_WAY;
    }
    if (wanted > 0) {
        say(why, "its pods get a new template when they are made anew");
    }
    return wanted > 0 ? ROLLOUT_WAITS : ROLLOUT_COMPLETE;
}

static enum rollout_state judge_cron(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    bool suspended = json_bool_or(json_object_get(object, "spec"), "suspend", false);
    size_t active = json_array_size(json_at(object, "status.active"));
    if (suspended) {
        say(why, "it is suspended: the first job after that gets a new template");
    } else if (active > 0) {
        say(why, "%zu of its jobs run on as they were made: the next one gets a new template", active);
    } else {
        say(why, "its next job gets a new template");
    }
    return ROLLOUT_WAITS;
}

static enum rollout_state judge_job(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    const json_t *failed = condition(object, "Failed");
    if (condition_is(condition(object, "Complete"), "True")) {
        return ROLLOUT_COMPLETE;
    }
    if (condition_is(failed, "True")) {
        say(why, "it failed: %s", message_of(failed));
        return ROLLOUT_FAILED;
    }
    if (json_bool_or(json_object_get(object, "spec"), "suspend", false)) {
        say(why, "it is suspended");
        return ROLLOUT_PAUSED;
    }
    say(why, "it runs");
    return ROLLOUT_UNDER_WAY;
}

static enum rollout_state judge_pod(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    const char *phase = text_at(object, "status.phase");
    if (str_equal(phase, "Failed")) {
        const char *message = text_at(object, "status.message");
        say(why, "it failed: %s", message == NULL ? "no reason given" : message);
        return ROLLOUT_FAILED;
    }
    if (!str_equal(phase, "Succeeded") && !condition_is(condition(object, "Ready"), "True")) {
        say(why, "it is not ready");
        return ROLLOUT_UNDER_WAY;
    }
    return ROLLOUT_COMPLETE;
}

struct rollout_kind {
    const char *kind;
    bool observes; /* its controller says which generation it has seen */
    enum rollout_state (*judge)(const json_t *object, char why[ERR_MESSAGE_MAX]);
};

static const struct rollout_kind kinds[] = {
    {"CronJob", false, judge_cron},          {"DaemonSet", true, judge_daemons},
    {"Deployment", true, judge_deployment},  {"DeploymentConfig", true, judge_config},
    {"Job", false, judge_job},               {"Pod", false, judge_pod},
    {"ReplicaSet", true, judge_replicas},    {"ReplicationController", true, judge_replicas},
    {"Rollout", true, judge_rollout},        {"StatefulSet", true, judge_set},
};

/* Of a kind that nothing is known of: the generation is waited for where its controller tells one. */
static enum rollout_state judge_other(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    if (json_at(object, "status.observedGeneration") == NULL || observed(object)) {
        return ROLLOUT_COMPLETE;
    }
    say(why, "its controller has not seen the change yet");
    return ROLLOUT_UNDER_WAY;
}

enum rollout_state rollout_judge(const json_t *object, char why[ERR_MESSAGE_MAX])
{
    const char *kind = json_string_or_null(object, "kind");
    why[0] = '\0';
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (!str_equal(kinds[i].kind, kind)) {
            continue;
        }
        if (!kinds[i].observes || observed(object)) {
            return kinds[i].judge(object, why);
        }
        bool paused = json_bool_or(json_object_get(object, "spec"), "paused", false);
        say(why, paused ? "it is paused (spec.paused)" : "its controller has not seen the change yet");
        return paused ? ROLLOUT_PAUSED : ROLLOUT_UNDER_WAY;
    }
    return judge_other(object, why);
}
