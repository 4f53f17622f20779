#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_pods.h"

enum { NODES = 3 };

/* ---- Small things ---- */

static int64_t replicas_of(const struct sim_object *object)
{
    return json_int_or(json_object_get(object->value, "spec"), "replicas", 1);
}

/* Writes a new status; what watches it is told. */
static void put_status(struct sim *sim, struct sim_object *object, json_t *status)
{
    json_t *value = json_deep_copy(object->value);
    json_object_set_new(value, "status", status);
    const json_t *old = json_object_get(object->value, "status");
    if (!json_equal(json_object_get(old, "updatedReplicas"), json_object_get(status, "updatedReplicas")) ||
        !json_equal(json_object_get(old, "replicas"), json_object_get(status, "replicas")) ||
        !json_equal(json_object_get(old, "availableReplicas"), json_object_get(status, "availableReplicas")) ||
        !json_equal(json_object_get(old, "observedGeneration"), json_object_get(status, "observedGeneration"))) {
        object->progress = sim->clock;
    }
    sim_replace(sim, object, value);
}

/* A condition; when it came to be so is kept while it stays so. */
static json_t *condition(const struct sim *sim, const struct sim_object *object, const char *type, bool holds, const char *reason)
{
    char time[32];
    size_t index = 0;
    const json_t *old = NULL;
    json_array_foreach(json_object_get(json_object_get(object->value, "status"), "conditions"), index, old)
    {
        if (str_equal(json_string_or_null(old, "type"), type) && str_equal(json_string_or_null(old, "reason"), reason) &&
            str_equal(json_string_or_null(old, "status"), holds ? "True" : "False")) {
            return json_deep_copy(old);
        }
    }
    sim_time(sim, time);
    return json_pack("{s:s, s:s, s:s, s:s}", "type", type, "status", holds ? "True" : "False", "reason", reason, "lastUpdateTime", time);
}

/* ---- ReplicaSets of a Deployment ---- */

static json_t *template_without_hash(const json_t *template)
{
    json_t *copy = json_deep_copy(template);
    json_object_del(json_object_get(json_object_get(copy, "metadata"), "labels"), "pod-template-hash");
    return copy;
}

static bool same_template(const json_t *a, const json_t *b)
{
    json_t *left = template_without_hash(a);
    json_t *right = template_without_hash(b);
    bool same = json_equal(left, right) != 0;
    json_decref(left);
    json_decref(right);
    return same;
}

static struct sim_object *current_set(struct sim *sim, const struct sim_object *deployment)
{
    for (size_t i = 0; i < sim->object_count; i++) {
        struct sim_object *set = sim->objects[i];
        if (str_equal(set->resource, "replicasets") && sim_owned(set, deployment) &&
            same_template(sim_template(set->value), sim_template(deployment->value))) {
            return set;
        }
    }
    return NULL;
}

static struct sim_object *new_set(struct sim *sim, const struct sim_object *deployment)
{
    char hash[32];
    json_t *template = json_deep_copy(sim_template(deployment->value));
    sim_template_hash(template, hash);
    json_object_set_new(json_object_get(json_object_get(template, "metadata"), "labels"), "pod-template-hash", json_string(hash));
    char *name = xasprintf("%s-%s", deployment->name, hash);
    json_t *value =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:O, s:o}, s:{s:I, s:o}}", "apiVersion", "apps/v1", "kind", "ReplicaSet", "metadata", "name",
                  name, "namespace", deployment->namespace, "labels", json_object_get(json_object_get(template, "metadata"), "labels"),
                  "ownerReferences", sim_owner_list(deployment), "spec", "replicas", (json_int_t)replicas_of(deployment), "template",
                  template);
    struct sim_object *old = sim_find(sim, "apps", "replicasets", deployment->namespace, name);
    free(name);
    if (old != NULL) {
        /* A set of that name whose template was changed since: the real controller counts collisions. */
        json_decref(value);
        return old;
    }
    return sim_add(sim, "apps", "replicasets", value);
}

/* ---- Deployments ---- */

struct counts {
    int64_t all;
    int64_t new;
    int64_t ready;
    int64_t new_ready;
};

static void count_pods(struct sim *sim, const struct sim_object *deployment, const struct sim_object *set, struct counts *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sim->object_count; i++) {
        const struct sim_object *pod = sim->objects[i];
        if (str_equal(pod->resource, "pods") && sim_pod_of(sim, pod) == deployment) {
            bool new = set != NULL && sim_owned(pod, set);
            out->all++;
            out->new += new;
            out->ready += sim_pod_ready(pod->value);
            out->new_ready += new && sim_pod_ready(pod->value);
        }
    }
}

/* A pod that may go: of old sets (or, `new`, of the current one), one that is not ready first. */
static struct sim_object *to_delete(struct sim *sim, const struct sim_object *deployment, const struct sim_object *set, bool new)
{
    struct sim_object *found = NULL;
    for (size_t i = 0; i < sim->object_count; i++) {
        struct sim_object *pod = sim->objects[i];
        if (str_equal(pod->resource, "pods") && sim_pod_of(sim, pod) == deployment && sim_owned(pod, set) == new) {
            if (!sim_pod_ready(pod->value)) {
                return pod;
            }
            found = pod;
        }
    }
    return found;
}

static json_t *deployment_status(const struct sim *sim, const struct sim_object *object, const struct counts *counts, bool refused,
                                 bool paused)
{
    int64_t replicas = replicas_of(object);
    int64_t deadline = 1000 * json_int_or(json_object_get(object->value, "spec"), "progressDeadlineSeconds", 600);
    bool complete = counts->new == replicas && counts->all == replicas && counts->new_ready == replicas;
    bool late = !complete && !paused && sim->clock - object->progress >= deadline;
    json_t *conditions = json_array();
    json_array_append_new(conditions, condition(sim, object, "Available", counts->ready >= replicas, "MinimumReplicasAvailable"));
    json_array_append_new(conditions, condition(sim, object, "Progressing", !late, late       ? "ProgressDeadlineExceeded"
                                                                      : complete ? "NewReplicaSetAvailable"
                                                                                 : "ReplicaSetUpdated"));
    if (refused) {
        json_array_append_new(conditions, condition(sim, object, "ReplicaFailure", true, "FailedCreate"));
    }
    json_t *status = json_pack("{s:O, s:o}", "observedGeneration",
                               json_object_get(json_object_get(object->value, "metadata"), "generation"), "conditions", conditions);
    const struct {
        const char *name;
        int64_t value;
    } figures[] = {{"replicas", counts->all}, {"updatedReplicas", counts->new}, {"readyReplicas", counts->ready},
                   {"availableReplicas", counts->ready}, {"unavailableReplicas", counts->all - counts->ready}};
    for (size_t i = 0; i < ARRAY_COUNT(figures); i++) {
        if (figures[i].value > 0) {
            json_object_set_new(status, figures[i].name, json_integer(figures[i].value));
        }
    }
    return status;
}

static bool creation_refused(const struct sim *sim, const struct sim_object *object)
{
    return sim_trouble_of(sim, object, object->value) == TROUBLE_QUOTA;
}

static void sync_deployment(struct sim *sim, struct sim_object *object)
{
    bool paused = json_bool_or(json_object_get(object->value, "spec"), "paused", false);
    int64_t replicas = replicas_of(object);
    struct sim_object *set = current_set(sim, object);
    struct counts counts;
    if (set == NULL && !paused) {
        set = new_set(sim, object);
    }
    if (json_int_or(json_object_get(object->value, "status"), "observedGeneration", 0) !=
        json_int_or(json_object_get(object->value, "metadata"), "generation", 0)) {
        object->progress = sim->clock;
    }
    count_pods(sim, object, set, &counts);
    bool refused = !paused && counts.new < replicas && creation_refused(sim, object);
    if (!paused && !refused && counts.new < replicas && counts.all < replicas + 1) {
        sim_pod_make(sim, object, set, NULL);
    } else if (!paused && counts.new > replicas) {
        sim_remove(sim, to_delete(sim, object, set, true));
    } else if (!paused && counts.all > counts.new) {
        struct sim_object *old = to_delete(sim, object, set, false);
        if (!sim_pod_ready(old->value) ? counts.all > replicas || refused : counts.ready > replicas) {
            sim_remove(sim, old);
        }
    }
    count_pods(sim, object, set, &counts);
    put_status(sim, object, deployment_status(sim, object, &counts, refused, paused));
}

/* ---- StatefulSets ---- */

static struct sim_object *ordinal_pod(struct sim *sim, const struct sim_object *object, int64_t ordinal)
{
    char *name = xasprintf("%s-%" PRId64, object->name, ordinal);
    struct sim_object *pod = sim_find(sim, "", "pods", object->namespace, name);
    free(name);
    return pod;
}

static bool of_revision(const struct sim_object *pod, const char *hash)
{
    return str_equal(json_string_or_null(json_object_get(json_object_get(pod->value, "metadata"), "labels"), "controller-revision-hash"),
                     hash);
}

/* As the real one: in order, nothing further while a pod is not ready. True: something was done. */
static bool step_stateful(struct sim *sim, struct sim_object *object, const char *hash)
{
    const json_t *strategy = json_object_get(json_object_get(object->value, "spec"), "updateStrategy");
    int64_t partition = json_int_or(json_object_get(strategy, "rollingUpdate"), "partition", 0);
    int64_t replicas = replicas_of(object);
    for (int64_t i = 0; i < replicas; i++) {
        struct sim_object *pod = ordinal_pod(sim, object, i);
        if (pod == NULL && sim_trouble_of(sim, object, object->value) != TROUBLE_QUOTA) {
            char *name = xasprintf("%s-%" PRId64, object->name, i);
            sim_pod_make(sim, object, object, name);
            free(name);
            return true;
        }
        if (pod == NULL || !sim_pod_ready(pod->value)) {
            return false;
        }
    }
    struct sim_object *last = ordinal_pod(sim, object, replicas);
    if (last != NULL) {
        sim_remove(sim, last);
        return true;
    }
    for (int64_t i = replicas - 1; i >= partition && !str_equal(json_string_or_null(strategy, "type"), "OnDelete"); i--) {
        struct sim_object *pod = ordinal_pod(sim, object, i);
        if (pod != NULL && !of_revision(pod, hash)) {
            sim_remove(sim, pod);
            return true;
        }
    }
    return false;
}

static void sync_stateful(struct sim *sim, struct sim_object *object)
{
    char hash[32];
    int64_t all = 0;
    int64_t ready = 0;
    int64_t updated = 0;
    sim_template_hash(sim_template(object->value), hash);
    step_stateful(sim, object, hash);
    for (int64_t i = 0; i < replicas_of(object); i++) {
        const struct sim_object *pod = ordinal_pod(sim, object, i);
        all += pod != NULL;
        ready += pod != NULL && sim_pod_ready(pod->value);
        updated += pod != NULL && of_revision(pod, hash);
    }
    const char *current = json_string_or_null(json_object_get(object->value, "status"), "currentRevision");
    bool complete = updated == replicas_of(object) && ready == updated;
    json_t *status = json_pack("{s:O, s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "observedGeneration",
                               json_object_get(json_object_get(object->value, "metadata"), "generation"), "replicas", (json_int_t)all,
                               "readyReplicas", (json_int_t)ready, "availableReplicas", (json_int_t)ready, "updatedReplicas",
                               (json_int_t)updated, "currentReplicas", (json_int_t)(complete ? all : all - updated), "currentRevision",
                               complete || current == NULL ? hash : current, "updateRevision", hash);
    put_status(sim, object, status);
}

/* ---- DaemonSets ---- */

static void sync_daemon(struct sim *sim, struct sim_object *object)
{
    char hash[32];
    int64_t all = 0;
    int64_t ready = 0;
    int64_t updated = 0;
    struct sim_object *old = NULL;
    sim_template_hash(sim_template(object->value), hash);
    for (size_t i = 0; i < sim->object_count; i++) {
        struct sim_object *pod = sim->objects[i];
        if (str_equal(pod->resource, "pods") && sim_owned(pod, object)) {
            all++;
            ready += sim_pod_ready(pod->value);
            updated += of_revision(pod, hash);
            old = of_revision(pod, hash) ? old : old == NULL || sim_pod_ready(old->value) ? pod : old;
        }
    }
    const json_t *strategy = json_object_get(json_object_get(object->value, "spec"), "updateStrategy");
    bool manual = str_equal(json_string_or_null(strategy, "type"), "OnDelete");
    if (all < NODES && sim_trouble_of(sim, object, object->value) != TROUBLE_QUOTA) {
        sim_pod_make(sim, object, object, NULL);
    } else if (old != NULL && !manual && all == NODES && (ready == NODES || !sim_pod_ready(old->value))) {
        sim_remove(sim, old);
    }
    json_t *status =
        json_pack("{s:O, s:I, s:I, s:I, s:I, s:I, s:I}", "observedGeneration",
                  json_object_get(json_object_get(object->value, "metadata"), "generation"), "desiredNumberScheduled", (json_int_t)NODES,
                  "currentNumberScheduled", (json_int_t)all, "updatedNumberScheduled", (json_int_t)updated, "numberReady",
                  (json_int_t)ready, "numberAvailable", (json_int_t)ready, "numberUnavailable", (json_int_t)(NODES - ready));
    put_status(sim, object, status);
}

/* ---- Visits ---- */

static bool is_workload(const struct sim_object *object)
{
    return str_equal(object->resource, "deployments") || str_equal(object->resource, "statefulsets") ||
           str_equal(object->resource, "daemonsets");
}

static void sync_one(struct sim *sim, struct sim_object *object)
{
    if (str_equal(object->resource, "deployments")) {
        sync_deployment(sim, object);
    } else if (str_equal(object->resource, "statefulsets")) {
        sync_stateful(sim, object);
    } else {
        sync_daemon(sim, object);
    }
}

static void visit(struct sim *sim, uint64_t id, uint64_t unused)
{
    (void)unused;
    struct sim_object *object = sim_find_id(sim, id);
    if (object == NULL) {
        return;
    }
    object->syncing = false;
    int64_t before = sim_version(object->value);
    sync_one(sim, object);
    int64_t deadline = 1000 * json_int_or(json_object_get(object->value, "spec"), "progressDeadlineSeconds", 0);
    if (deadline > 0 && sim_version(object->value) != before) {
        /* Looks again when the deadline for progress is over. */
        sim_at(sim, object->progress + deadline + 1, visit, id, 0);
    }
}

void sim_controller_wake(struct sim *sim, struct sim_object *object)
{
    struct sim_object *workload = is_workload(object) ? object : sim_pod_of(sim, object);
    if (workload == NULL || workload->syncing || sim_find_id(sim, workload->id) == NULL) {
        return;
    }
    workload->syncing = true;
    sim_at(sim, sim->clock + sim_between(sim, 1, 150), visit, workload->id, 0);
}

void sim_controller_settle(struct sim *sim, struct sim_object *object)
{
    for (int round = 0; round < 40 && is_workload(object); round++) {
        int64_t before = sim_version(object->value);
        sync_one(sim, object);
        for (size_t i = 0; i < sim->object_count; i++) {
            if (str_equal(sim->objects[i]->resource, "pods") && sim_pod_of(sim, sim->objects[i]) == object) {
                sim_pod_run(sim, sim->objects[i]);
            }
        }
        if (before == sim_version(object->value) && round > 5) {
            return;
        }
    }
}
