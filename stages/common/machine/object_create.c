#include "stages/common/machine/object_create.h"

#include <stdint.h>
#include <stdio.h>

#include "pipeline/base/str.h"
#include "stages/common/machine/detail.h"
#include "stages/common/objects/object_live.h"

enum { ROUNDS_MAX = 12 };

static const char *uid_of(const json_t *object)
{
    return json_string_or_null(json_object_get(object, "metadata"), "uid");
}

/* New copy of an answer without who wrote which field of it. */
static json_t *answer_of(const json_t *object)
{
    json_t *copy = json_deep_copy(object);
    json_object_del(json_object_get(copy, "metadata"), "managedFields");
    json_object_del(copy, "status");
    return copy;
}

/* Whether tare wrote an object: then one whose creation was not answered is the one that was to be made. */
static bool is_ours(const json_t *object)
{
    size_t index = 0;
    const json_t *entry = NULL;
    json_array_foreach(json_at(object, "metadata.managedFields"), index, entry)
    {
        if (str_equal(json_string_or_null(entry, "manager"), "tare")) {
            return true;
        }
    }
    return false;
}

/* ---- Made ---- */

static void keep_made(struct machine *machine, struct work *work, const json_t *object)
{
    json_t *members = json_object();
    object_calm(work);
    work_keep(&work->after, answer_of(object));
    work_keep(&work->live, json_incref(work->after));
    json_object_set(members, "after", work->after);
    json_object_set_new(members, "uid", json_string_safe(uid_of(object)));
    object_written(machine, work, members);
}

static void read_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    char what[ERR_MESSAGE_MAX];
    struct err why = event->why;
    const struct machine_object *object = work->object;
    const json_t *manifest = work->redone && object->manifest == NULL ? json_object_get(work->detail, "manifest") : object->manifest;
    if (event->status == 200 && object_as_planned(event->body, manifest, what)) {
        work_note(work, "it was there already");
        work_over(machine, work, MACHINE_DONE, NULL);
    } else if (event->status == 200) {
        err_set(&why, ERR_STALE, "%s is there already, and is another one: %.600s", object->name, what);
        object_refuse(machine, work, &why);
    } else if (event->status != 404) {
        object_refuse(machine, work, &why);
    } else {
        if (!work->redone) {
            work_keep(&work->detail, detail_new(object, NULL));
            json_object_set(work->detail, "manifest", (json_t *)(uintptr_t)manifest);
        }
        object_ask(machine, work, PHASE_REHEARSE);
    }
}

static void rehearse_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct err why = event->why;
    if (event->status == 409 && ++work->rounds <= ROUNDS_MAX) { /* an admission webhook may answer so, too, and for ever */
        object_ask(machine, work, PHASE_READ);
    } else if (event->status != 200 && event->status != 201) {
        err_prefix(&why, "%s is not made", work->object->name);
        object_fail(machine, work, &why);
    } else {
        work_keep(&work->after, answer_of(event->body));
        object_begin(machine, work);
    }
}

static void write_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct err why = event->why;
    if (event->status == 200 || event->status == 201) {
        keep_made(machine, work, event->body);
    } else if (event->status == 409 && ++work->rounds <= ROUNDS_MAX) { /* its name is taken, or a webhook or a quota says so */
        object_look_later(machine, work, &why);
    } else {
        work->barred = true;
        err_prefix(&why, "%s is not made", work->object->name);
        object_fail(machine, work, &why);
    }
}

/* It is there: made by the write whose answer was lost, or by somebody else. */
static void look_present(struct machine *machine, struct work *work, struct machine_event *event)
{
    char what[ERR_MESSAGE_MAX] = "somebody else made it";
    struct err why = {0};
    bool ours = work->landed ? !object_gone(work, event, &why) : is_ours(event->body);
    if (ours && !object_edited(event->body, work->after, what)) {
        keep_made(machine, work, event->body);
        return;
    }
    err_set(&why, ERR_STALE, "%s is another one than was to be made: %.600s", work->object->name, what);
    object_left(machine, work, &why);
}

static void look_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct err why = event->why;
    if (event->status == 200) {
        look_present(machine, work, event);
    } else if (event->status != 404) {
        object_give_up(machine, work, &why);
    } else if (work->landed) {
        err_set(&why, ERR_STALE, "%s was removed by somebody else", work->object->name);
        object_left(machine, work, &why);
    } else if (machine->stopping) {
        object_undo(machine, work, NULL);
    } else if (object_still_permitted(machine, work)) {
        object_ask(machine, work, PHASE_WRITE);
    }
}

void create_write_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    switch (work->phase) {
    case PHASE_READ:
        read_answer(machine, work, event);
        break;
    case PHASE_REHEARSE:
        rehearse_answer(machine, work, event);
        break;
    case PHASE_WRITE:
        write_answer(machine, work, event);
        break;
    default:
        look_answer(machine, work, event);
        break;
    }
}

/* ---- Removed ---- */

static void remove_it(struct machine *machine, struct work *work, json_t *object)
{
    work_keep(&work->live, json_incref(object));
    if (work->object->state == LEDGER_CHANGE_ROLLING_BACK || work_move(machine, work, LEDGER_CHANGE_ROLLING_BACK, NULL)) {
        work->landed = true;
        object_ask(machine, work, PHASE_UNDO_WRITE);
    }
}

/* The object is there. */
static void undo_present(struct machine *machine, struct work *work, struct machine_event *event)
{
    char what[ERR_MESSAGE_MAX];
    char text[ERR_MESSAGE_MAX];
    struct err why = {0};
    bool ours = work->landed ? !object_gone(work, event, &why) : is_ours(event->body);
    if (!ours) {
        work_note(work, "another one of this name, which tare did not make, is left as it is");
        object_put_back(machine, work);
    } else if (json_at(event->body, "metadata.deletionTimestamp") != NULL) {
        work_note(work, "it is being removed already");
        object_put_back(machine, work);
    } else if (!work->object->force && object_edited(event->body, work->after, what)) {
        snprintf(text, sizeof text, "somebody else changed it since: %.700s", what);
        object_undo_conflict(machine, work, text);
    } else {
        remove_it(machine, work, event->body);
    }
}

void create_undo_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    bool removed = event->status == 404 || (work->phase == PHASE_UNDO_WRITE && (event->status == 200 || event->status == 202));
    if (removed) {
        object_put_back(machine, work);
    } else if (work->phase == PHASE_UNDO_READ && event->status == 200) {
        undo_present(machine, work, event);
    } else if (work->phase == PHASE_UNDO_WRITE && event->status == 409) {
        if (!object_undo_rounds(machine, work)) {
            object_ask(machine, work, PHASE_UNDO_READ);
        }
    } else {
        object_undo_failed(machine, work, event->why.message);
    }
}
