#include "tests/sim/sim_pods.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* ---- Whose they are ---- */

bool sim_owned(const struct sim_object *object, const struct sim_object *owner)
{
    const json_t *owners = json_object_get(json_object_get(object->value, "metadata"), "ownerReferences");
    return owner != NULL && str_equal(json_string_or_null(json_array_get(owners, 0), "uid"), sim_uid(owner->value));
}

json_t *sim_owner_list(const struct sim_object *owner)
{
    return json_pack("[{s:s, s:s, s:s, s:s, s:b}]", "apiVersion", json_string_or_null(owner->value, "apiVersion"), "kind",
                     json_string_or_null(owner->value, "kind"), "name", owner->name, "uid", sim_uid(owner->value), "controller", 1);
}

static struct sim_object *owner_of(struct sim *sim, const struct sim_object *object)
{
    for (size_t i = 0; i < sim->object_count; i++) {
        if (sim_owned(object, sim->objects[i])) {
            return sim->objects[i];
        }
    }
    return NULL;
}

struct sim_object *sim_pod_of(struct sim *sim, const struct sim_object *object)
{
    struct sim_object *owner = owner_of(sim, object);
    return owner != NULL && str_equal(owner->resource, "replicasets") ? owner_of(sim, owner) : owner;
}

void sim_template_hash(const json_t *template, char out[32])
{
    uint64_t hash = 0xcbf29ce484222325u;
    char *text = json_dumps(template, JSON_SORT_KEYS | JSON_COMPACT);
    for (const char *c = text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    }
    free(text);
    snprintf(out, 32, "%010" PRIx64, hash >> 24);
}

/* ---- What goes wrong ---- */

enum sim_trouble sim_trouble_of(const struct sim *sim, const struct sim_object *workload, const json_t *value)
{
    if (workload == NULL) {
        return TROUBLE_NONE;
    }
    for (size_t i = 0; i < sim->item_count; i++) {
        const struct sim_item *item = &sim->items[i];
        if (item->trouble != TROUBLE_NONE && str_equal(item->name, workload->name) && str_equal(item->namespace, workload->namespace) &&
            str_equal(item->resource, workload->resource)) {
            json_t *now = sim_resources(value);
            bool hit = json_equal(now, item->wanted) || (item->stuck && item->forward > 0);
            json_decref(now);
            return hit ? item->trouble : TROUBLE_NONE;
        }
    }
    return TROUBLE_NONE;
}

bool sim_pod_ready(const json_t *pod)
{
    size_t index = 0;
    json_t *condition = NULL;
    json_array_foreach(json_object_get(json_object_get(pod, "status"), "conditions"), index, condition)
    {
        if (str_equal(json_string_or_null(condition, "type"), "Ready")) {
            return str_equal(json_string_or_null(condition, "status"), "True");
        }
    }
    return false;
}

/* ---- Status ---- */

struct pod_state {
    const char *phase;
    const char *waiting; /* reason, NULL: running */
    const char *killed;  /* reason of the last end, NULL: none */
    int restarts;
    bool ready;
    bool placed;
};

static json_t *container_status(const json_t *container, const struct pod_state *state)
{
    json_t *now = state->waiting != NULL ? json_pack("{s:{s:s}}", "waiting", "reason", state->waiting)
                                         : json_pack("{s:{s:s}}", "running", "startedAt", "2026-11-22T03:00:00Z");
    json_t *last = state->killed == NULL ? json_object()
                                         : json_pack("{s:{s:s, s:i}}", "terminated", "reason", state->killed, "exitCode",
                                                     str_equal(state->killed, "OOMKilled") ? 137 : 1);
    return json_pack("{s:O, s:b, s:b, s:i, s:o, s:o, s:O}", "name", json_object_get(container, "name"), "ready", state->ready, "started",
                     state->waiting == NULL, "restartCount", state->restarts, "state", now, "lastState", last, "resources",
                     json_object_get(container, "resources"));
}

static void put_state(struct sim *sim, struct sim_object *pod, const struct pod_state *state)
{
    json_t *value = json_deep_copy(pod->value);
    json_t *statuses = json_array();
    json_t *conditions = json_array();
    size_t index = 0;
    json_t *container = NULL;
    json_array_append_new(conditions, state->placed
                                          ? json_pack("{s:s, s:s}", "type", "PodScheduled", "status", "True")
                                          : json_pack("{s:s, s:s, s:s, s:s}", "type", "PodScheduled", "status", "False", "reason",
                                                      "Unschedulable", "message", "0/3 nodes are available: 3 Insufficient cpu."));
    json_array_append_new(conditions, json_pack("{s:s, s:s}", "type", "Ready", "status", state->ready ? "True" : "False"));
    if (state->placed) {
        json_object_set_new(json_object_get(value, "spec"), "nodeName", json_string("node-1"));
        json_array_foreach(json_object_get(json_object_get(value, "spec"), "containers"), index, container)
        {
            json_array_append_new(statuses, container_status(container, state));
        }
    }
    json_object_set_new(value, "status", json_pack("{s:s, s:o, s:o}", "phase", state->phase, "conditions", conditions,
                                                   "containerStatuses", statuses));
    sim_replace(sim, pod, value);
}

void sim_pod_run(struct sim *sim, struct sim_object *pod)
{
    const struct pod_state running = {"Running", NULL, NULL, 0, true, true};
    put_state(sim, pod, &running);
}

/* ---- A pod's life ---- */

static void crash(struct sim *sim, uint64_t id, uint64_t times)
{
    struct sim_object *pod = sim_find_id(sim, id);
    if (pod == NULL) {
        return;
    }
    bool memory = sim_trouble_of(sim, sim_pod_of(sim, pod), pod->value) == TROUBLE_OOM;
    const struct pod_state state = {"Running", "CrashLoopBackOff", memory ? "OOMKilled" : "Error", (int)times, false, true};
    put_state(sim, pod, &state);
    if (times < 6) {
        sim_at(sim, sim->clock + sim_between(sim, 1000, 10000), crash, id, times + 1);
    }
}

static void start(struct sim *sim, uint64_t id, uint64_t unused)
{
    static const struct pod_state unplaced = {"Pending", NULL, NULL, 0, false, false};
    static const struct pod_state no_image = {"Pending", "ImagePullBackOff", NULL, 0, false, true};
    static const struct pod_state unready = {"Running", NULL, NULL, 0, false, true};
    struct sim_object *pod = sim_find_id(sim, id);
    (void)unused;
    if (pod == NULL) {
        return;
    }
    switch (sim_trouble_of(sim, sim_pod_of(sim, pod), pod->value)) {
    case TROUBLE_UNPLACED:
        put_state(sim, pod, &unplaced);
        break;
    case TROUBLE_IMAGE:
        put_state(sim, pod, &no_image);
        break;
    case TROUBLE_NEVER:
        put_state(sim, pod, &unready);
        break;
    case TROUBLE_CRASH:
    case TROUBLE_OOM:
        put_state(sim, pod, &unready);
        sim_at(sim, sim->clock + sim_between(sim, 100, 3000), crash, id, 1);
        break;
    case TROUBLE_LATE:
        sim_pod_run(sim, pod);
        sim_at(sim, sim->clock + sim_between(sim, 100, sim->policy.settle), crash, id, 1);
        break;
    default:
        sim_pod_run(sim, pod);
        break;
    }
}

void sim_pod_make(struct sim *sim, const struct sim_object *workload, const struct sim_object *owner, const char *name)
{
    static const struct pod_state creating = {"Pending", "ContainerCreating", NULL, 0, false, true};
    char hash[32];
    char made[SIM_TEXT];
    const json_t *template = sim_template(owner->value);
    json_t *labels = json_deep_copy(json_object_get(json_object_get(template, "metadata"), "labels"));
    sim_template_hash(template, hash);
    if (!str_equal(workload->resource, "deployments")) {
        json_object_set_new(labels, "controller-revision-hash", json_string(hash));
    }
    snprintf(made, sizeof made, "%.120s-%05" PRIx64, owner->name, sim_random(sim, 0xfffff) + sim->ids * 0x100000);
    json_t *value = json_pack("{s:s, s:s, s:{s:s, s:s, s:o, s:o}, s:o}", "apiVersion", "v1", "kind", "Pod", "metadata", "name",
                              name != NULL ? name : made, "namespace", workload->namespace, "labels", labels, "ownerReferences",
                              sim_owner_list(owner), "spec", json_deep_copy(json_object_get(template, "spec")));
    struct sim_object *pod = sim_add(sim, "", "pods", value);
    put_state(sim, pod, &creating);
    sim_at(sim, sim->clock + sim_between(sim, 100, 2500), start, pod->id, 0);
}

/* ---- Resized in place ---- */

static void resized(struct sim *sim, uint64_t id, uint64_t unused)
{
    struct sim_object *pod = sim_find_id(sim, id);
    (void)unused;
    if (pod != NULL) {
        start(sim, id, 0);
    }
}

void sim_pod_resized(struct sim *sim, const struct sim_object *pod)
{
    sim_at(sim, sim->clock + sim_between(sim, 50, 1500), resized, pod->id, 0);
}
