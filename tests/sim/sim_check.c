#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"

/* How old a permission may be when an object is begun; approvals are counted again by the ledger itself. */
enum { PERMIT_MS = 9000 };

/* ---- Requests ---- */

static bool names_path(const json_t *patch, const char *path)
{
    size_t index = 0;
    const json_t *operation = NULL;
    json_array_foreach(patch, index, operation)
    {
        if (str_equal(json_string_or_null(operation, "path"), path)) {
            return true;
        }
    }
    return false;
}

/* Whether a request can only hit the object that was read, in the state it was read in. */
static bool has_precondition(const struct sim_call *call)
{
    const json_t *metadata = json_object_get(call->body, "metadata");
    if (str_equal(call->method, "POST")) {
        return true;
    }
    if (str_equal(call->method, "DELETE")) {
        return json_string_or_null(json_object_get(call->body, "preconditions"), "uid") != NULL;
    }
    if (json_is_array(call->body)) {
        return names_path(call->body, "/metadata/uid") && names_path(call->body, "/metadata/resourceVersion");
    }
    return json_string_or_null(metadata, "uid") != NULL && json_string_or_null(metadata, "resourceVersion") != NULL;
}

void sim_check_asked(struct sim *sim, const struct sim_call *call)
{
    int item = sim_item_of_call(sim, call);
    if (item < 0) {
        /* It may be gone by now; what is not of the plan is never written, which sim_check_written sees to. */
        return;
    }
    const char *object = sim->items[item].object;
    if (!sim->rows[item].there || sim->rows[item].state == LEDGER_CHANGE_PLANNED) {
        sim_broken(sim, "%s %s without a row", call->method, call->path);
    } else if (sim->rows[item].state != LEDGER_CHANGE_WRITING && sim->rows[item].state != LEDGER_CHANGE_ROLLING_BACK &&
               !(sim->policy.in_place && strstr(call->path, "/pods/") != NULL)) {
        sim_broken(sim, "%s %s while its row is %s", call->method, call->path, ledger_change_state_name(sim->rows[item].state));
    }
    if (!sim->locks[item]) {
        sim_broken(sim, "%s is written without its lock", object);
    }
    if (sim->ledger_lost) {
        sim_broken(sim, "%s is written after the ledger was lost", object);
    }
    if (!has_precondition(call)) {
        sim_broken(sim, "%s %s has no precondition", call->method, call->path);
    }
    sim->writes++;
}

/* ---- What was written ---- */

/* What must be the same before and after a write: everything but resources and what the server keeps for itself. */
static json_t *rest_of(const struct sim *sim, const struct sim_item *item, const json_t *value)
{
    static const char *const lists[] = {"containers", "initContainers"};
    json_t *copy = json_deep_copy(value);
    json_t *metadata = json_object_get(copy, "metadata");
    json_t *template = sim_template(copy);
    json_object_del(copy, "status");
    json_object_del(metadata, "resourceVersion");
    json_object_del(metadata, "generation");
    json_object_del(metadata, "managedFields");
    for (size_t l = 0; l < ARRAY_COUNT(lists); l++) {
        size_t index = 0;
        json_t *container = NULL;
        json_array_foreach(json_object_get(json_object_get(template, "spec"), lists[l]), index, container)
        {
            json_object_del(container, "resources");
        }
    }
    if (item->denial == DENIAL_ADDED) {
        json_object_del(json_object_get(template, "metadata"), "annotations");
    }
    if (sim->policy.in_place) {
        json_object_del(json_object_get(copy, "spec"), "paused");
    }
    return copy;
}

/* A label of the machine's own, set and taken away to move the version on. */
static void drop_fence(json_t *value)
{
    json_t *labels = json_object_get(json_object_get(value, "metadata"), "labels");
    const char *key = NULL;
    json_t *ignored = NULL;
    void *at = NULL;
    json_object_foreach_safe(labels, at, key, ignored)
    {
        if (str_starts(key, "tare")) {
            json_object_del(labels, key);
        }
    }
}

static void check_rest(struct sim *sim, const struct sim_item *item, const json_t *before, const json_t *after)
{
    json_t *left = rest_of(sim, item, before);
    json_t *right = rest_of(sim, item, after);
    drop_fence(left);
    drop_fence(right);
    if (!json_equal(left, right)) {
        sim_broken(sim, "a write of %s changed more than resources", item->object);
    }
    json_decref(left);
    json_decref(right);
}

static void check_forward(struct sim *sim, struct sim_item *item, const json_t *then, const json_t *now)
{
    if (!json_equal(then, item->was)) {
        sim_broken(sim, "the write of %s went over somebody's edit", item->object);
    }
    if (!json_equal(now, item->wanted)) {
        sim_broken(sim, "the write of %s is not what was planned", item->object);
    }
    if (++item->forward - item->back > 1) {
        sim_broken(sim, "%s is written twice", item->object);
    }
    json_decref(item->after);
    item->after = json_deep_copy(now);
}

static void check_back(struct sim *sim, struct sim_item *item, const json_t *then, const json_t *now)
{
    bool forced = sim->force[item - sim->items];
    if (!forced && (item->after == NULL || !json_equal(then, item->after))) {
        sim_broken(sim, "the rollback of %s went over somebody's edit", item->object);
    }
    if (!json_equal(now, item->was)) {
        sim_broken(sim, "the rollback of %s does not restore what was there", item->object);
    }
    if (item->back < item->forward) {
        item->back++;
    } else if (!forced) { /* by force somebody's edit is put back, whoever wrote before */
        sim_broken(sim, "%s is put back twice", item->object);
    }
    sim->undone++;
}

static void check_made(struct sim *sim, struct sim_item *item, const struct sim_call *call, const json_t *before, const json_t *after)
{
    if (after == NULL) {
        item->back++;
        sim->undone++;
        if (call->row != LEDGER_CHANGE_ROLLING_BACK || !str_equal(sim_uid(before), item->uid)) {
            sim_broken(sim, "%s was removed, and was not what was made", item->object);
        }
        if (item->edited && !sim->force[item - sim->items]) {
            sim_broken(sim, "%s was removed although somebody edited it", item->object);
        }
        return;
    }
    if (before != NULL) {
        return;
    }
    snprintf(item->uid, sizeof item->uid, "%s", sim_uid(after));
    item->edited = false;
    bool twice = ++item->forward - item->back > 1 && !item->deleted; /* what somebody took away may be made again */
    if (twice || call->row != LEDGER_CHANGE_WRITING) {
        sim_broken(sim, "%s is made twice, or without a row", item->object);
    }
}

/* A pod or a ReplicaSet of the item. */
static void check_part(struct sim *sim, const struct sim_item *item, const struct sim_call *call)
{
    bool back = call->row == LEDGER_CHANGE_ROLLING_BACK;
    if (!sim->policy.in_place && !(back && str_equal(call->method, "DELETE") && str_equal(item->kind, "StatefulSet"))) {
        sim_broken(sim, "%s %s: that is no part of a change", call->method, call->path);
    }
}

static bool is_itself(const struct sim_item *item, const struct sim_call *call)
{
    char *end = xasprintf("/%s/%s", item->resource, item->name);
    char *list = xasprintf("/%s", item->resource);
    const char *query = strchr(call->path, '?');
    char *path = query == NULL ? xstrdup(call->path) : xstrndup(call->path, (size_t)(query - call->path));
    bool itself = str_ends(path, end) || str_ends(path, list);
    free(path);
    free(list);
    free(end);
    return itself;
}

void sim_check_written(struct sim *sim, const struct sim_call *call, int index, const json_t *before, const json_t *after)
{
    if (index < 0) {
        sim_broken(sim, "%s %s: nothing of the plan", call->method, call->path);
        return;
    }
    struct sim_item *item = &sim->items[index];
    if (!is_itself(item, call)) {
        check_part(sim, item, call);
        return;
    }
    if (item->action == MACHINE_CREATE) {
        check_made(sim, item, call, before, after);
        return;
    }
    if (before == NULL || after == NULL || !str_equal(sim_uid(after), item->uid)) {
        sim_broken(sim, "%s %s: it is not the object of the plan", call->method, call->path);
        return;
    }
    json_t *then = sim_resources(before);
    json_t *now = sim_resources(after);
    check_rest(sim, item, before, after);
    if (call->row == LEDGER_CHANGE_WRITING && !json_equal(then, now)) {
        check_forward(sim, item, then, now);
    } else if (call->row == LEDGER_CHANGE_ROLLING_BACK && !json_equal(then, now)) {
        check_back(sim, item, then, now);
    }
    json_decref(then);
    json_decref(now);
}

/* ---- Rows ---- */

static size_t under_way(const struct sim *sim)
{
    size_t count = 0;
    for (size_t i = 0; i < sim->item_count; i++) {
        enum ledger_change_state state = sim->rows[i].state;
        count += sim->rows[i].there && !sim->rows[i].stopped_for && state != LEDGER_CHANGE_PLANNED && state != LEDGER_CHANGE_DONE &&
                 state != LEDGER_CHANGE_ROLLED_BACK && state != LEDGER_CHANGE_ROLLBACK_FAILED;
    }
    return count;
}

/* Low risk first; where a namespace goes first, in it and in the rest. Side by side an object may overtake those that came up with it. */
void sim_check_started(struct sim *sim, int index)
{
    struct sim_item *item = &sim->items[index];
    if (item->started == sim->life + 1 || sim->rows[index].there) {
        return;
    }
    item->started = sim->life + 1;
    if (item->action == MACHINE_CHANGE && item->risk < sim->risk_seen && !sim->policy.canary_namespace) {
        sim_broken(sim, "%s of risk %d comes up after one of risk %d", item->object, item->risk, sim->risk_seen);
    }
    sim->risk_seen = item->action == MACHINE_CHANGE && item->risk > sim->risk_seen ? item->risk : sim->risk_seen;
}

void sim_check_begun(struct sim *sim, int index)
{
    struct sim_item *item = &sim->items[index];
    if (!item->permitted || sim->clock - item->permitted_at > PERMIT_MS) {
        sim_broken(sim, "%s is begun without having asked whether it may", item->object);
    }
    if (sim->clock - PERMIT_MS > sim->window_until && !sim->window_finish) {
        sim_broken(sim, "%s is begun after the window closed", item->object);
    }
    if (sim->end_told >= 0) {
        sim_broken(sim, "%s is begun after the process was asked to end", item->object);
    }
    if (under_way(sim) >= sim->policy.parallel + sim->carried) {
        sim_broken(sim, "%s is begun, and %zu are under way already", item->object, under_way(sim));
    }
    if (item->begun++ > 0 && !sim->redo) {
        sim_broken(sim, "%s is begun twice", item->object);
    }
    item->begun_at = sim->clock;
    sim->begun_now++;
}

/* Pods of such a template never get ready. */
static bool cannot_be_well(const struct sim_item *item)
{
    return item->trouble != TROUBLE_NONE && item->trouble != TROUBLE_LATE && !item->held_back && !item->disturbed;
}

void sim_check_move(struct sim *sim, int index, enum ledger_change_state from, enum ledger_change_state to)
{
    const struct sim_item *item = &sim->items[index];
    if (from == to) {
        return;
    }
    if (to == LEDGER_CHANGE_WRITTEN && item->forward <= item->back && !item->deleted) {
        sim_broken(sim, "%s is said to be written and was not", item->object);
    }
    if (to == LEDGER_CHANGE_DONE && item->forward <= item->back && !item->deleted) {
        sim_broken(sim, "%s is said to be done and was not written", item->object);
    }
    if (to == LEDGER_CHANGE_DONE && sim->policy.wait && cannot_be_well(item)) {
        sim_broken(sim, "%s is said to be done although its pods fail", item->object);
    }
    if (to == LEDGER_CHANGE_DONE && sim->policy.wait && item->measures_bad && sim->policy.verify_count > 0 &&
        item->action == MACHINE_CHANGE) {
        sim_broken(sim, "%s is said to be done although its numbers are bad", item->object);
    }
    if (to == LEDGER_CHANGE_DONE && sim->policy.wait && item->action == MACHINE_CHANGE &&
        sim->clock - item->begun_at < sim->policy.settle) {
        sim_broken(sim, "%s is said to be done before it could settle", item->object);
    }
    if (to == LEDGER_CHANGE_ROLLED_BACK && item->forward > item->back && !item->deleted && !item->edited) {
        sim_broken(sim, "%s is said to be rolled back and is not", item->object);
    }
}

/* ---- Ends ---- */

static void check_fate(struct sim *sim, const struct machine_object *object, int index)
{
    const struct sim_row *row = &sim->rows[index];
    bool begun = row->there && row->state != LEDGER_CHANGE_PLANNED;
    bool fits = true;
    switch (object->fate) {
    case MACHINE_DONE:
        /* What was to be made may be there already, made by somebody else. */
        fits = (begun && row->state == LEDGER_CHANGE_DONE) || object->action == MACHINE_CREATE;
        break;
    case MACHINE_PUT_BACK:
        fits = begun && row->state == LEDGER_CHANGE_ROLLED_BACK;
        break;
    case MACHINE_LEFT:
    case MACHINE_REFUSED:
    case MACHINE_PENDING:
        fits = !begun || row->state == LEDGER_CHANGE_ROLLED_BACK || sim->undoing;
        break;
    case MACHINE_CONFLICT:
        sim->conflicts++;
        break;
    case MACHINE_NOT_PUT_BACK:
        fits = begun && (row->state == LEDGER_CHANGE_ROLLBACK_FAILED || sim->policy.on_failure == MACHINE_STOP);
        break;
    }
    sim->refused += object->fate == MACHINE_REFUSED;
    if (!fits) {
        sim_broken(sim, "%s is told as fate %d and its row is %s", object->name, (int)object->fate,
                   begun ? ledger_change_state_name(row->state) : "not there");
    }
    if (object->fate != MACHINE_DONE && object->fate != MACHINE_PUT_BACK && *object->why.message == '\0') {
        sim_broken(sim, "%s is told as fate %d without a reason", object->name, (int)object->fate);
    }
}

void sim_check_ended(struct sim *sim, const struct machine_object *objects, size_t count, int failed,
                     const struct machine_result *result)
{
    size_t done = 0;
    bool written = false;
    for (size_t i = 0; i < count; i++) {
        int index = sim_item_named(sim, objects[i].name);
        done += objects[i].fate == (sim->undoing ? MACHINE_PUT_BACK : MACHINE_DONE);
        if (failed == 0 && (!sim->undoing || objects[i].wanted)) {
            check_fate(sim, &objects[i], index);
        }
    }
    for (size_t i = 0; i < sim->item_count; i++) {
        written |= sim->items[i].forward > sim->items[i].back && !sim->items[i].deleted;
    }
    if (failed == 0 && result->end == MACHINE_ALL && !sim->undoing && done != count) {
        sim_broken(sim, "all is said to be done, and %zu of %zu are", done, count);
    }
    if (failed == 0 && written && !result->left && !sim->undoing) {
        sim_broken(sim, "nothing is said to be left written, and something is");
    }
    if (sim->end_told >= 0 && sim->clock - sim->end_told > sim->grace) {
        sim_broken(sim, "it ended %" PRId64 " ms after it was asked to", sim->clock - sim->end_told);
    }
    if (sim->clock - sim->born > sim->bound) {
        sim_broken(sim, "it took %" PRId64 " ms, which is more than %" PRId64, sim->clock - sim->born, sim->bound);
    }
}

/* ---- All is over ---- */

static void check_restored(struct sim *sim, const struct sim_item *item, const json_t *now)
{
    json_t *resources = sim_resources(now);
    if (!item->edited && !json_equal(resources, item->was)) {
        sim_broken(sim, "%s is rolled back and its resources are not as before", item->object);
    }
    json_decref(resources);
    if (!item->disturbed && !sim->weather.harmless) {
        static const char *const kept[] = {"resourceVersion", "generation", "managedFields"};
        json_t *left = json_deep_copy(item->original);
        json_t *right = json_deep_copy(now);
        for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
            json_object_del(json_object_get(left, "metadata"), kept[i]);
            json_object_del(json_object_get(right, "metadata"), kept[i]);
        }
        json_object_del(left, "status");
        json_object_del(right, "status");
        if (item->denial == DENIAL_ADDED) {
            json_object_del(json_object_get(sim_template(right), "metadata"), "annotations");
        }
        if (!json_equal(left, right)) {
            sim_broken(sim, "%s is rolled back and is not as before", item->object);
        }
        json_decref(left);
        json_decref(right);
    }
}

static void check_item(struct sim *sim, int index)
{
    const struct sim_item *item = &sim->items[index];
    const struct sim_row *row = &sim->rows[index];
    const struct sim_object *object = sim_find(sim, item->group, item->resource, item->namespace, item->name);
    bool begun = row->there && row->state != LEDGER_CHANGE_PLANNED;
    int net = item->forward - item->back;
    if (item->deleted || (object == NULL && item->action == MACHINE_CHANGE)) {
        return;
    }
    if (!begun && item->forward > 0) {
        sim_broken(sim, "%s was written and has no row", item->object);
    } else if (begun && row->state == LEDGER_CHANGE_DONE && net != 1) {
        sim_broken(sim, "%s is done and was written %d times", item->object, net);
    } else if (begun && row->state == LEDGER_CHANGE_ROLLED_BACK && net != 0 && !item->edited) {
        sim_broken(sim, "%s is rolled back, and its write stands", item->object);
    }
    if (begun && item->action == MACHINE_CHANGE && row->state == LEDGER_CHANGE_DONE && !item->edited) {
        json_t *resources = sim_resources(object->value);
        if (!json_equal(resources, item->wanted)) {
            sim_broken(sim, "%s is done and not as planned", item->object);
        }
        json_decref(resources);
    }
    if (item->action == MACHINE_CHANGE && (!begun || row->state == LEDGER_CHANGE_ROLLED_BACK)) {
        check_restored(sim, item, object->value);
    }
    if (item->action == MACHINE_CREATE && (object != NULL) != (net > 0)) {
        sim_broken(sim, "%s is %s", item->object, object != NULL ? "still there" : "not there");
    }
}

void sim_check_over(struct sim *sim)
{
    for (size_t i = 0; i < sim->item_count; i++) {
        check_item(sim, (int)i);
    }
    if (sim_open_rows(sim) > 0) {
        for (size_t i = 0; i < sim->item_count; i++) {
            if (sim->rows[i].there) {
                sim_trace(sim, "row %s is %s", sim->items[i].object, ledger_change_state_name(sim->rows[i].state));
            }
        }
        sim_broken(sim, "%zu rows are neither here nor there at the end", sim_open_rows(sim));
    }
}

bool sim_must_succeed(const struct sim *sim)
{
    const struct sim_weather *w = &sim->weather;
    return !w->people && !w->failing && !w->denying && !w->dead && !w->ledger && !w->window && !w->withdrawn && !w->term && !w->busy &&
           !w->outage && !(w->half && (w->lossy || sim->half_to - sim->half_from > SIM_HALF_SHORT)) && !sim->noted;
}
