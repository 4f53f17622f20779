#include "pricing/packing/fleet.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pricing/packing/fleet_better.h"
#include "pricing/packing/fleet_place.h"

enum { NOTE_MAX = 2048 };

void fleet_free(struct fleet *fleet)
{
    if (fleet == NULL) {
        return;
    }
    for (size_t i = 0; i < fleet->pool_count; i++) {
        free(fleet->pools[i].name);
        free(fleet->pools[i].instance);
    }
    for (size_t i = 0; i < fleet->note_count; i++) {
        free(fleet->notes[i]);
    }
    free(fleet->pools);
    free(fleet->better.instance);
    free(fleet->better.pool);
    free(fleet->unknown);
    free(fleet);
}

void fleet_note(struct fleet *fleet, const char *format, ...)
{
    struct buf text;
    va_list args;
    if (fleet->note_count == FLEET_NOTES_MAX) {
        return;
    }
    buf_init(&text, NOTE_MAX);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    fleet->notes[fleet->note_count++] = xstrdup(buf_str(&text));
    buf_release(&text);
}

struct fleet *fleet_unknown(const char *format, ...)
{
    struct fleet *fleet = xcalloc(sizeof *fleet);
    struct buf text;
    va_list args;
    buf_init(&text, NOTE_MAX);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    fleet->unknown = xstrdup(buf_str(&text));
    fleet->nodes_today = -1;
    fleet->today_monthly_microusd = -1;
    buf_release(&text);
    return fleet;
}

/* a + b where both are known. */
static int64_t add_known(int64_t a, int64_t b)
{
    return a < 0 || b < 0 || a > INT64_MAX - b ? -1 : a + b;
}

/* Money of so many nodes in a month. */
static int64_t nodes_monthly(int64_t nodes, int64_t microusd_per_hour)
{
    if (microusd_per_hour < 0 || (microusd_per_hour > 0 && nodes > INT64_MAX / microusd_per_hour)) {
        return nodes == 0 ? 0 : -1;
    }
    return better_monthly(nodes * microusd_per_hour);
}

/* One pool for each source, in their order. */
static void pools_of_sources(const struct fleet_input *input, struct fleet *fleet)
{
    fleet->pools = xcalloc_array(input->source_count + 1, sizeof *fleet->pools);
    fleet->pool_count = input->source_count;
    for (size_t i = 0; i < input->source_count; i++) {
        const struct fleet_source *source = &input->sources[i];
        fleet->pools[i] = (struct fleet_pool){
            .name = xstrdup(source->name == NULL ? "default" : source->name),
            .instance = xstrdup_null(source->type.instance),
            .microusd_per_hour = source->type.microusd_per_hour,
            .nodes_today = -1,
        };
    }
}

/* One pool for each name, type and price of live nodes; `pool_of` tells which a group belongs to. */
static void pools_of_live(const struct fleet_input *input, struct fleet *fleet, size_t *pool_of)
{
    fleet->pools = xcalloc_array(input->live_count + 1, sizeof *fleet->pools);
    for (size_t i = 0; i < input->live_count; i++) {
        const struct fleet_live *live = &input->live[i];
        const char *name = live->pool == NULL ? "nodes" : live->pool;
        size_t at = 0;
        while (at < fleet->pool_count && !(strcmp(fleet->pools[at].name, name) == 0 &&
                                           str_equal(fleet->pools[at].instance, live->type.instance) &&
                                           fleet->pools[at].microusd_per_hour == live->type.microusd_per_hour)) {
            at++;
        }
        if (fleet_is_control_plane(live)) {
            continue;
        }
        pool_of[i] = at;
        if (at == fleet->pool_count) {
            fleet->pools[fleet->pool_count++] = (struct fleet_pool){
                .name = xstrdup(name),
                .instance = xstrdup_null(live->type.instance),
                .microusd_per_hour = live->type.microusd_per_hour,
                .before.lower_bound = -1,
                .after.lower_bound = -1,
            };
        }
        fleet->pools[at].nodes_today += live->count;
    }
}

/* Those that have a place, by item; of one source (PACK_NONE: all). */
static int64_t *placed_counts(const struct fleet_place *place, uint32_t source)
{
    int64_t *counts = xcalloc_array(place->item_count + 1, sizeof *counts);
    for (size_t i = 0; i < place->item_count; i++) {
        const struct fleet_workload *w = &place->input->workloads[place->members[place->first_member[i]].workload];
        counts[i] = source == PACK_NONE || w->pool == source ? place->items[i].count - place->plan.unplaced[i] : 0;
    }
    return counts;
}

static int64_t bound_of(const struct fleet_place *place, uint32_t source)
{
    int64_t *counts = placed_counts(place, source);
    int64_t bound = pack_bound(&place->problem, counts);
    free(counts);
    return bound;
}

static struct fleet_side *side_of(struct fleet_pool *pool, bool after)
{
    return after ? &pool->after : &pool->before;
}

/* Nodes of each pool, and what has no place in it. */
static void fill_pools(const struct fleet_place *place, struct fleet *fleet, const size_t *pool_of)
{
    for (size_t i = 0; i < place->plan.node_count; i++) {
        const struct pack_nodes *nodes = &place->plan.nodes[i];
        uint32_t source = place->kinds[nodes->kind].source;
        side_of(&fleet->pools[pool_of == NULL ? source : pool_of[source]], place->after)->nodes += nodes->count;
    }
    for (size_t i = 0; i < place->item_count && pool_of == NULL; i++) {
        const struct fleet_workload *w = &place->input->workloads[place->members[place->first_member[i]].workload];
        side_of(&fleet->pools[w->pool], place->after)->unplaced += place->plan.unplaced[i] * fleet_item_pods(place, i);
    }
    for (size_t i = 0; i < fleet->pool_count; i++) {
        struct fleet_side *side = side_of(&fleet->pools[i], place->after);
        side->monthly_microusd = nodes_monthly(side->nodes, fleet->pools[i].microusd_per_hour);
        if (pool_of == NULL) {
            side->lower_bound = bound_of(place, (uint32_t)i);
        }
    }
}

static void fill_side(const struct fleet_place *place, struct fleet *fleet, const size_t *pool_of)
{
    struct fleet_side *side = place->after ? &fleet->after : &fleet->before;
    fill_pools(place, fleet, pool_of);
    for (size_t i = 0; i < fleet->pool_count; i++) {
        side->nodes += side_of(&fleet->pools[i], place->after)->nodes;
        side->monthly_microusd = add_known(side->monthly_microusd, side_of(&fleet->pools[i], place->after)->monthly_microusd);
        side->lower_bound += pool_of == NULL ? side_of(&fleet->pools[i], place->after)->lower_bound : 0;
    }
    if (pool_of != NULL) {
        side->lower_bound = bound_of(place, PACK_NONE);
    }
    for (size_t i = 0; i < place->item_count; i++) {
        side->unplaced += place->plan.unplaced[i] * fleet_item_pods(place, i);
    }
}

/* Why pods have no place. */
enum reason { NO_KIND, TOO_LARGE, NO_ROOM, REASONS };

struct reasons {
    int64_t pods[REASONS];
    const char *first[REASONS];
};

static void add_reason(struct reasons *reasons, enum reason reason, const struct fleet_place *place, size_t item, int64_t count)
{
    const char *name = place->input->workloads[place->members[place->first_member[item]].workload].name;
    reasons->pods[reason] = place_add(reasons->pods[reason], count * fleet_item_pods(place, item));
    if (reasons->first[reason] == NULL) {
        reasons->first[reason] = name[0] == '/' ? name + 1 : name; /* no cluster is named */
    }
}

static void note_reasons(const struct reasons *reasons, const char *when, struct fleet *fleet)
{
    static const char *const texts[REASONS] = {
        [NO_KIND] = "what they ask of a node, or of who runs beside them, holds nowhere",
        [TOO_LARGE] = "they are larger than any node they may run on",
        [NO_ROOM] = "the nodes there are have no room left where they may run",
    };
    for (int reason = 0; reason < REASONS; reason++) {
        int64_t pods = reasons->pods[reason];
        if (pods > 0) {
            fleet_note(fleet, "%lld %s counted on no node%s, %s first: %s.", (long long)pods, pods == 1 ? "pod is" : "pods are", when,
                       reasons->first[reason], texts[reason]);
        }
    }
}

/*
 * What fits no node on one side is counted on neither, so that both pack the same pods. Both places have the same items. Marks
 * workloads that are left out.
 */
static void leave_out(struct fleet_place *before, struct fleet_place *after, struct fleet *fleet, bool *left_out)
{
    struct reasons reasons = {.pods = {0}};
    for (size_t i = 0; i < before->item_count; i++) {
        enum fleet_fit was = fleet_item_fit(before, i), then = fleet_item_fit(after, i);
        if (was != FIT_SOMEWHERE || then != FIT_SOMEWHERE) {
            enum fleet_fit fit = was != FIT_SOMEWHERE ? was : then;
            int64_t pods = before->items[i].count * fleet_item_pods(before, i);
            add_reason(&reasons, fit == FIT_NO_KIND ? NO_KIND : TOO_LARGE, before, i, before->items[i].count);
            fleet->before.unplaced = place_add(fleet->before.unplaced, pods);
            fleet->after.unplaced = place_add(fleet->after.unplaced, pods);
            if (!fleet->live) {
                struct fleet_pool *pool = &fleet->pools[before->input->workloads[before->members[before->first_member[i]].workload].pool];
                pool->before.unplaced = place_add(pool->before.unplaced, pods);
                pool->after.unplaced = place_add(pool->after.unplaced, pods);
            }
            before->items[i].count = 0;
            after->items[i].count = 0;
            for (size_t m = before->first_member[i]; m < before->first_member[i + 1]; m++) {
                left_out[before->members[m].workload] = true;
            }
        }
    }
    note_reasons(&reasons, "", fleet);
}

/* What found no room, though it fits. */
static void note_no_room(const struct fleet_place *place, struct fleet *fleet)
{
    struct reasons reasons = {.pods = {0}};
    for (size_t i = 0; i < place->item_count; i++) {
        if (place->plan.unplaced[i] > 0) {
            add_reason(&reasons, NO_ROOM, place, i, place->plan.unplaced[i]);
        }
    }
    note_reasons(&reasons, place->after ? " with the plan" : " today", fleet);
}

/* What live nodes are left out, or have no price. */
static void note_live(const struct fleet_input *input, struct fleet *fleet)
{
    int64_t control = 0, closed = 0, unpriced = 0;
    const char *type = NULL;
    for (size_t i = 0; i < input->live_count; i++) {
        const struct fleet_live *live = &input->live[i];
        bool is_control = fleet_is_control_plane(live);
        control += is_control ? live->count : 0;
        closed += live->closed && !is_control ? live->count : 0;
        if (live->type.microusd_per_hour < 0 && !is_control) {
            unpriced += live->count;
            type = type == NULL ? live->type.instance : type;
        }
    }
    if (control > 0) {
        fleet_note(fleet, "Nodes of the control plane are not counted (%lld).", (long long)control);
    }
    if (closed > 0) {
        fleet_note(fleet, "%lld cordoned or unready %s counted as paid for today, and take no pods.", (long long)closed,
                   closed == 1 ? "node is" : "nodes are");
    }
    if (unpriced > 0) {
        fleet_note(fleet, "No price is known for %lld of the nodes (%s): no saving in cash is stated.", (long long)unpriced,
                   type == NULL ? "their type is not known" : type);
    }
    if (input->live_count > FLEET_KINDS_MAX) {
        fleet_note(fleet, "Only the first %d kinds of node were looked at.", FLEET_KINDS_MAX);
    }
}

/* Labels that pods ask for are taken to be there to have. */
static void note_wishes(const struct fleet_place *place, struct fleet *fleet)
{
    size_t kinds = 0;
    for (size_t i = 0; i < place->kind_count && place->input->live_count == 0; i++) {
        kinds += place->kinds[i].labels.count > place->input->sources[place->kinds[i].source].label_count;
    }
    if (kinds > 0) {
        fleet_note(fleet, "Pods ask for node labels in %zu %s that nothing is known about: nodes of this type that have them count.",
                   kinds, kinds == 1 ? "combination" : "combinations");
    }
}

static void count_pods(const struct fleet_input *input, struct fleet *fleet)
{
    for (size_t i = 0; i < input->workload_count; i++) {
        if (fleet_is_packed(input, &input->workloads[i])) {
            fleet->pods = place_add(fleet->pods, input->workloads[i].count);
        }
    }
}

static void compute_side(struct fleet_place *place, struct fleet *fleet, const size_t *pool_of)
{
    pack_solve(&place->problem, false, &place->plan);
    fill_side(place, fleet, pool_of);
    note_no_room(place, fleet);
}

/* Both sides, one after the other. `left_out` by workload. */
static void compute_sides(const struct fleet_input *input, struct fleet *fleet, const size_t *pool_of, bool *left_out)
{
    struct fleet_place before, after;
    fleet_place_prepare(input, false, &before);
    fleet_place_prepare(input, true, &after);
    leave_out(&before, &after, fleet, left_out);
    compute_side(&before, fleet, pool_of);
    fleet_place_release(&before);
    compute_side(&after, fleet, pool_of);
    note_wishes(&after, fleet);
    fleet_place_release(&after);
}

/* What the live nodes are, and cost, today. */
static void count_today(struct fleet *fleet)
{
    fleet->nodes_today = 0;
    fleet->today_monthly_microusd = 0;
    for (size_t i = 0; i < fleet->pool_count; i++) {
        const struct fleet_pool *pool = &fleet->pools[i];
        fleet->nodes_today += pool->nodes_today;
        fleet->today_monthly_microusd =
            add_known(fleet->today_monthly_microusd, nodes_monthly(pool->nodes_today, pool->microusd_per_hour));
    }
}

struct fleet *fleet_compute(const struct fleet_input *input)
{
    struct fleet *fleet = xcalloc(sizeof *fleet);
    size_t *pool_of = NULL;
    bool *left_out = xcalloc_array(input->workload_count + 1, sizeof *left_out);
    fleet->live = input->live_count > 0;
    fleet->nodes_today = -1;
    fleet->today_monthly_microusd = -1;
    if (fleet->live) {
        pool_of = xcalloc_array(input->live_count + 1, sizeof *pool_of);
        pools_of_live(input, fleet, pool_of);
        count_today(fleet);
    } else {
        pools_of_sources(input, fleet);
    }
    count_pods(input, fleet);
    compute_sides(input, fleet, pool_of, left_out);
    fleet->priced = fleet->before.monthly_microusd >= 0 && fleet->after.monthly_microusd >= 0 &&
                    (!fleet->live || fleet->today_monthly_microusd >= 0);
    fleet->nodes_gone = fleet->before.nodes - fleet->after.nodes;
    fleet->saving_microusd = fleet->priced ? fleet->before.monthly_microusd - fleet->after.monthly_microusd : 0;
    fleet->unplaced = fleet->after.unplaced;
    better_find(input, left_out, fleet);
    note_live(input, fleet);
    free(pool_of);
    free(left_out);
    return fleet;
}
