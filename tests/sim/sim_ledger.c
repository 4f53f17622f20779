#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"

/* ---- What a row may become: sql/migrations, change_move ---- */

static bool legal(enum ledger_change_state from, enum ledger_change_state to)
{
    static const enum ledger_change_state moves[][2] = {
        {LEDGER_CHANGE_PLANNED, LEDGER_CHANGE_WRITING},
        {LEDGER_CHANGE_WRITING, LEDGER_CHANGE_WRITTEN},
        {LEDGER_CHANGE_WRITING, LEDGER_CHANGE_DONE},
        {LEDGER_CHANGE_WRITTEN, LEDGER_CHANGE_VERIFYING},
        {LEDGER_CHANGE_WRITTEN, LEDGER_CHANGE_DONE},
        {LEDGER_CHANGE_VERIFYING, LEDGER_CHANGE_DONE},
        {LEDGER_CHANGE_WRITING, LEDGER_CHANGE_ROLLING_BACK},
        {LEDGER_CHANGE_WRITTEN, LEDGER_CHANGE_ROLLING_BACK},
        {LEDGER_CHANGE_VERIFYING, LEDGER_CHANGE_ROLLING_BACK},
        {LEDGER_CHANGE_DONE, LEDGER_CHANGE_ROLLING_BACK},
        {LEDGER_CHANGE_ROLLING_BACK, LEDGER_CHANGE_ROLLED_BACK},
        {LEDGER_CHANGE_ROLLING_BACK, LEDGER_CHANGE_ROLLBACK_FAILED},
        {LEDGER_CHANGE_ROLLBACK_FAILED, LEDGER_CHANGE_ROLLING_BACK},
        {LEDGER_CHANGE_ROLLED_BACK, LEDGER_CHANGE_WRITING},
    };
    for (size_t i = 0; i < ARRAY_COUNT(moves); i++) {
        if (moves[i][0] == from && moves[i][1] == to) {
            return true;
        }
    }
    return false;
}

static bool at_an_end(enum ledger_change_state state)
{
    return state == LEDGER_CHANGE_DONE || state == LEDGER_CHANGE_ROLLED_BACK || state == LEDGER_CHANGE_ROLLBACK_FAILED;
}

size_t sim_open_rows(const struct sim *sim)
{
    size_t count = 0;
    for (size_t i = 0; i < sim->item_count; i++) {
        count += sim->rows[i].there && !at_an_end(sim->rows[i].state) && !sim->rows[i].stopped_for;
    }
    return count;
}

int sim_item_named(const struct sim *sim, const char *object)
{
    for (size_t i = 0; i < sim->item_count; i++) {
        if (str_equal(sim->items[i].object, object)) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- A statement ---- */

/* It takes a while, in which the world goes on. */
static void take_time(struct sim *sim)
{
    int64_t until = sim->clock + sim_between(sim, 0, sim->weather.slow && sim_chance(sim, 10) ? 2000 : 12);
    while (sim_advance(sim, until)) {
    }
}

/* Whether the ledger answers; where it does not, it never does again for this process. */
static bool answers(struct sim *sim, struct err *err)
{
    sim_step(sim);
    take_time(sim);
    if (!sim->ledger_lost && sim->clock >= sim->ledger_until) {
        sim->ledger_lost = true;
        sim_trace(sim, "the ledger is lost");
    }
    if (sim->ledger_lost) {
        err_set(err, ERR_TEMPFAIL, "the ledger does not answer");
    }
    return !sim->ledger_lost;
}

/* Whether the connection breaks right after the commit: done, and not known. */
static bool breaks(struct sim *sim, struct err *err)
{
    if (sim->weather.ledger && sim->ledger_until < INT64_MAX && sim_chance(sim, 2)) {
        sim->ledger_lost = true;
        sim_trace(sim, "the ledger is lost after the commit");
        err_set(err, ERR_TEMPFAIL, "the ledger does not answer");
    }
    sim_step(sim);
    return sim->ledger_lost;
}

static int item_of(struct sim *sim, const struct machine_object *object)
{
    int item = sim_item_named(sim, object->name);
    if (item < 0) {
        sim_broken(sim, "the ledger is asked for %s, which is not of the plan", object->name);
    }
    return item;
}

/* ---- Verbs ---- */

enum said sim_permit(void *context, const struct machine_object *object, struct machine_objection *objection, struct err *err)
{
    struct sim *sim = context;
    int item = item_of(sim, object);
    memset(objection, 0, sizeof *objection);
    if (item < 0 || !answers(sim, err)) {
        return SAID_LOST;
    }
    bool withdrawn = sim->clock >= sim->items[item].withdrawn;
    bool closed = sim->clock >= sim->window_until;
    sim->items[item].permitted_at = sim->clock;
    sim->items[item].permitted = !withdrawn && (!closed || sim->window_finish);
    sim_trace(sim, "permit %s: %s", object->name, withdrawn ? "withdrawn" : closed ? "closed" : "yes");
    if (withdrawn) {
        snprintf(objection->why, sizeof objection->why, "%s is not approved", object->name);
    } else if (closed) {
        objection->window = true;
        objection->undo = sim->window_undo;
        objection->finish = sim->window_finish;
        snprintf(objection->why, sizeof objection->why, "the window is closed");
    }
    if (withdrawn || closed) {
        err_set(err, ERR_REFUSED, "%s", objection->why);
    }
    sim_step(sim);
    return withdrawn || closed ? SAID_NO : SAID_YES;
}

static void keep_row(struct sim *sim, int item, const char *before, size_t size, const json_t *detail)
{
    struct sim_row *row = &sim->rows[item];
    free(row->before);
    json_decref(row->detail);
    row->there = true;
    row->item = item;
    row->state = LEDGER_CHANGE_WRITING;
    row->before = xcalloc(size + 1);
    memcpy(row->before, before, size);
    row->before_size = size;
    row->detail = detail == NULL ? json_object() : json_deep_copy(detail);
    row->sequence = ++sim->sequence;
    row->since = sim->clock;
}

enum said sim_begin(void *context, const struct machine_object *object, const char *before, size_t size, const json_t *detail,
                    int64_t *change, struct err *err)
{
    struct sim *sim = context;
    int item = item_of(sim, object);
    if (item < 0 || !answers(sim, err)) {
        return SAID_LOST;
    }
    if (sim->clock >= sim->items[item].withdrawn || sim->items[item].locked) {
        sim_trace(sim, "begin %s: refused", object->name);
        err_set(err, ERR_REFUSED, "%s is %s", object->name, sim->items[item].locked ? "locked by another run" : "not approved");
        sim_step(sim);
        return SAID_NO;
    }
    sim_trace(sim, "begin %s", object->name);
    sim_check_begun(sim, item);
    if (!sim->rows[item].there) {
        keep_row(sim, item, before, size, detail);
    } else if (legal(sim->rows[item].state, LEDGER_CHANGE_WRITING)) {
        sim->rows[item].state = LEDGER_CHANGE_WRITING;
        json_object_update(sim->rows[item].detail, (json_t *)(uintptr_t)detail);
    } else {
        sim_broken(sim, "%s is begun again, its row is %s", object->name, ledger_change_state_name(sim->rows[item].state));
    }
    sim->locks[item] = true;
    *change = item + 1;
    return breaks(sim, err) ? SAID_LOST : SAID_YES;
}

enum said sim_move(void *context, const struct machine_object *object, enum ledger_change_state to, const json_t *detail,
                   struct err *err)
{
    struct sim *sim = context;
    int item = item_of(sim, object);
    if (item < 0 || !answers(sim, err)) {
        return SAID_LOST;
    }
    struct sim_row *row = &sim->rows[item];
    if (!row->there || object->change != item + 1 || !sim->locks[item] || (row->state != to && !legal(row->state, to))) {
        sim_broken(sim, "%s (%s%s) cannot become %s", object->name, row->there ? ledger_change_state_name(row->state) : "no row",
                   sim->locks[item] ? "" : ", not locked", ledger_change_state_name(to));
        err_set(err, ERR_REFUSED, "an illegal move");
        return SAID_NO;
    }
    if (row->state == LEDGER_CHANGE_ROLLED_BACK && to == LEDGER_CHANGE_WRITING) {
        if (sim->clock >= sim->items[item].withdrawn) {
            err_set(err, ERR_REFUSED, "%s is not approved", object->name);
            return SAID_NO;
        }
        sim_check_begun(sim, item);
    }
    sim_trace(sim, "row %s: %s -> %s", object->name, ledger_change_state_name(row->state), ledger_change_state_name(to));
    sim_check_move(sim, item, row->state, to);
    row->stopped_for = false;
    row->state = to;
    row->since = sim->clock;
    if (detail != NULL) {
        json_t *copy = json_deep_copy(detail);
        json_object_update(row->detail, copy);
        json_decref(copy);
    }
    if (at_an_end(to)) {
        sim->locks[item] = false;
    }
    return breaks(sim, err) ? SAID_LOST : SAID_YES;
}

enum said sim_lock(void *context, const struct machine_object *object, struct err *err)
{
    struct sim *sim = context;
    int item = item_of(sim, object);
    if (item < 0 || !answers(sim, err)) {
        return SAID_LOST;
    }
    bool taken = sim->items[item].locked;
    sim_trace(sim, "lock %s%s", object->name, taken ? ": taken by another run" : "");
    if (taken) {
        err_set(err, ERR_TEMPFAIL, "%s is being changed by another run", object->name);
    } else {
        sim->locks[item] = true;
    }
    sim_step(sim);
    return taken ? SAID_NO : SAID_YES;
}
