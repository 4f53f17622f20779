#include <stdio.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/common/health/in_place.h"
#include "stages/common/machine/image.h"
#include "stages/common/machine/resize_steps.h"

static bool is_paused(const json_t *deployment)
{
    return json_bool_or(json_object_get(deployment, "spec"), "paused", false);
}

/* From here on pods, or what comes after. */
static void on(struct machine *machine, struct work *work)
{
    if (work->resize->pods_too) {
        resize_step(machine, work, STEP_LIST);
    } else {
        resize_end(machine, work);
    }
}

/* ---- The ReplicaSet ---- */

/* Whether an answer is the ReplicaSet of the row. */
static bool is_set(const struct work *work, const struct machine_event *event)
{
    const char *uid = json_string_or_null(json_object_get(event->body, "metadata"), "uid");
    return event->status == 200 && str_equal(uid, json_string_or_null(json_object_get(work->detail, "in_place"), "set_uid"));
}

static bool set_has(const struct work *work, const json_t *resources)
{
    json_t *own = image_resources("ReplicaSet", work->resize->set);
    bool same = resources != NULL && image_same(own, resources);
    json_decref(own);
    return same;
}

/* It is not the one that the Deployment's pods are of (any more): the way back is a rollout, which does not stay paused. */
static void check_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct resize *resize = work->resize;
    bool known = is_set(work, event);
    if (!known && event->status != 200 && event->status != 404) {
        resize_fail(machine, work, event->why.message);
        return;
    }
    work_keep(&resize->set, known ? json_incref(event->body) : NULL);
    if (!known || !(in_place_same_template(work->live, resize->set) || (is_paused(work->live) && set_has(work, work->was)))) {
        resize_drop(work, "its pods are of another ReplicaSet now");
    }
    resize_end(machine, work);
}

/* Somebody took the ReplicaSet away or let the Deployment go on: there is a rollout now. */
static void set_lost(struct machine *machine, struct work *work, const char *text)
{
    bool back = work->phase == PHASE_UNDO_RESIZE;
    resize_drop(work, text);
    if (is_paused(work->live)) {
        work->resize->pods_too = false;
        resize_step(machine, work, STEP_MEET);
        return;
    }
    work->resize->back = work->resize->back || back;
    resize_end(machine, work);
}

static void set_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct resize *resize = work->resize;
    bool back = work->phase == PHASE_UNDO_RESIZE;
    if (event->status != 200 && event->status != 404) {
        resize_fail(machine, work, event->why.message);
        return;
    }
    if (!is_set(work, event)) {
        set_lost(machine, work, "its ReplicaSet is gone");
        return;
    }
    work_keep(&resize->set, json_incref(event->body));
    bool same = in_place_same_template(resize->target, resize->set);
    if (same && back && resize->doubt) {
        resize_step(machine, work, STEP_FENCE_SET);
    } else if (same) {
        object_calm(work);
        resize_step(machine, work, STEP_MEET);
    } else if (!is_paused(work->live)) {
        set_lost(machine, work, "somebody let it go on");
    } else if (set_has(work, back ? work->after : work->was)) {
        resize_step(machine, work, STEP_SET_WRITE);
    } else {
        resize_fail(machine, work, "the template of its ReplicaSet was changed by somebody else");
    }
}

static void set_written(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (event->status == 409 || event->status == 404) {
        if (resize_is_late(machine, work)) {
            resize_fail(machine, work, "its ReplicaSet changes faster than it can be written");
        } else {
            work->resize->step = STEP_SET_READ;
            resize_later(machine, work);
        }
    } else if (event->status != 200) {
        resize_fail(machine, work, event->why.message);
    } else {
        work->resize->doubt = false;
        work_keep(&work->resize->set, json_incref(event->body));
        resize_step(machine, work, STEP_MEET);
    }
}

static void fence_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (event->status != 200) {
        set_written(machine, work, event);
        return;
    }
    work_keep(&work->resize->set, json_incref(event->body));
    if (work->resize->step == STEP_FENCE_SET) {
        resize_step(machine, work, STEP_FENCE_CLEAR);
    } else {
        work->resize->doubt = false;
        resize_step(machine, work, STEP_MEET);
    }
}

/* ---- The Deployment ---- */

static void left(struct machine *machine, struct work *work, const struct err *why)
{
    if (work->phase == PHASE_UNDO_RESIZE) {
        object_undo_conflict(machine, work, why->message);
    } else {
        object_left(machine, work, why);
    }
}

/* Whether all its pods are of the template that it has: its controller counts so once it has found the ReplicaSet equal. */
static bool has_met(const json_t *deployment)
{
    const json_t *status = json_object_get(deployment, "status");
    int64_t generation = json_int_or(json_object_get(deployment, "metadata"), "generation", 0);
    return json_int_or(status, "observedGeneration", 0) >= generation &&
           json_int_or(status, "updatedReplicas", 0) >= json_int_or(status, "replicas", 0);
}

static bool is_edited(const struct work *work)
{
    char meant[DIGEST_HEX];
    char now[DIGEST_HEX];
    json_t *own = image_resources(work->object->kind, work->resize->current);
    json_t *target = image_resources(work->object->kind, work->resize->target);
    bool same = image_same(own, target);
    json_decref(own);
    json_decref(target);
    image_template(work->object->kind, work->resize->target, meant);
    image_template(work->object->kind, work->resize->current, now);
    return !same || strcmp(meant, now) != 0;
}

static void edited(struct machine *machine, struct work *work)
{
    struct err why = {0};
    err_set(&why, ERR_STALE, "%s was changed by somebody else while it was resized", work->object->name);
    left(machine, work, &why);
}

/* It goes on as read, or as written. */
static void gone_on(struct machine *machine, struct work *work, json_t *deployment)
{
    object_calm(work);
    work_keep(&work->live, json_incref(deployment));
    work->generation = json_int_or(json_object_get(deployment, "metadata"), "generation", 0);
    if (work->resize->edited) {
        edited(machine, work);
    } else {
        on(machine, work);
    }
}

static void met_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct resize *resize = work->resize;
    struct err why = event->why;
    if (object_gone(work, event, &why)) {
        left(machine, work, &why);
        return;
    }
    if (event->status != 200) {
        resize_fail(machine, work, why.message);
        return;
    }
    work_keep(&resize->current, json_incref(event->body));
    resize->edited = is_edited(work);
    if (!is_paused(event->body)) {
        gone_on(machine, work, event->body);
    } else if (resize->edited || resize->dropped || has_met(event->body)) {
        resize_step(machine, work, STEP_GO);
    } else if (resize_is_late(machine, work)) {
        resize_fail(machine, work, "its controller does not take up its ReplicaSet");
    } else {
        resize_later(machine, work);
    }
}

static void go_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (event->status == 200) {
        gone_on(machine, work, event->body);
    } else if ((event->status == 409 || event->status == 404) && !resize_is_late(machine, work)) {
        work->resize->step = STEP_MEET;
        resize_later(machine, work);
    } else {
        resize_fail(machine, work, event->why.message);
    }
}

void resize_set_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    switch (work->resize->step) {
    case STEP_CHECK:
        check_answer(machine, work, event);
        break;
    case STEP_SET_READ:
        set_answer(machine, work, event);
        break;
    case STEP_SET_WRITE:
        set_written(machine, work, event);
        break;
    case STEP_FENCE_SET:
    case STEP_FENCE_CLEAR:
        fence_answer(machine, work, event);
        break;
    case STEP_MEET:
        met_answer(machine, work, event);
        break;
    default:
        go_answer(machine, work, event);
        break;
    }
}
