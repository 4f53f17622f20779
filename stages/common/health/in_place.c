#include "stages/common/health/in_place.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "stages/common/health/needs.h"
#include "stages/common/health/rollout.h"

/* Kubernetes 1.33 has the subresource on by default; until 1.34 a memory limit could not be lowered. */
enum { MINOR_RESIZE = 33, MINOR_LOWER_MEMORY = 34 };

#define HASH_LABEL "pod-template-hash"

static const char *const lists[] = {"initContainers", "containers"};
static const char *const status_lists[] = {"initContainerStatuses", "containerStatuses"};
static const char *const sections[] = {"requests", "limits"};
static const char *const resources[] = {"cpu", "memory"};

__attribute__((format(printf, 2, 3))) static bool say(char why[ERR_MESSAGE_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, ERR_MESSAGE_MAX, format, args);
    va_end(args);
    str_trim_utf8(why);
    str_mask_controls(why);
    return false;
}

static const char *name_of(const json_t *object)
{
    const char *name = json_string_or_null(object, "name");
    return name == NULL ? "?" : name;
}

static const json_t *named(const json_t *array, const char *name)
{
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(array, index, each)
    {
        if (name != NULL && str_equal(json_string_or_null(each, "name"), name)) {
            return each;
        }
    }
    return NULL;
}

static bool is_sidecar(const json_t *container)
{
    return str_equal(json_string_or_null(container, "restartPolicy"), "Always");
}

/* ---- Amounts ---- */

/* CPU or memory of a container as its pod has it: a limit alone is a request, too. NULL where it is absent. */
static const json_t *amount(const json_t *container, size_t section, size_t resource)
{
    const json_t *all = json_object_get(container, "resources");
    const json_t *own = json_object_get(json_object_get(all, sections[section]), resources[resource]);
    if (own == NULL && section == 0) {
        own = json_object_get(json_object_get(all, "limits"), resources[resource]);
    }
    return json_is_null(own) ? NULL : own;
}

static bool same_amount(const json_t *a, const json_t *b, size_t resource)
{
    int64_t left = 0;
    int64_t right = 0;
    const char *first = json_string_value(a);
    const char *second = json_string_value(b);
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (first == NULL || second == NULL) {
        return json_equal(a, b) != 0;
    }
    bool cpu = resource == 0;
    bool read = cpu ? quantity_cpu(first, strlen(first), &left, NULL) == 0 && quantity_cpu(second, strlen(second), &right, NULL) == 0
                    : quantity_memory(first, strlen(first), &left, NULL) == 0 && quantity_memory(second, strlen(second), &right, NULL) == 0;
    return read ? left == right : strcmp(first, second) == 0;
}

static bool same_amounts(const json_t *a, const json_t *b)
{
    for (size_t i = 0; i < 4; i++) {
        if (!same_amount(amount(a, i / 2, i % 2), amount(b, i / 2, i % 2), i % 2)) {
            return false;
        }
    }
    return true;
}

/* Whether all containers of a pod have what those of the template say; *other receives the first that has not. */
static bool same_pod(const json_t *spec, const json_t *pod, const char **other)
{
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        size_t index = 0;
        const json_t *container = NULL;
        json_array_foreach(json_object_get(spec, lists[i]), index, container)
        {
            const json_t *own = named(json_object_get(json_object_get(pod, "spec"), lists[i]), json_string_or_null(container, "name"));
            if (own == NULL || !same_amounts(container, own)) {
                *other = name_of(container);
                return false;
            }
        }
    }
    return true;
}

/* ---- The class of a pod ---- */

enum qos { QOS_BEST_EFFORT, QOS_BURSTABLE, QOS_GUARANTEED };

static bool is_nothing(const json_t *value)
{
    int64_t read = 0;
    const char *text = json_string_value(value);
    return value == NULL || (text != NULL && quantity_memory(text, strlen(text), &read, NULL) == 0 && read == 0);
}

/* "Configure Quality of Service for Pods": guaranteed where every container has limits for both, and requests that equal them. */
static enum qos qos_of(const json_t *spec)
{
    bool any = false;
    bool guaranteed = true;
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        size_t index = 0;
        const json_t *container = NULL;
        json_array_foreach(json_object_get(spec, lists[i]), index, container)
        {
            for (size_t r = 0; r < ARRAY_COUNT(resources); r++) {
                const json_t *request = amount(container, 0, r);
                const json_t *limit = amount(container, 1, r);
                any = any || !is_nothing(request) || !is_nothing(limit);
                guaranteed = guaranteed && !is_nothing(limit) && same_amount(request, limit, r);
            }
        }
    }
    return !any ? QOS_BEST_EFFORT : guaranteed ? QOS_GUARANTEED : QOS_BURSTABLE;
}

static bool same_qos(const json_t *before, const json_t *after, char why[ERR_MESSAGE_MAX])
{
    static const char *const words[] = {"BestEffort", "Burstable", "Guaranteed"};
    enum qos was = qos_of(before);
    enum qos will = qos_of(after);
    return was == will || say(why, "its QoS class would change from %s to %s", words[was], words[will]);
}

/* ---- The template ---- */

static bool restarts(const json_t *container, const char *resource)
{
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(json_object_get(container, "resizePolicy"), index, each)
    {
        if (str_equal(json_string_or_null(each, "resourceName"), resource)) {
            return str_equal(json_string_or_null(each, "restartPolicy"), "RestartContainer");
        }
    }
    return false;
}

static bool container_allows(const struct in_place_question *question, const json_t *before, const json_t *after, char why[ERR_MESSAGE_MAX])
{
    for (size_t i = 0; i < 4; i++) {
        const json_t *was = amount(before, i / 2, i % 2);
        const json_t *will = amount(after, i / 2, i % 2);
        if (same_amount(was, will, i % 2)) {
            continue;
        }
        if (was == NULL || will == NULL) {
            return say(why, "%s.%s of container %s would be %s, which a running pod takes in one direction only", sections[i / 2],
                       resources[i % 2], name_of(after), was == NULL ? "added" : "removed");
        }
        if (restarts(after, resources[i % 2])) {
            return say(why, "the resizePolicy of container %s restarts it when its %s changes", name_of(after), resources[i % 2]);
        }
        if (i == 3 && question->minor < MINOR_LOWER_MEMORY) {
            return say(why, "Kubernetes 1.%" PRId64 " lowers no memory limit of a running pod, so that of container %s could not be %s",
                       question->minor, name_of(after), "moved both ways");
        }
    }
    return true;
}

static bool template_allows(const struct in_place_question *question, char why[ERR_MESSAGE_MAX])
{
    const json_t *before = needs_spec(question->before);
    const json_t *after = needs_spec(question->after);
    if (json_object_size(json_object_get(before, "resources")) > 0 || json_object_size(json_object_get(after, "resources")) > 0) {
        return say(why, "its pods have resources of their own (spec.resources)");
    }
    if (str_equal(json_string_value(json_at(before, "os.name")), "windows")) {
        return say(why, "its pods are of Windows");
    }
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        size_t index = 0;
        const json_t *container = NULL;
        json_array_foreach(json_object_get(after, lists[i]), index, container)
        {
            const json_t *was = named(json_object_get(before, lists[i]), json_string_or_null(container, "name"));
            if (i == 0 && !is_sidecar(container) && !same_amounts(was, container)) {
                return say(why, "container %s is an init container: what has run is not resized", name_of(container));
            }
            if (!container_allows(question, was, container, why)) {
                return false;
            }
        }
    }
    return same_qos(before, after, why);
}

/* ---- Its pods ---- */

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

static bool holds(const json_t *pod, const char *type)
{
    return str_equal(json_string_or_null(condition(pod, type), "status"), "True");
}

static bool is_over(const json_t *pod)
{
    const char *phase = json_string_value(json_at(pod, "status.phase"));
    return json_at(pod, "metadata.deletionTimestamp") != NULL || str_equal(phase, "Failed") || str_equal(phase, "Succeeded");
}

/* "db-12" is the thirteenth of its set, or the one at its place from `ordinals.start` on. -1 where it is none. */
static int64_t ordinal_of(const json_t *object, const char *pod)
{
    const char *dash = pod == NULL ? NULL : strrchr(pod, '-');
    int64_t ordinal = 0;
    if (dash == NULL || str_int64(dash + 1, 0, INT32_MAX, &ordinal)) {
        return -1;
    }
    return ordinal - json_int_or(json_at(object, "spec.ordinals"), "start", 0);
}

bool in_place_keeps(const json_t *object, const json_t *pod)
{
    const char *kind = json_string_or_null(object, "kind");
    bool on_delete = str_equal(json_string_value(json_at(object, "spec.updateStrategy.type")), "OnDelete");
    if (str_equal(kind, "StatefulSet") && !on_delete) {
        int64_t partition = json_int_or(json_at(object, "spec.updateStrategy.rollingUpdate"), "partition", 0);
        int64_t ordinal = ordinal_of(object, json_string_or_null(json_object_get(pod, "metadata"), "name"));
        return ordinal >= 0 && ordinal < partition;
    }
    return on_delete || str_equal(kind, "Deployment") || str_equal(kind, "ReplicaSet") || str_equal(kind, "ReplicationController");
}

/* A kubelet that can resize tells what each running container has. */
static bool kubelet_tells(const json_t *pod)
{
    size_t index = 0;
    const json_t *status = NULL;
    json_array_foreach(json_at(pod, "status.containerStatuses"), index, status)
    {
        if (json_object_get(json_object_get(status, "state"), "running") != NULL && !json_is_object(json_object_get(status, "resources"))) {
            return false;
        }
    }
    return index > 0;
}

/* What was killed for memory keeps its old bounds until its pod is made anew. */
static bool was_killed(const json_t *pod)
{
    size_t index = 0;
    const json_t *status = NULL;
    json_array_foreach(json_at(pod, "status.containerStatuses"), index, status)
    {
        if (str_equal(json_string_value(json_at(status, "lastState.terminated.reason")), "OOMKilled")) {
            return true;
        }
    }
    return false;
}

static bool pod_allows(const struct in_place_question *question, const json_t *pod, char why[ERR_MESSAGE_MAX])
{
    const json_t *metadata = json_object_get(pod, "metadata");
    const char *name = name_of(metadata);
    const char *other = NULL;
    if (!str_equal(json_string_value(json_at(pod, "status.phase")), "Running") || !holds(pod, "Ready")) {
        return say(why, "pod %s is not ready", name);
    }
    if (json_object_get(json_object_get(metadata, "annotations"), "kubernetes.io/config.mirror") != NULL) {
        return say(why, "pod %s is a static pod of its node", name);
    }
    if (!kubelet_tells(pod)) {
        return say(why, "the node of pod %s does not resize pods", name);
    }
    if (holds(pod, "PodResizePending") || holds(pod, "PodResizeInProgress")) {
        return say(why, "pod %s is being resized already", name);
    }
    if (was_killed(pod)) {
        return say(why, "a container of pod %s was killed for want of memory: its pod has to be made anew", name);
    }
    return same_pod(needs_spec(question->before), pod, &other) ||
           say(why, "container %s of pod %s has other resources than the template", other, name);
}

static bool pods_allow(const struct in_place_question *question, size_t *replaced, char why[ERR_MESSAGE_MAX])
{
    size_t index = 0;
    size_t kept = 0;
    const json_t *pod = NULL;
    json_array_foreach(question->pods, index, pod)
    {
        if (is_over(pod)) {
            continue;
        }
        if (!in_place_keeps(question->before, pod)) {
            ++*replaced;
            continue;
        }
        kept++;
        if (!pod_allows(question, pod, why)) {
            return false;
        }
    }
    return kept > 0 || say(why, *replaced > 0 ? "its controller replaces its pods" : "it has no pods");
}

/* ---- Deployments ---- */

bool in_place_asks_sets(const json_t *object)
{
    return str_equal(json_string_or_null(object, "kind"), "Deployment");
}

/* New copy of a template without the label that its ReplicaSet adds. */
static json_t *plain_template(const json_t *object)
{
    json_t *template = json_deep_copy(json_at(object, "spec.template"));
    json_object_del(json_at(template, "metadata.labels"), HASH_LABEL);
    return template;
}

bool in_place_same_template(const json_t *deployment, const json_t *set)
{
    json_t *one = plain_template(deployment);
    json_t *other = plain_template(set);
    bool same = one != NULL && other != NULL && json_equal(one, other) != 0;
    json_decref(one);
    json_decref(other);
    return same;
}

static bool owns(const json_t *deployment, const json_t *set)
{
    const char *uid = json_string_or_null(json_object_get(deployment, "metadata"), "uid");
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(json_at(set, "metadata.ownerReferences"), index, each)
    {
        if (uid != NULL && json_bool_or(each, "controller", false) && str_equal(json_string_or_null(each, "uid"), uid)) {
            return true;
        }
    }
    return false;
}

/* The one ReplicaSet of the template as it is; none may have the one that will be, or the controller would take that. */
static const json_t *set_of(const struct in_place_question *question, char why[ERR_MESSAGE_MAX])
{
    const json_t *found = NULL;
    size_t index = 0;
    const json_t *set = NULL;
    json_array_foreach(question->sets, index, set)
    {
        if (!owns(question->before, set)) {
            continue;
        }
        if (in_place_same_template(question->after, set)) {
            say(why, "its former ReplicaSet %s has the planned template already", name_of(json_object_get(set, "metadata")));
            return NULL;
        }
        if (in_place_same_template(question->before, set)) {
            if (found != NULL) {
                say(why, "two of its ReplicaSets have its template");
                return NULL;
            }
            found = set;
        }
    }
    if (found == NULL) {
        say(why, "none of its ReplicaSets has its template");
    }
    return found;
}

enum in_place_way in_place_decide(const struct in_place_question *question, const json_t **set, char why[ERR_MESSAGE_MAX])
{
    size_t replaced = 0;
    const json_t *found = NULL;
    bool deployment = in_place_asks_sets(question->before);
    why[0] = '\0';
    if (question->minor < MINOR_RESIZE) {
        say(why, "the server is older than Kubernetes 1.%d, or does not say which it is", MINOR_RESIZE);
        return IN_PLACE_NOT;
    }
    if (!pods_allow(question, &replaced, why) || !template_allows(question, why)) {
        return IN_PLACE_NOT;
    }
    if (deployment && (found = set_of(question, why)) == NULL) {
        return IN_PLACE_NOT;
    }
    if (replaced > 0) {
        say(why, "%zu pods above its partition are replaced", replaced);
    }
    if (set != NULL) {
        *set = found;
    }
    return deployment ? IN_PLACE_DEPLOYMENT : IN_PLACE_PODS;
}

/* ---- A pod on its way ---- */

/* Whether the kubelet says that it has given every container what its spec says; *told: whether it says what it gave to each. */
static bool is_given(const json_t *pod, bool *told)
{
    *told = true;
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        size_t index = 0;
        const json_t *container = NULL;
        json_array_foreach(json_object_get(json_object_get(pod, "spec"), lists[i]), index, container)
        {
            const json_t *statuses = json_object_get(json_object_get(pod, "status"), status_lists[i]);
            const json_t *status = named(statuses, json_string_or_null(container, "name"));
            bool runs = i == 1 || is_sidecar(container);
            *told = *told && (!runs || json_object_get(status, "resources") != NULL);
            if (runs && json_object_get(status, "resources") != NULL && !same_amounts(container, status)) {
                return false;
            }
        }
    }
    return true;
}

enum in_place_pod in_place_pod_judge(const json_t *object, const json_t *pod, char why[ERR_MESSAGE_MAX])
{
    const json_t *pending = condition(pod, "PodResizePending");
    const char *name = name_of(json_object_get(pod, "metadata"));
    const char *other = NULL;
    bool told = false;
    why[0] = '\0';
    if (is_over(pod)) {
        return IN_PLACE_POD_OVER;
    }
    if (!same_pod(needs_spec(object), pod, &other)) {
        say(why, "container %s of pod %s is not resized yet", other, name);
        return IN_PLACE_POD_ASK;
    }
    bool given = is_given(pod, &told);
    if (holds(pod, "PodResizePending") && !(given && told)) { /* what is given pends no more */
        const char *reason = json_string_or_null(pending, "reason");
        const char *message = json_string_or_null(pending, "message");
        bool infeasible = str_equal(reason, "Infeasible");
        say(why, "the node of pod %s %s give it what it shall have (%s%s%.500s)", name, infeasible ? "cannot" : "does not yet",
            reason == NULL ? "no reason given" : reason, message == NULL ? "" : ": ", message == NULL ? "" : message);
        return infeasible ? IN_PLACE_POD_REFUSED : IN_PLACE_POD_WAITS;
    }
    if (holds(pod, "PodResizeInProgress") || !given) {
        const char *message = json_string_or_null(condition(pod, "PodResizeInProgress"), "message");
        say(why, "pod %s is being resized%s%.500s", name, message == NULL ? "" : ": ", message == NULL ? "" : message);
        return IN_PLACE_POD_WAITS;
    }
    return IN_PLACE_POD_DONE;
}

/* New {"requests": …, "limits": …} of what differs, NULL where nothing does. */
static json_t *difference(const json_t *wanted, const json_t *own)
{
    json_t *found = json_object();
    for (size_t i = 0; i < 4; i++) {
        const json_t *will = amount(wanted, i / 2, i % 2);
        if (will == NULL || same_amount(will, amount(own, i / 2, i % 2), i % 2)) {
            continue;
        }
        json_t *section = json_object_get(found, sections[i / 2]);
        if (section == NULL) {
            section = json_object();
            json_object_set_new(found, sections[i / 2], section);
        }
        json_object_set(section, resources[i % 2], (json_t *)(uintptr_t)will);
    }
    if (json_object_size(found) == 0) {
        json_decref(found);
        return NULL;
    }
    return found;
}

json_t *in_place_pod_patch(const json_t *object, const json_t *pod)
{
    const json_t *metadata = json_object_get(pod, "metadata");
    json_t *spec = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        json_t *changed = json_array();
        size_t index = 0;
        const json_t *container = NULL;
        json_array_foreach(json_object_get(needs_spec(object), lists[i]), index, container)
        {
            const char *name = json_string_or_null(container, "name");
            json_t *more = difference(container, named(json_object_get(json_object_get(pod, "spec"), lists[i]), name));
            if (more != NULL) {
                json_array_append_new(changed, json_pack("{s:s,s:o}", "name", name, "resources", more));
            }
        }
        if (json_array_size(changed) > 0) {
            json_object_set(spec, lists[i], changed);
        }
        json_decref(changed);
    }
    return json_pack("{s:{s:O?,s:O?},s:o}", "metadata", "uid", json_object_get(metadata, "uid"), "resourceVersion",
                     json_object_get(metadata, "resourceVersion"), "spec", spec);
}
