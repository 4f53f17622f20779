#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/machine/machine_internal.h"

/* ---- Order ---- */

struct place {
    bool later; /* not of the canary's namespace */
    int risk;
    const char *name;
    int64_t change;
    size_t index;
};

static int by_risk(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    if (x->later != y->later) {
        return x->later ? 1 : -1;
    }
    if (x->risk != y->risk) {
        return x->risk < y->risk ? -1 : 1;
    }
    int names = strcmp(x->name, y->name);
    return names != 0 ? names : x->index < y->index ? -1 : 1;
}

static int last_begun_first(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    if (x->change != y->change) {
        return x->change > y->change ? -1 : 1;
    }
    return x->index < y->index ? 1 : -1;
}

static struct place place_of(const struct machine *machine, size_t index)
{
    const struct machine_object *object = machine->works[index].object;
    return (struct place){false, object->risk, object->name, object->change, index};
}

/* ---- What rows say at the beginning ---- */

/* A row that an earlier process moved to rolling-back, or further, says why. */
static void recall_failure(struct machine *machine, struct work *work)
{
    const struct machine_object *object = work->object;
    const char *failure = json_string_or_null(object->detail, "failure");
    const char *undone = json_string_or_null(object->detail, "undone");
    struct err why = {0};
    if (failure != NULL) {
        err_set(&why, ERR_ROLLED_BACK, "%s", failure);
        work->object->why = why;
        machine->failure = true;
        if (machine->failures++ >= machine->policy->failure_budget) {
            machine_stop(machine, &why);
            machine->undo_all = machine->undo_all || machine->policy->on_failure == MACHINE_UNDO_RUN;
        }
    } else {
        err_set(&why, ERR_REFUSED, "%s", undone == NULL ? "an earlier process stopped it" : undone);
        work->object->why = why;
        machine_stop(machine, &why);
        machine->undo_all = machine->undo_all || json_bool_or(object->detail, "undo_all", false);
    }
}

static void over_already(struct work *work, enum machine_fate fate)
{
    work->phase = PHASE_OVER;
    work->object->fate = fate;
}

static bool is_open(enum ledger_change_state state)
{
    return state == LEDGER_CHANGE_WRITING || state == LEDGER_CHANGE_WRITTEN || state == LEDGER_CHANGE_VERIFYING ||
           state == LEDGER_CHANGE_ROLLING_BACK;
}

/* Objects that earlier processes finished, one way or another. */
static void recall(struct machine *machine, struct work *work)
{
    const struct machine_object *object = work->object;
    if (object->change == 0 || (object->state == LEDGER_CHANGE_ROLLED_BACK && machine->policy->redo)) {
        return;
    }
    machine->touched = machine->touched || object->state != LEDGER_CHANGE_PLANNED;
    if (object->state == LEDGER_CHANGE_DONE) {
        over_already(work, MACHINE_DONE);
    } else if (object->state == LEDGER_CHANGE_ROLLED_BACK) {
        over_already(work, MACHINE_PUT_BACK);
        recall_failure(machine, work);
    } else if (object->state == LEDGER_CHANGE_ROLLBACK_FAILED) {
        over_already(work, json_string_or_null(object->detail, "conflict") != NULL ? MACHINE_CONFLICT : MACHINE_NOT_PUT_BACK);
        recall_failure(machine, work);
        err_set(&machine->broken, ERR_ROLLBACK_FAILED, "%s could not be put back before", object->name);
        machine->undo_failed = true;
        machine->stopping = true;
    } else if (object->state == LEDGER_CHANGE_ROLLING_BACK) {
        recall_failure(machine, work);
        work->judged = true;
    }
}

/* ---- What follows what ---- */

static void add_ready(struct machine *machine, size_t index)
{
    machine->ready[machine->ready_count++] = index;
}

/* Links the objects of one workload in the order of `places`: each begins when the one before is over. */
static void chain(struct machine *machine, const struct place *places, size_t count)
{
    json_t *last = json_object();
    for (size_t i = 0; i < count; i++) {
        machine->works[places[i].index].next = NONE;
        machine->works[places[i].index].follows = false;
    }
    for (size_t i = 0; i < count; i++) {
        struct work *work = &machine->works[places[i].index];
        const struct ledger_workload *workload = &work->object->workload;
        char *key = xasprintf("%s/%s/%s", workload->namespace, workload->kind, workload->name);
        int64_t before = json_int_or(last, key, NONE);
        if (before != NONE) {
            machine->works[before].next = (long)work->index;
            work->follows = true;
        }
        json_object_set_new(last, key, json_integer((json_int_t)work->index));
        free(key);
    }
    json_decref(last);
}

/* The change of a workload comes before what is created for it. */
static void chain_forward(struct machine *machine)
{
    struct place *places = xcalloc_array(machine->count, sizeof *places);
    size_t count = 0;
    for (int action = MACHINE_CHANGE; action <= MACHINE_CREATE; action++) {
        for (size_t i = 0; i < machine->count; i++) {
            if (machine->works[i].object->action == (enum machine_action)action) {
                places[count++] = place_of(machine, i);
            }
        }
    }
    chain(machine, places, count);
    free(places);
}

/* ---- Canary ---- */

/* The namespace whose riskiest object has the least risk; of equals the smallest, then the first by name. NULL where there is none. */
static const char *canary_namespace(const struct machine *machine)
{
    json_t *risks = json_object();
    const char *best = NULL;
    const char *name = NULL;
    json_t *value = NULL;
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < machine->count; i++) {
        const struct machine_object *object = machine->works[i].object;
        const json_t *had = json_object_get(risks, object->namespace);
        int64_t risk = json_integer_value(json_array_get(had, 0));
        int64_t objects = json_integer_value(json_array_get(had, 1));
        json_object_set_new(risks, object->namespace,
                            json_pack("[I, I]", (json_int_t)(object->risk > risk ? object->risk : risk), (json_int_t)(objects + 1)));
    }
    json_object_foreach(risks, name, value)
    {
        int64_t rank = json_integer_value(json_array_get(value, 0)) * 1000000 + json_integer_value(json_array_get(value, 1));
        if (rank < least || (rank == least && strcmp(name, best) < 0)) {
            least = rank;
            best = name;
        }
    }
    for (size_t i = 0; best != NULL && i < machine->count; i++) { /* `best` lives in the map */
        if (strcmp(machine->works[i].object->namespace, best) == 0) {
            best = machine->works[i].object->namespace;
            break;
        }
    }
    json_decref(risks);
    return best;
}

/* A canary that an earlier process saw fail (recall_failure) stops the apply, whatever the budget. */
static void recall_canary(struct machine *machine, const struct work *work)
{
    if (work->canary && work->object->why.class == ERR_ROLLED_BACK) {
        machine_stop(machine, &work->object->why);
        machine->undo_all = machine->undo_all || machine->policy->on_failure == MACHINE_UNDO_RUN;
    }
}

/* Sorts all objects that go forward; of those that are not begun yet makes the order. */
static void order_forward(struct machine *machine)
{
    struct place *places = xcalloc_array(machine->count, sizeof *places);
    const char *first = machine->policy->canary_namespace ? canary_namespace(machine) : NULL;
    size_t count = 0;
    size_t canaries = machine->policy->canary;
    for (size_t i = 0; i < machine->count; i++) {
        if (!machine->works[i].follows) {
            places[count] = place_of(machine, i);
            places[count].later = first != NULL && strcmp(first, machine->works[i].object->namespace) != 0;
            count++;
        }
    }
    qsort(places, count, sizeof *places, by_risk);
    for (size_t i = 0; first != NULL && i < count; i++) {
        canaries = places[i].later ? canaries : i + 1;
    }
    machine->paused = canaries == 0 || canaries >= count || machine->policy->rehearse;
    for (size_t i = 0; i < count; i++) {
        struct work *work = &machine->works[places[i].index];
        work->canary = i < canaries;
        recall_canary(machine, work);
        machine->paused = machine->paused || (!work->canary && work_has_row(work));
        if (work->phase == PHASE_WAITING && !(work->object->change != 0 && is_open(work->object->state))) {
            machine->order[machine->order_count++] = work->index;
            machine->canary += work->canary ? 1 : 0;
        }
    }
    free(places);
}

/* Rows that are open go first; what followed something that is done already may begin. */
static void resume_open(struct machine *machine)
{
    for (size_t i = machine->count; i > 0; i--) {
        struct work *work = &machine->works[i - 1];
        bool open = work->object->change != 0 && is_open(work->object->state);
        if (work->phase == PHASE_WAITING && open) {
            work->begun = true;
            add_ready(machine, work->index);
        } else if (work->phase == PHASE_OVER && work->object->fate == MACHINE_DONE && work->next != NONE) {
            const struct work *next = &machine->works[work->next];
            if (next->phase == PHASE_WAITING && !(next->object->change != 0 && is_open(next->object->state))) {
                add_ready(machine, next->index);
            }
        }
    }
}

/* ---- Undoing ---- */

static bool is_undoable(const struct machine *machine, const struct work *work)
{
    enum ledger_change_state state = work->object->state;
    if (work->object->change == 0 || !work_has_row(work)) {
        return false;
    }
    if (machine->undo) {
        return work->object->wanted;
    }
    return work->phase != PHASE_OVER || state == LEDGER_CHANGE_DONE;
}

/* The last that was begun goes first; of one workload one after the other. */
static void order_undo(struct machine *machine)
{
    struct place *places = xcalloc_array(machine->count, sizeof *places);
    size_t count = 0;
    for (size_t i = 0; i < machine->count; i++) {
        struct work *work = &machine->works[i];
        if (is_undoable(machine, work)) {
            places[count++] = place_of(machine, i);
        }
    }
    qsort(places, count, sizeof *places, last_begun_first);
    chain(machine, places, count);
    for (size_t i = 0; i < count; i++) {
        struct work *work = &machine->works[places[i].index];
        bool under_way = work->phase != PHASE_OVER && work->phase != PHASE_WAITING;
        if (!under_way) {
            work->phase = PHASE_WAITING;
        }
        if (!under_way && !work->follows) {
            machine->undoing[machine->undoing_count++] = work->index;
        }
    }
    free(places);
    machine->ready_count = 0;
    machine->undo_ordered = true;
}

static void init_undo(struct machine *machine)
{
    for (size_t i = 0; i < machine->count; i++) {
        struct work *work = &machine->works[i];
        if (!is_undoable(machine, work)) {
            bool put_back = work->object->change != 0 && work->object->state == LEDGER_CHANGE_ROLLED_BACK;
            over_already(work, put_back ? MACHINE_PUT_BACK : MACHINE_PENDING);
        }
    }
    order_undo(machine);
}

void schedule_init(struct machine *machine)
{
    machine->order = xcalloc_array(machine->count, sizeof *machine->order);
    machine->ready = xcalloc_array(machine->count, sizeof *machine->ready);
    machine->undoing = xcalloc_array(machine->count, sizeof *machine->undoing);
    if (machine->undo) {
        init_undo(machine);
        return;
    }
    for (size_t i = 0; i < machine->count; i++) {
        recall(machine, &machine->works[i]);
    }
    chain_forward(machine);
    order_forward(machine);
    resume_open(machine);
}

/* ---- Who is next ---- */

static void activate(struct machine *machine, size_t index)
{
    struct work *work = &machine->works[index];
    work->slot = machine->active_count;
    machine->active[machine->active_count++] = index;
    work->phase = PHASE_READ;
}

static bool undo_next(struct machine *machine)
{
    if (!machine->undo_ordered) {
        order_undo(machine);
    }
    if (machine->asked_to_end && machine->undo) {
        return false;
    }
    size_t index = 0;
    if (machine->ready_count > 0) {
        index = machine->ready[--machine->ready_count];
    } else if (machine->undo_next < machine->undoing_count) {
        index = machine->undoing[machine->undo_next++];
    } else {
        return false;
    }
    activate(machine, index);
    object_undo_start(machine, &machine->works[index]);
    return true;
}

/* Whether the rest has to wait for the canaries, or for the pause after them. */
static bool holds(struct machine *machine)
{
    if (machine->paused || machine->next < machine->canary || machine->next >= machine->order_count) {
        return false;
    }
    int64_t now = machine->ends->now(machine->ends->context);
    if (machine->active_count == 0 && !machine->pausing) {
        machine->pausing = true;
        machine->pause_until = now + machine->policy->settle;
    }
    machine->paused = machine->pausing && now >= machine->pause_until;
    machine->pausing = machine->pausing && !machine->paused;
    return !machine->paused;
}

/* Whether a less risky object is under way and has not begun yet: a riskier one comes after it. */
static bool overtakes(const struct machine *machine, const struct work *work)
{
    for (size_t i = 0; i < machine->active_count; i++) {
        const struct work *other = &machine->works[machine->active[i]];
        if (other->object->risk < work->object->risk && other->phase < PHASE_WRITE) {
            return true;
        }
    }
    return false;
}

static bool start_next(struct machine *machine)
{
    size_t index = 0;
    while (machine->stopping && machine->ready_count > 0 && !machine->works[machine->ready[machine->ready_count - 1]].begun) {
        machine->ready_count--; /* it is not begun any more, but what lies below it is half done */
    }
    if (machine->ready_count > 0) {
        index = machine->ready[--machine->ready_count];
    } else if (machine->stopping || machine->next >= machine->order_count || holds(machine) ||
               overtakes(machine, &machine->works[machine->order[machine->next]])) {
        return false;
    } else {
        index = machine->order[machine->next++];
    }
    activate(machine, index);
    object_start(machine, &machine->works[index]);
    return true;
}

void schedule_fill(struct machine *machine)
{
    machine->pausing = machine->pausing && !machine->stopping;
    while (!machine->quit && machine->active_count < machine->policy->parallel) {
        bool undo = machine->undo || machine->undo_all;
        if (!(undo ? undo_next(machine) : start_next(machine))) {
            return;
        }
    }
}

void schedule_over(struct machine *machine, const struct work *work)
{
    bool undo = machine->undo || machine->undo_all;
    if (work->next == NONE || machine->works[work->next].phase != PHASE_WAITING) {
        return;
    }
    if (undo || work->object->fate == MACHINE_DONE) {
        add_ready(machine, (size_t)work->next);
    }
}
