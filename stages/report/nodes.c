#include "stages/report/nodes.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/report/rules.h"

enum { CANDIDATES_MAX = 400, GROUPS_MAX = 4000, POOLS_MAX = 4096 };

/* Bytes of a thousandth of a GiB, rounded down. */
static int64_t bytes_of(int64_t gib_milli)
{
    return gib_milli <= 0 || gib_milli > PACK_AMOUNT_MAX >> 30 ? 0 : gib_milli * (INT64_C(1) << 30) / 1000;
}

static int64_t at_least_0(int64_t amount)
{
    return amount < 0 ? 0 : amount > PACK_AMOUNT_MAX ? PACK_AMOUNT_MAX : amount;
}

/* What is paid for a node; −1 where that is unknown, or more than sums of many have room for. */
static int64_t paid_for(const json_t *node)
{
    static const int64_t most = INT64_C(1000000) * 1000000; /* a million dollars, which no price book goes beyond */
    int64_t price = json_int_or(node, "microusd_per_hour", -1);
    return price < 0 || price > most ? -1 : price;
}

/* A node of the price book: what pods can have of it, and what is paid for it. */
static struct fleet_type read_type(const json_t *node)
{
    const json_t *reserved = json_object_get(node, "reserved");
    int64_t cpu = at_least_0(json_int_or(node, "vcpu_milli", 0)), memory = bytes_of(json_int_or(node, "gib_milli", 0));
    return (struct fleet_type){
        .instance = json_string_or_null(node, "instance"),
        .capacity = {{at_least_0(cpu - at_least_0(json_int_or(reserved, "cpu_millicores", 0))),
                      at_least_0(memory - at_least_0(json_int_or(reserved, "memory_bytes", 0))),
                      at_least_0(json_int_or(node, "max_pods", 110))}},
        .microusd_per_hour = paid_for(node),
    };
}

/* Whether the type has an Arm processor, as providers name them: m7g, t2a-standard-4, c4a-highcpu-8, Standard_D4ps_v5. */
static bool is_arm(const char *instance)
{
    if (str_starts(instance, "Standard_")) {
        const char *digits = strpbrk(instance, "0123456789");
        size_t skip = digits == NULL ? 0 : strspn(digits, "0123456789-");
        return digits != NULL && digits[skip + strcspn(digits + skip, "p_")] == 'p';
    }
    const char *dot = strchr(instance, '.');
    if (dot != NULL) {
        size_t letters = strcspn(instance, "0123456789");
        size_t digits = strspn(instance + letters, "0123456789");
        return str_starts(instance, "a1.") || (instance + letters + digits < dot && instance[letters + digits] == 'g');
    }
    return str_starts(instance, "t2a-") || str_starts(instance, "c4a-") || str_starts(instance, "n4a-");
}

enum { OWN_LABELS = 6 };

/* The labels that nodes of a pool carry: what their type says, and those that its workloads select them by. */
static void label_source(const json_t *pool, const json_t *price, struct arena *arena, struct fleet_source *source)
{
    const char *instance = source->type.instance == NULL ? "" : source->type.instance;
    const char *region = json_string_or_null(price, "region");
    const char *arch = is_arm(instance) ? "arm64" : "amd64";
    struct fleet_label *labels =
        rules_labels(arena, json_at(pool, "match.node_selector"), OWN_LABELS, &source->label_count);
    labels[0] = (struct fleet_label){"kubernetes.io/os", "linux"};
    labels[1] = (struct fleet_label){"beta.kubernetes.io/os", "linux"};
    labels[2] = (struct fleet_label){"kubernetes.io/arch", arch};
    labels[3] = (struct fleet_label){"beta.kubernetes.io/arch", arch};
    labels[4] = (struct fleet_label){"node.kubernetes.io/instance-type", instance};
    labels[5] = (struct fleet_label){"topology.kubernetes.io/region", region == NULL ? "" : region};
    source->labels = labels;
}

static void read_pools(const json_t *settings, struct arena *arena, struct nodes_known *nodes)
{
    const json_t *pools = json_object_get(settings, "pools");
    size_t count = json_array_size(pools) < POOLS_MAX ? json_array_size(pools) : POOLS_MAX;
    nodes->sources = arena_alloc_array(arena, count + 1, sizeof *nodes->sources);
    for (size_t i = 0; i < count; i++) {
        const json_t *pool = json_array_get(pools, i), *price = json_object_get(pool, "price");
        const json_t *node = json_object_get(pool, "node");
        if (json_bool_or(pool, "serverless", false)) {
            nodes->serverless = true;
        } else if (!json_is_object(node)) {
            nodes->on_prem = nodes->on_prem || str_equal(json_string_or_null(price, "provider"), "on-prem");
        } else {
            struct fleet_source *source = &nodes->sources[nodes->source_count++];
            *source = (struct fleet_source){.name = json_string_or_null(pool, "name"), .type = read_type(node)};
            nodes->by_default = nodes->by_default || str_equal(json_string_or_null(price, "path"), "default");
            label_source(pool, price, arena, source);
        }
    }
}

static void read_candidates(const json_t *settings, struct arena *arena, struct nodes_known *nodes)
{
    const json_t *list = json_object_get(settings, "candidates");
    size_t count = json_array_size(list) < CANDIDATES_MAX ? json_array_size(list) : CANDIDATES_MAX;
    nodes->candidates = arena_alloc_array(arena, count + 1, sizeof *nodes->candidates);
    for (size_t i = 0; i < count; i++) {
        struct fleet_type type = read_type(json_array_get(list, i));
        if (type.instance != NULL && type.microusd_per_hour > 0) {
            nodes->candidates[nodes->candidate_count++] = type;
        }
    }
}

/* What a live node of a type and pool is paid: the pool's price where a pool of this name has the type, else that of another pool with
 * this type, else its price among the candidates. −1 where the price book is about another region. */
static int64_t live_price(const struct nodes_known *nodes, const json_t *settings, const json_t *group)
{
    const char *instance = json_string_or_null(group, "instance"), *name = json_string_or_null(group, "pool");
    const char *region = json_string_or_null(group, "region"), *priced = json_string_or_null(settings, "region");
    int64_t price = -1;
    if (instance == NULL || (region != NULL && priced != NULL && strcmp(region, priced) != 0)) {
        return -1;
    }
    for (size_t i = 0; i < nodes->candidate_count; i++) {
        if (strcmp(nodes->candidates[i].instance, instance) == 0) {
            price = nodes->candidates[i].microusd_per_hour;
        }
    }
    bool by_name = false;
    for (size_t i = nodes->source_count; i > 0; i--) {
        const struct fleet_source *source = &nodes->sources[i - 1];
        bool same_name = source->name != NULL && str_equal(source->name, name);
        if (str_equal(source->type.instance, instance) && (same_name || !by_name)) {
            price = source->type.microusd_per_hour;
            by_name = same_name;
        }
    }
    return price;
}

static void read_live(const json_t *settings, struct arena *arena, struct nodes_known *nodes)
{
    const json_t *groups = json_at(settings, "parse.nodes.groups");
    size_t count = json_array_size(groups) < GROUPS_MAX ? json_array_size(groups) : GROUPS_MAX;
    nodes->live_partly = count > 0 && !json_bool_or(json_object_get(settings, "parse"), "whole_cluster", false);
    nodes->live = arena_alloc_array(arena, count + 1, sizeof *nodes->live);
    for (size_t i = 0; i < count && !nodes->live_partly; i++) {
        const json_t *group = json_array_get(groups, i), *room = json_object_get(group, "allocatable");
        struct fleet_live *live = &nodes->live[nodes->live_count++];
        int64_t number = json_int_or(group, "count", 0);
        *live = (struct fleet_live){
            .pool = json_string_or_null(group, "pool"),
            .type = {.instance = json_string_or_null(group, "instance"),
                     .capacity = {{at_least_0(json_int_or(room, "cpu_millicores", 0)), at_least_0(json_int_or(room, "memory_bytes", 0)),
                                   at_least_0(json_int_or(room, "pods", 110))}},
                     .microusd_per_hour = live_price(nodes, json_object_get(settings, "price"), group)},
            .count = number < 0 ? 0 : number > INT32_MAX ? INT32_MAX : number,
            .closed = json_bool_or(group, "unschedulable", false) || !json_bool_or(group, "ready", true),
        };
        struct fleet_label *labels = rules_labels(arena, json_object_get(group, "labels"), 1, &live->label_count);
        labels[0] = (struct fleet_label){"metadata.name", json_string_or_null(group, "name")};
        live->labels = labels[0].value == NULL ? labels + 1 : labels;
        live->label_count -= labels[0].value == NULL;
        live->taints = rules_taints(arena, json_object_get(group, "taints"), &live->taint_count);
        nodes->spot = nodes->spot || str_equal(json_string_or_null(group, "capacity_type"), "spot");
    }
}

void nodes_read(const json_t *settings, struct arena *arena, struct nodes_known *nodes)
{
    const json_t *price = json_object_get(settings, "price");
    *nodes = (struct nodes_known){0};
    read_pools(price, arena, nodes);
    read_candidates(price, arena, nodes);
    read_live(settings, arena, nodes);
}

uint32_t nodes_source(const struct nodes_known *nodes, const char *pool)
{
    for (size_t i = 0; i < nodes->source_count; i++) {
        if (str_equal(nodes->sources[i].name, pool)) {
            return (uint32_t)i;
        }
    }
    return PACK_NONE;
}
