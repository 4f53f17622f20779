#include "stages/common/machine/machine_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/common/machine/image.h"
#include "stages/common/machine/resize.h"
#include "stages/common/machine/tag.h"

/* ---- Life ---- */

static void machine_init(struct machine *machine, const struct machine_ends *ends, const struct machine_policy *policy,
                         struct machine_object *objects, size_t count, bool undo)
{
    *machine = (struct machine){.ends = ends, .policy = policy, .count = count, .undo = undo};
    machine->works = xcalloc_array(count, sizeof *machine->works);
    machine->active = xcalloc_array(count, sizeof *machine->active);
    machine->scratch = xcalloc_array(count, sizeof *machine->scratch);
    machine->watch_index = json_object();
    for (size_t i = 0; i < count; i++) {
        objects[i].fate = MACHINE_PENDING;
        objects[i].why = (struct err){.class = ERR_NONE};
        objects[i].note[0] = '\0';
        machine->works[i] = (struct work){.object = &objects[i], .index = i, .watch = {NONE, NONE}, .next = NONE};
    }
    schedule_init(machine);
}

/* Frees what only the work under way needs. */
static void work_clear(struct work *work)
{
    work_keep(&work->live, NULL);
    work_keep(&work->seen, NULL);
    work_keep(&work->own, NULL);
    work_keep(&work->rehearsed, NULL);
    pods_seen_free(work->pods);
    pods_baseline_free(work->baseline);
    resize_free(work->resize);
    free(work->more);
    work->pods = NULL;
    work->baseline = NULL;
    work->resize = NULL;
    work->more = NULL;
}

static void machine_release(struct machine *machine)
{
    for (size_t i = 0; i < machine->count; i++) {
        struct work *work = &machine->works[i];
        work_clear(work);
        work_keep(&work->detail, NULL);
        work_keep(&work->was, NULL);
        work_keep(&work->after, NULL);
    }
    nodes_release(machine);
    watch_release(machine);
    json_decref(machine->watch_index);
    free(machine->works);
    free(machine->active);
    free(machine->scratch);
    free(machine->order);
    free(machine->ready);
    free(machine->undoing);
}

/* ---- What the files here share ---- */

void work_keep(json_t **place, json_t *value)
{
    json_decref(*place);
    *place = value;
}

void work_note(struct work *work, const char *format, ...)
{
    char text[ERR_MESSAGE_MAX / 2];
    size_t length = strlen(work->object->note);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(work->object->note + length, sizeof work->object->note - length, "%s%s", length > 0 ? "; " : "", text);
}

bool work_has_row(const struct work *work)
{
    enum ledger_change_state state = work->object->state;
    return work->object->change != 0 && state != LEDGER_CHANGE_PLANNED && state != LEDGER_CHANGE_ROLLED_BACK;
}

void work_over(struct machine *machine, struct work *work, enum machine_fate fate, const struct err *why)
{
    if (work->phase == PHASE_OVER) {
        return;
    }
    if (work->phase != PHASE_WAITING) {
        size_t last = machine->active[--machine->active_count];
        machine->active[work->slot] = last;
        machine->works[last].slot = work->slot;
        watch_leave(machine, work);
    }
    work->phase = PHASE_OVER;
    work->sequence = 0;
    work->wakes = false;
    work->retries = false;
    work->object->fate = fate;
    if (why != NULL) {
        work->object->why = *why;
    }
    work_clear(work);
    schedule_over(machine, work);
}

void machine_stop(struct machine *machine, const struct err *cause)
{
    machine->stopping = true;
    if (machine->cause.class == ERR_NONE && cause != NULL) {
        machine->cause = *cause;
    }
}

void machine_lost(struct machine *machine, const struct err *why)
{
    if (machine->lost.class == ERR_NONE) {
        machine->lost = *why;
    }
    machine->stopping = true;
    machine->quit = true;
}

void machine_undo_run(struct machine *machine)
{
    size_t count = machine->active_count;
    size_t *active = NULL;
    if (machine->undo_all || machine->policy->rehearse) {
        return;
    }
    machine->undo_all = true;
    machine->stopping = true;
    active = xcalloc_array(count, sizeof *active);
    memcpy(active, machine->active, count * sizeof *active);
    for (size_t i = 0; i < count && !machine->quit; i++) {
        struct work *work = &machine->works[active[i]];
        work->turned = true;
        if (work->phase >= PHASE_PODS && work->phase <= PHASE_MEASURE) {
            object_undo(machine, work, NULL);
        }
    }
    free(active);
}

bool work_move(struct machine *machine, struct work *work, enum ledger_change_state to, json_t *members)
{
    struct err why = {0};
    enum said said = machine->ends->move(machine->ends->context, work->object, to, members, &why);
    if (said == SAID_YES) {
        work->object->state = to;
        if (members != NULL) {
            json_object_update(work->detail, members);
        }
    } else {
        machine_lost(machine, &why);
    }
    json_decref(members);
    return said == SAID_YES;
}

/* ---- The loop ---- */

/* The earliest instant at which something is to be done. */
static int64_t next_instant(const struct machine *machine)
{
    int64_t until = nodes_instant(machine);
    until = machine->pausing && machine->pause_until < until ? machine->pause_until : until;
    for (size_t i = 0; i < machine->active_count; i++) {
        const struct work *work = &machine->works[machine->active[i]];
        until = work->wakes && work->wake < until ? work->wake : until;
        until = work->retries && work->retry < until ? work->retry : until;
    }
    return until;
}

static void wake_all(struct machine *machine)
{
    int64_t now = machine->ends->now(machine->ends->context);
    nodes_wake(machine, now);
    size_t count = machine->active_count;
    memcpy(machine->scratch, machine->active, count * sizeof *machine->scratch);
    for (size_t i = 0; i < count && !machine->quit; i++) {
        struct work *work = &machine->works[machine->scratch[i]];
        bool due = (work->wakes && work->wake <= now) || (work->retries && work->retry <= now);
        if (work->phase != PHASE_OVER && due) {
            object_wake(machine, work);
        }
    }
}

static void ask_to_end(struct machine *machine)
{
    if (machine->asked_to_end) {
        err_set(&machine->lost, ERR_TEMPFAIL, "asked twice to end; what is begun is in the ledger");
        machine->quit = true;
    }
    machine->asked_to_end = true;
    machine->stopping = true;
}

static void dispatch(struct machine *machine, struct machine_event *event)
{
    if (event->kind == EVENT_END) {
        ask_to_end(machine);
    } else if (event->kind == EVENT_TIME || nodes_event(machine, event)) {
        return;
    } else if (tag_is_watch(event->tag)) {
        watch_event(machine, event);
    } else if (event->kind == EVENT_ANSWER && tag_index(event->tag) < machine->count) {
        struct work *work = &machine->works[tag_index(event->tag)];
        if (work->sequence != 0 && tag_number(event->tag) == (work->sequence & TAG_NUMBER_MAX)) {
            object_answer(machine, work, event);
        }
    }
}

static void run(struct machine *machine)
{
    while (!machine->quit) {
        struct machine_event event = {.kind = EVENT_TIME};
        schedule_fill(machine);
        if (machine->quit || (machine->active_count == 0 && !machine->pausing)) {
            break;
        }
        if (machine->ends->next(machine->ends->context, next_instant(machine), &event, &machine->lost)) {
            break;
        }
        dispatch(machine, &event);
        json_decref(event.body);
        if (!machine->quit) {
            wake_all(machine);
        }
    }
}

/* ---- How it ended ---- */

static bool is_written(const struct machine_object *object)
{
    return object->change != 0 && object->state != LEDGER_CHANGE_PLANNED && object->state != LEDGER_CHANGE_ROLLED_BACK;
}

/* Objects that nobody came to. Whether any is left, or is not finished. */
static bool leave_rest(struct machine *machine)
{
    bool any = false;
    for (size_t i = 0; i < machine->count; i++) {
        struct machine_object *object = machine->works[i].object;
        if (machine->works[i].phase != PHASE_OVER) {
            object->fate = work_has_row(&machine->works[i]) ? MACHINE_PENDING : MACHINE_LEFT;
            object->why = machine->lost.class != ERR_NONE ? machine->lost : machine->cause;
            if (object->why.class == ERR_NONE) {
                err_set(&object->why, ERR_TEMPFAIL, "asked to end before %s", object->name);
            }
        }
        any = any || object->fate == MACHINE_LEFT || (object->fate == MACHINE_PENDING && (!machine->undo || object->wanted));
    }
    return any;
}

static int finish(struct machine *machine, struct machine_result *out, struct err *err)
{
    bool rest = leave_rest(machine);
    *out = (struct machine_result){.end = MACHINE_ALL, .touched = machine->touched};
    for (size_t i = 0; i < machine->count; i++) {
        out->left = out->left || is_written(machine->works[i].object);
    }
    out->cause = machine->undo_failed ? machine->broken : machine->cause;
    if (machine->undo_failed) {
        out->end = MACHINE_UNDO_FAILED;
    } else if (machine->failure || machine->undo_all) {
        out->end = MACHINE_FAILED;
    } else if (machine->cause.class != ERR_NONE) {
        out->end = MACHINE_STOPPED;
    }
    if (machine->lost.class != ERR_NONE) {
        *err = machine->lost;
        return -1;
    }
    if (rest && machine->asked_to_end && out->end == MACHINE_ALL) {
        return err_set(err, ERR_TEMPFAIL, "asked to end before everything was %s; what is done is in the ledger",
                       machine->undo ? "put back" : "applied");
    }
    return 0;
}

static int go(const struct machine_ends *ends, const struct machine_policy *policy, struct machine_object *objects, size_t count,
              bool undo, struct machine_result *out, struct err *err)
{
    struct machine machine;
    machine_init(&machine, ends, policy, objects, count, undo);
    run(&machine);
    int failed = finish(&machine, out, err);
    machine_release(&machine);
    return failed;
}

int machine_apply(const struct machine_ends *ends, const struct machine_policy *policy, struct machine_object *objects, size_t count,
                  struct machine_result *out, struct err *err)
{
    return go(ends, policy, objects, count, false, out, err);
}

int machine_undo(const struct machine_ends *ends, const struct machine_policy *policy, struct machine_object *objects, size_t count,
                 struct machine_result *out, struct err *err)
{
    return go(ends, policy, objects, count, true, out, err);
}
