#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"

/* ---- Kinds ---- */

struct sim_kind {
    const char *kind;
    const char *group;
    const char *api_version;
    const char *resource;
    unsigned weight;
};

static const struct sim_kind kinds[] = {
    {"Deployment", "apps", "apps/v1", "deployments", 56},
    {"StatefulSet", "apps", "apps/v1", "statefulsets", 18},
    {"DaemonSet", "apps", "apps/v1", "daemonsets", 12},
    {"CronJob", "batch", "batch/v1", "cronjobs", 8},
    {"HorizontalPodAutoscaler", "autoscaling", "autoscaling/v2", "horizontalpodautoscalers", 6},
};

static const struct sim_kind *pick_kind(struct sim *sim)
{
    uint64_t at = sim_random(sim, 100);
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (at < kinds[i].weight) {
            return &kinds[i];
        }
        at -= kinds[i].weight;
    }
    return &kinds[0];
}

/* ---- Resources: before and after, as a plan would have them ---- */

enum { FIELDS = 4, NO_AMOUNT = -1 };

static const char *const sections[FIELDS] = {"requests", "requests", "limits", "limits"};
static const char *const names[FIELDS] = {"cpu", "memory", "cpu", "memory"};

static int64_t pick_amount(struct sim *sim, bool memory)
{
    return memory ? 67108864 * sim_between(sim, 1, 24) : 50 * sim_between(sim, 1, 40);
}

static void amount_text(struct sim *sim, int field, int64_t value, char out[QUANTITY_MAX])
{
    if (field % 2 == 1) {
        quantity_memory_format(value, out);
    } else if (sim_chance(sim, 30)) {
        snprintf(out, QUANTITY_MAX, "%" PRId64 "m", value);
    } else {
        quantity_cpu_format(value, out);
    }
}

/* Some fields of a container; limits are no less than requests. */
static void pick_fields(struct sim *sim, int64_t fields[FIELDS])
{
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = sim_chance(sim, i < 2 ? 85 : 60) ? pick_amount(sim, i % 2 == 1) : NO_AMOUNT;
        if (i >= 2 && fields[i] != NO_AMOUNT && fields[i - 2] > fields[i]) {
            fields[i] = fields[i - 2];
        }
    }
}

static json_t *fields_json(const int64_t fields[FIELDS])
{
    json_t *resources = json_object();
    for (int i = 0; i < FIELDS; i++) {
        char text[QUANTITY_MAX];
        if (fields[i] == NO_AMOUNT) {
            continue;
        }
        if (json_object_get(resources, sections[i]) == NULL) {
            json_object_set_new(resources, sections[i], json_object());
        }
        char written[64];
        i % 2 == 1 ? quantity_memory_format(fields[i], text) : quantity_cpu_format(fields[i], text);
        sim_amount(text, written);
        json_object_set_new(json_object_get(resources, sections[i]), names[i], json_string(written));
    }
    return resources;
}

static json_t *planned_container(const char *name, const char *role, const int64_t fields[FIELDS])
{
    json_t *amounts[2] = {json_object(), json_object()};
    for (int i = 0; i < FIELDS; i++) {
        json_object_set_new(amounts[i / 2], i % 2 == 1 ? "memory_bytes" : "cpu_millicores",
                            json_int_or_null(fields[i] != NO_AMOUNT, fields[i]));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", name, "role", role, "image", "example/image:1", "requests", amounts[0],
                     "limits", amounts[1]);
}

/* ---- One workload ---- */

struct draft {
    struct sim_item *item;
    const struct sim_kind *kind;
    json_t *containers[2]; /* containers, initContainers: of the object */
    json_t *planned;       /* containers of the record */
    json_t *edits;
    json_t *merge[2];      /* of the patch */
};

static void draft_edit(struct sim *sim, struct draft *draft, const char *name, int list, int64_t from, int64_t to, int field,
                       json_t *entry)
{
    char old[QUANTITY_MAX] = "";
    char new[QUANTITY_MAX] = "";
    json_t *resources = json_object_get(entry, "resources");
    if (from != NO_AMOUNT) {
        amount_text(sim, field, from, old);
    }
    if (to != NO_AMOUNT) {
        amount_text(sim, field, to, new);
    }
    char *path = xasprintf("spec.template.spec.%s[%zu].resources.%s.%s", list == 0 ? "containers" : "initContainers",
                           json_array_size(draft->containers[list]), sections[field], names[field]);
    json_array_append_new(draft->edits, json_pack("{s:s, s:s, s:o, s:o}", "container", name, "path", path, "from",
                                                  *old == '\0' ? json_null() : json_string(old), "to",
                                                  *new == '\0' ? json_null() : json_string(new)));
    free(path);
    if (json_object_get(resources, sections[field]) == NULL) {
        json_object_set_new(resources, sections[field], json_object());
    }
    json_object_set_new(json_object_get(resources, sections[field]), names[field], *new == '\0' ? json_null() : json_string(new));
}

static void draft_container(struct sim *sim, struct draft *draft, const char *name, int list, bool changes)
{
    int64_t before[FIELDS];
    int64_t after[FIELDS];
    pick_fields(sim, before);
    memcpy(after, before, sizeof after);
    json_t *entry = json_pack("{s:s, s:{}}", "name", name, "resources");
    if (changes) {
        pick_fields(sim, after);
    }
    if (changes && memcmp(before, after, sizeof after) == 0) {
        after[0] = before[0] == NO_AMOUNT ? 50 : before[0] + 50;
        after[2] = after[2] == NO_AMOUNT || after[2] >= after[0] ? after[2] : after[0];
    }
    for (int i = 0; i < FIELDS; i++) {
        if (before[i] != after[i]) {
            draft_edit(sim, draft, name, list, before[i], after[i], i, entry);
        }
    }
    json_array_append_new(draft->planned, planned_container(name, list == 0 ? "container" : "init", before));
    json_t *resources = fields_json(before);
    json_object_set_new(draft->item->was, name, json_incref(resources));
    json_object_set_new(draft->item->wanted, name, fields_json(after));
    json_array_append_new(draft->containers[list], json_pack("{s:s, s:s, s:o, s:[{s:s, s:s}]}", "name", name, "image", "example/image:1",
                                                             "resources", resources, "env", "name", "MODE", "value", "calm"));
    if (json_object_size(json_object_get(entry, "resources")) > 0) {
        json_array_append_new(draft->merge[list], entry);
    } else {
        json_decref(entry);
    }
}

static json_t *pod_body(json_t *const lists[2], bool merge)
{
    json_t *spec = json_object();
    static const char *const list_names[] = {"containers", "initContainers"};
    for (size_t i = 0; i < ARRAY_COUNT(list_names); i++) {
        if (json_array_size(lists[i]) > 0) {
            json_object_set(spec, list_names[i], lists[i]);
        }
    }
    if (!merge) {
        json_object_set_new(spec, "restartPolicy", json_string("Always"));
    }
    return spec;
}

static json_t *spec_around(const struct sim_kind *kind, json_t *template)
{
    return str_equal(kind->kind, "CronJob") ? json_pack("{s:{s:{s:o}}}", "jobTemplate", "spec", "template", template)
                                            : json_pack("{s:o}", "template", template);
}

static void add_strategy(struct sim *sim, struct sim_item *item, json_t *spec)
{
    bool stateful = str_equal(item->kind, "StatefulSet");
    if (str_equal(item->kind, "Deployment")) {
        json_object_set_new(spec, "replicas", json_integer(sim_between(sim, sim_chance(sim, 10) ? 0 : 1, 4)));
        json_object_set_new(spec, "progressDeadlineSeconds", json_integer(sim_between(sim, 20, 600)));
        item->held_back = json_int_or(spec, "replicas", 1) == 0;
    } else if (stateful) {
        json_object_set_new(spec, "replicas", json_integer(sim_between(sim, 1, 3)));
    }
    if (stateful || str_equal(item->kind, "DaemonSet")) {
        item->held_back = sim_chance(sim, 12);
        int64_t partition = stateful && item->held_back && sim_chance(sim, 50) ? sim_between(sim, 1, 3) : 0;
        json_object_set_new(spec, "updateStrategy",
                            item->held_back && partition == 0
                                ? json_pack("{s:s}", "type", "OnDelete")
                                : json_pack("{s:s, s:{s:I}}", "type", "RollingUpdate", "rollingUpdate", stateful ? "partition" : "maxUnavailable",
                                            (json_int_t)(stateful ? partition : 1)));
    }
    if (str_equal(item->kind, "CronJob")) {
        json_object_set_new(spec, "schedule", json_string("7 3 * * *"));
        item->held_back = true;
    } else {
        json_object_set_new(spec, "selector", json_pack("{s:{s:s}}", "matchLabels", "app", item->name));
    }
}

static json_t *draft_object(struct sim *sim, struct draft *draft)
{
    const struct sim_item *item = draft->item;
    json_t *template = json_pack("{s:{s:{s:s}}, s:o}", "metadata", "labels", "app", item->name, "spec", pod_body(draft->containers, false));
    json_t *spec = spec_around(draft->kind, template);
    add_strategy(sim, draft->item, spec);
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:o}", "apiVersion", draft->kind->api_version, "kind", draft->kind->kind,
                     "metadata", "name", item->name, "namespace", item->namespace, "labels", "app", item->name, "spec", spec);
}

static json_t *draft_record(const struct draft *draft)
{
    const struct sim_item *item = draft->item;
    json_t *merge = json_pack("{s:o}", "spec", spec_around(draft->kind, json_pack("{s:o}", "spec", pod_body(draft->merge, true))));
    json_t *live = json_pack("{s:s, s:s, s:O}", "uid", item->uid, "cluster_id", "sim", "containers", draft->planned);
    json_t *workload = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O, s:o}", "cluster", "sim", "namespace", item->namespace, "kind", item->kind,
                                 "name", item->name, "api_version", draft->kind->api_version, "containers", draft->planned, "live", live);
    return json_pack("{s:o, s:{s:O, s:o, s:n}}", "workload", workload, "change", "edits", draft->edits, "merge_patch", merge, "json_patch");
}

static void plan_workload(struct sim *sim, struct sim_item *item, const struct sim_kind *kind)
{
    static const char *const called[] = {"server", "sidecar", "setup"};
    struct draft draft = {.item = item, .kind = kind, .containers = {json_array(), json_array()}, .planned = json_array(),
                          .edits = json_array(), .merge = {json_array(), json_array()}};
    item->was = json_object();
    item->wanted = json_object();
    draft_container(sim, &draft, called[0], 0, true);
    if (sim_chance(sim, 35)) {
        draft_container(sim, &draft, called[1], 0, sim_chance(sim, 50));
    }
    if (sim_chance(sim, 20)) {
        draft_container(sim, &draft, called[2], 1, sim_chance(sim, 40));
    }
    struct sim_object *object = sim_add(sim, kind->group, kind->resource, draft_object(sim, &draft));
    snprintf(item->uid, sizeof item->uid, "%s", sim_uid(object->value));
    sim_controller_settle(sim, object);
    item->original = json_deep_copy(object->value);
    item->record = draft_record(&draft);
    for (int i = 0; i < 2; i++) {
        json_decref(draft.containers[i]);
        json_decref(draft.merge[i]);
    }
    json_decref(draft.planned);
    json_decref(draft.edits);
}

static void plan_made(struct sim_item *item, const struct sim_kind *kind)
{
    item->action = MACHINE_CREATE;
    item->held_back = true;
    item->manifest = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:i, s:i}}", "apiVersion", kind->api_version, "kind", kind->kind, "metadata",
                               "name", item->name, "namespace", item->namespace, "spec", "minReplicas", 1, "maxReplicas", 5);
}

static void plan_item(struct sim *sim, size_t index)
{
    static const char *const namespaces[] = {"shop", "stage", "tools"};
    struct sim_item *item = &sim->items[index];
    const struct sim_kind *kind = pick_kind(sim);
    snprintf(item->namespace, sizeof item->namespace, "%s", namespaces[sim_random(sim, ARRAY_COUNT(namespaces))]);
    snprintf(item->name, sizeof item->name, "w%zu", index);
    snprintf(item->kind, sizeof item->kind, "%s", kind->kind);
    snprintf(item->object, sizeof item->object, "%s/%s/%s", item->namespace, item->kind, item->name);
    item->group = kind->group;
    item->resource = kind->resource;
    item->risk = (int)sim_random(sim, 3);
    item->withdrawn = INT64_MAX;
    if (str_equal(kind->group, "autoscaling")) {
        plan_made(item, kind);
    } else {
        plan_workload(sim, item, kind);
    }
}

/* ---- Weather and what goes wrong ---- */

static void pick_weather(struct sim *sim)
{
    bool *const all[] = {&sim->weather.lossy, &sim->weather.slow, &sim->weather.gaps, &sim->weather.people, &sim->weather.harmless,
                         &sim->weather.failing, &sim->weather.denying, &sim->weather.outage, &sim->weather.dead, &sim->weather.ledger,
                         &sim->weather.window, &sim->weather.withdrawn, &sim->weather.kills, &sim->weather.term, &sim->weather.busy,
                         &sim->weather.half};
    uint64_t how = sim_random(sim, 100);
    if (how < 8) {
        return;
    }
    if (how < 75) {
        for (int64_t i = sim_between(sim, 1, 3); i > 0; i--) {
            *all[sim_random(sim, ARRAY_COUNT(all))] = true;
        }
        sim->weather.kills |= sim_chance(sim, 30);
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        *all[i] = sim_chance(sim, 35);
    }
}

static void pick_policy(struct sim *sim)
{
    static const enum machine_failure failures[] = {MACHINE_UNDO_OBJECT, MACHINE_UNDO_RUN, MACHINE_UNDO_RUN, MACHINE_STOP};
    sim->below[0] = 0.01;
    sim->policy = (struct machine_policy){
        .parallel = (size_t)sim_between(sim, 1, 4),
        .canary = sim_chance(sim, 25) ? (size_t)sim_between(sim, 1, 3) : 0,
        .canary_namespace = sim_chance(sim, 10),
        .failure_budget = sim_chance(sim, 25) ? (size_t)sim_between(sim, 1, 2) : 0,
        .on_failure = failures[sim_random(sim, ARRAY_COUNT(failures))],
        .wait = sim_chance(sim, 88),
        .rollout_timeout = sim_between(sim, 90, 600) * 1000,
        .settle = sim_between(sim, 1, 60) * 1000,
        .verify_count = sim_chance(sim, 25),
        .verify_below = sim->below,
        .room_check = sim_chance(sim, 30),
    };
}

static void pick_trouble(struct sim *sim, struct sim_item *item)
{
    if (sim->weather.failing && sim_chance(sim, 40) && item->action == MACHINE_CHANGE) {
        item->trouble = (enum sim_trouble)sim_between(sim, TROUBLE_CRASH, TROUBLE_COUNT - 1);
        item->stuck = sim_chance(sim, 15);
    }
    item->measures_bad = sim->weather.failing && sim_chance(sim, 15);
    if (sim->weather.denying && sim_chance(sim, 35) && item->action == MACHINE_CHANGE) {
        item->denial = (enum sim_denial)sim_between(sim, DENIAL_WEBHOOK, DENIAL_COUNT - 1);
        item->deny_undo = sim_chance(sim, 20);
    }
    if (sim->weather.withdrawn && sim_chance(sim, 40)) {
        item->withdrawn = sim_between(sim, 0, 120000);
    }
    item->locked = sim->weather.busy && sim_chance(sim, 15);
}

static void add_nodes(struct sim *sim)
{
    for (int i = 1; i <= 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "node-%d", i);
        sim_add(sim, "", "nodes",
                json_pack("{s:s, s:s, s:{s:s}, s:{}, s:{s:{s:s, s:s, s:s}, s:[{s:s, s:s}]}}", "apiVersion", "v1", "kind", "Node", "metadata",
                          "name", name, "spec", "status", "allocatable", "cpu", "64", "memory", "256Gi", "pods", "110", "conditions",
                          "type", "Ready", "status", "True"));
    }
}

void sim_plan(struct sim *sim)
{
    int64_t horizon = 0;
    pick_weather(sim);
    pick_policy(sim);
    add_nodes(sim);
    sim->item_count = (size_t)sim_between(sim, 1, sim_chance(sim, 30) ? SIM_OBJECTS : 5);
    for (size_t i = 0; i < sim->item_count; i++) {
        plan_item(sim, i);
    }
    for (size_t i = 0; i < sim->item_count; i++) {
        pick_trouble(sim, &sim->items[i]);
    }
    horizon = (int64_t)sim->item_count * 20000;
    sim->outage_from = sim->weather.outage ? sim_between(sim, 0, horizon) : INT64_MAX;
    sim->outage_to = sim->weather.outage ? sim->outage_from + sim_between(sim, 100, 45000) : INT64_MAX;
    sim->half_from = sim->weather.half ? sim_between(sim, 0, horizon) : INT64_MAX;
    sim->half_to = sim->weather.half ? sim->half_from + sim_between(sim, 100, sim_chance(sim, 20) ? 1500000 : SIM_HALF_SHORT) : INT64_MAX;
    sim->dead_from = INT64_MAX;
    if (sim->weather.dead) {
        sim->outage_from = sim_between(sim, 0, horizon);
        sim->outage_to = INT64_MAX;
        sim->dead_from = sim_chance(sim, 50) ? sim->outage_from : INT64_MAX;
    }
    sim->ledger_until = sim->weather.ledger ? sim_between(sim, 0, horizon) : INT64_MAX;
    sim->window_until = sim->weather.window ? sim_between(sim, 0, horizon) : INT64_MAX;
    sim->window_undo = sim_chance(sim, 30);
    sim->window_finish = !sim->window_undo && sim_chance(sim, 30);
}
