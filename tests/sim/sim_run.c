#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/machine/detail.h"
#include "tests/sim/sim.h"

enum { LIVES_MAX = 8 };

enum ending { ENDED, LOST, KILLED, BROKEN };

/* What a process of the run is for. */
enum purpose { APPLY, RESUME, ROLLBACK, REDO };

struct life {
    struct machine_object objects[SIM_OBJECTS];
    size_t count;
    struct machine_result result;
};

/* ---- What a process finds in artifacts and ledger ---- */

static void from_plan(const struct sim_item *item, struct machine_object *object)
{
    object->group = item->group;
    object->version = str_equal(item->group, "autoscaling") ? "v2" : "v1";
    object->resource = item->resource;
    object->kind = item->kind;
    object->namespace = item->namespace;
    object->object_name = item->name;
    object->uid = item->action == MACHINE_CREATE ? NULL : item->uid;
    object->action = item->action;
    object->risk = item->risk;
    object->record = item->record;
    object->manifest = item->manifest;
}

static void add_object(struct sim *sim, struct life *life, size_t index, enum purpose purpose)
{
    const struct sim_item *item = &sim->items[index];
    const struct sim_row *row = &sim->rows[index];
    struct machine_object *object = &life->objects[life->count];
    struct err err = {0};
    bool undo = purpose == ROLLBACK;
    if (undo && !row->there) {
        return;
    }
    memset(object, 0, sizeof *object);
    object->name = item->object;
    object->workload = (struct ledger_workload){item->namespace, item->kind, item->name};
    if (undo && detail_read(row->detail, item->object, object, &err)) {
        sim_broken(sim, "the row of %s cannot be read: %s", item->object, err.message);
        return;
    }
    if (!undo) {
        from_plan(item, object);
    }
    if (row->there) {
        object->detail = row->detail;
        object->before = row->before;
        object->before_size = row->before_size;
        object->change = (int64_t)index + 1;
        object->state = row->state;
        if (item->action == MACHINE_CREATE && json_string_or_null(row->detail, "uid") != NULL) {
            object->uid = json_string_or_null(row->detail, "uid");
        }
    }
    object->force = sim->force[index];
    object->wanted = undo && sim->wanted[index];
    life->count++;
}

/* ---- One process ---- */

static void reset_life(struct sim *sim)
{
    sim->alive = true;
    sim->begun_now = 0;
    sim->risk_seen = -1;
    sim->idle = 0;
    sim->born = sim->clock;
    sim->control = sim->clock;
    sim->carried = sim_open_rows(sim);
    sim->end_told = -1;
    int64_t one = 2 * (sim->policy.rollout_timeout + sim->policy.settle) + 120000;
    sim->grace = 2 * one;
    sim->bound = 2 * one * ((int64_t)sim->item_count + 2);
}

static void plan_end_of_life(struct sim *sim, bool calm)
{
    sim->kill_at = !calm && sim->weather.kills && sim_chance(sim, 75)
                       ? sim->steps + 1 + sim_random(sim, sim_chance(sim, 50) ? 60 : 40 + 60 * sim->item_count)
                       : 0;
    if (!calm && sim->weather.term && sim_chance(sim, 70)) {
        sim_at(sim, sim->clock + sim_between(sim, 0, (int64_t)sim->item_count * 20000), sim_term, sim->life, 0);
    }
}

static const char *const purposes[] = {"apply", "apply --resume", "rollback", "rollback --redo"};

static enum ending live(struct sim *sim, struct life *life, enum purpose purpose, bool calm)
{
    struct machine_ends ends;
    struct machine_policy policy = sim->policy;
    struct err err = {0};
    memset(life, 0, sizeof *life);
    sim->undoing = purpose == ROLLBACK;
    sim->redo = purpose == REDO;
    policy.redo = sim->redo;
    sim_ends(sim, &ends);
    for (size_t i = 0; i < sim->item_count; i++) {
        add_object(sim, life, i, purpose);
    }
    reset_life(sim);
    plan_end_of_life(sim, calm);
    sim_trace(sim, "---- process %u: %s of %zu objects", sim->life, purposes[purpose], life->count);
    int how = setjmp(sim->killed);
    if (how != 0) {
        sim->kills += how == 1;
        sim_process_ends(sim);
        return how == 1 ? KILLED : BROKEN;
    }
    int failed = purpose == ROLLBACK ? machine_undo(&ends, &policy, life->objects, life->count, &life->result, &err)
                                     : machine_apply(&ends, &policy, life->objects, life->count, &life->result, &err);
    sim->kill_at = 0;
    sim_trace(sim, "---- ended: %s %d %s", failed ? "lost" : "end", failed ? (int)err.class : (int)life->result.end,
              failed ? err.message : life->result.cause.message);
    sim->losses += failed != 0;
    for (size_t i = 0; i < life->count; i++) {
        sim_trace(sim, "     %s: fate %d %s", life->objects[i].name, (int)life->objects[i].fate, life->objects[i].why.message);
    }
    sim_check_ended(sim, life->objects, life->count, failed, &life->result);
    sim_process_ends(sim);
    return sim->failure != NULL ? BROKEN : failed ? LOST : ENDED;
}

/* ---- All processes of a run ---- */

/* Faults end: what comes now has to come to an end. */
static void calm_down(struct sim *sim)
{
    sim->ledger_until = INT64_MAX;
    sim->outage_from = INT64_MAX;
    sim->dead_from = INT64_MAX;
    sim->weather.lossy = false;
    sim->weather.ledger = false;
    for (size_t i = 0; i < sim->item_count; i++) {
        sim->items[i].locked = false;
        sim->items[i].deny_undo = false;
        sim->items[i].denial = sim->items[i].denial == DENIAL_RBAC ? DENIAL_NONE : sim->items[i].denial;
    }
}

static void pass_time(struct sim *sim, int64_t milliseconds)
{
    int64_t until = sim->clock + milliseconds;
    while (sim_advance(sim, until)) {
    }
}

/* Rows that the policy leaves as they are (on_failure: stop), or that were told as a conflict. */
static void note_left(struct sim *sim, const struct life *life)
{
    for (size_t i = 0; i < life->count; i++) {
        int index = sim_item_named(sim, life->objects[i].name);
        enum machine_fate fate = life->objects[i].fate;
        sim->rows[index].stopped_for |=
            fate == MACHINE_CONFLICT || (sim->policy.on_failure == MACHINE_STOP && fate == MACHINE_NOT_PUT_BACK);
    }
}

static void want(struct sim *sim, unsigned percent)
{
    for (size_t i = 0; i < sim->item_count; i++) {
        sim->wanted[i] = sim_chance(sim, percent);
    }
}

/* Until a process comes to its end by itself. */
static enum ending until_ended(struct sim *sim, struct life *life, enum purpose purpose)
{
    enum purpose first = purpose;
    for (int n = 0; n < LIVES_MAX; n++) {
        bool calm = n >= 3;
        if (calm) {
            calm_down(sim);
        }
        enum ending ending = live(sim, life, purpose, calm);
        if (ending == ENDED || ending == BROKEN) {
            return ending;
        }
        pass_time(sim, sim_chance(sim, 50) ? sim_between(sim, 1, 50) : sim_between(sim, 100, 60000));
        sim->ledger_until = sim->ledger_until <= sim->clock ? INT64_MAX : sim->ledger_until;
        if (sim->outage_to == INT64_MAX && sim->outage_from <= sim->clock) {
            sim->outage_from = INT64_MAX;
            sim->dead_from = INT64_MAX;
        }
        if (first == APPLY && purpose != ROLLBACK) {
            purpose = sim_chance(sim, 60) ? RESUME : ROLLBACK;
            want(sim, 100);
        }
    }
    sim_broken(sim, "no process came to its end");
    return BROKEN;
}

/* A rollback at any later time, and a rollback of that. */
static enum ending later(struct sim *sim, struct life *life)
{
    pass_time(sim, sim_between(sim, 0, 300000));
    want(sim, sim_chance(sim, 70) ? 100 : 50);
    for (size_t i = 0; i < sim->item_count; i++) {
        sim->force[i] = sim->items[i].edited && sim_chance(sim, 40);
    }
    enum ending ending = until_ended(sim, life, ROLLBACK);
    if (ending == ENDED && sim_chance(sim, 30)) {
        note_left(sim, life);
        ending = until_ended(sim, life, REDO);
    }
    return ending;
}

static void check_success(struct sim *sim, const struct life *life)
{
    if (sim->failure == NULL && sim_must_succeed(sim) && life->result.end != MACHINE_ALL) {
        sim_broken(sim, "nothing was wrong, and not all is done: %s", life->result.cause.message);
    }
}

int sim_run(struct sim *sim)
{
    struct life life;
    sim->random = sim->seed * 0x2545f4914f6cdd1du + 1;
    sim->trace = 0xcbf29ce484222325u;
    sim->end_told = -1;
    sim_plan(sim);
    sim_people(sim);
    enum ending ending = until_ended(sim, &life, APPLY);
    if (ending == ENDED) {
        check_success(sim, &life);
        note_left(sim, &life);
        if (sim_chance(sim, 40)) {
            ending = later(sim, &life);
            note_left(sim, &life);
        }
    }
    if (ending == ENDED && sim->failure == NULL) {
        calm_down(sim);
        pass_time(sim, 600000);
        sim_check_over(sim);
    }
    sim_trace(sim, "over");
    return sim->failure == NULL ? 0 : -1;
}
