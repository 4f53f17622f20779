#include "stages/apply/cluster_write.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/apply/created.h"
#include "stages/common/cluster_kind.h"
#include "stages/common/ends/ends.h"
#include "stages/common/ends/row.h"

/* ---- Rows ---- */

int cluster_writer_init(struct cluster_writer *writer, struct permit *permit, struct apply_plan *plan, struct err *err)
{
    struct stage *stage = permit->stage;
    *writer = (struct cluster_writer){.permit = permit, .plan = plan, .begun = json_object(), .kept = json_array()};
    arena_init(&writer->arena);
    if (row_policy(stage, &writer->policy, err) ||
        ledger_changes(stage->ledger, permit->run->id, &stage->arena, &writer->changes, err)) {
        return -1;
    }
    for (size_t i = 0; i < writer->changes.count; i++) {
        json_object_set_new(writer->begun, writer->changes.items[i].object, json_integer((json_int_t)i));
    }
    return 0;
}

void cluster_writer_release(struct cluster_writer *writer)
{
    if (writer->begun == NULL) {
        return;
    }
    free(writer->objects);
    free(writer->items);
    json_decref(writer->begun);
    json_decref(writer->kept);
    arena_release(&writer->arena);
    *writer = (struct cluster_writer){0};
}

static const struct ledger_change *row_named(const struct cluster_writer *writer, const char *name)
{
    int64_t index = json_int_or(writer->begun, name, -1);
    return index < 0 ? NULL : &writer->changes.items[index];
}

const struct ledger_change *cluster_row(const struct cluster_writer *writer, const json_t *record)
{
    struct identity identity;
    if (record_identity(record, &identity, NULL)) {
        return NULL;
    }
    char *name = identity_text(&identity, writer->permit->default_namespace);
    const struct ledger_change *row = row_named(writer, name);
    free(name);
    return row;
}

int cluster_half_done(const struct cluster_writer *writer, struct err *err)
{
    for (size_t i = 0; writer->changes.count > 0 && i < writer->plan->item_count; i++) {
        const struct apply_item *item = &writer->plan->items[i];
        json_t *record = NULL;
        if (item->fate != FATE_REFUSED) {
            continue;
        }
        if (spool_at(writer->plan->spool, item->offset, &record, err)) {
            return -1;
        }
        const struct ledger_change *row = cluster_row(writer, record);
        json_decref(record);
        if (row != NULL && row->state != LEDGER_CHANGE_PLANNED && row->state < LEDGER_CHANGE_DONE) {
            err_set(err, ERR_REFUSED, "%s is half written and may not be finished: %s", row->object, item->detail);
            return err_hint(err, "tare rollback %" PRId64 " --resume puts back what stood there", writer->permit->run->id);
        }
    }
    return 0;
}

/* What an interrupted apply left of an object. */
static int take_row(struct cluster_writer *writer, struct machine_object *object, struct err *err)
{
    const struct ledger_change *row = row_named(writer, object->name);
    struct ledger *ledger = writer->permit->stage->ledger;
    return row == NULL ? 0 : row_take(ledger, row, &writer->arena, writer->kept, object, err);
}

/* ---- Objects ---- */

/* What the machine and the windows read of a record: the rest would only take room. New. */
static json_t *slim(const json_t *record)
{
    static const char *const kept[] = {"cluster", "namespace", "kind", "name", "labels", "live", "replicas"};
    json_t *workload = json_object();
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        json_t *value = json_object_get(record_workload(record), kept[i]);
        if (value != NULL) {
            json_object_set(workload, kept[i], value);
        }
    }
    json_t *change = json_copy(json_object_get(record, "change"));
    json_object_del(change, "patch");
    json_object_del(change, "objects_patch");
    json_object_set_new(out, "workload", workload);
    json_object_set_new(out, "change", change);
    return out;
}

static struct machine_object *add_object(struct cluster_writer *writer, size_t item)
{
    size_t capacity = writer->capacity;
    GROW(writer->objects, capacity, writer->count + 1);
    GROW(writer->items, writer->capacity, writer->count + 1);
    writer->items[writer->count] = item;
    writer->objects[writer->count] = (struct machine_object){.risk = RISK_LOW};
    return &writer->objects[writer->count++];
}

static int unknown_kind(const char *name, const char *kind, struct err *err)
{
    return err_set(err, ERR_STALE, "the plan is stale: the cluster does not know the kind %s of %s any more", kind, name);
}

/* The workload's own object: also where only new ones stand beside it, since its approval covers them. */
static int take_workload(struct cluster_writer *writer, json_t *record, struct machine_object *object, struct err *err)
{
    struct identity identity;
    const struct cluster_kind *kind = NULL;
    struct arena *arena = &writer->arena;
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    char *name = identity_text(&identity, writer->permit->default_namespace);
    object->name = arena_strdup(arena, name);
    free(name);
    object->version = cluster_version(writer->cluster, identity.kind, &kind);
    if (object->version == NULL) {
        return unknown_kind(object->name, identity.kind, err);
    }
    object->kind = kind->kind;
    object->group = kind->group;
    object->resource = kind->resource;
    object->namespace = arena_strdup(arena, identity.namespace == NULL ? writer->permit->default_namespace : identity.namespace);
    object->object_name = arena_strdup(arena, identity.name);
    object->workload = (struct ledger_workload){object->namespace, object->kind, object->object_name};
    object->uid = arena_strdup(arena, json_string_or_null(json_at(record, "workload.live"), "uid"));
    object->action = MACHINE_CHANGE;
    object->record = record;
    return 0;
}

/* The objects of one item: the workload's own, where it has edits, and the new ones after it. */
static int add_item(struct cluster_writer *writer, size_t item, json_t *record, struct err *err)
{
    struct machine_object own = {.risk = writer->plan->items[item].risk};
    size_t made = json_array_size(json_at(record, "change.objects"));
    if (take_workload(writer, record, &own, err)) {
        return -1;
    }
    if (json_array_size(json_at(record, "change.edits")) > 0) {
        struct machine_object *object = add_object(writer, item);
        *object = own;
        if (take_row(writer, object, err)) {
            return -1;
        }
    }
    for (size_t i = 0; i < made; i++) {
        struct machine_object *object = add_object(writer, item);
        if (created_object(record, i, own.namespace, &own.workload, &writer->arena, object, err)) {
            return -1;
        }
        object->risk = own.risk;
        object->record = record;
        if (take_row(writer, object, err)) {
            return -1;
        }
    }
    return 0;
}

/* Whether the cluster would have the new objects of an item. */
static int check_created(struct cluster_writer *writer, struct created_check *check, const json_t *record, struct err *err)
{
    struct ledger_workload workload;
    return json_array_size(json_at(record, "change.objects")) == 0 ||
                   (permit_workload(writer->permit, record, &workload, err) == 0 &&
                    created_check_record(check, record, &workload, writer->begun, err) == 0)
               ? 0
               : -1;
}

static int load_item(struct cluster_writer *writer, struct created_check *check, size_t item, struct err *err)
{
    json_t *record = NULL;
    if (spool_at(writer->plan->spool, writer->plan->items[item].offset, &record, err)) {
        return -1;
    }
    json_t *lean = slim(record);
    json_array_append_new(writer->kept, lean);
    int failed = check_created(writer, check, record, err) || add_item(writer, item, lean, err);
    json_decref(record);
    return failed ? -1 : 0;
}

int cluster_writer_load(struct cluster_writer *writer, const struct cluster *cluster, struct err *err)
{
    struct created_check *check = created_check_new(cluster);
    int failed = 0;
    writer->cluster = cluster;
    for (size_t i = 0; !failed && i < writer->plan->item_count; i++) {
        failed = writer->plan->items[i].fate == FATE_PENDING && load_item(writer, check, i, err);
    }
    created_check_free(check);
    return failed ? -1 : 0;
}

/* ---- What became of them ---- */

static enum fate fate_of(enum machine_fate fate, bool rehearsed)
{
    switch (fate) {
    case MACHINE_DONE:
        return rehearsed ? FATE_UNTOUCHED : FATE_DONE;
    case MACHINE_REFUSED:
        return FATE_REFUSED;
    case MACHINE_PUT_BACK:
        return FATE_ROLLED_BACK;
    case MACHINE_CONFLICT:
    case MACHINE_NOT_PUT_BACK:
        return FATE_ROLLBACK_FAILED;
    case MACHINE_PENDING:
    case MACHINE_LEFT:
        return FATE_UNTOUCHED;
    }
    return FATE_UNTOUCHED;
}

/* An item is what the worst of its objects came to. */
static int gravity(enum fate fate)
{
    return fate == FATE_ROLLBACK_FAILED ? 4 : fate == FATE_ROLLED_BACK ? 3 : fate == FATE_REFUSED ? 2 : fate == FATE_UNTOUCHED ? 1 : 0;
}

static const char *words_for(const struct machine_object *object, const struct machine_policy *policy)
{
    bool made = object->action == MACHINE_CREATE;
    switch (object->fate) {
    case MACHINE_DONE:
        return policy->rehearse ? (made ? "dry run: the server would make it" : "dry run: the server would take it")
               : made           ? "made"
               : policy->wait   ? "written and verified"
                                : "written; its rollout was not waited for";
    case MACHINE_PUT_BACK:
        return made ? "removed again" : "it asks for what it asked for before";
    default:
        return "apply did not come to it";
    }
}

static void tell_item(struct cluster_writer *writer, size_t index)
{
    const struct machine_object *object = &writer->objects[index];
    struct apply_item *item = &writer->plan->items[writer->items[index]];
    enum fate fate = fate_of(object->fate, writer->policy.rehearse);
    char detail[ERR_MESSAGE_MAX];
    row_words(object, words_for(object, &writer->policy), detail);
    bool first = index == 0 || writer->items[index - 1] != writer->items[index];
    if (first || gravity(fate) > gravity((enum fate)item->fate)) {
        apply_item_set(item, fate, detail);
    }
    if (object->fate == MACHINE_CONFLICT || object->fate == MACHINE_NOT_PUT_BACK || object->fate == MACHINE_PUT_BACK) {
        log_warn("%s: %s", object->name, detail);
    } else {
        log_info("%s: %s", object->name, detail);
    }
}

static int run_machine(struct cluster_writer *writer, struct machine_result *out, struct err *err)
{
    struct stage *stage = writer->permit->stage;
    struct ends *ends = NULL;
    struct ends_ledger ledger = {
        .ledger = stage->ledger,
        .run = writer->permit->run->id,
        .permit = writer->permit,
        .command = "apply",
        .backoff =
            {
                .seconds = config_integer(stage->config, "apply.backoff", 0),
                .most = config_integer(stage->config, "apply.backoff_max", 0),
                .failed_only = true,
            },
    };
    *out = (struct machine_result){0};
    if (ends_new(stage, writer->cluster, &ledger, &ends, err)) {
        return -1;
    }
    ends_verify(ends, &writer->policy);
    int failed = machine_apply(ends_table(ends), &writer->policy, writer->objects, writer->count, out, err);
    ends_free(ends);
    return failed;
}

int cluster_write(struct cluster_writer *writer, struct machine_result *out, struct err *err)
{
    const struct permit *permit = writer->permit;
    if (row_unmoved(permit->stage->ledger, permit->run->id, &writer->changes, err) || run_machine(writer, out, err)) {
        return -1;
    }
    if (out->end == MACHINE_STOPPED && out->cause.class == ERR_TEMPFAIL) { /* asked to end: --resume goes on */
        *err = out->cause;
        return -1;
    }
    for (size_t i = 0; i < writer->count; i++) {
        tell_item(writer, i);
    }
    return 0;
}

void cluster_hint(const struct cluster_writer *writer, struct err *err)
{
    for (size_t i = 0; i < writer->count; i++) {
        const struct machine_object *object = &writer->objects[i];
        bool conflict = object->fate == MACHINE_CONFLICT;
        if (conflict || object->fate == MACHINE_NOT_PUT_BACK) {
            const struct ledger_workload *of = &object->workload;
            err_hint(err, "%stare rollback %" PRId64 " --workload %s/%s/%s%s%s", conflict ? "" : "mend what stands against it, then: ",
                     writer->permit->run->id, of->namespace, of->kind, of->name, conflict ? " --force " : "",
                     conflict ? object->name : "");
            return;
        }
    }
}

int cluster_rehearse(struct cluster_writer *writer, size_t *refused, struct err *why, struct err *err)
{
    struct machine_result result;
    *refused = 0;
    if (run_machine(writer, &result, err)) {
        return -1;
    }
    for (size_t i = 0; i < writer->count; i++) {
        const struct machine_object *object = &writer->objects[i];
        if (object->fate != MACHINE_DONE && (*refused)++ == 0) {
            *why = object->why;
        }
        tell_item(writer, i);
    }
    return 0;
}
