#include "stages/rollback/objects.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/io/url.h"
#include "stages/common/ends/ends.h"
#include "stages/common/ends/row.h"
#include "stages/common/machine/detail.h"
#include "stages/common/machine/image.h"
#include "stages/common/permit/permit.h"

enum { PATH_TEXT = 2048 };

/* The wanted rows as objects of the machine. */
struct undoing {
    const struct objects_order *order;
    struct cluster *cluster;
    struct machine_policy policy;
    struct machine_object *objects;
    const struct ledger_change **rows; /* of each object */
    size_t count;
    json_t *kept;
    struct arena arena;
};

static bool is_forced(const struct stage *stage, const char *name)
{
    for (size_t i = 0; i < options_list_count(stage->options, OPT_FORCE); i++) {
        if (str_equal(options_list_item(stage->options, OPT_FORCE, i), name)) {
            return true;
        }
    }
    return false;
}

int objects_check(const struct objects_order *order, struct err *err)
{
    const struct options *options = order->stage->options;
    for (size_t i = 0; i < options_list_count(options, OPT_FORCE); i++) {
        const char *name = options_list_item(options, OPT_FORCE, i);
        bool known = false;
        for (size_t k = 0; !known && k < order->changes->count; k++) {
            known = str_equal(order->changes->items[k].object, name) && choice_wants(order->choice, &order->changes->items[k]);
        }
        if (!known) {
            err_set(err, ERR_USAGE, "--force %s: run %" PRId64 " did not change it, or --workload leaves it out", name, order->run->id);
            return err_hint(err, "tare status %" PRId64 " names its objects", order->run->id);
        }
    }
    return 0;
}

/* ---- Rows to objects ---- */

static int take_object(struct undoing *undoing, const struct ledger_change *row, struct err *err)
{
    struct machine_object *object = &undoing->objects[undoing->count];
    const json_t *workload = NULL;
    *object = (struct machine_object){.wanted = true, .force = is_forced(undoing->order->stage, row->object)};
    undoing->rows[undoing->count++] = row;
    if (row_take(undoing->order->stage->ledger, row, &undoing->arena, undoing->kept, object, err) ||
        detail_read(object->detail, row->object, object, err)) {
        return -1;
    }
    json_t *list = json_loads(row->workloads, 0, NULL);
    json_array_append_new(undoing->kept, list == NULL ? json_array() : list);
    workload = json_array_get(json_array_get(undoing->kept, json_array_size(undoing->kept) - 1), 0);
    object->workload = (struct ledger_workload){json_string_or_null(workload, "namespace"), json_string_or_null(workload, "kind"),
                                                json_string_or_null(workload, "name")};
    const char *id = json_string_or_null(object->detail, "cluster_id");
    if (cluster_is(undoing->cluster, id, "the run changed", err)) {
        return err_prefix(err, "%s is not put back", row->object);
    }
    return 0;
}

static bool of_interest(const struct ledger_change *row, bool redo)
{
    return redo ? row->state != LEDGER_CHANGE_PLANNED
                : row->state != LEDGER_CHANGE_PLANNED && row->state != LEDGER_CHANGE_ROLLED_BACK;
}

static int undoing_open(struct undoing *undoing, const struct objects_order *order, bool redo, struct err *err)
{
    *undoing = (struct undoing){.order = order, .kept = json_array()};
    arena_init(&undoing->arena);
    undoing->objects = xcalloc_array(order->changes->count + 1, sizeof *undoing->objects);
    undoing->rows = xcalloc_array(order->changes->count + 1, sizeof *undoing->rows);
    if (row_policy(order->stage, &undoing->policy, err)) {
        return -1;
    }
    undoing->policy.redo = redo;
    undoing->policy.rehearse = false;
    for (size_t i = 0; i < order->changes->count; i++) {
        const struct ledger_change *row = &order->changes->items[i];
        if (!choice_wants(order->choice, row)) {
            continue;
        }
        if (!of_interest(row, redo)) {
            bool back = row->state == LEDGER_CHANGE_ROLLED_BACK;
            order->told(order->context, row, back ? "rolled-back" : "skipped",
                        back ? "it was rolled back before" : "it was never written");
            continue;
        }
        if ((undoing->cluster == NULL && cluster_open(order->stage, &undoing->cluster, err)) || take_object(undoing, row, err)) {
            return -1;
        }
    }
    return 0;
}

static void undoing_close(struct undoing *undoing)
{
    free(undoing->objects);
    free(undoing->rows);
    json_decref(undoing->kept);
    arena_release(&undoing->arena);
    cluster_free(undoing->cluster);
}

/* ---- What became of them ---- */

static const char *outcome_of(enum machine_fate fate)
{
    switch (fate) {
    case MACHINE_DONE:
        return "done";
    case MACHINE_PUT_BACK:
        return "rolled-back";
    case MACHINE_NOT_PUT_BACK:
        return "rollback-failed";
    case MACHINE_CONFLICT:
    case MACHINE_REFUSED:
        return "refused";
    case MACHINE_PENDING:
    case MACHINE_LEFT:
        return "planned";
    }
    return "planned";
}

static void tell(const struct undoing *undoing, size_t index, struct objects_report *out)
{
    const struct machine_object *object = &undoing->objects[index];
    bool well = object->fate == MACHINE_DONE || (object->fate == MACHINE_PUT_BACK && !undoing->policy.redo);
    bool made = object->action == MACHINE_CREATE;
    bool stands = undoing->rows[index]->state == LEDGER_CHANGE_DONE;
    char detail[ERR_MESSAGE_MAX];
    row_words(object,
              object->fate == MACHINE_DONE       ? (stands ? "it was not put back, and stands" : made ? "made again" : "written again")
              : object->fate == MACHINE_PUT_BACK ? (made ? "removed again" : "it asks for what it asked for before")
                                                 : "it was not come to",
              detail);
    undoing->order->told(undoing->order->context, undoing->rows[index], outcome_of(object->fate), detail);
    if (!well && out->failed++ == 0) {
        out->why = object->why;
        if (object->why.class == ERR_NONE) {
            err_set(&out->why, ERR_ROLLBACK_FAILED, "%s: %s", object->name, detail);
        }
        if (object->fate == MACHINE_CONFLICT && !undoing->policy.redo) {
            err_hint(&out->why, "tare rollback %" PRId64 " --workload %s/%s/%s --force %s puts it back nevertheless",
                     undoing->order->run->id, object->workload.namespace, object->workload.kind, object->workload.name, object->name);
        }
    }
    out->left += well ? 0 : 1;
}

/* Rows that nobody wanted and that are still written (or, of a redo, still put back). */
static size_t unwanted(const struct objects_order *order, bool redo)
{
    size_t count = 0;
    for (size_t i = 0; i < order->changes->count; i++) {
        const struct ledger_change *row = &order->changes->items[i];
        bool open = redo ? row->state != LEDGER_CHANGE_DONE : of_interest(row, false);
        count += open && !choice_wants(order->choice, row) ? 1 : 0;
    }
    return count;
}

/* What was written again may fail as the first time: put back by itself, or not. */
static void blame(const struct undoing *undoing, const struct machine_result *result, struct objects_report *out)
{
    int64_t run = undoing->order->run->id;
    bool kept = result->end == MACHINE_FAILED && (!result->touched || undoing->policy.on_failure == MACHINE_STOP);
    if (kept || (result->end != MACHINE_FAILED && result->end != MACHINE_UNDO_FAILED)) {
        return;
    }
    out->why = result->cause;
    out->why.class = result->end == MACHINE_FAILED ? ERR_ROLLED_BACK : ERR_ROLLBACK_FAILED;
    err_hint(&out->why, "%stare %s %" PRId64, result->end == MACHINE_FAILED ? "" : "mend what stands against it, then: ",
             result->end == MACHINE_FAILED ? "status" : "rollback", run);
}

typedef int machine_verb(const struct machine_ends *ends, const struct machine_policy *policy, struct machine_object *objects,
                         size_t count, struct machine_result *out, struct err *err);

static int work(struct undoing *undoing, struct permit *permit, machine_verb *verb, struct objects_report *out, struct err *err)
{
    struct stage *stage = undoing->order->stage;
    struct machine_result result = {.end = MACHINE_ALL};
    struct ends *ends = NULL;
    struct ends_ledger ledger = {
        .ledger = stage->ledger,
        .run = undoing->order->run->id,
        .permit = permit,
        .command = "rollback",
        .backoff =
            {
                .seconds = config_integer(stage->config, "apply.backoff", 0),
                .most = config_integer(stage->config, "apply.backoff_max", 0),
                .failed_only = permit != NULL,
            },
    };
    if (undoing->count == 0) {
        return 0;
    }
    if (ends_new(stage, undoing->cluster, &ledger, &ends, err)) {
        return -1;
    }
    if (permit != NULL) {
        ends_verify(ends, &undoing->policy);
    }
    int failed = verb(ends_table(ends), &undoing->policy, undoing->objects, undoing->count, &result, err);
    ends_free(ends);
    if (!failed && result.end == MACHINE_STOPPED && result.cause.class == ERR_TEMPFAIL) { /* asked to end: --resume goes on */
        *err = result.cause;
        failed = -1;
    }
    for (size_t i = 0; !failed && i < undoing->count; i++) {
        tell(undoing, i, out);
    }
    if (!failed && permit != NULL) {
        blame(undoing, &result, out);
    }
    return failed;
}

int objects_put_back(const struct objects_order *order, struct objects_report *out, struct err *err)
{
    struct undoing undoing;
    *out = (struct objects_report){.left = unwanted(order, false)};
    int failed = undoing_open(&undoing, order, false, err) || work(&undoing, NULL, machine_undo, out, err);
    undoing_close(&undoing);
    return failed ? -1 : 0;
}

/* ---- Taking a rollback back ---- */

/* New copy of what the machine and the windows read of a record. */
static json_t *lean_record(const json_t *record)
{
    json_t *change = json_copy(json_object_get(record, "change"));
    json_object_del(change, "patch");
    json_object_del(change, "objects_patch");
    return json_pack("{s:O, s:o}", "workload", record_workload(record), "change", change == NULL ? json_object() : change);
}

/* Gives an object its workload's record; not where the plan does not have what the row says was written. */
static void give_record(struct machine_object *object, const json_t *lean)
{
    size_t index = 0;
    const json_t *made = NULL;
    json_array_foreach(json_at(lean, "change.objects"), index, made)
    {
        if (object->action == MACHINE_CREATE && str_equal(json_string_or_null(made, "kind"), object->kind) &&
            str_equal(json_string_or_null(made, "name"), object->object_name)) {
            object->manifest = json_object_get(made, "manifest");
        }
    }
    object->record = lean;
    object->record = detail_planned(object) == NULL ? NULL : lean;
}

/* The record of each object's workload, for windows and approvals. */
static int find_records(struct undoing *undoing, struct err *err)
{
    for (;;) {
        json_t *record = NULL;
        struct identity identity;
        int got = spool_next(undoing->order->records, &record, err);
        if (got <= 0) {
            return got;
        }
        bool workload = record_workload(record) != NULL && record_identity(record, &identity, NULL) == 0;
        json_t *lean = workload ? lean_record(record) : NULL;
        bool used = false;
        for (size_t i = 0; workload && i < undoing->count; i++) {
            const struct ledger_workload *of = &undoing->objects[i].workload;
            if (str_equal(of->kind, identity.kind) && str_equal(of->name, identity.name) &&
                str_equal(of->namespace, identity.namespace == NULL ? undoing->order->default_namespace : identity.namespace)) {
                give_record(&undoing->objects[i], lean);
                used = true;
            }
        }
        if (used) {
            json_array_append(undoing->kept, lean);
        }
        json_decref(lean);
        json_decref(record);
    }
}

int objects_redo(const struct objects_order *order, struct objects_report *out, struct err *err)
{
    struct undoing undoing;
    struct inforce inforce = {0};
    struct permit permit = {
        .stage = order->stage,
        .run = order->run,
        .inforce = &inforce,
        .default_namespace = order->default_namespace,
        .begun = true,
    };
    *out = (struct objects_report){.left = unwanted(order, true)};
    int failed = undoing_open(&undoing, order, true, err) || inforce_load(order->stage->ledger, order->stage->config, &inforce, err) ||
                 permit_init(&permit, err);
    json_array_clear(permit.overrides); /* a window was overridden for the apply then, not for one of today */
    failed = failed || find_records(&undoing, err) || work(&undoing, &permit, machine_apply, out, err);
    undoing_close(&undoing);
    permit_release(&permit);
    inforce_release(&inforce);
    return failed ? -1 : 0;
}

/* ---- A dry run ---- */

static int get_object(const struct undoing *undoing, const struct machine_object *object, json_t **live, struct err *err)
{
    struct buf path;
    long status = 0;
    struct err why = {0};
    buf_init(&path, PATH_TEXT);
    buf_printf(&path, "%s%s%s%s/namespaces/", *object->group == '\0' ? "/api/" : "/apis/", object->group,
               *object->group == '\0' ? "" : "/", object->version);
    url_escape(&path, object->namespace);
    buf_printf(&path, "/%s/", object->resource);
    url_escape(&path, object->object_name);
    int failed = kube_get(undoing->cluster->api, buf_str(&path), live, &status, &why);
    buf_release(&path);
    if (failed && status != 404) {
        *err = why;
        return -1;
    }
    return 0;
}

/* What would become of an object that is there: its outcome, and `detail` in words. */
static const char *foresee_change(const struct machine_object *object, const json_t *live, bool redo, char detail[ERR_MESSAGE_MAX])
{
    char what[ERR_MESSAGE_MAX];
    char by[IMAGE_EDITOR_MAX];
    json_t *now = image_resources(object->kind, live);
    json_t *before = json_loadb(object->before, object->before_size, 0, NULL);
    json_t *was = image_resources(object->kind, before);
    const json_t *after = json_object_get(object->detail, "after");
    bool back = image_same(now, was);
    bool ours = image_same(now, after);
    const char *outcome = "planned";
    if (back || ours) {
        snprintf(detail, ERR_MESSAGE_MAX, "dry run: %s",
                 redo ? (back ? "it would be written again" : "it stands as it was written")
                      : (back ? "it asks for what it asked for before already" : "it would be put back"));
    } else if (redo || !object->force) {
        image_difference(now, redo ? was : after, what);
        image_editor(live, by);
        outcome = "refused";
        snprintf(detail, ERR_MESSAGE_MAX, "somebody changed it since: %.700s%s", what, by);
    }
    json_decref(now);
    json_decref(before);
    json_decref(was);
    return outcome;
}

/* What a rollback, or taking one back, would do to one object now, in words. */
static void foresee(const struct undoing *undoing, size_t index, const json_t *live)
{
    const struct objects_order *order = undoing->order;
    const struct machine_object *object = &undoing->objects[index];
    bool redo = undoing->policy.redo;
    const char *uid = json_string_or_null(json_object_get(live, "metadata"), "uid");
    const char *outcome = "planned";
    char detail[ERR_MESSAGE_MAX] = "dry run: it would be put back";
    if (object->action == MACHINE_CREATE) {
        snprintf(detail, sizeof detail, "dry run: %s",
                 live == NULL ? (redo ? "it would be made again" : "it is gone already") : (redo ? "it is there" : "it would be removed"));
    } else if (live == NULL || !str_equal(uid, object->uid)) {
        outcome = "refused";
        snprintf(detail, sizeof detail, "it is not the object that was changed any more");
    } else {
        outcome = foresee_change(object, live, redo, detail);
    }
    order->told(order->context, undoing->rows[index], outcome, detail);
}

int objects_rehearse(const struct objects_order *order, struct err *err)
{
    struct undoing undoing;
    int failed = undoing_open(&undoing, order, options_flag(order->stage->options, OPT_REDO), err);
    for (size_t i = 0; !failed && i < undoing.count; i++) {
        json_t *live = NULL;
        failed = get_object(&undoing, &undoing.objects[i], &live, err);
        if (!failed) {
            foresee(&undoing, i, live);
        }
        json_decref(live);
    }
    undoing_close(&undoing);
    return failed ? -1 : 0;
}
