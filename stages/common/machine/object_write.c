#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/health/room.h"
#include "stages/common/machine/detail.h"
#include "stages/common/machine/image.h"
#include "stages/common/machine/machine_internal.h"
#include "stages/common/machine/object_create.h"
#include "stages/common/machine/resize.h"
#include "stages/common/machine/rest.h"

/* Reads because of others' writes; a before-image's bytes. */
enum { ROUNDS_MAX = 12, BEFORE_MAX = 8 * 1024 * 1024 };

/* ---- Read ---- */

/* Rolled back before, and to be written again: only where it still is as it was then. */
static int as_recalled(const struct work *work, const json_t *object, struct err *why)
{
    char what[ERR_MESSAGE_MAX];
    char by[IMAGE_EDITOR_MAX];
    json_t *now = image_resources(work->object->kind, object);
    bool same = image_same(now, work->was);
    image_difference(now, work->was, what);
    image_editor(object, by);
    json_decref(now);
    return same ? 0 : err_set(why, ERR_STALE, "%s was changed since it was put back: %.600s%s", work->object->name, what, by);
}

static void keep_read(struct work *work, json_t *object)
{
    json_t *patch = detail_planned(work->object);
    const char *version = json_string_or_null(json_object_get(object, "metadata"), "resourceVersion");
    work_keep(&work->live, json_incref(object));
    image_template(work->object->kind, object, work->former);
    if (!work->redone) {
        work_keep(&work->was, image_resources(work->object->kind, object));
        work_keep(&work->detail, detail_new(work->object, json_string_or_null(json_object_get(object, "metadata"), "uid")));
        json_object_set(work->detail, "patch", patch == NULL ? json_null() : patch);
    }
    json_object_set_new(work->detail, "resource_version", json_string_safe(version));
}

/* The observations begin before the write, so that nothing that follows from it is missed. */
static void to_baseline(struct machine *machine, struct work *work)
{
    struct err why = {0};
    struct buf selector;
    if (!machine->policy->wait || machine->policy->rehearse) {
        object_ask(machine, work, PHASE_REHEARSE);
        return;
    }
    buf_init(&selector, 8192);
    bool pods = pods_selector(work->live, &selector);
    buf_release(&selector);
    if (!watch_join(machine, work, pods, &why)) {
        object_unseen(machine, work, &why);
        return;
    }
    pods_baseline_free(work->baseline);
    work->baseline = pods_baseline_new();
    object_ask(machine, work, pods ? PHASE_BASELINE : PHASE_REHEARSE);
}

static void read_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct err why = event->why;
    const struct machine_object *object = work->object;
    if (work->redone ? object_gone(work, event, &why) : event->status == 404) {
        if (!work->redone) {
            err_set(&why, ERR_STALE, "the plan is stale: %s is not in the cluster any more", object->name);
        }
        object_refuse(machine, work, &why);
    } else if (event->status != 200 || (work->redone ? as_recalled(work, event->body, &why)
                                                     : image_as_planned(object->record, object->name, event->body, &why)) ||
               rest_check(object->name, event->body, &why)) {
        object_refuse(machine, work, &why);
    } else {
        keep_read(work, event->body);
        to_baseline(machine, work);
    }
}

/* ---- The pods as they were ---- */

bool object_pods_page(struct work *work, const struct machine_event *event, void (*take)(struct work *work, const json_t *pod))
{
    size_t index = 0;
    const json_t *pod = NULL;
    json_array_foreach(json_object_get(event->body, "items"), index, pod)
    {
        if (pod_is_of(work->live, pod)) {
            take(work, pod);
        }
    }
    const char *more = json_string_or_null(json_object_get(event->body, "metadata"), "continue");
    free(work->more);
    work->more = more == NULL || *more == '\0' ? NULL : xstrdup(more);
    return work->more != NULL;
}

static void take_baseline(struct work *work, const json_t *pod)
{
    pods_baseline_add(work->baseline, pod);
}

static void baseline_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (event->status == 410 && work->more != NULL) { /* the server forgot where the list stood */
        free(work->more);
        work->more = NULL;
        object_send(machine, work);
    } else if (event->status != 200) {
        struct err why = event->why;
        err_prefix(&why, "the pods of %s cannot be read", work->object->name);
        object_refuse(machine, work, &why);
    } else if (object_pods_page(work, event, take_baseline)) {
        object_send(machine, work);
    } else {
        object_ask(machine, work, PHASE_REHEARSE);
    }
}

/* ---- Rehearsal ---- */

/* Whether the dry run's answer is what the plan says, and nothing else. */
static int as_expected(struct work *work, const json_t *answer, struct err *why)
{
    char what[ERR_MESSAGE_MAX];
    const struct machine_object *object = work->object;
    json_t *after = image_resources(object->kind, answer);
    json_t *expected = work->redone ? json_incref(work->after)
                                    : image_edited(work->was, json_at(object->record, "change.edits"));
    bool same = image_amounts(after, expected, what);
    json_decref(expected);
    if (!same) {
        json_decref(after);
        return err_set(why, ERR_REFUSED, "the API server would make something else of the change of %s than was planned: %.600s",
                       object->name, what);
    }
    work_keep(&work->after, after);
    if (!image_kept(object->kind, work->live, answer, what)) {
        return err_set(why, ERR_REFUSED, "the API server would change more of %s than was planned: %.600s of its template", object->name,
                       what);
    }
    if (*what != '\0') {
        work_note(work, "the API server adds %.200s to its template", what);
    }
    image_template(object->kind, answer, work->template);
    return 0;
}

static json_t *written_members(const struct work *work)
{
    json_t *members = json_object();
    json_object_set(members, "after", work->after);
    json_object_set_new(members, "template", json_string(work->template));
    json_t *in_place = resize_begun(work) ? json_incref(json_object_get(work->detail, "in_place")) : json_null();
    json_object_set_new(members, "in_place", in_place);
    return members;
}

/* The row, durable before the first byte. Returns whether it is there. */
static bool begin_row(struct machine *machine, struct work *work)
{
    struct err why = {0};
    struct buf before;
    buf_init(&before, BEFORE_MAX);
    if (work->live != NULL && json_write(work->live, &before, &why)) {
        buf_release(&before);
        object_refuse(machine, work, &why);
        return false;
    }
    enum said said = machine->ends->begin(machine->ends->context, work->object, buf_str(&before), before.length, work->detail,
                                          &work->object->change, &why);
    buf_release(&before);
    if (said == SAID_LOST) {
        machine_lost(machine, &why);
    } else if (said == SAID_NO) {
        object_refuse(machine, work, &why);
    } else {
        work->object->state = LEDGER_CHANGE_WRITING;
    }
    return said == SAID_YES;
}

/* What the row of an object that is written again says of the first time holds no more. */
static void forget_former(const struct work *work, json_t *members)
{
    static const char *const former[] = {"written", "failure", "undone", "undo_all", "undo_failure", "conflict"};
    for (size_t i = 0; i < ARRAY_COUNT(former); i++) {
        json_object_set_new(members, former[i], json_null());
    }
    json_object_set(members, "resource_version", json_object_get(work->detail, "resource_version"));
    if (work->object->action == MACHINE_CREATE) {
        json_object_set_new(members, "uid", json_null());
    }
}

void object_begin(struct machine *machine, struct work *work)
{
    json_t *members = written_members(work);
    if (!object_still_permitted(machine, work)) {
        json_decref(members);
        return;
    }
    if (machine->policy->rehearse) {
        json_decref(members);
        work_over(machine, work, MACHINE_DONE, NULL);
        return;
    }
    if (work->baseline != NULL) {
        json_object_set_new(members, "baseline", pods_baseline_json(work->baseline));
        work->pods = pods_seen_new(work->baseline, !resize_begun(work) && rest_replaces_pods(work->live));
    }
    if (work->redone) {
        forget_former(work, members);
        if (!object_lock(machine, work)) {
            json_decref(members);
        } else if (work_move(machine, work, LEDGER_CHANGE_WRITING, members)) {
            object_ask(machine, work, PHASE_WRITE);
        }
        return;
    }
    json_object_update(work->detail, members);
    json_decref(members);
    if (begin_row(machine, work)) {
        object_ask(machine, work, PHASE_WRITE);
    }
}

static bool too_many_rounds(struct machine *machine, struct work *work)
{
    struct err why = {0};
    if (++work->rounds <= ROUNDS_MAX) {
        return false;
    }
    err_set(&why, ERR_ROLLED_BACK, "%s changes faster than it can be written: %d tries met another version",
            work->object->name, ROUNDS_MAX);
    object_fail(machine, work, &why);
    return true;
}

/* It is known how it would go; an increase needs room. */
static void rehearsed(struct machine *machine, struct work *work)
{
    if (machine->policy->room_check && room_increases(work->live, work->rehearsed)) {
        work_keep(&work->own, json_object());
        object_ask(machine, work, PHASE_ROOM_PODS);
    } else {
        object_begin(machine, work);
    }
}

static void rehearse_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct err why = event->why;
    if (event->status == 409 || event->status == 404) {
        if (!too_many_rounds(machine, work)) {
            object_ask(machine, work, PHASE_READ);
        }
    } else if (event->status != 200) {
        err_prefix(&why, "%s is not changed", work->object->name);
        object_fail(machine, work, &why);
    } else if (as_expected(work, event->body, &why)) {
        object_refuse(machine, work, &why);
    } else {
        work_keep(&work->rehearsed, json_incref(event->body));
        resize_plan(machine, work, event->body, rehearsed);
    }
}

/* ---- Room ---- */

void object_keep_pod(struct work *work, const json_t *pod)
{
    const char *uid = json_string_or_null(json_object_get(pod, "metadata"), "uid");
    if (uid != NULL && work->own != NULL) {
        json_object_set(work->own, uid, (json_t *)(uintptr_t)pod);
    }
}

void object_room(struct machine *machine, struct work *work)
{
    struct err why = {0};
    if (machine->stopping && !machine->policy->rehearse) {
        object_leave(machine, work);
        return;
    }
    bool room = nodes_have_room(machine, work, &why);
    work_keep(&work->own, NULL);
    work_keep(&work->rehearsed, NULL);
    if (room) {
        object_begin(machine, work);
    } else {
        object_refuse(machine, work, &why);
    }
}

static void room_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct err why = event->why;
    if (event->status != 200) {
        err_prefix(&why, "the pods of %s cannot be read", work->object->name);
        object_refuse(machine, work, &why);
    } else if (object_pods_page(work, event, object_keep_pod)) {
        object_send(machine, work);
    } else {
        work->phase = PHASE_ROOM;
        if (nodes_known(machine)) {
            object_room(machine, work);
        }
    }
}

/* ---- Write ---- */

void object_written(struct machine *machine, struct work *work, json_t *members)
{
    const json_t *metadata = json_object_get(work->live, "metadata");
    work->landed = true;
    work->generation = json_int_or(metadata, "generation", 0);
    json_object_set_new(members, "written", json_string_safe(json_string_or_null(metadata, "resourceVersion")));
    json_object_set_new(members, "generation", json_integer(work->generation));
    bool watched = (machine->policy->wait || resize_begun(work)) && work->object->action == MACHINE_CHANGE;
    if (work->turned) {
        if (work_move(machine, work, LEDGER_CHANGE_WRITTEN, members)) {
            object_undo(machine, work, NULL);
        }
    } else if (!watched) {
        if (work_move(machine, work, LEDGER_CHANGE_DONE, members)) {
            work_over(machine, work, MACHINE_DONE, NULL);
        }
    } else if (work_move(machine, work, LEDGER_CHANGE_WRITTEN, members)) {
        object_watch(machine, work);
    }
}

static void landed(struct machine *machine, struct work *work)
{
    object_written(machine, work, written_members(work));
}

/* It landed, and is not what the dry run said: a webhook, a policy that came in between. */
static void unlike_rehearsal(struct machine *machine, struct work *work, const char *what)
{
    struct err why = {0};
    work->landed = true;
    err_set(&why, ERR_ROLLED_BACK, "the API server made something else of the change of %s than in its dry run: %.600s", work->object->name,
            what);
    if (work_move(machine, work, LEDGER_CHANGE_WRITTEN, written_members(work))) {
        object_fail(machine, work, &why);
    }
}

/* The server's answer counts for what stands there now. */
static void keep_written(struct machine *machine, struct work *work, json_t *object)
{
    char what[ERR_MESSAGE_MAX];
    json_t *now = image_resources(work->object->kind, object);
    bool same = image_same(now, work->after);
    image_difference(now, work->after, what);
    work_keep(&work->live, json_incref(object));
    work_keep(&work->after, now);
    image_template(work->object->kind, object, work->template);
    if (same) {
        resize_join(machine, work, landed);
    } else {
        unlike_rehearsal(machine, work, what);
    }
}

static void write_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct err why = event->why;
    if (event->status == 200 || event->status == 201) {
        keep_written(machine, work, event->body);
    } else if (event->status == 409 || event->status == 404) {
        if (!too_many_rounds(machine, work)) {
            object_ask(machine, work, PHASE_LOOK);
        }
    } else {
        work->barred = !work->doubt;
        err_prefix(&why, "%s is not changed", work->object->name);
        object_fail(machine, work, &why);
    }
}

/* ---- What became of it? ---- */

/* Nothing but the wish to end keeps it from being written: its row stays, and whoever resumes goes on with it. */
static bool is_only_asked_to_end(const struct machine *machine)
{
    return machine->asked_to_end && machine->cause.class == ERR_NONE && !machine->undo_all;
}

/* It stands there as it was: it is written (again), if that is still permitted, since the server may have been away for long; or, where
 * nothing may be begun any more, given up. */
static void look_unwritten(struct machine *machine, struct work *work, const json_t *object)
{
    char template[DIGEST_HEX];
    struct err why = {0};
    image_template(work->object->kind, object, template);
    bool edited = strcmp(template, work->former) != 0;
    if (edited || rest_check(work->object->name, object, &why)) {
        if (edited) {
            err_set(&why, ERR_STALE, "the template of %s was changed by somebody else while it was to be written", work->object->name);
        }
        work->object->why = why;
        machine_stop(machine, &why);
    }
    if (is_only_asked_to_end(machine)) {
        err_set(&why, ERR_TEMPFAIL, "asked to end before %s was written", work->object->name);
        object_give_up(machine, work, &why);
    } else if (machine->stopping) {
        object_undo(machine, work, NULL);
    } else if (object_still_permitted(machine, work)) {
        object_ask(machine, work, PHASE_WRITE);
    }
}

/* From `written` on it must be there; else somebody took it away. */
static void look_changed(struct machine *machine, struct work *work, const json_t *object, const json_t *now)
{
    char what[ERR_MESSAGE_MAX];
    char by[IMAGE_EDITOR_MAX];
    struct err why = {0};
    image_difference(now, work->after, what);
    image_editor(object, by);
    err_set(&why, ERR_STALE, "%s was changed by somebody else: %.600s%s", work->object->name, what, by);
    object_left(machine, work, &why);
}

static void look_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    struct err why = event->why;
    if (object_gone(work, event, &why)) {
        object_left(machine, work, &why);
        return;
    }
    if (event->status != 200) {
        object_give_up(machine, work, &why);
        return;
    }
    work_keep(&work->live, json_incref(event->body));
    json_t *now = image_resources(work->object->kind, event->body);
    if (image_same(now, work->after)) {
        object_calm(work);
        image_template(work->object->kind, event->body, work->template);
        if (work->object->state == LEDGER_CHANGE_WRITING) {
            resize_join(machine, work, landed);
        } else if (work->turned) {
            object_undo(machine, work, NULL);
        } else if (!machine->policy->wait && !resize_begun(work) && rest_replaces_pods(work->live)) {
            if (work_move(machine, work, LEDGER_CHANGE_DONE, NULL)) {
                work_over(machine, work, MACHINE_DONE, NULL);
            }
        } else {
            object_watch(machine, work);
        }
    } else if (image_same(now, work->was) && work->object->state == LEDGER_CHANGE_WRITING) {
        look_unwritten(machine, work, event->body);
    } else {
        look_changed(machine, work, event->body, now);
    }
    json_decref(now);
}

void object_write_answer(struct machine *machine, struct work *work, struct machine_event *event)
{
    if (work->object->action == MACHINE_CREATE) {
        create_write_answer(machine, work, event);
        return;
    }
    switch (work->phase) {
    case PHASE_READ:
        read_answer(machine, work, event);
        break;
    case PHASE_BASELINE:
        baseline_answer(machine, work, event);
        break;
    case PHASE_REHEARSE:
        rehearse_answer(machine, work, event);
        break;
    case PHASE_ROOM_PODS:
        room_answer(machine, work, event);
        break;
    case PHASE_WRITE:
        write_answer(machine, work, event);
        break;
    default:
        look_answer(machine, work, event);
        break;
    }
}
