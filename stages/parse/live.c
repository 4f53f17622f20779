#include "stages/parse/live.h"

#include <stdint.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/parse/drift.h"

static bool names_manifests(const struct stage *stage)
{
    return options_operands(stage->options) > 0 ||
           json_array_size(config_value(stage->config, "manifests")) > 0;
}

/* A kubeconfig or a context on the command line asks for the cluster, whatever the configuration says of
 * manifests. */
static int decide(struct live *live, const struct stage *stage, struct err *err)
{
    const struct options *options = stage->options;
    bool typed = options_typed(options, OPT_KUBECONFIG) || options_typed(options, OPT_CONTEXT);
    bool target = str_equal(options_string(options, OPT_TARGET), "cluster");
    bool configured = config_given(stage->config, "kubernetes.kubeconfig") ||
                      config_given(stage->config, "kubernetes.context");
    if (typed && !target && options_operands(options) > 0) {
        err_set(err, ERR_USAGE, "manifests and a cluster are named, and nothing says what to do with both");
        return err_hint(err, "leave the paths out to read the cluster, or add --target cluster to compare "
                             "the manifests with it");
    }
    if (target && names_manifests(stage)) {
        live->use = LIVE_LOOKUP;
    } else if (typed || target || (configured && !names_manifests(stage))) {
        live->use = LIVE_SOURCE;
    }
    if (live->use != LIVE_SOURCE && options_typed(options, OPT_SELECTOR)) {
        return err_set(err, ERR_USAGE,
                       "--selector chooses among the workloads of a cluster, and none is read");
    }
    if (live->use == LIVE_SOURCE && options_typed(options, OPT_RENDER)) {
        err_set(err, ERR_USAGE, "--render is for charts and kustomizations in files, and a cluster is read");
        return err_hint(err, "leave --render out, or name the files and add --target cluster to compare them with it");
    }
    if (live->use != LIVE_SOURCE && options_list_count(options, OPT_NAMESPACE) > 1) {
        return err_set(err, ERR_USAGE,
                       "of manifests, only one --namespace can be that of objects that name none");
    }
    return 0;
}

/* Those that were typed, else those of the configuration. */
static json_t *wanted_namespaces(const struct stage *stage)
{
    json_t *names = json_array();
    size_t count = options_list_count(stage->options, OPT_NAMESPACE);
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(names, json_string_safe(options_list_item(stage->options, OPT_NAMESPACE, i)));
    }
    if (count == 0) {
        json_array_extend(names, (json_t *)(uintptr_t)config_value(stage->config, "kubernetes.namespaces"));
    }
    return names;
}

static void describe(const struct live *live, struct stage *stage)
{
    json_t *settings = cluster_settings(live->cluster);
    if (live->use == LIVE_SOURCE) {
        json_object_set(settings, "namespaces", live->namespaces);
        json_object_set_new(settings, "selector", json_string_safe(live->options.selector));
    }
    json_object_set_new(stage_settings(stage), "kubernetes", settings);
}

int live_begin(struct live *live, struct stage *stage, struct err *err)
{
    const struct options *options = stage->options;
    if (decide(live, stage, err)) {
        return -1;
    }
    if (live->use == LIVE_NONE) {
        return 0;
    }
    live->options.choice = (struct kube_choice){
        .kubeconfig = options_string(options, OPT_KUBECONFIG),
        .context = options_string(options, OPT_CONTEXT),
        .context_typed = options_typed(options, OPT_CONTEXT),
        .insecure = options_flag(options, OPT_INSECURE),
    };
    if (options_typed(options, OPT_TIMEOUT)) { /* metrics.timeout is not meant for this server */
        live->options.limits.timeout_seconds = options_integer(options, OPT_TIMEOUT, NULL);
    }
    live->settings = stage_settings(stage);
    live->options.limits.connect_timeout_seconds = options_integer(options, OPT_CONNECT_TIMEOUT, NULL);
    if (live->use == LIVE_SOURCE) {
        live->namespaces = wanted_namespaces(stage);
        live->options.namespaces = live->namespaces;
        live->options.selector = options_string(options, OPT_SELECTOR);
    }
    if (cluster_open(&live->options, &live->cluster, err)) {
        return -1;
    }
    describe(live, stage);
    return 0;
}

void live_release(struct live *live)
{
    cluster_close(live->cluster);
    json_decref(live->namespaces);
    node_wants_release(&live->wants);
    if (live->use == LIVE_LOOKUP) {
        intake_release(&live->found);
    }
}

/* Adds a namespace to those of a kind. `seen` holds what was added. */
static void want(json_t *wanted, json_t *seen, const char *kind, const char *namespace)
{
    char *both = xasprintf("%s/%s", namespace, kind);
    json_t *namespaces = json_object_get(wanted, kind);
    if (namespaces == NULL) {
        namespaces = json_array();
        json_object_set_new(wanted, kind, namespaces);
    }
    if (json_object_get(seen, both) == NULL) {
        json_object_set_new(seen, both, json_true());
        json_array_append_new(namespaces, json_string_safe(namespace));
    }
    free(both);
}

/* Which namespaces and kinds the manifests speak of. */
static int survey(struct intake *intake, json_t *wanted, struct err *err)
{
    json_t *seen = json_object();
    int failed = 0;
    for (size_t i = 0; i < intake->records.count && !failed; i++) {
        json_t *record = NULL;
        failed = intake->records.entries[i].known &&
                 shelf_get(&intake->records, &intake->records.entries[i], &record, err);
        const json_t *workload = record == NULL ? NULL : record_workload(record);
        const char *kind = json_string_or_null(workload, "kind");
        const char *namespace = json_string_or_null(workload, "namespace");
        if (kind != NULL) {
            want(wanted, seen, kind, namespace == NULL ? intake->namespace : namespace);
        }
        json_decref(record);
    }
    json_decref(seen);
    return failed ? -1 : 0;
}

/* What went wrong in the cluster is a note of the manifests' inventory. */
static int move_notes(struct live *live, struct intake *intake, struct err *err)
{
    struct shelf *records = &live->found.records;
    for (size_t i = 0; i < records->count; i++) {
        json_t *note = NULL;
        if (records->entries[i].known) {
            continue;
        }
        if (shelf_get(records, &records->entries[i], &note, err)) {
            return -1;
        }
        json_object_del(json_object_get(json_object_get(note, "note"), "source"), "object");
        int failed = shelf_add(&intake->records, NULL, note, err);
        json_decref(note);
        if (failed) {
            return -1;
        }
    }
    if (intake->errors == 0) {
        intake->first = live->found.first;
        intake->first_limit = live->found.first_limit;
    }
    intake->errors += live->found.errors;
    return 0;
}

static int look_up(struct live *live, struct intake *intake, struct err *err)
{
    json_t *wanted = json_object();
    live->options.wanted = wanted;
    int failed = intake_init(&live->found, err) || survey(intake, wanted, err);
    live->found.limits = intake->limits;
    live->found.options = intake->options;
    live->found.namespace = intake->namespace;
    if (!failed && json_object_size(wanted) > 0) {
        failed =
            cluster_take(live->cluster, &live->options, &live->found, err) || move_notes(live, intake, err);
    }
    json_decref(wanted);
    live->options.wanted = NULL;
    shelf_sort(&live->found.records);
    return failed ? -1 : 0;
}

/* Whether the records are all that runs in the cluster. */
static bool is_whole(const struct live *live)
{
    return live->use == LIVE_SOURCE && json_array_size(live->namespaces) == 0 && live->options.selector == NULL &&
           cluster_is_whole(live->cluster);
}

/* The nodes go into the header; a note says why they do not. */
static int take_nodes(struct live *live, struct intake *intake, struct err *err)
{
    struct nodes nodes = {.wants = &live->wants};
    struct intake_place place = {0};
    struct err failure = {0};
    int failed = 0;
    json_object_set_new(live->settings, "whole_cluster", json_boolean(is_whole(live)));
    if (cluster_nodes(live->cluster, &nodes, &failure)) {
        char *message = xasprintf("nodes could not be listed: %s", failure.message);
        failed = intake_note(intake, &place, "not-listed", message, err);
        free(message);
    } else if (nodes.full) {
        char *message = xasprintf("nodes are left out: there are more than %d, or more than %d sorts of them", (int)NODES_MAX,
                                  (int)NODE_GROUPS_MAX);
        failed = intake_note(intake, &place, "size-limit", message, err);
        free(message);
    } else {
        json_object_set_new(live->settings, "nodes", nodes_settings(&nodes));
    }
    nodes_clear(&nodes);
    return failed;
}

int live_take(struct live *live, struct intake *intake, struct err *err)
{
    if (live->use == LIVE_NONE) {
        return 0;
    }
    int failed = live->use == LIVE_SOURCE ? cluster_take(live->cluster, &live->options, intake, err)
                                          : look_up(live, intake, err);
    return failed || take_nodes(live, intake, err) ? -1 : 0;
}

/* Adds how many replicas are live, and where the manifest says otherwise and who made it so. */
static void add_drift(json_t *workload, const json_t *found)
{
    json_t *live = json_object_get(workload, "live");
    const char *text = json_string_or_null(live, "owners");
    json_t *owners = text == NULL ? NULL : json_loads(text, 0, NULL);
    const json_t *replicas = json_object_get(found, "replicas");
    json_object_set(live, "replicas", replicas == NULL ? json_null() : (json_t *)(uintptr_t)replicas);
    json_object_set_new(live, "drift", drift_find(workload, found, owners));
    json_object_del(live, "owners");
    json_decref(owners);
}

int live_workload(struct live *live, const unsigned char id[SHELF_ID], json_t *record, struct err *err)
{
    size_t count = 0;
    json_t *found = NULL;
    json_t *workload = record_workload(record);
    const struct shelf_entry *entry = shelf_find(&live->found.records, id, &count);
    if (entry == NULL) {
        json_object_set_new(workload, "live", json_null());
        record_problem(record, "parse", "not-live",
                       live->found.errors == 0
                           ? "the cluster has no such object"
                           : "no such object was seen in the cluster, where not all could be listed");
        return 0;
    }
    if (shelf_get(&live->found.records, entry, &found, err)) {
        return -1;
    }
    json_object_set(workload, "live", json_object_get(record_workload(found), "live"));
    add_drift(workload, record_workload(found));
    json_decref(found);
    return 0;
}

int live_nothing_found(const struct live *live, const struct intake *intake, struct err *err)
{
    bool named = json_array_size(live->namespaces) > 0;
    bool chosen = live->options.selector != NULL;
    err_set(err, ERR_DATA, "no workload in the cluster%s%s%s", named ? " in these namespaces" : "",
            named && chosen ? " and" : "", chosen ? " with this selector" : "");
    if (intake->errors > 0) {
        err_set(err, ERR_DATA, "no workload in the cluster; the first of %lld problem(s): %s",
                (long long)intake->errors, intake->first.message);
    }
    return err_hint(err, "kubectl get deployments --all-namespaces shows what the same account sees");
}
