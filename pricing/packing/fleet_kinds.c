#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pricing/packing/fleet_place.h"

bool fleet_is_control_plane(const struct fleet_live *live)
{
    for (size_t i = 0; i < live->taint_count; i++) {
        const char *key = live->taints[i].key;
        if (str_equal(key, "node-role.kubernetes.io/control-plane") || str_equal(key, "node-role.kubernetes.io/master")) {
            return true;
        }
    }
    return false;
}

static void add_live(struct fleet_place *place)
{
    const struct fleet_input *input = place->input;
    place->kinds = xcalloc_array(input->live_count + 1, sizeof *place->kinds);
    for (size_t i = 0; i < input->live_count && i < FLEET_KINDS_MAX; i++) {
        const struct fleet_live *live = &input->live[i];
        place->kinds[place->kind_count++] = (struct fleet_kind){
            .source = (uint32_t)i,
            .cluster = PACK_NONE,
            .labels = {live->labels, live->label_count},
            .taints = live->taints,
            .taint_count = live->taint_count,
            .room = live->type.capacity,
        };
    }
}

static int compare_label(const void *a, const void *b)
{
    const struct fleet_label *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : strcmp(x->value, y->value);
}

/* The kind of a source in a cluster whose nodes carry these labels besides the source's, unless it is there already or there are too
 * many: then the pods that ask for them may find none. */
static void add_kind(struct fleet_place *place, const struct fleet_workload *w, struct fleet_label *wishes, size_t count)
{
    const struct fleet_source *source = &place->input->sources[w->pool];
    if (count > 1) {
        qsort(wishes, count, sizeof *wishes, compare_label);
    }
    uint64_t key = index_key((uint64_t)w->pool << 32 | w->cluster, "kind");
    for (size_t i = 0; i < count; i++) {
        key = index_key(index_key(key, wishes[i].key), wishes[i].value);
    }
    bool added = false;
    if (count > 0 && place->kind_count >= FLEET_WISHED_MAX) {
        return;
    }
    index_add(&place->kind_index, key, (uint32_t)place->kind_count, &added);
    if (!added || place->kind_count == FLEET_KINDS_MAX) {
        return;
    }
    struct fleet_label *labels = arena_alloc_array(&place->arena, source->label_count + count + 1, sizeof *labels);
    for (size_t i = 0; i < source->label_count + count; i++) {
        labels[i] = i < source->label_count ? source->labels[i] : wishes[i - source->label_count];
    }
    place->kinds[place->kind_count++] = (struct fleet_kind){
        .source = w->pool,
        .cluster = w->cluster,
        .labels = {labels, source->label_count + count},
        .room = source->type.capacity,
    };
}

/* One kind for each source and cluster, and one for each combination of labels that pods ask for. */
static void add_sources(struct fleet_place *place)
{
    const struct fleet_input *input = place->input;
    place->kinds = xcalloc_array(FLEET_KINDS_MAX, sizeof *place->kinds);
    for (size_t i = 0; i < input->workload_count; i++) {
        const struct fleet_workload *w = &input->workloads[i];
        if (fleet_is_packed(input, w)) {
            add_kind(place, w, NULL, 0);
        }
    }
    for (size_t i = 0; i < input->workload_count; i++) {
        const struct fleet_workload *w = &input->workloads[i];
        const struct fleet_rules *rules = fleet_rules_of(input, w);
        if (rules != NULL && fleet_is_packed(input, w)) {
            struct fleet_label wishes[MATCH_WISHES_MAX];
            const struct fleet_source *source = &input->sources[w->pool];
            int count = match_wishes(rules, (struct match_labels){source->labels, source->label_count}, wishes);
            if (count > 0) {
                add_kind(place, w, wishes, (size_t)count);
            }
        }
    }
}

bool place_daemon_runs(const struct fleet_place *place, const struct fleet_workload *daemon, const struct fleet_kind *kind)
{
    const struct fleet_rules *rules = fleet_rules_of(place->input, daemon);
    return daemon->daemon && (kind->cluster == PACK_NONE || kind->cluster == daemon->cluster) && match_node(rules, kind->labels) &&
           match_taints(rules, kind->taints, kind->taint_count, true);
}

/* A kind that DaemonSets fill has no room at all. */
static void take_daemons(struct fleet_place *place, struct fleet_kind *kind)
{
    struct pack_size taken = {{0}};
    for (size_t i = 0; i < place->input->workload_count; i++) {
        const struct fleet_workload *w = &place->input->workloads[i];
        if (w->daemon && place_daemon_runs(place, w, kind)) {
            struct pack_size size = fleet_size(place, w);
            for (int r = 0; r < PACK_RESOURCES; r++) {
                taken.amount[r] = place_add(taken.amount[r], size.amount[r]);
            }
        }
    }
    kind->daemon_pods = taken.amount[2];
    bool fits = pack_fits(&taken, &kind->room);
    for (int r = 0; r < PACK_RESOURCES; r++) {
        kind->room.amount[r] = fits ? kind->room.amount[r] - taken.amount[r] : 0;
    }
}

void place_kinds(struct fleet_place *place)
{
    const struct fleet_input *input = place->input;
    if (input->live_count > 0) {
        add_live(place);
    } else {
        add_sources(place);
    }
    place->pack_kinds = xcalloc_array(place->kind_count + 1, sizeof *place->pack_kinds);
    for (size_t i = 0; i < place->kind_count; i++) {
        struct fleet_kind *kind = &place->kinds[i];
        take_daemons(place, kind);
        struct pack_kind *out = &place->pack_kinds[i];
        out->room = kind->room;
        if (input->live_count > 0) {
            const struct fleet_live *live = &input->live[kind->source];
            out->supply = live->closed || fleet_is_control_plane(live) ? 0 : live->count;
            out->microusd_per_hour = live->type.microusd_per_hour;
        } else {
            out->supply = PACK_ENDLESS;
            out->microusd_per_hour = input->sources[kind->source].type.microusd_per_hour;
        }
    }
    place->set_words = (place->kind_count + 63) / 64 + (place->kind_count == 0);
}
