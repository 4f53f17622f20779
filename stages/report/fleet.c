#include "stages/report/fleet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/report/nodes.h"
#include "stages/report/rules.h"

/* More pods of a workload are not counted one by one by anybody. */
enum { PODS_MAX = 1000000000 };

/* A hundredth of a replica more than a whole number is what a rollout leaves in a mean, not a pod. */
static const double part_of_pod = 0.01;

struct fleet_gather {
    struct arena arena;
    struct nodes_known nodes;
    struct rules rules;
    struct index clusters;
    const char *namespace; /* of workloads that name none; borrowed from the header */
    struct fleet_workload *workloads;
    size_t count, capacity;
    int64_t no_request; /* pods with a container that asks for no CPU or no memory */
    int64_t no_node;    /* workloads in pools without known nodes */
    int64_t pinned, spread, several, more; /* workloads */
};

struct fleet_gather *gather_new(const json_t *header)
{
    const json_t *settings = json_object_get(header, "settings");
    if (!json_is_object(json_object_get(settings, "price"))) {
        return NULL;
    }
    struct fleet_gather *gather = xcalloc(sizeof *gather);
    arena_init(&gather->arena);
    rules_init(&gather->rules);
    index_init(&gather->clusters);
    nodes_read(settings, &gather->arena, &gather->nodes);
    const char *namespace = json_string_or_null(json_object_get(settings, "parse"), "namespace");
    gather->namespace = namespace == NULL ? "default" : namespace;
    return gather;
}

void gather_free(struct fleet_gather *gather)
{
    if (gather != NULL) {
        free(gather->workloads);
        index_release(&gather->clusters);
        rules_release(&gather->rules);
        arena_release(&gather->arena);
        free(gather);
    }
}

static int64_t sum(int64_t a, int64_t b)
{
    return a > PACK_AMOUNT_MAX - b ? PACK_AMOUNT_MAX : a + b;
}

/* What a container asks for of a resource; nothing counts 0, as Kubernetes has it. */
static int64_t asked(const struct report_container *container, enum report_field field, bool after)
{
    int64_t amount = report_effective(after ? container->next : container->now, field);
    return amount < 0 ? 0 : amount > PACK_AMOUNT_MAX ? PACK_AMOUNT_MAX : amount;
}

/*
 * What the scheduler counts for a pod: the sum of containers and sidecars, or what an init container needs beside the sidecars that
 * were started before it, whichever is more; in place of both what the pod states as a whole; and what the runtime takes for itself.
 * Source: the Kubernetes documentation, "Sidecar Containers", resource sharing within containers, and "Pod-level resources".
 */
static int64_t pod_request(const struct report_row *row, enum report_field field, bool after, int64_t overhead)
{
    int64_t running = 0, sidecars = 0, most = 0;
    for (size_t i = 0; i < row->container_count; i++) {
        const struct report_container *container = &row->containers[i];
        int64_t amount = asked(container, field, after);
        if (strcmp(container->role, "init") == 0) {
            int64_t then = sum(sidecars, amount);
            most = then > most ? then : most;
        } else {
            bool sidecar = strcmp(container->role, "sidecar") == 0;
            running = sum(running, amount);
            sidecars = sidecar ? sum(sidecars, amount) : sidecars;
        }
    }
    most = running > most ? running : most;
    const json_t *whole = json_at(row->record, "workload.pod_resources.requests");
    int64_t stated = json_int_or(whole, field == CPU_REQUEST ? "cpu_millicores" : "memory_bytes", -1);
    most = stated < 0 ? most : stated > PACK_AMOUNT_MAX ? PACK_AMOUNT_MAX : stated;
    return sum(most, overhead < 0 ? 0 : overhead > PACK_AMOUNT_MAX ? PACK_AMOUNT_MAX : overhead);
}

static int64_t whole_pods(double replicas)
{
    double up = ceil(replicas - part_of_pod);
    up = replicas > 0 && up < 1 ? 1 : up;
    return !(up > 0) ? 0 : up > PODS_MAX ? PODS_MAX : (int64_t)up;
}

/*
 * Pods that hold room. Where the number moves by itself (an autoscaler, jobs that come and go) it is the mean over the window, rounded
 * up: room must be there when one runs. Elsewhere it is what ran at once in the middle of the window, else what the manifest says (of the
 * Rollout that runs a Deployment's pods, where there is one).
 */
static int64_t pods_of(const struct report_row *row)
{
    const json_t *workload = json_object_get(row->record, "workload"), *usage = json_object_get(row->record, "usage");
    bool is_job = strcmp(row->kind, "Job") == 0 || strcmp(row->kind, "CronJob") == 0;
    bool moves = is_job || json_is_object(json_object_get(workload, "autoscaler"));
    double replicas = 1;
    if ((moves && json_get_number(usage, "replicas_mean", &replicas)) || (!moves && json_get_number(usage, "replicas", &replicas)) ||
        json_get_number(usage, "replicas_mean", &replicas) ||
        json_get_number(json_object_get(workload, "run_by"), "replicas", &replicas) || json_get_number(workload, "replicas", &replicas)) {
        return whole_pods(replicas);
    }
    return row->has_replicas ? whole_pods(row->replicas) : 1;
}

static bool lacks_request(const struct report_row *row)
{
    for (size_t i = 0; i < row->container_count; i++) {
        const struct report_container *container = &row->containers[i];
        if (strcmp(container->role, "init") != 0 && (report_effective(container->now, CPU_REQUEST) == REPORT_ABSENT ||
                                                     report_effective(container->now, MEMORY_REQUEST) == REPORT_ABSENT)) {
            return true;
        }
    }
    return false;
}

/* Notes what is not known of a workload, or not modelled. */
static void take_notes(struct fleet_gather *gather, const struct report_row *row, const struct rules_reading *reading,
                       const struct fleet_workload *workload)
{
    gather->no_request += lacks_request(row) && !workload->daemon ? workload->count : 0;
    gather->no_node += workload->pool == PACK_NONE && !workload->daemon && workload->count > 0;
    gather->spread += reading->spread;
    gather->several += reading->several;
    gather->more += reading->more;
}

int gather_row(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)place;
    (void)err;
    struct fleet_gather *gather = context;
    const char *cluster = row->cluster == NULL ? "" : row->cluster;
    const char *space = arena_printf(&gather->arena, "%s/%s", cluster, row->namespace == NULL ? gather->namespace : row->namespace);
    const json_t *scheduling = json_at(row->record, "workload.scheduling");
    struct rules_reading reading = rules_read(&gather->rules, scheduling, cluster, space);
    if (json_is_object(json_at(row->record, "workload.template_of"))) {
        return 0; /* a Rollout whose pods are counted with the Deployment that describes them */
    }
    if (reading.pinned && strcmp(row->kind, "Pod") == 0) {
        gather->pinned++;
        return 0;
    }
    bool changes = row->group == REPORT_CHANGES;
    const json_t *price = json_at(row->record, "cost.price");
    const char *pool = json_string_or_null(json_is_object(price) ? price : row->record, "pool");
    GROW(gather->workloads, gather->capacity, gather->count + 1);
    struct fleet_workload *workload = &gather->workloads[gather->count++];
    *workload = (struct fleet_workload){
        .name = arena_printf(&gather->arena, "%s/%s/%s", space, row->kind, row->name),
        .rules = reading.rules,
        .pool = nodes_source(&gather->nodes, pool),
        .cluster = index_add(&gather->clusters, index_key(0, cluster), (uint32_t)gather->clusters.count, NULL),
        .daemon = strcmp(row->kind, "DaemonSet") == 0,
        .count = pods_of(row),
        .before = {pod_request(row, CPU_REQUEST, false, reading.overhead_cpu),
                   pod_request(row, MEMORY_REQUEST, false, reading.overhead_memory)},
        .after = {pod_request(row, CPU_REQUEST, changes, reading.overhead_cpu),
                  pod_request(row, MEMORY_REQUEST, changes, reading.overhead_memory)},
    };
    take_notes(gather, row, &reading, workload);
    return 0;
}

/* Why nothing is known of the nodes, and what to say for it to be known. */
static struct fleet *no_nodes(const struct nodes_known *nodes)
{
    if (nodes->on_prem) {
        return fleet_unknown("How many nodes could go is not known: the size of a node is not stated (pricing.on_prem.vcpu and "
                             "pricing.on_prem.memory_gib, with pricing.on_prem.hardware_usd).");
    }
    if (nodes->serverless) {
        return fleet_unknown("Serverless products have no nodes: what the requests save is saved in cash.");
    }
    return fleet_unknown("How many nodes could go is not known: no node type is stated (--instance, or pricing.instance).");
}

static void note_nodes(const struct nodes_known *nodes, struct fleet *fleet)
{
    if (nodes->live_partly) {
        fleet_note(fleet, "The cluster's own nodes are not judged, for this run did not see all workloads of the cluster: nodes of the "
                          "stated type are counted.");
    }
    if (nodes->by_default && !fleet->live) {
        fleet_note(fleet, "Nobody stated a node type: the default one stands in (--instance, or pricing.instance).");
    }
    if (nodes->spot && fleet->live) {
        fleet_note(fleet, "Some nodes are spot capacity; they are priced as the pool of their name or type is (pricing.pools[].spot).");
    }
}

static void note_workloads(const struct fleet_gather *gather, struct fleet *fleet)
{
    if (gather->no_node > 0 && !fleet->live) {
        fleet_note(fleet, "Workloads that run where no nodes are known, serverless or priced by the unit, are not packed (%lld).",
                   (long long)gather->no_node);
    }
    if (gather->no_request > 0) {
        fleet_note(fleet, "Pods with containers that ask for no CPU or no memory take none of it here, as in the scheduler (%lld).",
                   (long long)gather->no_request);
    }
    if (gather->spread > 0) {
        fleet_note(fleet, "Zones, volumes and topology spread do not limit where pods go here (workloads that state such rules: %lld).",
                   (long long)gather->spread);
    }
    if (gather->several + gather->more > 0) {
        fleet_note(fleet, "Of pod affinities one term counts, and of their workloads those that are listed (%lld state more).",
                   (long long)(gather->several + gather->more));
    }
    if (gather->pinned > 0) {
        fleet_note(fleet, "Pods that belong to their node (static pods) are not counted (%lld).", (long long)gather->pinned);
    }
    if (gather->rules.full) {
        fleet_note(fleet, "More than %d wordings of scheduling rules: the rest counts as none.", RULES_MAX);
    }
}

struct fleet *gather_finish(const struct fleet_gather *gather)
{
    const struct nodes_known *nodes = &gather->nodes;
    if (nodes->source_count == 0 && nodes->live_count == 0) {
        return no_nodes(nodes);
    }
    struct fleet_input input = {
        .workloads = gather->workloads,
        .workload_count = gather->count,
        .rules = gather->rules.items,
        .rules_count = gather->rules.count,
        .sources = nodes->sources,
        .source_count = nodes->source_count,
        .live = nodes->live,
        .live_count = nodes->live_count,
        .candidates = nodes->candidates,
        .candidate_count = nodes->candidate_count,
    };
    struct fleet *fleet = fleet_compute(&input);
    note_nodes(nodes, fleet);
    note_workloads(gather, fleet);
    fleet_note(fleet, "Nodes are filled as far as requests allow, DaemonSets first: nothing is set aside for peaks, rollouts or a node "
                      "that fails, and a node goes only once its pods were moved.");
    return fleet;
}
