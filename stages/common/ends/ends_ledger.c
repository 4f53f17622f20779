#include "stages/common/ends/ends_ledger.h"

#include <inttypes.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "stages/common/target_undo.h"

/* What a failed statement means: a refusal, or that the ledger (or its clock) cannot be relied on any more. */
static enum said what_it_means(struct ends_ledger *ends, struct err *err)
{
    int64_t now = 0;
    struct err clock = {0};
    bool stepped = ends->permit != NULL && err->class == ERR_TEMPFAIL && permit_clock(ends->permit, &now, &clock) &&
                   ends->permit->stepped;
    if (!stepped && !undo_ledger_lost(ends->ledger, err)) {
        return SAID_NO;
    }
    if (stepped) {
        *err = clock;
    } else if (err->hint[0] == '\0') {
        err_hint(err, "tare %s %" PRId64 " --resume goes on once the ledger answers", ends->command, ends->run);
    }
    return SAID_LOST;
}

static void tell_objection(const struct objection *from, struct machine_objection *to)
{
    char opens[RFC3339_MAX];
    *to = (struct machine_objection){
        .window = from->window,
        .undo = from->window && from->overrun == OVERRUN_ROLLBACK,
        .finish = from->window && from->overrun == OVERRUN_FINISH,
    };
    snprintf(to->why, sizeof to->why, "%.900s%s%s", from->why, from->has_next ? "; it opens again at " : "",
             from->has_next ? time_format(from->next_opening, opens) : "");
}

/* Windows are asked about a workload's labels: without its record nobody can tell. */
static enum said unknown(const struct machine_object *object, struct machine_objection *objection, struct err *err)
{
    *objection = (struct machine_objection){.window = false};
    snprintf(objection->why, sizeof objection->why, "the plan that was handed over does not have %.200s/%.200s/%.200s",
             object->workload.namespace, object->workload.kind, object->workload.name);
    err_set(err, ERR_REFUSED, "%s", objection->why);
    return SAID_NO;
}

enum said ends_ledger_permit(struct ends_ledger *ends, const struct machine_object *object, struct machine_objection *objection,
                             struct err *err)
{
    struct objection found;
    if (ends->permit == NULL) {
        return SAID_YES;
    }
    if (object->record == NULL) {
        return unknown(object, objection, err);
    }
    if (permit_record(ends->permit, object->record, &found, err)) {
        err_hint(err, "tare %s %" PRId64 " --resume goes on once the ledger answers", ends->command, ends->run);
        return SAID_LOST;
    }
    if (!found.stands) {
        return SAID_YES;
    }
    tell_objection(&found, objection);
    err_set(err, ERR_REFUSED, "%s", objection->why);
    return SAID_NO;
}

/* A window that closed since the object was permitted: between the two the server was asked, which may take its time. */
static enum said still_open(const struct ends_ledger *ends, const struct machine_object *object, struct err *err)
{
    struct objection found;
    if (ends->permit == NULL) {
        return SAID_YES;
    }
    permit_again(ends->permit, object->record, &found);
    if (!found.stands || found.overrun == OVERRUN_FINISH) {
        return SAID_YES;
    }
    err_set(err, ERR_REFUSED, "%s: %s", object->name, found.why);
    return SAID_NO;
}

enum said ends_ledger_begin(struct ends_ledger *ends, const struct machine_object *object, const char *before, size_t size,
                            const json_t *detail, int64_t *change, struct err *err)
{
    char floor[RFC3339_MAX];
    enum ledger_change_state state = LEDGER_CHANGE_WRITING;
    json_t *all = json_copy((json_t *)(uintptr_t)detail);
    if (still_open(ends, object, err) == SAID_NO) {
        json_decref(all);
        return SAID_NO;
    }
    json_object_set_new(all, "cluster_id", ends->cluster_id == NULL ? json_null() : json_string_safe(ends->cluster_id));
    struct ledger_object_new row = {
        .object = object->name,
        .workload = object->workload,
        .before = before,
        .before_size = size,
        .detail = all,
        .floor = ends->permit != NULL && permit_floor(ends->permit, floor) ? floor : NULL,
    };
    int failed = ledger_object_begin(ends->ledger, ends->run, &row, change, &state, err);
    json_decref(all);
    return failed ? what_it_means(ends, err) : SAID_YES;
}

enum said ends_ledger_move(struct ends_ledger *ends, const struct machine_object *object, enum ledger_change_state to,
                           const json_t *detail, struct err *err)
{
    return ledger_object_move(ends->ledger, object->change, to, detail, &ends->backoff, err) ? what_it_means(ends, err) : SAID_YES;
}

enum said ends_ledger_lock(struct ends_ledger *ends, const struct machine_object *object, struct err *err)
{
    return ledger_object_lock(ends->ledger, object->change, err) ? what_it_means(ends, err) : SAID_YES;
}
