#include <stdio.h>

#include "pipeline/base/str.h"
#include "stages/common/machine/detail.h"
#include "stages/common/machine/image.h"
#include "stages/common/machine/machine_internal.h"
#include "stages/common/machine/resize.h"

/* ---- How it may end early ---- */

void object_refuse(struct machine *machine, struct work *work, const struct err *why)
{
    struct err cause = *why;
    if (!machine->policy->rehearse) {
        machine_stop(machine, &cause);
    }
    work_over(machine, work, MACHINE_REFUSED, &cause);
}

void object_left(struct machine *machine, struct work *work, const struct err *why)
{
    struct err cause = {0};
    err_set(&cause, why->class, "%.800s%s", why->message, resize_left(work));
    err_hint(&cause, "%s", why->hint);
    machine_stop(machine, &cause);
    work_over(machine, work, MACHINE_CONFLICT, &cause);
}

/* Counts a failure; whether the apply stops for it. */
static bool too_many(struct machine *machine, struct work *work, const struct err *why)
{
    machine->failure = true;
    if (machine->cause.class == ERR_NONE) {
        machine->cause = *why;
    }
    machine->failures += work->judged ? 0 : 1;
    work->judged = true;
    return work->canary || machine->failures > machine->policy->failure_budget;
}

void object_fail(struct machine *machine, struct work *work, const struct err *why)
{
    struct err cause = *why;
    if (machine->policy->rehearse) {
        work_over(machine, work, MACHINE_REFUSED, &cause);
        return;
    }
    bool stop = too_many(machine, work, &cause);
    bool run = stop && machine->policy->on_failure == MACHINE_UNDO_RUN;
    if (stop) {
        machine_stop(machine, &cause);
    }
    work->failed = true;
    work->object->why = cause;
    if (!work_has_row(work)) {
        work_over(machine, work, MACHINE_REFUSED, &cause);
    } else if (stop && machine->policy->on_failure == MACHINE_STOP) {
        err_set(&cause, why->class, "%.800s%s", work->object->why.message, resize_left(work));
        work_over(machine, work, MACHINE_NOT_PUT_BACK, &cause);
    } else {
        object_undo(machine, work, &cause);
    }
    if (run) {
        machine_undo_run(machine);
    }
}

bool object_gone(const struct work *work, const struct machine_event *event, struct err *why)
{
    const char *then = json_string_or_null(work->detail, "uid");
    const char *now = json_string_or_null(json_object_get(event->body, "metadata"), "uid");
    if (event->status == 404) {
        err_set(why, ERR_STALE, "%s is not in the cluster any more", work->object->name);
        return true;
    }
    if (event->status == 200 && then != NULL && !str_equal(then, now)) {
        err_set(why, ERR_STALE, "%s has been replaced: its uid is %s now, it was %s", work->object->name, now == NULL ? "none" : now,
                then);
        return true;
    }
    return false;
}

/* ---- May it be begun? ---- */

bool object_still_permitted(struct machine *machine, struct work *work)
{
    struct machine_objection objection = {.window = false};
    struct err why = {0};
    enum said said = machine->ends->permit(machine->ends->context, work->object, &objection, &why);
    if (said == SAID_LOST) {
        machine_lost(machine, &why);
        return false;
    }
    if (said == SAID_YES || (objection.window && objection.finish && machine->touched)) {
        return true;
    }
    err_set(&why, ERR_REFUSED, "apply stopped before %s: %s", work->object->name, objection.why);
    if (!machine->policy->rehearse) {
        machine_stop(machine, &why);
    }
    if (work_has_row(work)) {
        object_undo(machine, work, NULL);
    } else {
        work_over(machine, work, objection.window && !machine->policy->rehearse ? MACHINE_LEFT : MACHINE_REFUSED, &why);
    }
    if (objection.undo && machine->touched) {
        machine_undo_run(machine);
    }
    return false;
}

/* Jobs and pods have no template that could be changed. */
static bool never_in_place(struct machine *machine, struct work *work)
{
    const struct machine_object *object = work->object;
    struct err why = {0};
    if (object->action == MACHINE_CREATE || (!str_equal(object->kind, "Job") && !str_equal(object->kind, "Pod"))) {
        return false;
    }
    err_set(&why, ERR_REFUSED, "%s is a %s, which is never changed in place", object->name, object->kind);
    err_hint(&why, "change what makes it");
    object_refuse(machine, work, &why);
    return true;
}

static void begin_anew(struct machine *machine, struct work *work)
{
    if (!never_in_place(machine, work)) {
        object_ask(machine, work, PHASE_READ);
    }
}

/* ---- What a row says ---- */

bool object_recall(struct machine *machine, struct work *work)
{
    const struct machine_object *object = work->object;
    struct err why = {0};
    json_t *planned = detail_planned(object);
    work_keep(&work->detail, json_is_object(object->detail) ? json_deep_copy(object->detail) : json_object());
    if (planned != NULL) { /* what was approved is written, whatever the row says of it */
        json_object_set(work->detail, object->action == MACHINE_CREATE ? "manifest" : "patch", planned);
    }
    work_keep(&work->after, json_incref(json_object_get(work->detail, "after")));
    work->landed = object->state == LEDGER_CHANGE_WRITTEN || object->state == LEDGER_CHANGE_VERIFYING ||
                   object->state == LEDGER_CHANGE_DONE || json_string_or_null(work->detail, "written") != NULL;
    if (object->action == MACHINE_CREATE) {
        return true;
    }
    json_t *before = json_read(object->before, object->before_size, object->name, &why);
    if (before == NULL) {
        err_prefix(&why, "the before-image of %s cannot be read", object->name);
        object_give_up(machine, work, &why);
        return false;
    }
    work_keep(&work->was, image_resources(object->kind, before));
    image_template(object->kind, before, work->former);
    json_decref(before);
    return true;
}

/* Takes the workload's lock for a row that is there. */
bool object_lock(struct machine *machine, struct work *work)
{
    struct err why = {0};
    enum said said = machine->ends->lock(machine->ends->context, work->object, &why);
    if (said == SAID_LOST) {
        machine_lost(machine, &why);
    } else if (said == SAID_NO) {
        machine_stop(machine, &why);
        work_over(machine, work, MACHINE_REFUSED, &why);
    }
    return said == SAID_YES;
}

static void resume(struct machine *machine, struct work *work)
{
    if (!object_lock(machine, work) || !object_recall(machine, work)) {
        return;
    }
    if (work->object->state == LEDGER_CHANGE_ROLLING_BACK) {
        work->failed = json_string_or_null(work->detail, "failure") != NULL;
        object_ask(machine, work, PHASE_UNDO_READ);
    } else if (machine->undo_all) {
        object_undo(machine, work, NULL);
    } else {
        object_ask(machine, work, PHASE_LOOK);
    }
}

void object_start(struct machine *machine, struct work *work)
{
    if (work_has_row(work)) {
        resume(machine, work);
    } else if (work->object->state != LEDGER_CHANGE_ROLLED_BACK || work->object->change == 0) {
        begin_anew(machine, work);
    } else if (object_recall(machine, work)) {
        work->redone = true;
        work->landed = false;
        begin_anew(machine, work);
    }
}
