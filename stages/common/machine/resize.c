#include "stages/common/machine/resize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/health/in_place.h"
#include "stages/common/machine/image.h"
#include "stages/common/machine/patch.h"
#include "stages/common/machine/resize_steps.h"

/* Between two looks at a controller, or a node, that has not answered yet. */
enum { LOOK_FIRST_MS = 40, LOOK_DOUBLINGS = 6 };

bool resize_is(enum phase phase)
{
    return phase == PHASE_RESIZE_PLAN || phase == PHASE_RESIZE || phase == PHASE_UNDO_RESIZE;
}

void resize_free(struct resize *resize)
{
    if (resize != NULL) {
        json_decref(resize->target);
        json_decref(resize->sets);
        json_decref(resize->pods);
        json_decref(resize->set);
        json_decref(resize->current);
        free(resize->more);
        free(resize);
    }
}

/* The work's member, made where it is missing. */
static struct resize *resize_of(struct work *work)
{
    if (work->resize == NULL) {
        work->resize = xcalloc(sizeof *work->resize);
        work->resize->doubt = true;
    }
    return work->resize;
}

bool resize_begun(const struct work *work)
{
    return json_is_object(json_object_get(work->detail, "in_place"));
}

/* The Deployment's way, not that of the others. */
static bool joins(const struct work *work)
{
    return str_equal(json_string_or_null(json_object_get(work->detail, "in_place"), "way"), "deployment");
}

bool resize_pending(const struct work *work)
{
    bool back = work->phase >= PHASE_UNDO_READ;
    return resize_begun(work) && !(work->resize != NULL && (back ? work->resize->back : work->resize->forward));
}

void resize_step(struct machine *machine, struct work *work, enum resize_step step)
{
    work->resize->step = step;
    object_ask(machine, work, work->phase);
}

void resize_later(struct machine *machine, struct work *work)
{
    struct resize *resize = work->resize;
    unsigned doublings = resize->looks < LOOK_DOUBLINGS ? resize->looks : LOOK_DOUBLINGS;
    resize->looks++;
    work->sequence = 0;
    work->wakes = true;
    work->wake = machine->ends->now(machine->ends->context) + (LOOK_FIRST_MS << doublings);
}

void resize_wake(struct machine *machine, struct work *work)
{
    object_send(machine, work);
}

bool resize_is_late(const struct machine *machine, const struct work *work)
{
    return machine->ends->now(machine->ends->context) >= work->resize->deadline;
}

void resize_fail(struct machine *machine, struct work *work, const char *text)
{
    struct err why = {0};
    if (work->phase == PHASE_UNDO_RESIZE) {
        object_undo_failed(machine, work, text);
        return;
    }
    err_set(&why, ERR_ROLLED_BACK, "%s cannot be resized in place: %.700s", work->object->name, text);
    err_hint(&why, "apply.in_place_resize: false rolls it out instead");
    object_fail(machine, work, &why);
}

void resize_end(struct machine *machine, struct work *work)
{
    resize_then *then = work->resize->then;
    work->sequence = 0;
    then(machine, work);
}

void resize_drop(struct work *work, const char *text)
{
    json_object_set_new(work->detail, "in_place", json_null());
    work->resize->dropped = true;
    work_note(work, "a rollout, not in place: %.400s", text);
}

/* Prepares for a row of steps; `target` is the workload with the template that is meant. */
static struct resize *begin(struct machine *machine, struct work *work, enum phase phase, const json_t *target, resize_then *then)
{
    struct resize *resize = resize_of(work);
    work_keep(&resize->target, json_incref((json_t *)(uintptr_t)target));
    resize->deadline = machine->ends->now(machine->ends->context) + machine->policy->rollout_timeout;
    resize->looks = 0;
    resize->then = then;
    resize->edited = false;
    work->phase = phase;
    return resize;
}

/* ---- Whose pause ---- */

/* A pause that this program wrote: the server keeps who wrote which field. Where it does not, the row's word counts. */
static bool is_our_pause(const json_t *object)
{
    const json_t *managed = json_at(object, "metadata.managedFields");
    size_t index = 0;
    const json_t *each = NULL;
    if (!json_bool_or(json_object_get(object, "spec"), "paused", false)) {
        return false;
    }
    json_array_foreach(managed, index, each)
    {
        if (str_equal(json_string_or_null(each, "manager"), "tare") &&
            json_object_get(json_object_get(json_object_get(each, "fieldsV1"), "f:spec"), "f:paused") != NULL) {
            return true;
        }
    }
    return json_array_size(managed) == 0;
}

const char *resize_left(const struct work *work)
{
    bool ours = (resize_begun(work) && joins(work)) || (work->resize != NULL && work->resize->dropped);
    return ours && is_our_pause(work->live) ? "; it is paused (spec.paused), and kubectl rollout resume lets it go on" : "";
}

json_t *resize_paused(const struct work *work, json_t *body)
{
    bool dropped = work->resize != NULL && work->resize->dropped;
    json_t *spec = json_object_get(body, "spec");
    if (json_is_object(spec) && resize_begun(work) && joins(work)) {
        json_object_set_new(spec, "paused", json_true());
    } else if (json_is_object(spec) && dropped && is_our_pause(work->live)) {
        json_object_set_new(spec, "paused", json_null());
    }
    return body;
}

/* ---- Before the row ---- */

void resize_plan(struct machine *machine, struct work *work, const json_t *answer, resize_then *then)
{
    json_object_set_new(work->detail, "in_place", json_null());
    if (!machine->policy->in_place || !machine->policy->wait) {
        then(machine, work);
        return;
    }
    struct resize *resize = begin(machine, work, PHASE_RESIZE_PLAN, answer, then);
    resize->doubt = false;
    resize_step(machine, work, STEP_SERVER);
}

/* Not in place. */
static void plan_rollout(struct machine *machine, struct work *work, const char *text)
{
    work_note(work, "a rollout, not in place: %.400s", text);
    resize_end(machine, work);
}

/* "33+" is 33. */
static int64_t minor_of(const json_t *version)
{
    const char *text = json_string_or_null(version, "minor");
    char digits[8] = "";
    int64_t minor = 0;
    if (text == NULL || !str_equal(json_string_or_null(version, "major"), "1")) {
        return 0;
    }
    memcpy(digits, text, strspn(text, "0123456789") < sizeof digits ? strspn(text, "0123456789") : sizeof digits - 1);
    return str_int64(digits, 0, 100000, &minor) ? 0 : minor;
}

static const json_t *first_kept(const struct work *work)
{
    size_t index = 0;
    const json_t *pod = NULL;
    char why[ERR_MESSAGE_MAX];
    json_array_foreach(work->resize->pods, index, pod)
    {
        if (in_place_keeps(work->resize->target, pod) && in_place_pod_judge(work->resize->target, pod, why) == IN_PLACE_POD_ASK) {
            work->resize->at = index;
            return pod;
        }
    }
    return NULL;
}

/* All facts are there. */
static void decide(struct machine *machine, struct work *work)
{
    struct resize *resize = work->resize;
    char why[ERR_MESSAGE_MAX];
    const json_t *set = NULL;
    struct in_place_question question = {.minor = resize->minor, .before = work->live, .after = resize->target, .pods = resize->pods,
                                         .sets = resize->sets};
    enum in_place_way way = in_place_decide(&question, &set, why);
    if (way == IN_PLACE_NOT || first_kept(work) == NULL) {
        plan_rollout(machine, work, way == IN_PLACE_NOT ? why : "it has no pod to resize");
        return;
    }
    const json_t *metadata = json_object_get(set, "metadata");
    json_object_set_new(work->detail, "in_place",
                        json_pack("{s:s,s:o,s:o}", "way", way == IN_PLACE_DEPLOYMENT ? "deployment" : "pods", "set",
                                  json_string_safe(json_string_or_null(metadata, "name")), "set_uid",
                                  json_string_safe(json_string_or_null(metadata, "uid"))));
    if (*why != '\0') {
        work_note(work, "%.400s", why);
    }
    resize_step(machine, work, STEP_TRY);
}

/* A fact that cannot be had: the server's own refusal says why. */
static void plan_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct resize *resize = work->resize;
    bool there = event->status == 200;
    switch (resize->step) {
    case STEP_SERVER:
        resize->minor = there ? minor_of(event->body) : 0;
        resize_step(machine, work, STEP_LIST);
        break;
    case STEP_LIST:
        if (!there) {
            plan_rollout(machine, work, event->why.message);
        } else if (resize_pods_page(work, event)) {
            object_send(machine, work);
        } else if (in_place_asks_sets(work->live)) {
            resize_step(machine, work, STEP_SETS);
        } else {
            decide(machine, work);
        }
        break;
    case STEP_SETS:
        if (!there) {
            plan_rollout(machine, work, event->why.message);
        } else {
            work_keep(&resize->sets, json_incref(json_object_get(event->body, "items")));
            decide(machine, work);
        }
        break;
    default:
        if (!there) {
            json_object_set_new(work->detail, "in_place", json_null());
            plan_rollout(machine, work, event->why.message);
        } else {
            work_note(work, "resized in place");
            resize_end(machine, work);
        }
        break;
    }
}

/* ---- The Deployment and its ReplicaSet ---- */

void resize_join(struct machine *machine, struct work *work, resize_then *then)
{
    if (!resize_begun(work) || !joins(work)) {
        then(machine, work);
        return;
    }
    begin(machine, work, PHASE_RESIZE, work->live, then);
    work->resize->pods_too = false;
    resize_step(machine, work, STEP_SET_READ);
}

void resize_pods(struct machine *machine, struct work *work, resize_then *then)
{
    begin(machine, work, PHASE_RESIZE, work->live, then);
    work->resize->pods_too = true;
    resize_step(machine, work, STEP_LIST);
}

/* ---- Back ---- */

void resize_check(struct machine *machine, struct work *work, resize_then *then)
{
    if (!resize_begun(work) || !joins(work)) {
        then(machine, work);
        return;
    }
    begin(machine, work, PHASE_UNDO_RESIZE, work->live, then);
    resize_step(machine, work, STEP_CHECK);
}

void resize_back(struct machine *machine, struct work *work, resize_then *then)
{
    begin(machine, work, PHASE_UNDO_RESIZE, work->live, then);
    work->resize->pods_too = true;
    resize_step(machine, work, joins(work) ? STEP_SET_READ : STEP_LIST);
}

/* ---- Answers ---- */

void resize_unanswered(struct work *work)
{
    struct resize *resize = work->resize;
    if (resize->step == STEP_SET_WRITE) {
        resize->doubt = true;
        resize->step = STEP_SET_READ;
    } else if (resize->step == STEP_FENCE_SET || resize->step == STEP_FENCE_CLEAR) {
        resize->step = STEP_SET_READ;
    } else if (resize->step == STEP_GO) {
        resize->step = STEP_MEET;
    } else if (resize->step == STEP_POD_WRITE) {
        resize->step = STEP_POD_READ;
    }
}

void resize_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (work->phase == PHASE_RESIZE_PLAN) {
        plan_answer(machine, work, event);
    } else if (work->resize->step >= STEP_LIST) {
        resize_pods_answer(machine, work, event);
    } else {
        resize_set_answer(machine, work, event);
    }
}
