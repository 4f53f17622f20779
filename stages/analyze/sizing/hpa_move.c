#include "stages/analyze/sizing/parts.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/analyze/subject/scalers.h"

static const double exact = 0.01;    /* how near target × request must come to the load, at best … */
static const double near_enough = 0.02; /* … and at worst */
static const int64_t target_most = 1000;
static const int64_t targets_tried = 12; /* on either side of the one that the rules' request asks for */

/* One metric on its way to a move. */
struct search {
    const struct plan *plan;
    struct hpa_move *move;
    struct container_plan *wishes; /* each container as the rules alone would have it */
    int64_t *requests;
    size_t main;   /* the container whose request is adjusted: the largest wish */
    double others; /* what the other containers that count would ask for */
    double off;    /* how far what is kept lies from what is wished */
};

static bool counts(const struct hpa_move *move, const struct container *container)
{
    return move->container ? str_equal(move->container, container->name) : container->role != ROLE_INIT;
}

/* The container as it would be if no autoscaler looked at this resource. */
static void wish_make(const struct plan *plan, size_t index, enum resource resource, struct container_plan *out)
{
    const struct container_plan *from = &plan->containers[index];
    *out = *from;
    if (!from->judged || from->container->role == ROLE_INIT) {
        return;
    }
    double proposals[FIELDS];
    container_begin(from->container, out);
    out->signals.autoscaled[resource] = false;
    size_cpu(plan, out);
    size_memory(plan, out);
    for (int f = 0; f < FIELDS; f++) {
        proposals[f] = out->fields[f].target;
    }
    container_settle(plan, out, proposals);
}

/* Sums today's and wished requests of the containers that count, and their limits; says why it cannot go on. */
static const char *sum_up(struct search *search)
{
    struct hpa_move *move = search->move;
    int64_t limits = 0;
    bool limited = true;
    int64_t largest = -1;
    for (size_t i = 0; i < search->plan->subject->container_count; i++) {
        const struct container *container = search->plan->containers[i].container;
        if (!counts(move, container)) {
            continue;
        }
        struct granted wish = container_granted(&search->wishes[i], move->resource, true);
        int64_t today = container_request(container, move->resource);
        if (today <= 0 || today > INT64_MAX / 4096 || wish.request <= 0 || wish.request > INT64_MAX / 4096) {
            return "no-request";
        }
        move->today += today;
        move->wanted += wish.request;
        limited = limited && wish.limit >= 0;
        limits += limited ? (wish.limit < INT64_MAX / 4096 ? wish.limit : INT64_MAX / 4096) : 0;
        if (search->wishes[i].fields[FIELD_OF(move->resource, false)].movable && wish.request > largest) {
            largest = wish.request;
            search->main = i;
        }
    }
    move->load = (double)move->target * (double)move->today / 100;
    if (move->today <= 0) {
        return "no-container";
    }
    if (limited && move->load >= (double)limits) {
        return "no-room";
    }
    return move->wanted == move->today ? "fits" : largest < 0 ? "held" : NULL;
}

/* Keeps request `amount` of the main container with this target, if it is allowed, near enough, and nearer to the rules' wish
 * than what is kept already. */
static void consider(struct search *search, int64_t target, int64_t amount, double tolerance)
{
    struct hpa_move *move = search->move;
    const struct field_plan *wish = &search->wishes[search->main].fields[FIELD_OF(move->resource, false)];
    double sum = search->others + (double)amount;
    double load = (double)target * sum / 100;
    if (amount < wish->min || amount > wish->max || fabs(load - move->load) > tolerance * move->load) {
        return;
    }
    /* The nearest to the wish; of the same request the nearest to the load. */
    double off = fabs(sum - (double)move->wanted) + fabs(load - move->load) / (1 + move->load);
    if (move->request < 0 || off < search->off) {
        search->off = off;
        move->request = (int64_t)(sum + 0.5);
        move->new_target = target;
        search->requests[search->main] = amount;
    }
}

/* Tries the targets about the one that the wish asks for, with requests rounded to `unit`. */
static void try_targets(struct search *search, int64_t unit, double tolerance)
{
    const struct hpa_move *move = search->move;
    double wished = 100 * move->load / (double)move->wanted;
    if (!(wished <= (double)(target_most + targets_tried))) { /* no target that is tried; no number that is one, either */
        return;
    }
    int64_t middle = (int64_t)(wished + 0.5);
    for (int64_t target = middle - targets_tried; target <= middle + targets_tried; target++) {
        if (target < 1 || target > target_most) {
            continue;
        }
        double amount = 100 * move->load / (double)target - search->others;
        if (amount < 1 || amount > 9e15) {
            continue;
        }
        int64_t down = (int64_t)amount / unit * unit;
        consider(search, target, down, tolerance);
        consider(search, target, down + unit, tolerance);
    }
}

/* Finds request and target: amounts that people write first, then exact ones, then less exact targets. */
static const char *find(struct search *search)
{
    static const int64_t fine[RESOURCES] = {1, 1048576};
    struct hpa_move *move = search->move;
    int64_t wish = container_granted(&search->wishes[search->main], move->resource, true).request;
    int64_t unit = rounded_up(move->resource, 1);
    search->others = (double)(move->wanted - wish);
    try_targets(search, unit, exact);
    if (move->request < 0) {
        try_targets(search, fine[move->resource], exact);
    }
    if (move->request < 0) {
        try_targets(search, fine[move->resource], near_enough);
    }
    if (move->request < 0) {
        return "no-integral-target";
    }
    return move->request == move->today ? "fits" : NULL;
}

/* The requests of the other containers that count, where the rules change them. */
static void list_requests(const struct search *search)
{
    for (size_t i = 0; i < search->plan->subject->container_count; i++) {
        const struct container *container = search->plan->containers[i].container;
        int64_t wish = container_granted(&search->wishes[i], search->move->resource, true).request;
        if (i != search->main) {
            bool other = counts(search->move, container) && wish != container_request(container, search->move->resource);
            search->requests[i] = other ? wish : AMOUNT_ABSENT;
        }
    }
}

/* Whether another utilization counts one of the requests that this one counts: then two targets would have to move. */
static bool followed_twice(const struct plan *plan, const struct scaler_metric *metric)
{
    for (size_t i = 0; i < plan->subject->scalers->count; i++) {
        const struct scaler *scaler = &plan->subject->scalers->items[i];
        for (size_t k = 0; k < scaler->metric_count; k++) {
            const struct scaler_metric *other = &scaler->metrics[k];
            bool both = !metric->container || !other->container || str_equal(metric->container, other->container);
            if (other != metric && other->utilization && other->resource == metric->resource && both) {
                return true;
            }
        }
    }
    return false;
}

static void move_make(const struct plan *plan, const struct scaler *scaler, const struct scaler_metric *metric, struct arena *arena,
                      struct hpa_move *out)
{
    size_t count = plan->subject->container_count;
    struct search search = {.plan = plan, .move = out};
    *out = (struct hpa_move){.scaler = scaler, .resource = metric->resource, .container = metric->container,
                             .target = metric->target, .request = AMOUNT_ABSENT};
    search.requests = arena_alloc_array(arena, count + 1, sizeof *search.requests);
    search.wishes = arena_alloc_array(arena, count + 1, sizeof *search.wishes);
    for (size_t i = 0; i < count; i++) {
        search.requests[i] = AMOUNT_ABSENT;
        wish_make(plan, i, metric->resource, &search.wishes[i]);
    }
    out->requests = search.requests;
    out->why_not = sum_up(&search);
    if (metric->target <= 0) {
        out->why_not = "no-target";
    } else if (scalers_resizer(plan->subject->scalers)) {
        out->why_not = "vpa";
    } else if (plan->refusal) {
        out->why_not = "no-data";
    } else if (followed_twice(plan, metric)) {
        out->why_not = "followed-twice";
    }
    out->why_not = out->why_not ? out->why_not : find(&search);
    if (out->why_not) {
        out->request = AMOUNT_ABSENT;
        out->new_target = 0;
        search.requests[search.main] = AMOUNT_ABSENT;
    } else {
        list_requests(&search);
    }
}

void plan_moves(struct plan *plan, struct arena *arena)
{
    const struct scalers *scalers = plan->subject->scalers;
    size_t most = 0;
    for (size_t i = 0; i < scalers->count; i++) {
        most += scalers->items[i].metric_count;
    }
    struct hpa_move *moves = arena_alloc_array(arena, most + 1, sizeof *moves);
    plan->moves = moves;
    for (size_t i = 0; i < scalers->count; i++) {
        for (size_t k = 0; k < scalers->items[i].metric_count; k++) {
            const struct scaler_metric *metric = &scalers->items[i].metrics[k];
            if (metric->utilization) {
                move_make(plan, &scalers->items[i], metric, arena, &moves[plan->move_count++]);
            }
        }
    }
}
