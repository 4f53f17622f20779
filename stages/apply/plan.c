#include "stages/apply/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/ledger_evidence.h"
#include "stages/apply/chain.h"
#include "stages/apply/rows.h"

void apply_item_set(struct apply_item *item, enum fate fate, const char *detail)
{
    free(item->detail);
    item->fate = (unsigned char)fate;
    item->detail = xstrdup_null(detail);
}

void apply_file_set(struct apply_file *file, enum fate fate, const char *detail)
{
    char *copy = xstrdup_null(detail); /* it may be the file's own */
    free(file->detail);
    file->fate = fate;
    file->detail = copy;
}

bool apply_plan_pending(const struct apply_plan *plan, const struct apply_file *file, size_t item)
{
    const struct apply_item *it = &plan->items[item];
    for (unsigned i = 0; it->fate == FATE_PENDING && i < it->file_count; i++) {
        if (it->files[i] == (int)(file - plan->files)) {
            return true;
        }
    }
    return false;
}

const struct apply_file *apply_plan_file(const struct apply_plan *plan, const struct apply_item *item)
{
    const struct apply_file *worst = NULL;
    for (unsigned i = 0; i < item->file_count; i++) {
        const struct apply_file *file = &plan->files[item->files[i]];
        worst = worst == NULL || file->fate > worst->fate ? file : worst;
    }
    return worst;
}

/* What the gate added is taken away again: its member and its problems. */
static void strip_gate(json_t *record)
{
    json_object_del(record, "gate");
    json_t *problems = json_object_get(record, "problems");
    for (size_t i = json_array_size(problems); i > 0; i--) {
        if (str_equal(json_string_or_null(json_array_get(problems, i - 1), "stage"), "gate")) {
            json_array_remove(problems, i - 1);
        }
    }
}

static int differs(const json_t *planned, struct err *err)
{
    struct identity identity = {0};
    if (record_workload(planned) == NULL || record_identity(planned, &identity, NULL)) {
        err_set(err, ERR_STALE, "the gated artifact is not made from the plan that the ledger has");
    } else {
        err_set(err, ERR_STALE, "%s %s in the gated artifact is not what the ledger's plan says",
                identity.kind, identity.name);
    }
    return err_hint(err, "pipe the gate's own output: tare show RUN gate | tare-apply --run RUN");
}

/* Compares a gated record with the planned one. */
static int compare(const json_t *gated, const json_t *planned, struct err *err)
{
    json_t *copy = json_deep_copy(gated);
    strip_gate(copy);
    bool same = json_equal(copy, planned);
    json_decref(copy);
    return same ? 0 : differs(planned, err);
}

/* The first reason of the gate that stands against a change; windows and approvals aside, which apply asks
 * for itself. */
static const char *gate_objection(const json_t *record)
{
    size_t index = 0;
    const json_t *reason = NULL;
    const char *verdict = json_string_or_null(json_object_get(record, "gate"), "verdict");
    /* `unchanged` with edits: it saves too little to be worth it. */
    if (!str_equal(verdict, "blocked") && !str_equal(verdict, "unchanged")) {
        return NULL;
    }
    json_array_foreach(json_at(record, "gate.reasons"), index, reason)
    {
        const char *code = json_string_or_null(reason, "code");
        const char *message = json_string_or_null(reason, "message");
        if (!json_is_true(json_object_get(reason, "ok")) && !str_equal(code, "window")) {
            return message == NULL ? "the gate forbids it" : message;
        }
    }
    return NULL;
}

/* The file of a path, made when it is not there. Records of one manifest follow one another; a file of values may be
 * named between others. */
static int file_named(struct apply_plan *plan, const char *path, const char *digest, bool anywhere, size_t item)
{
    size_t at = plan->file_count;
    for (size_t i = plan->file_count; i > 0 && at == plan->file_count && (anywhere || i == plan->file_count); i--) {
        at = str_equal(plan->files[i - 1].path, path) ? i - 1 : at;
    }
    if (at == plan->file_count) {
        GROW(plan->files, plan->file_capacity, plan->file_count + 1);
        struct apply_file *file = &plan->files[plan->file_count++];
        *file = (struct apply_file){.path = xstrdup(path), .first = item, .fate = FATE_SKIPPED};
        snprintf(file->source_sha256, sizeof file->source_sha256, "%s", digest);
    }
    plan->files[at].last = item;
    return (int)at;
}

static int add_file(struct apply_plan *plan, struct apply_item *item, const char *path, const char *digest, bool anywhere,
                    struct err *err)
{
    size_t at = (size_t)(item - plan->items);
    int file = file_named(plan, path, digest, anywhere, at);
    if (plan->files[file].created) {
        return err_set(err, ERR_DATA, "%s is a new file of two workloads of the plan", path);
    }
    item->files = xrealloc_array(item->files, item->file_count + 1, sizeof *item->files);
    item->files[item->file_count++] = file;
    return 0;
}

/* The files that the numbers of a rendered workload stand in. */
static int add_values(struct apply_plan *plan, struct apply_item *item, const json_t *files, struct err *err)
{
    size_t index = 0;
    const json_t *file = NULL;
    json_array_foreach(files, index, file)
    {
        const char *path = json_string_or_null(file, "file");
        const char *digest = json_string_or_null(file, "sha256");
        if (path == NULL || digest == NULL) {
            return err_set(err, ERR_DATA, "a change of a file says not which or from what");
        }
        if (add_file(plan, item, path, digest, true, err)) {
            return -1;
        }
    }
    return 0;
}

/* The file that is made for the new objects of a workload. */
static int add_created(struct apply_plan *plan, const json_t *record, struct apply_item *item, struct err *err)
{
    const json_t *change = json_object_get(record, "change");
    const char *path = json_string_or_null(change, "objects_file");
    if (path == NULL || json_array_size(json_object_get(change, "objects")) == 0) {
        return 0;
    }
    size_t before = plan->file_count;
    if (add_file(plan, item, path, "", true, err)) {
        return -1;
    }
    if (plan->file_count == before) {
        return err_set(err, ERR_DATA, "%s is a new file of the plan, and one that it changes", path);
    }
    plan->files[before].created = true;
    return 0;
}

/* The files to change for a workload; for a rendered one those that its numbers stand in. */
static int add_files(struct apply_plan *plan, const json_t *record, struct apply_item *item, struct err *err)
{
    const json_t *source = json_object_get(record_workload(record), "source");
    const char *path = json_string_or_null(source, "file");
    const char *digest = json_string_or_null(source, "sha256");
    bool edits = json_array_size(json_at(record, "change.edits")) > 0;
    int failed = 0;
    if (edits && json_object_get(source, "rendered") != NULL) {
        failed = add_values(plan, item, json_at(record, "change.files"), err);
    } else if (edits && path != NULL && digest != NULL) {
        failed = add_file(plan, item, path, digest, false, err);
    }
    return failed || (edits && item->file_count == 0) ? failed : add_created(plan, record, item, err);
}

/* Why there is no file to change. */
static const char *no_file(const json_t *record)
{
    return json_object_get(json_at(record, "workload.source"), "rendered") == NULL
               ? "the workload comes from no file"
               : "the workload is rendered, and no file that its numbers stand in was found: change it by hand as its "
                 "advice says, or on the target cluster";
}

static int add_workload(struct apply_plan *plan, const json_t *record, struct apply_item *item, struct err *err)
{
    if (!record_changes(record)) {
        apply_item_set(item, FATE_SKIPPED, "nothing to change");
        return 0;
    }
    if (!plan->cluster && add_files(plan, record, item, err)) {
        return -1;
    }
    item->risk =
        (unsigned char)risk_of(json_string_or_null(json_object_get(record, "recommendation"), "risk"));
    const char *objection = gate_objection(record);
    if (plan->cluster && !json_is_object(json_object_get(record_workload(record), "live"))) {
        apply_item_set(item, FATE_REFUSED, "the cluster had no such object when the plan was made");
    } else if (!plan->cluster && item->file_count == 0) {
        apply_item_set(item, FATE_REFUSED, no_file(record));
    } else if (objection != NULL) {
        apply_item_set(item, FATE_REFUSED, objection);
    } else {
        apply_item_set(item, FATE_PENDING, NULL);
    }
    return 0;
}

static void add_source(struct apply_plan *plan, const json_t *source)
{
    const char *path = json_string_or_null(source, "file");
    const char *digest = json_string_or_null(source, "sha256");
    if (path != NULL && digest != NULL && json_object_get(source, "rendered") == NULL) {
        json_object_set_new(plan->sources, path, json_string(digest));
    }
}

/* The files that a record was made from: its manifest, and those that numbers of a rendered one stand in. */
static void add_sources(struct apply_plan *plan, const json_t *record)
{
    size_t index = 0;
    const json_t *file = NULL;
    const json_t *told = record_workload(record) != NULL ? record_workload(record) : record_note(record);
    add_source(plan, json_object_get(told, "source"));
    json_array_foreach(json_at(record, "change.files"), index, file)
    {
        add_source(plan, file);
    }
}

static int add_record(struct apply_plan *plan, const json_t *record, struct err *err)
{
    add_sources(plan, record);
    GROW(plan->items, plan->item_capacity, plan->item_count + 1);
    struct apply_item *item = &plan->items[plan->item_count];
    *item = (struct apply_item){.fate = FATE_NOTE};
    plan->item_count++;
    if (spool_add(plan->spool, record, &item->offset, err)) {
        return -1;
    }
    return record_workload(record) == NULL ? 0 : add_workload(plan, record, item, err);
}

/* Reads both artifacts side by side to their verified ends. */
static int read_both(struct stage *stage, struct artifact_reader *planned, struct apply_plan *out,
                     struct err *err)
{
    for (;;) {
        json_t *mine = NULL;
        json_t *theirs = NULL;
        int got = stage_read(stage, &mine, err);
        int had = got < 0 ? -1 : artifact_read(planned, &theirs, err);
        int failed = got < 0 || had < 0 ? -1 : 0;
        if (!failed && got != had) {
            failed = differs(theirs == NULL ? mine : theirs, err);
        } else if (!failed && got == 1) {
            failed = compare(mine, theirs, err) || add_record(out, mine, err);
        }
        json_decref(mine);
        json_decref(theirs);
        if (failed || got == 0) {
            return failed ? -1 : 0;
        }
    }
}

static int read_planned(struct stage *stage, const struct ledger_run *run, struct apply_plan *out,
                        struct err *err)
{
    int fd = -1;
    struct artifact_reader *planned = NULL;
    if (chain_open(stage, "diff", run->plan_digest, ARTIFACT_CHANGES, &fd, &planned, err)) {
        return -1;
    }
    out->prices = json_incref(json_at(artifact_reader_header(planned), "settings.price"));
    int failed = read_both(stage, planned, out, err);
    artifact_reader_free(planned);
    close(fd);
    return failed;
}

/* The run's own gated artifact: the policy that the plan was judged by, and what its rows in the ledger must say. */
static int read_gated(struct stage *stage, const char *digest, const char *fallback, const json_t *evidence,
                      const struct ledger_run *run, struct apply_plan *out, struct err *err)
{
    int fd = -1;
    struct artifact_reader *reader = NULL;
    if (chain_open(stage, "gate", digest, ARTIFACT_GATED, &fd, &reader, err)) {
        return -1;
    }
    out->judged = json_incref(json_at(artifact_reader_header(reader), "settings.gate"));
    int failed = rows_check(reader, run, fallback, json_object_get(evidence, "rows"), err);
    artifact_reader_free(reader);
    close(fd);
    return failed;
}

static int load(struct stage *stage, const struct ledger_run *run, const char *fallback, const json_t *evidence,
                struct apply_plan *out, struct err *err)
{
    char gated[LEDGER_DIGEST_SIZE];
    if (chain_check(stage, run, evidence, gated, err) || read_planned(stage, run, out, err)) {
        return -1;
    }
    const char *input = json_string_or_null(artifact_reader_trailer(stage->in), "input");
    if (!str_equal(input, run->plan_digest)) {
        err_set(err, ERR_STALE,
                "the gated artifact was made from %s, the plan of run %" PRId64 " in the ledger is %s",
                input == NULL ? "nothing" : input, run->id, run->plan_digest);
        return err_hint(err,
                        "pipe the gate's own output: tare show %" PRId64 " gate | tare-apply --run %" PRId64,
                        run->id, run->id);
    }
    return read_gated(stage, gated, fallback, evidence, run, out, err);
}

int apply_plan_load(struct stage *stage, const struct ledger_run *run, const char *fallback, struct apply_plan *out,
                    struct err *err)
{
    json_t *evidence = NULL;
    *out = (struct apply_plan){.cluster = str_equal(run->target, "cluster"), .sources = json_object()};
    int failed = spool_new(&out->spool, err) || ledger_plan_evidence(stage->ledger, run->id, &evidence, err) ||
                 load(stage, run, fallback, evidence, out, err);
    json_decref(evidence);
    return failed ? -1 : 0;
}

void apply_plan_release(struct apply_plan *plan)
{
    for (size_t i = 0; i < plan->item_count; i++) {
        free(plan->items[i].detail);
        free(plan->items[i].files);
    }
    for (size_t i = 0; i < plan->file_count; i++) {
        free(plan->files[i].path);
        free(plan->files[i].detail);
    }
    free(plan->items);
    free(plan->files);
    json_decref(plan->sources);
    json_decref(plan->judged);
    json_decref(plan->prices);
    spool_free(plan->spool);
    *plan = (struct apply_plan){0};
}

