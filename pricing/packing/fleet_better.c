#include "pricing/packing/fleet_better.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pricing/packing/fleet_place.h"

/* Hours of a month, as in every other cost. */
enum { HOURS = 730 };

/* Fewer nodes than this are only advised where there are fewer already: the loss of one must not take everything along. */
enum { NODES_LEAST = 3 };

/* A saving below a hundredth is not worth a move; of types that cost the same but for the half of that, smaller nodes are better. */
enum { SAVING_SHARE = 100, LIKE_SHARE = 200 };

/* How many candidates are packed: those that promise most. More where there is little to pack. */
enum { TRIED_FEW = 5, TRIED_MANY = 12, ITEMS_FEW = 2000 };

/* What it would take at least. */
struct promise {
    int64_t microusd_per_hour;
    size_t candidate;
};

/* The pods whose nodes are to be replaced, as one pool. */
struct replaced {
    struct fleet_workload *workloads;
    struct fleet_input input;
    struct fleet_source source;
    struct pack_size largest;
    double total[PACK_RESOURCES];
    struct pack_size daemons; /* on each node */
    int64_t nodes;            /* today's type needs so many … */
    int64_t microusd_per_month; /* … for so much */
    size_t packed;
};

int64_t better_monthly(int64_t microusd_per_hour)
{
    return microusd_per_hour < 0 || microusd_per_hour > INT64_MAX / HOURS ? -1 : microusd_per_hour * HOURS;
}

static int compare_promise(const void *a, const void *b)
{
    const struct promise *x = a, *y = b;
    if (x->microusd_per_hour != y->microusd_per_hour) {
        return x->microusd_per_hour < y->microusd_per_hour ? -1 : 1;
    }
    return x->candidate < y->candidate ? -1 : 1;
}

/* The pool whose nodes cost most with the plan, SIZE_MAX for all live nodes. */
static size_t dearest(const struct fleet *fleet)
{
    size_t best = 0;
    for (size_t i = 1; i < fleet->pool_count && !fleet->live; i++) {
        best = fleet->pools[i].after.monthly_microusd > fleet->pools[best].after.monthly_microusd ? i : best;
    }
    return fleet->live ? SIZE_MAX : best;
}

/* Sums and maxima of what is packed, and what each node must carry whatever its type. */
static void measure(struct replaced *replaced)
{
    struct fleet_place place = {.input = &replaced->input, .after = true};
    for (size_t i = 0; i < replaced->input.workload_count; i++) {
        const struct fleet_workload *w = &replaced->workloads[i];
        struct pack_size size = fleet_size(&place, w);
        const struct fleet_rules *rules = fleet_rules_of(&replaced->input, w);
        bool plain = rules == NULL || (rules->selector_count == 0 && !rules->has_affinity);
        for (int r = 0; r < PACK_RESOURCES; r++) {
            if (w->daemon && plain) {
                replaced->daemons.amount[r] = place_add(replaced->daemons.amount[r], size.amount[r]);
            } else if (fleet_is_packed(&replaced->input, w)) {
                replaced->total[r] += (double)size.amount[r] * (double)w->count;
                replaced->largest.amount[r] = size.amount[r] > replaced->largest.amount[r] ? size.amount[r] : replaced->largest.amount[r];
            }
        }
        replaced->packed += fleet_is_packed(&replaced->input, w);
    }
}

/* The workloads of the pool (of all, where nodes are live) as those of one source. */
static void replace(struct replaced *replaced, const struct fleet_input *input, const bool *left_out, const struct fleet *fleet,
                    size_t pool)
{
    *replaced = (struct replaced){.input = *input};
    replaced->workloads = xcalloc_array(input->workload_count + 1, sizeof *replaced->workloads);
    for (size_t i = 0; i < input->workload_count; i++) {
        struct fleet_workload *w = &replaced->workloads[i];
        *w = input->workloads[i];
        w->cluster = fleet->live ? 0 : w->cluster;
        w->pool = !left_out[i] && (fleet->live || w->pool == pool) ? 0 : PACK_NONE;
    }
    const struct fleet_side *side = fleet->live ? &fleet->after : &fleet->pools[pool].after;
    replaced->nodes = side->nodes;
    replaced->microusd_per_month = side->monthly_microusd;
    if (!fleet->live) {
        replaced->source = input->sources[pool];
    }
    replaced->input.workloads = replaced->workloads;
    replaced->input.sources = &replaced->source;
    replaced->input.source_count = 1;
    replaced->input.live_count = 0;
    measure(replaced);
}

/* The least that a candidate costs an hour; −1 where a pod is too large for it. */
static int64_t promise_of(const struct replaced *replaced, const struct fleet_type *type)
{
    double nodes = 1;
    for (int r = 0; r < PACK_RESOURCES; r++) {
        int64_t room = type->capacity.amount[r] - replaced->daemons.amount[r];
        if (room <= 0 || replaced->largest.amount[r] > room) {
            return -1;
        }
        double needed = replaced->total[r] / (double)room;
        nodes = needed > nodes ? needed : nodes;
    }
    double price = nodes * (double)type->microusd_per_hour;
    return price < (double)PACK_AMOUNT_MAX ? (int64_t)price : -1;
}

/* Candidates that may be worth it, the cheapest promise first. */
static size_t list_promises(const struct replaced *replaced, struct promise *list)
{
    size_t count = 0;
    int64_t limit = replaced->microusd_per_month / HOURS;
    limit -= limit / SAVING_SHARE;
    for (size_t i = 0; i < replaced->input.candidate_count; i++) {
        const struct fleet_type *type = &replaced->input.candidates[i];
        int64_t price = type->microusd_per_hour > 0 ? promise_of(replaced, type) : -1;
        if (price >= 0 && price < limit) {
            list[count++] = (struct promise){price, i};
        }
    }
    qsort(list, count, sizeof *list, compare_promise);
    return count;
}

/* The labels of a source whose nodes are of another type. */
static void use_type(struct replaced *replaced, const struct fleet_type *type, struct fleet_label *labels)
{
    for (size_t i = 0; i < replaced->source.label_count; i++) {
        if (str_equal(labels[i].key, "node.kubernetes.io/instance-type") || str_equal(labels[i].key, "beta.kubernetes.io/instance-type")) {
            labels[i].value = type->instance;
        }
    }
    replaced->source.type = *type;
    replaced->source.labels = labels;
}

/* Packs onto a candidate and keeps it where it is the best so far. */
static void try_candidate(struct replaced *replaced, const struct fleet_type *type, struct fleet_better *better)
{
    struct fleet_place place;
    fleet_place_prepare(&replaced->input, true, &place);
    pack_solve(&place.problem, true, &place.plan);
    struct pack_total total = pack_plan_total(&place.problem, &place.plan);
    fleet_place_release(&place);
    int64_t monthly = better_monthly(total.microusd_per_hour);
    int64_t least = replaced->nodes < NODES_LEAST ? replaced->nodes : NODES_LEAST;
    if (total.unplaced > 0 || total.nodes < least || monthly < 0) {
        return;
    }
    int64_t saving = replaced->microusd_per_month - monthly;
    int64_t like = replaced->microusd_per_month / LIKE_SHARE;
    bool first = better->instance == NULL;
    bool smaller = saving >= better->saving_microusd - like && total.nodes > better->nodes;
    if (saving > replaced->microusd_per_month / SAVING_SHARE && (first || smaller || saving > better->saving_microusd + like)) {
        free(better->instance);
        better->instance = xstrdup(type->instance);
        better->nodes = total.nodes;
        better->monthly_microusd = monthly;
        better->saving_microusd = saving;
    }
}

/* Nodes that keep pods off, or types side by side, have reasons that one type for all would pass over. */
static bool may_replace(const struct fleet_input *input, const struct fleet *fleet)
{
    bool fine = fleet->priced && fleet->after.nodes > 0 && fleet->after.unplaced == fleet->before.unplaced;
    for (size_t i = 0; i < input->live_count; i++) {
        const struct fleet_live *live = &input->live[i];
        bool other = !str_equal(live->type.instance, fleet->pools[0].instance);
        fine = fine && (fleet_is_control_plane(live) || (live->taint_count == 0 && !other));
    }
    return fine;
}

void better_find(const struct fleet_input *input, const bool *left_out, struct fleet *fleet)
{
    if (input->candidate_count == 0 || fleet->pool_count == 0 || !may_replace(input, fleet)) {
        return;
    }
    size_t pool = dearest(fleet);
    struct replaced replaced;
    replace(&replaced, input, left_out, fleet, pool);
    struct promise *list = xcalloc_array(input->candidate_count, sizeof *list);
    struct fleet_label *labels = xcalloc_array(replaced.source.label_count + 1, sizeof *labels);
    if (replaced.source.label_count > 0) {
        memcpy(labels, replaced.source.labels, replaced.source.label_count * sizeof *labels);
    }
    size_t count = list_promises(&replaced, list);
    size_t most = replaced.packed > ITEMS_FEW ? TRIED_FEW : TRIED_MANY;
    for (size_t i = 0; i < count && i < most; i++) {
        int64_t monthly = better_monthly(list[i].microusd_per_hour);
        if (fleet->better.instance != NULL && monthly >= fleet->better.monthly_microusd) {
            break;
        }
        use_type(&replaced, &input->candidates[list[i].candidate], labels);
        try_candidate(&replaced, &input->candidates[list[i].candidate], &fleet->better);
    }
    if (fleet->better.instance != NULL && !fleet->live) {
        fleet->better.pool = xstrdup_null(input->sources[pool].name);
    }
    free(list);
    free(labels);
    free(replaced.workloads);
}
