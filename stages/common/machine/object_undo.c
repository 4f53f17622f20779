#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "pipeline/io/url.h"
#include "stages/common/machine/image.h"
#include "stages/common/machine/machine_internal.h"
#include "stages/common/machine/object_create.h"
#include "stages/common/machine/resize.h"

/* So many reads because of others' writes before it is given up. */
enum { ROUNDS_MAX = 24, PATH_CAP = 4096 };

/* So long a pod may take to become ready, and a set to take up that one of its pods was removed, before (another) one is. */
enum { SPARED_MS = 30 * 1000 };

static bool to_rolling_back(struct machine *machine, struct work *work, json_t *members)
{
    if (work->object->state == LEDGER_CHANGE_ROLLING_BACK) {
        json_decref(members);
        return true;
    }
    return work_move(machine, work, LEDGER_CHANGE_ROLLING_BACK, members);
}

void object_undo(struct machine *machine, struct work *work, const struct err *failure)
{
    json_t *members = json_object();
    if (failure != NULL) {
        json_object_set_new(members, "failure", json_string_safe(failure->message));
    } else {
        json_object_set_new(members, "undone", json_string_safe(machine->cause.class == ERR_NONE ? "it was to be undone"
                                                                                                : machine->cause.message));
        json_object_set_new(members, "undo_all", json_boolean(machine->undo_all));
    }
    work->rounds = 0;
    object_calm(work);
    if (to_rolling_back(machine, work, members)) {
        object_ask(machine, work, PHASE_UNDO_READ);
    }
}

void object_undo_start(struct machine *machine, struct work *work)
{
    if (!object_lock(machine, work)) {
        return;
    }
    work->rounds = 0;
    object_calm(work);
    if (work->detail == NULL && !object_recall(machine, work)) {
        return;
    }
    object_ask(machine, work, PHASE_UNDO_READ);
}

/* ---- How it ends ---- */

static void broken(struct machine *machine, const struct err *why)
{
    if (!machine->undo_failed) {
        machine->broken = *why;
    }
    machine->undo_failed = true;
    if (!machine->undo) {
        machine_stop(machine, why);
    }
}

void object_undo_failed(struct machine *machine, struct work *work, const char *text)
{
    struct err why = {0};
    err_set(&why, ERR_ROLLBACK_FAILED, "%s could not be put back: %.800s%s", work->object->name, text, resize_left(work));
    if (to_rolling_back(machine, work, NULL) &&
        work_move(machine, work, LEDGER_CHANGE_ROLLBACK_FAILED, json_pack("{s:o}", "undo_failure", json_string_safe(why.message)))) {
        broken(machine, &why);
        work_over(machine, work, MACHINE_NOT_PUT_BACK, &why);
    }
}

void object_undo_conflict(struct machine *machine, struct work *work, const char *text)
{
    struct err why = {0};
    err_set(&why, ERR_ROLLBACK_FAILED, "%s is left as it is: %.800s%s", work->object->name, text, resize_left(work));
    if (work->object->state != LEDGER_CHANGE_DONE) {
        if (!to_rolling_back(machine, work, NULL) ||
            !work_move(machine, work, LEDGER_CHANGE_ROLLBACK_FAILED, json_pack("{s:o}", "conflict", json_string_safe(text)))) {
            return;
        }
    }
    broken(machine, &why);
    work_over(machine, work, MACHINE_CONFLICT, &why);
}

void object_put_back(struct machine *machine, struct work *work)
{
    bool touched = work->landed || machine->undo;
    if (!to_rolling_back(machine, work, NULL) || !work_move(machine, work, LEDGER_CHANGE_ROLLED_BACK, NULL)) {
        return;
    }
    if (!touched && work->object->why.class == ERR_NONE && machine->cause.class == ERR_NONE) {
        object_leave(machine, work);
        return;
    }
    if (work->object->why.class == ERR_NONE) {
        work->object->why = machine->cause;
    }
    work_over(machine, work, touched ? MACHINE_PUT_BACK : MACHINE_REFUSED, NULL);
}

bool object_undo_rounds(struct machine *machine, struct work *work)
{
    if (++work->rounds <= ROUNDS_MAX) {
        return false;
    }
    object_undo_failed(machine, work, "it changes faster than it can be written");
    return true;
}

/* ---- The rollout of the way back ---- */

static void judge(struct machine *machine, struct work *work, const json_t *object)
{
    const json_t *metadata = json_object_get(object, "metadata");
    if (json_int_or(metadata, "generation", 0) < work->generation ||
        !str_equal(json_string_or_null(metadata, "uid"), json_string_or_null(work->detail, "uid"))) {
        return;
    }
    switch (rollout_judge(object, work->text)) {
    case ROLLOUT_FAILED:
        object_undo_failed(machine, work, work->text);
        break;
    case ROLLOUT_UNDER_WAY:
    case ROLLOUT_STUCK:
        break;
    case ROLLOUT_PAUSED:
        work_note(work, "it is paused: its pods are as they were once it goes on");
        object_put_back(machine, work);
        break;
    default:
        object_put_back(machine, work);
        break;
    }
}

/* Removes a pod by uid; whatever is answered, what comes of it is observed. */
static void remove_pod(struct machine *machine, struct work *work, const char *uid, const json_t *pod)
{
    const char *name = json_string_or_null(json_object_get(pod, "metadata"), "name");
    struct buf path;
    json_t *body = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1", "kind", "DeleteOptions", "preconditions", "uid", uid);
    buf_init(&path, PATH_CAP);
    buf_add_str(&path, "/api/v1/namespaces/");
    url_escape(&path, work->object->namespace);
    buf_add_str(&path, "/pods/");
    url_escape(&path, name == NULL ? "" : name);
    struct api_request request = {"DELETE", buf_str(&path), "application/json", body};
    work_note(work, "pod %.250s, which blocked the way back, was removed", name == NULL ? "?" : name);
    json_object_del(work->own, uid);
    work->removes = true;
    object_request(machine, work, &request);
    json_decref(body);
    buf_release(&path);
}

/* Whether a pod that blocks will do so for good: one that was ready may only wait for a neighbour that is away. */
static bool is_lost(const struct machine *machine, const struct work *work, const json_t *pod)
{
    char ignored[ERR_MESSAGE_MAX];
    enum pod_health health = pod_judge(work->baseline, pod, ignored);
    bool spared = machine->ends->now(machine->ends->context) < work->spared;
    return !pods_baseline_has(work->baseline, pod) &&
           (health == POD_FAILING || health == POD_UNPLACED || (!spared && pod_never_ready(pod)));
}

static bool one_is_going(const struct work *work)
{
    const char *uid = NULL;
    json_t *pod = NULL;
    json_object_foreach(work->own, uid, pod)
    {
        if (json_at(pod, "metadata.deletionTimestamp") != NULL) {
            return true;
        }
    }
    return false;
}

/* A set whose controller waits for ever for a pod of the failed template does not go back by itself: that pod is removed; one after
 * the other. */
static void unblock(struct machine *machine, struct work *work)
{
    const json_t *object = work->seen == NULL ? work->live : work->seen;
    int64_t now = machine->ends->now(machine->ends->context);
    const char *uid = NULL;
    json_t *pod = NULL;
    if (work->sequence != 0 || now < work->removed || one_is_going(work)) {
        return;
    }
    json_object_foreach(work->own, uid, pod)
    {
        if (pod_blocks(object, work->generation, pod) && is_lost(machine, work, pod)) {
            work->removed = now + SPARED_MS;
            remove_pod(machine, work, uid, pod);
            return;
        }
    }
}

/* When it is looked at again, whatever is observed: what blocks it may be told from what only starts by then. */
static void arm(struct machine *machine, struct work *work)
{
    int64_t look = machine->ends->now(machine->ends->context) + SPARED_MS;
    work->wakes = true;
    work->wake = work->own != NULL && look < work->deadline ? look : work->deadline;
}

void object_undo_pod(struct machine *machine, struct work *work, const json_t *pod, bool gone)
{
    const char *uid = json_string_or_null(json_object_get(pod, "metadata"), "uid");
    if (work->own == NULL || uid == NULL) {
        return;
    }
    if (gone) {
        json_object_del(work->own, uid);
    } else {
        object_keep_pod(work, pod);
        unblock(machine, work);
    }
}

static void to_rollout(struct machine *machine, struct work *work)
{
    work->phase = PHASE_UNDO_ROLLOUT;
    work->removes = false;
    work->deadline = machine->ends->now(machine->ends->context) + machine->policy->rollout_timeout;
    work->spared = machine->ends->now(machine->ends->context) + SPARED_MS;
    work->removed = 0;
    arm(machine, work);
    bool newer = work->seen != NULL && json_int_or(json_object_get(work->seen, "metadata"), "generation", 0) >= work->generation;
    json_t *newest = json_incref(newer ? work->seen : work->live);
    judge(machine, work, newest);
    json_decref(newest);
    if (work->phase == PHASE_UNDO_ROLLOUT) {
        unblock(machine, work);
    }
}

static void watch_back(struct machine *machine, struct work *work)
{
    struct err why = {0};
    bool set = str_equal(work->object->kind, "StatefulSet");
    object_calm(work);
    work->generation = json_int_or(json_object_get(work->live, "metadata"), "generation", 0);
    if (resize_pending(work)) {
        resize_back(machine, work, watch_back);
    } else if (!machine->policy->wait || !work->landed) {
        object_put_back(machine, work);
    } else if (!watch_join(machine, work, set, &why)) {
        object_unseen(machine, work, &why);
    } else if (set) {
        work_keep(&work->own, json_object());
        if (work->baseline == NULL) {
            work->baseline = pods_baseline_read(json_object_get(work->detail, "baseline"));
        }
        object_ask(machine, work, PHASE_UNDO_PODS);
    } else {
        to_rollout(machine, work);
    }
}

void object_undo_seen(struct machine *machine, struct work *work, const json_t *object)
{
    judge(machine, work, object);
    if (work->phase == PHASE_UNDO_ROLLOUT) {
        unblock(machine, work);
    }
}

void object_undo_wake(struct machine *machine, struct work *work)
{
    if (work->phase == PHASE_UNDO_ROLLOUT && machine->ends->now(machine->ends->context) < work->deadline) {
        arm(machine, work);
        unblock(machine, work);
        return;
    }
    work->removes = false;
    object_send(machine, work);
}

static void rollout_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (work->removes) {
        work->removes = false;
        unblock(machine, work);
        return;
    }
    struct err why = event->why;
    char text[ERR_MESSAGE_MAX];
    if (event->status != 200 && event->status != 404) {
        object_give_up(machine, work, &why);
        return;
    }
    if (event->status == 404) {
        object_undo_conflict(machine, work, "it was removed by somebody else");
        return;
    }
    judge(machine, work, event->body);
    if (work->phase == PHASE_UNDO_ROLLOUT && !machine->quit) {
        snprintf(text, sizeof text, "its values are as they were, but its rollout did not become complete in time%s%.700s",
                 *work->text == '\0' ? "" : ": ", work->text);
        object_undo_failed(machine, work, text);
    }
}

static void pods_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (event->status == 200 && object_pods_page(work, event, object_keep_pod)) {
        object_send(machine, work);
    } else {
        to_rollout(machine, work);
    }
}

/* ---- Read, fence, write ---- */

/* It stands there as it was. What was sent and not answered must not land any more. */
static void as_before(struct machine *machine, struct work *work)
{
    bool fenced = json_object_get(json_at(work->live, "metadata.labels"), FENCE_LABEL) != NULL;
    if (!to_rolling_back(machine, work, NULL)) {
        return;
    }
    if (fenced) {
        object_ask(machine, work, PHASE_FENCE_CLEAR);
    } else if (!work->landed && !work->barred) {
        object_ask(machine, work, PHASE_FENCE_SET);
    } else {
        watch_back(machine, work);
    }
}

static void ask_back(struct machine *machine, struct work *work)
{
    object_ask(machine, work, PHASE_UNDO_WRITE);
}

static void write_back(struct machine *machine, struct work *work)
{
    struct err why = {0};
    if (!to_rolling_back(machine, work, NULL)) {
        return;
    }
    work->landed = true;
    if (machine->policy->wait && !watch_join(machine, work, str_equal(work->object->kind, "StatefulSet"), &why)) {
        object_unseen(machine, work, &why);
    } else {
        resize_check(machine, work, ask_back);
    }
}

static void compare(struct machine *machine, struct work *work)
{
    char what[ERR_MESSAGE_MAX];
    char text[ERR_MESSAGE_MAX];
    char by[IMAGE_EDITOR_MAX];
    json_t *now = image_resources(work->object->kind, work->live);
    bool was = image_same(now, work->was);
    bool ours = work->after != NULL && image_same(now, work->after);
    image_difference(now, work->after, what);
    json_decref(now);
    if (was) {
        as_before(machine, work);
    } else if (ours || work->object->force) {
        write_back(machine, work);
    } else {
        image_editor(work->live, by);
        snprintf(text, sizeof text, "somebody else changed it since: %.700s%s", what, by);
        object_undo_conflict(machine, work, text);
    }
}

static void read_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct err why = event->why;
    if (object_gone(work, event, &why)) {
        if (work->object->force) {
            work_note(work, "%.400s: nothing was put back", why.message);
            object_put_back(machine, work);
        } else {
            object_undo_conflict(machine, work, why.message);
        }
    } else if (event->status != 200) {
        object_undo_failed(machine, work, why.message);
    } else {
        work_keep(&work->live, json_incref(event->body));
        compare(machine, work);
    }
}

/* Whether it asks for what it asked for before; by force also where containers came or went since, which are left as they are. */
static bool is_back(struct work *work, const json_t *now)
{
    char what[ERR_MESSAGE_MAX];
    const char *name = NULL;
    json_t *resources = NULL;
    bool same = image_same(now, work->was);
    if (same || !work->object->force) {
        return same;
    }
    json_t *kept = json_object();
    json_t *then = json_object();
    json_object_foreach((json_t *)(uintptr_t)now, name, resources)
    {
        json_t *was = json_object_get(work->was, name);
        if (was != NULL) {
            json_object_set(kept, name, resources);
            json_object_set(then, name, was);
        }
    }
    same = json_object_size(kept) > 0 && image_same(kept, then);
    image_difference(now, work->was, what);
    json_decref(kept);
    json_decref(then);
    if (same) {
        work_note(work, "%.300s", what);
    }
    return same;
}

static void write_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (event->status == 409 || event->status == 404) {
        if (!object_undo_rounds(machine, work)) {
            object_ask(machine, work, PHASE_UNDO_READ);
        }
        return;
    }
    if (event->status != 200) {
        object_undo_failed(machine, work, event->why.message);
        return;
    }
    char what[ERR_MESSAGE_MAX];
    char text[ERR_MESSAGE_MAX];
    json_t *now = image_resources(work->object->kind, event->body);
    bool back = is_back(work, now);
    image_difference(now, work->was, what);
    json_decref(now);
    work_keep(&work->live, json_incref(event->body));
    if (back) {
        watch_back(machine, work);
    } else {
        snprintf(text, sizeof text, "the API server made something else of it: %.700s", what);
        object_undo_failed(machine, work, text);
    }
}

/* After it was set nothing older can land; then it is removed again. */
static void fence_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (event->status == 409 || event->status == 404) {
        if (!object_undo_rounds(machine, work)) {
            object_ask(machine, work, PHASE_UNDO_READ);
        }
    } else if (event->status != 200) {
        object_undo_failed(machine, work, event->why.message);
    } else {
        work_keep(&work->live, json_incref(event->body));
        if (work->phase == PHASE_FENCE_SET) {
            object_ask(machine, work, PHASE_FENCE_CLEAR);
        } else {
            work->barred = true;
            watch_back(machine, work);
        }
    }
}

void object_undo_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (work->object->action == MACHINE_CREATE) {
        create_undo_answer(machine, work, event);
        return;
    }
    switch (work->phase) {
    case PHASE_UNDO_READ:
        read_answer(machine, work, event);
        break;
    case PHASE_FENCE_SET:
    case PHASE_FENCE_CLEAR:
        fence_answer(machine, work, event);
        break;
    case PHASE_UNDO_WRITE:
        write_answer(machine, work, event);
        break;
    case PHASE_UNDO_PODS:
        pods_answer(machine, work, event);
        break;
    default:
        rollout_answer(machine, work, event);
        break;
    }
}
