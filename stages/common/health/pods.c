#include "stages/common/health/pods.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/health/baseline.h"

/* Between the start of a pod and the first that is said of it. */
enum { FIRST_SAID_SECONDS = 3 };

/* What a container waits for that will not come by itself. */
static const char *const hopeless[] = {
    "CrashLoopBackOff", "ImagePullBackOff",  "ErrImageNeverPull",    "InvalidImageName",
    "RunContainerError", "CreateContainerError", "CreateContainerConfigError", "StartError",
};

/* Why a pod ended that says nothing of what runs in it: its node went down, or had to make room for a more important one. */
static const char *const taken[] = {
    "Shutdown", "NodeShutdown", "Terminated", "NodeLost", "NodeAffinity", "Preempting", "UnexpectedAdmissionError",
    "OutOfcpu", "OutOfmemory", "OutOfpods", "OutOfephemeral-storage",
};

static const char *const disruptions[] = {
    "PreemptionByScheduler", "DeletionByTaintManager", "EvictionByEvictionAPI", "DeletionByPodGC",
};

static bool among(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(word, words[i])) {
            return true;
        }
    }
    return false;
}

static const char *name_of(const json_t *object)
{
    const char *name = json_string_or_null(json_object_get(object, "metadata"), "name");
    return name == NULL ? "without a name" : name;
}

__attribute__((format(printf, 3, 4))) static void say(char why[ERR_MESSAGE_MAX], const json_t *pod, const char *format, ...)
{
    va_list args;
    int at = snprintf(why, ERR_MESSAGE_MAX, "pod %.253s: ", name_of(pod));
    va_start(args, format);
    vsnprintf(why + at, ERR_MESSAGE_MAX - (size_t)at, format, args);
    va_end(args);
    str_trim_utf8(why);
    str_mask_controls(why);
}

static const json_t *condition(const json_t *pod, const char *type)
{
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(json_at(pod, "status.conditions"), index, each)
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

/* ---- Whose pods ---- */

static bool selector_equals(const json_t *labels, struct buf *out)
{
    const char *key = NULL;
    json_t *value = NULL;
    bool any = false;
    json_object_foreach((json_t *)(uintptr_t)labels, key, value)
    {
        if (json_is_string(value)) {
            buf_printf(out, "%s%s=%s", out->length > 0 ? "," : "", key, json_string_value(value));
            any = true;
        }
    }
    return any;
}

static bool selector_expression(const json_t *each, struct buf *out)
{
    const char *key = json_string_or_null(each, "key");
    const char *operator = json_string_or_null(each, "operator");
    const json_t *values = json_object_get(each, "values");
    size_t index = 0;
    const json_t *value = NULL;
    if (key == NULL || operator == NULL) {
        return false;
    }
    buf_add_str(out, out->length > 0 ? "," : "");
    if (strcmp(operator, "Exists") == 0 || strcmp(operator, "DoesNotExist") == 0) {
        buf_printf(out, "%s%s", strcmp(operator, "Exists") == 0 ? "" : "!", key);
        return true;
    }
    buf_printf(out, "%s %s (", key, strcmp(operator, "In") == 0 ? "in" : "notin");
    json_array_foreach(values, index, value)
    {
        buf_printf(out, "%s%s", index > 0 ? "," : "", json_is_string(value) ? json_string_value(value) : "");
    }
    buf_add_char(out, ')');
    return true;
}

bool pods_selector(const json_t *object, struct buf *out)
{
    const json_t *selector = json_at(object, "spec.selector");
    const char *kind = json_string_or_null(object, "kind");
    bool plain = str_equal(kind, "ReplicationController") || str_equal(kind, "DeploymentConfig");
    size_t index = 0;
    const json_t *each = NULL;
    buf_clear(out);
    bool any = selector_equals(plain ? selector : json_object_get(selector, "matchLabels"), out);
    json_array_foreach(plain ? NULL : json_object_get(selector, "matchExpressions"), index, each)
    {
        any = selector_expression(each, out) || any;
    }
    return any && !out->overflow;
}

static const json_t *controller_of(const json_t *pod)
{
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(json_at(pod, "metadata.ownerReferences"), index, each)
    {
        if (json_bool_or(each, "controller", false)) {
            return each;
        }
    }
    return NULL;
}

/* "cart-5d9c7b": the ReplicaSet of a Deployment or Rollout has its name and the hash of its template. */
static bool is_of_replicas(const json_t *object, const json_t *pod, const json_t *owner, const char *label)
{
    const char *hash = json_string_or_null(json_at(pod, "metadata.labels"), label);
    const char *set = json_string_or_null(owner, "name");
    if (hash == NULL || set == NULL || !str_equal(json_string_or_null(owner, "kind"), "ReplicaSet")) {
        return false;
    }
    char *expected = xasprintf("%s-%s", name_of(object), hash);
    bool is = strcmp(expected, set) == 0;
    free(expected);
    return is;
}

bool pod_is_of(const json_t *object, const json_t *pod)
{
    const char *kind = json_string_or_null(object, "kind");
    const char *uid = json_string_or_null(json_object_get(object, "metadata"), "uid");
    const json_t *owner = controller_of(pod);
    if (str_equal(kind, "Pod")) {
        return uid != NULL && str_equal(uid, json_string_or_null(json_object_get(pod, "metadata"), "uid"));
    }
    if (str_equal(kind, "Deployment")) {
        return is_of_replicas(object, pod, owner, "pod-template-hash");
    }
    if (str_equal(kind, "Rollout")) {
        return is_of_replicas(object, pod, owner, "rollouts-pod-template-hash");
    }
    if (str_equal(kind, "DeploymentConfig")) {
        const json_t *config = json_object_get(json_at(pod, "metadata.annotations"), "openshift.io/deployment-config.name");
        return str_equal(json_string_or_null(owner, "kind"), "ReplicationController") && json_is_string(config) &&
               str_equal(json_string_value(config), name_of(object));
    }
    return uid != NULL && str_equal(uid, json_string_or_null(owner, "uid"));
}

bool pod_blocks(const json_t *object, int64_t generation, const json_t *pod)
{
    const char *target = json_string_value(json_at(object, "status.updateRevision"));
    const char *revision = json_string_or_null(json_at(pod, "metadata.labels"), "controller-revision-hash");
    const char *type = json_string_value(json_at(object, "spec.updateStrategy.type"));
    bool current = json_int_or(json_object_get(object, "status"), "observedGeneration", 0) >= generation;
    return current && str_equal(json_string_or_null(object, "kind"), "StatefulSet") && !str_equal(type, "OnDelete") &&
           !str_equal(json_string_value(json_at(object, "spec.podManagementPolicy")), "Parallel") && target != NULL && revision != NULL &&
           strcmp(target, revision) != 0 && pod_is_of(object, pod) && json_at(pod, "metadata.deletionTimestamp") == NULL &&
           !condition_is(condition(pod, "Ready"), "True");
}

/* The kubelet says first that a pod is not ready when it takes the pod up, with that instant; later ones are falls. */
bool pod_never_ready(const json_t *pod)
{
    struct err ignored = {0};
    int64_t started = 0;
    int64_t changed = 0;
    const json_t *ready = condition(pod, "Ready");
    const char *start = json_string_or_null(json_object_get(pod, "status"), "startTime");
    const char *change = json_string_or_null(ready, "lastTransitionTime");
    if (condition_is(ready, "True")) {
        return false;
    }
    return start == NULL || change == NULL || time_parse(start, &started, &ignored) || time_parse(change, &changed, &ignored) ||
           changed - started <= FIRST_SAID_SECONDS;
}

/* ---- A pod ---- */

/* What one container says. */
static enum pod_health judge_waiting(const json_t *pod, const json_t *status, const struct container_past *past, char why[ERR_MESSAGE_MAX])
{
    const json_t *waiting = json_at(status, "state.waiting");
    const char *reason = json_string_or_null(waiting, "reason");
    const char *message = json_string_or_null(waiting, "message");
    const char *name = json_string_or_null(status, "name");
    if (reason == NULL || (!among(reason, hopeless, ARRAY_COUNT(hopeless)) && strcmp(reason, "ErrImagePull") != 0)) {
        return POD_FINE;
    }
    say(why, pod, "container %s waits: %s%s%.500s", name == NULL ? "?" : name, reason, message == NULL ? "" : ", ",
        message == NULL ? "" : message);
    /* A registry may be slow once: what lasts becomes ImagePullBackOff. */
    return strcmp(reason, "ErrImagePull") == 0 || str_equal(past->waiting, reason) ? POD_STARTING : POD_FAILING;
}

static enum pod_health judge_container(const struct pods_baseline *baseline, const json_t *pod, const json_t *status,
                                       char why[ERR_MESSAGE_MAX])
{
    struct container_past past;
    struct container_end end;
    const char *name = json_string_or_null(status, "name");
    int64_t restarts = json_int_or(status, "restartCount", 0);
    baseline_past(baseline, pod, name, &past);
    container_end(status, &end);
    bool again = restarts > past.restarts;
    if (end.oom && (past.known ? again || str_compare(end.at, past.oom_at) > 0 : true)) {
        say(why, pod, "container %s was killed for want of memory (OOMKilled%s%s)", name == NULL ? "?" : name, end.at == NULL ? "" : " at ",
            end.at == NULL ? "" : end.at);
        return POD_FAILING;
    }
    enum pod_health health = judge_waiting(pod, status, &past, why);
    if (health == POD_FAILING || !again) {
        return health;
    }
    say(why, pod, "container %s restarted %" PRId64 " times (last exit code %" PRId64 "%s%.200s)", name == NULL ? "?" : name,
        restarts - (past.known ? past.restarts : 0), end.code, end.reason == NULL ? "" : ", ", end.reason == NULL ? "" : end.reason);
    return POD_FAILING;
}

static enum pod_health judge_containers(const struct pods_baseline *baseline, const json_t *pod, char why[ERR_MESSAGE_MAX])
{
    static const char *const lists[] = {"initContainerStatuses", "containerStatuses"};
    enum pod_health worst = POD_FINE;
    char each_why[ERR_MESSAGE_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        size_t index = 0;
        const json_t *status = NULL;
        json_array_foreach(json_object_get(json_object_get(pod, "status"), lists[i]), index, status)
        {
            enum pod_health health = judge_container(baseline, pod, status, each_why);
            if (health > worst) {
                worst = health;
                snprintf(why, ERR_MESSAGE_MAX, "%s", each_why);
            }
        }
    }
    return worst;
}

static enum pod_health judge_failed(const struct pods_baseline *baseline, const json_t *pod, char why[ERR_MESSAGE_MAX])
{
    const json_t *status = json_object_get(pod, "status");
    const json_t *target = condition(pod, "DisruptionTarget");
    const char *reason = json_string_or_null(status, "reason");
    const char *message = json_string_or_null(status, "message");
    if (baseline_failed(baseline, pod) || among(reason, taken, ARRAY_COUNT(taken)) ||
        (condition_is(target, "True") && among(json_string_or_null(target, "reason"), disruptions, ARRAY_COUNT(disruptions)))) {
        return POD_GOING;
    }
    say(why, pod, "it failed: %s%s%.500s", reason == NULL ? "Failed" : reason, message == NULL ? "" : ", ", message == NULL ? "" : message);
    return POD_FAILING;
}

static enum pod_health judge_ready(const json_t *pod, char why[ERR_MESSAGE_MAX])
{
    const json_t *placed = condition(pod, "PodScheduled");
    const json_t *ready = condition(pod, "Ready");
    if (condition_is(placed, "False") && str_equal(json_string_or_null(placed, "reason"), "Unschedulable")) {
        const char *message = json_string_or_null(placed, "message");
        say(why, pod, "no node has room for it%s%.700s", message == NULL ? "" : ": ", message == NULL ? "" : message);
        return POD_UNPLACED;
    }
    if (condition_is(ready, "True")) {
        return POD_FINE;
    }
    const char *message = json_string_or_null(ready, "message");
    say(why, pod, "it is not ready%s%.500s", message == NULL ? "" : ": ", message == NULL ? "" : message);
    return POD_STARTING;
}

enum pod_health pod_judge(const struct pods_baseline *baseline, const json_t *pod, char why[ERR_MESSAGE_MAX])
{
    const char *phase = json_string_value(json_at(pod, "status.phase"));
    why[0] = '\0';
    if (str_equal(phase, "Failed")) {
        return judge_failed(baseline, pod, why);
    }
    enum pod_health health = judge_containers(baseline, pod, why);
    if (health == POD_FAILING) {
        return health;
    }
    if (json_at(pod, "metadata.deletionTimestamp") != NULL) {
        why[0] = '\0';
        return POD_GOING;
    }
    if (str_equal(phase, "Succeeded")) {
        return POD_FINE;
    }
    return health == POD_STARTING ? health : judge_ready(pod, why);
}

/* ---- All pods of a workload, over time ---- */

struct pods_seen {
    const struct pods_baseline *baseline;
    bool replaced;
    json_t *pods; /* uid → {health, why, falls} */
    bool failed;
    char why[ERR_MESSAGE_MAX]; /* of the first that failed */
};

struct pods_seen *pods_seen_new(const struct pods_baseline *baseline, bool replaced)
{
    struct pods_seen *seen = xcalloc(sizeof *seen);
    seen->baseline = baseline;
    seen->replaced = replaced;
    seen->pods = json_object();
    return seen;
}

void pods_seen_free(struct pods_seen *seen)
{
    if (seen != NULL) {
        json_decref(seen->pods);
        free(seen);
    }
}

static const char *uid_of(const json_t *pod)
{
    return json_string_or_null(json_object_get(pod, "metadata"), "uid");
}

void pods_seen_take(struct pods_seen *seen, const json_t *pod)
{
    char why[ERR_MESSAGE_MAX];
    const char *uid = uid_of(pod);
    if (uid == NULL || (seen->replaced && pods_baseline_has(seen->baseline, pod))) {
        return;
    }
    enum pod_health health = pod_judge(seen->baseline, pod, why);
    const json_t *former = json_object_get(seen->pods, uid);
    int64_t falls = json_int_or(former, "falls", 0);
    if (json_int_or(former, "health", POD_STARTING) == POD_FINE && health == POD_STARTING && ++falls >= PODS_FALLS) {
        health = POD_FAILING;
        say(why, pod, "it flaps: it was ready and then was not, %" PRId64 " times", falls);
    }
    if (health == POD_FAILING && !seen->failed) {
        seen->failed = true;
        snprintf(seen->why, sizeof seen->why, "%s", why);
    }
    json_object_set_new(seen->pods, uid, json_pack("{s:i, s:o, s:I}", "health", (int)health, "why", json_string_safe(why), "falls",
                                                   (json_int_t)falls));
}

void pods_seen_gone(struct pods_seen *seen, const json_t *pod)
{
    const char *uid = uid_of(pod);
    if (uid != NULL) {
        json_object_del(seen->pods, uid);
    }
}

enum pod_health pods_seen_judge(const struct pods_seen *seen, char why[ERR_MESSAGE_MAX])
{
    const json_t *worst = NULL;
    const char *uid = NULL;
    json_t *each = NULL;
    if (seen->failed) {
        snprintf(why, ERR_MESSAGE_MAX, "%s", seen->why);
        return POD_FAILING;
    }
    json_object_foreach(seen->pods, uid, each)
    {
        if (worst == NULL || json_int_or(each, "health", 0) > json_int_or(worst, "health", 0)) {
            worst = each;
        }
    }
    const char *said = json_string_or_null(worst, "why");
    enum pod_health health = (enum pod_health)json_int_or(worst, "health", POD_FINE);
    snprintf(why, ERR_MESSAGE_MAX, "%s", said == NULL ? "" : said);
    return health == POD_GOING ? POD_FINE : health;
}
