#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/common/machine/image.h"
#include "stages/common/machine/machine_internal.h"
#include "stages/common/machine/resize.h"
#include "stages/common/machine/rest.h"

/* A rollout that was complete so often and then was not does not settle. */
enum { FALLS_MAX = 5, SELECTOR_CAP = 8192 };

static int64_t now_of(const struct machine *machine)
{
    return machine->ends->now(machine->ends->context);
}

static void wake_at(struct work *work, int64_t instant)
{
    work->wakes = true;
    work->wake = instant;
}

/* ---- Over ---- */

static void fail(struct machine *machine, struct work *work, const char *what, const char *text)
{
    struct err why = {0};
    err_set(&why, ERR_ROLLED_BACK, "%s %s%s%.700s", work->object->name, what, *text == '\0' ? "" : ": ", text);
    object_fail(machine, work, &why);
}

static void finish(struct machine *machine, struct work *work)
{
    if (*work->text != '\0') {
        work_note(work, "%.400s", work->text);
    }
    if (work_move(machine, work, LEDGER_CHANGE_DONE, NULL)) {
        work_over(machine, work, MACHINE_DONE, NULL);
    }
}

static void measure(struct machine *machine, struct work *work)
{
    if (work->measured < machine->policy->verify_count) {
        object_ask(machine, work, PHASE_MEASURE);
    } else {
        finish(machine, work);
    }
}

/* ---- Rollout and settling ---- */

static void settle(struct machine *machine, struct work *work)
{
    if (work->object->state != LEDGER_CHANGE_VERIFYING && !work_move(machine, work, LEDGER_CHANGE_VERIFYING, NULL)) {
        return;
    }
    work->phase = PHASE_SETTLE;
    work->sequence = 0;
    object_calm(work);
    work->measured = 0;
    wake_at(work, now_of(machine) + machine->policy->settle);
}

/* When the rollout has to be looked at, whatever is observed. */
static void arm_rollout(struct work *work)
{
    int64_t stuck = work->stuck_since + ROLLOUT_STUCK_MS;
    wake_at(work, work->stuck && stuck < work->deadline ? stuck : work->deadline);
}

/* It was complete, and is not any more. */
static void fall(struct machine *machine, struct work *work, const char *text)
{
    int64_t least = now_of(machine) + machine->policy->settle;
    if (++work->falls >= FALLS_MAX) {
        fail(machine, work, "does not settle: its rollout was complete and then was not, again and again", text);
        return;
    }
    work->phase = PHASE_ROLLOUT;
    work->sequence = 0;
    object_calm(work);
    work->deadline = work->deadline > least ? work->deadline : least;
    arm_rollout(work);
}

/* Somebody else's edit while it is verified is left as it is. */
static bool edited(struct machine *machine, struct work *work, const json_t *object)
{
    char template[DIGEST_HEX];
    char what[ERR_MESSAGE_MAX];
    char by[IMAGE_EDITOR_MAX];
    struct err why = {0};
    json_t *now = image_resources(work->object->kind, object);
    bool same = image_same(now, work->after);
    image_difference(now, work->after, what);
    json_decref(now);
    image_template(work->object->kind, object, template);
    if (same && strcmp(template, work->template) == 0) {
        return false;
    }
    image_editor(object, by);
    err_set(&why, ERR_STALE, "%s was changed by somebody else while it was verified: %.600s%s", work->object->name,
            same ? "its pod template is another one" : what, same ? "" : by);
    object_left(machine, work, &why);
    return true;
}

static bool is_news(const struct work *work, const json_t *object)
{
    return json_int_or(json_object_get(object, "metadata"), "generation", 0) >= work->generation;
}

static void take_state(struct machine *machine, struct work *work, enum rollout_state state, const char *text)
{
    struct err why = {0};
    bool complete = state == ROLLOUT_COMPLETE || state == ROLLOUT_WAITS;
    if (state == ROLLOUT_STUCK && !work->stuck) {
        work->stuck_since = now_of(machine);
    }
    work->stuck = state == ROLLOUT_STUCK;
    if (state == ROLLOUT_FAILED) {
        fail(machine, work, "fails", text);
    } else if (state == ROLLOUT_PAUSED) {
        err_set(&why, ERR_STALE, "%s was paused by somebody else while it was verified", work->object->name);
        object_left(machine, work, &why);
    } else if (complete && work->phase == PHASE_ROLLOUT) {
        snprintf(work->text, sizeof work->text, "%s", text); /* what stays as it was */
        settle(machine, work);
    } else if (!complete && work->phase == PHASE_ROLLOUT) {
        snprintf(work->text, sizeof work->text, "%s", text);
        if (work->sequence == 0) {
            arm_rollout(work);
        }
    } else if (!complete) {
        fall(machine, work, text);
    }
}

/* The object as it is now, in the phases rollout, settle and measure. */
static void judge(struct machine *machine, struct work *work, const json_t *object)
{
    char text[ERR_MESSAGE_MAX] = "";
    struct machine_event event = {.status = 200, .body = (json_t *)(uintptr_t)object};
    struct err why = {0};
    if (object_gone(work, &event, &why)) {
        object_left(machine, work, &why);
    } else if (is_news(work, object) && !edited(machine, work, object)) {
        enum rollout_state state = rollout_judge(object, text);
        take_state(machine, work, state, text);
    }
}

static bool is_watched(const struct work *work)
{
    return work->phase >= PHASE_ROLLOUT && work->phase <= PHASE_MEASURE;
}

static void judge_pods(struct machine *machine, struct work *work)
{
    char text[ERR_MESSAGE_MAX] = "";
    if (work->pods != NULL && is_watched(work) && pods_seen_judge(work->pods, text) == POD_FAILING) {
        fail(machine, work, "is not healthy after the change", text);
    }
}

static void to_rollout(struct machine *machine, struct work *work)
{
    work->phase = PHASE_ROLLOUT;
    work->sequence = 0;
    work->deadline = now_of(machine) + machine->policy->rollout_timeout;
    work->stuck = false;
    arm_rollout(work);
    json_t *newest = json_incref(work->seen != NULL && is_news(work, work->seen) ? work->seen : work->live);
    judge(machine, work, newest);
    json_decref(newest);
    judge_pods(machine, work);
}

void object_watch(struct machine *machine, struct work *work)
{
    struct err why = {0};
    struct buf selector;
    if (resize_pending(work)) {
        resize_pods(machine, work, object_watch);
        return;
    }
    if (work->watch[0] != NONE) {
        to_rollout(machine, work);
        return;
    }
    buf_init(&selector, SELECTOR_CAP);
    bool pods = pods_selector(work->live, &selector);
    buf_release(&selector);
    work->baseline = pods_baseline_read(json_object_get(work->detail, "baseline"));
    work->pods = pods_seen_new(work->baseline, !resize_begun(work) && rest_replaces_pods(work->live));
    if (!watch_join(machine, work, pods, &why)) {
        object_unseen(machine, work, &why);
    } else if (pods) {
        object_ask(machine, work, PHASE_PODS);
    } else {
        to_rollout(machine, work);
    }
}

/* ---- What is observed ---- */

void object_seen(struct machine *machine, struct work *work, const json_t *object, bool gone)
{
    struct err why = {0};
    if (!gone) {
        work_keep(&work->seen, json_incref((json_t *)(uintptr_t)object));
    }
    if (work->phase == PHASE_UNDO_ROLLOUT && !gone) {
        object_undo_seen(machine, work, object);
    } else if (is_watched(work) && gone) {
        err_set(&why, ERR_STALE, "%s was removed by somebody else while it was verified", work->object->name);
        object_left(machine, work, &why);
    } else if (is_watched(work)) {
        judge(machine, work, object);
    }
}

void object_pod(struct machine *machine, struct work *work, const json_t *pod, bool gone)
{
    if (work->phase == PHASE_UNDO_ROLLOUT) {
        object_undo_pod(machine, work, pod, gone);
    } else if (work->pods != NULL && work->phase < PHASE_UNDO_READ) {
        if (gone) {
            pods_seen_gone(work->pods, pod);
        } else {
            pods_seen_take(work->pods, pod);
        }
        judge_pods(machine, work);
    }
}

/* ---- Answers and time ---- */

static void take_pod(struct work *work, const json_t *pod)
{
    pods_seen_take(work->pods, pod);
}

static void pods_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (event->status == 410 && work->more != NULL) { /* the server forgot where the list stood */
        free(work->more);
        work->more = NULL;
        object_send(machine, work);
    } else if (event->status != 200) {
        object_give_up(machine, work, &event->why);
    } else if (object_pods_page(work, event, take_pod)) {
        object_send(machine, work);
    } else if (work->phase == PHASE_PODS) {
        to_rollout(machine, work);
    } else {
        judge_pods(machine, work);
        if (work->phase == PHASE_SETTLE_PODS) {
            object_ask(machine, work, PHASE_SETTLE);
        }
    }
}

/* "1 of 3 pods are updated; pod cart-7d waits for a node". */
static void too_late(struct machine *machine, struct work *work)
{
    char text[ERR_MESSAGE_MAX] = "";
    char both[ERR_MESSAGE_MAX];
    if (work->pods != NULL) {
        pods_seen_judge(work->pods, text);
    }
    snprintf(both, sizeof both, "%.300s%s%.600s", work->text, *text == '\0' ? "" : "; ", text);
    fail(machine, work, work->stuck ? "cannot make its pods" : "did not become complete in time", both);
}

/* The last look at a rollout whose time is over, and at one that has settled: what is observed may be late. */
static void last_look(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct err why = event->why;
    enum phase before = work->phase;
    if (object_gone(work, event, &why)) {
        object_left(machine, work, &why);
        return;
    }
    if (event->status != 200) {
        object_give_up(machine, work, &why);
        return;
    }
    judge(machine, work, event->body);
    if (work->phase != before) {
        return;
    }
    if (before == PHASE_SETTLE) {
        measure(machine, work);
    } else if (now_of(machine) >= work->deadline || (work->stuck && now_of(machine) - work->stuck_since >= ROLLOUT_STUCK_MS)) {
        too_late(machine, work);
    } else {
        arm_rollout(work);
    }
}

static void measured(struct machine *machine, struct work *work, struct machine_event *event)
{
    double value = 0;
    char text[128];
    double below = machine->policy->verify_below[work->measured];
    if (event->status != 200) {
        fail(machine, work, "cannot be verified", event->why.message);
        return;
    }
    if (!json_get_number(event->body, "value", &value)) {
        work_note(work, "query %zu gave no number", work->measured + 1);
    } else if (!(value < below)) {
        snprintf(text, sizeof text, "query %zu gives %.15g, not below %.15g", work->measured + 1, value, below);
        fail(machine, work, "is not as it has to be after the change", text);
        return;
    }
    work->measured++;
    measure(machine, work);
}

void object_watch_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (work->phase == PHASE_PODS || work->phase == PHASE_SETTLE_PODS) {
        pods_answer(machine, work, event);
    } else if (work->phase == PHASE_MEASURE) {
        measured(machine, work, event);
    } else {
        last_look(machine, work, event);
    }
}

void object_watch_wake(struct machine *machine, struct work *work)
{
    bool pods = work->phase == PHASE_SETTLE && work->pods != NULL && work->watch[1] != NONE;
    object_ask(machine, work, pods ? PHASE_SETTLE_PODS : work->phase);
}
