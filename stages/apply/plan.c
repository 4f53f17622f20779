#include "stages/apply/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"

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
    return plan->items[item].fate == FATE_PENDING && plan->items[item].file == (int)(file - plan->files);
}

/* Opens the artifact with this digest from the ledger: *fd to close, *reader to free. */
static int open_stored(struct stage *stage, const char *digest, enum artifact_kind kind, int *fd,
                       struct artifact_reader **reader, struct err *err)
{
    if (fs_spool(fd, err)) {
        return -1;
    }
    if (ledger_artifact_copy(stage->ledger, digest, *fd, err)) {
        close(*fd);
        return -1;
    }
    lseek(*fd, 0, SEEK_SET);
    if (artifact_reader_new(*fd, "the ledger's artifact", ARTIFACT_BIT(kind), reader, err)) {
        close(*fd);
        return -1;
    }
    return 0;
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

static bool has_edits(const json_t *record)
{
    return json_array_size(json_at(record, "change.edits")) > 0;
}

/* The first reason of the gate that stands against a change; windows and approvals aside, which apply asks
 * for itself. */
static const char *gate_objection(const json_t *record)
{
    size_t index = 0;
    const json_t *reason = NULL;
    if (!str_equal(json_string_or_null(json_object_get(record, "gate"), "verdict"), "blocked")) {
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

/* The file to change for a workload. NO_FILE where there is none; for a rendered one it is the file that its numbers
 * stand in, when that is one alone: an object is written as a whole or not at all. */
static int file_of(struct apply_plan *plan, const json_t *record, size_t item)
{
    const json_t *source = json_object_get(record_workload(record), "source");
    const json_t *files = json_at(record, "change.files");
    bool rendered = json_object_get(source, "rendered") != NULL;
    if (rendered) {
        source = json_array_size(files) == 1 ? json_array_get(files, 0) : NULL;
    }
    const char *path = json_string_or_null(source, "file");
    const char *digest = json_string_or_null(source, "sha256");
    return path == NULL || digest == NULL ? NO_FILE : file_named(plan, path, digest, rendered, item);
}

/* Why there is no file to change. */
static const char *no_file(const json_t *record)
{
    if (json_object_get(json_at(record, "workload.source"), "rendered") == NULL) {
        return "the workload comes from no file";
    }
    return json_array_size(json_at(record, "change.files")) > 1
               ? "the workload is rendered, and its change takes several files: apply its patch with git, or the target "
                 "cluster"
               : "the workload is rendered, and no file that its numbers stand in was found: change it by hand as its "
                 "advice says, or on the target cluster";
}

static void add_workload(struct apply_plan *plan, const json_t *record, struct apply_item *item, size_t index)
{
    if (!has_edits(record)) {
        apply_item_set(item, FATE_SKIPPED, "nothing to change");
        return;
    }
    item->file = file_of(plan, record, index);
    item->risk =
        (unsigned char)risk_of(json_string_or_null(json_object_get(record, "recommendation"), "risk"));
    const char *objection = gate_objection(record);
    if (item->file == NO_FILE) {
        apply_item_set(item, FATE_REFUSED, no_file(record));
    } else if (objection != NULL) {
        apply_item_set(item, FATE_REFUSED, objection);
    } else {
        apply_item_set(item, FATE_PENDING, NULL);
    }
}

static int add_record(struct apply_plan *plan, const json_t *record, struct err *err)
{
    GROW(plan->items, plan->item_capacity, plan->item_count + 1);
    struct apply_item *item = &plan->items[plan->item_count];
    *item = (struct apply_item){.file = NO_FILE, .fate = FATE_NOTE};
    if (spool_add(plan->spool, record, &item->offset, err)) {
        return -1;
    }
    if (record_workload(record) != NULL) {
        add_workload(plan, record, item, plan->item_count);
    }
    plan->item_count++;
    return 0;
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

static void copy_digest(char out[DIGEST_HEX], const char *text)
{
    snprintf(out, DIGEST_HEX, "%s", text == NULL ? "" : text);
}

static int read_planned(struct stage *stage, const struct ledger_run *run, struct apply_plan *out,
                        struct err *err)
{
    int fd = -1;
    struct artifact_reader *planned = NULL;
    if (open_stored(stage, run->plan_digest, ARTIFACT_CHANGES, &fd, &planned, err)) {
        return -1;
    }
    copy_digest(out->catalog,
                json_string_value(json_at(artifact_reader_header(planned), "settings.price.catalog")));
    int failed = read_both(stage, planned, out, err);
    artifact_reader_free(planned);
    close(fd);
    return failed;
}

/* The policy that the plan was judged by stands in the header of the run's own gated artifact. */
static int read_policy(struct stage *stage, const struct ledger_run *run, struct apply_plan *out,
                       struct err *err)
{
    int fd = -1;
    char digest[LEDGER_DIGEST_SIZE];
    struct artifact_reader *reader = NULL;
    if (ledger_artifact_find(stage->ledger, run->id, "gate", digest, err) ||
        open_stored(stage, digest, ARTIFACT_GATED, &fd, &reader, err)) {
        return -1;
    }
    copy_digest(out->policy,
                json_string_value(json_at(artifact_reader_header(reader), "settings.gate.policy")));
    artifact_reader_free(reader);
    close(fd);
    return 0;
}

int apply_plan_load(struct stage *stage, const struct ledger_run *run, struct apply_plan *out,
                    struct err *err)
{
    *out = (struct apply_plan){0};
    if (spool_new(&out->spool, err) || read_planned(stage, run, out, err)) {
        return -1;
    }
    const char *input = json_string_or_null(artifact_reader_trailer(stage->in), "input");
    if (!str_equal(input, run->plan_digest)) {
        err_set(err, ERR_STALE, "the gated artifact was made from %s, the plan of run %" PRId64 " is %s",
                input == NULL ? "nothing" : input, run->id, run->plan_digest);
        return err_hint(err,
                        "pipe the gate's own output: tare show %" PRId64 " gate | tare-apply --run %" PRId64,
                        run->id, run->id);
    }
    return read_policy(stage, run, out, err);
}

void apply_plan_release(struct apply_plan *plan)
{
    for (size_t i = 0; i < plan->item_count; i++) {
        free(plan->items[i].detail);
    }
    for (size_t i = 0; i < plan->file_count; i++) {
        free(plan->files[i].path);
        free(plan->files[i].detail);
    }
    free(plan->items);
    free(plan->files);
    spool_free(plan->spool);
    *plan = (struct apply_plan){0};
}

/* An index with what it is sorted by. */
struct ranked {
    enum risk risk;
    const char *path;
    size_t index;
};

static int by_risk(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    return x->risk != y->risk ? (x->risk < y->risk ? -1 : 1) : strcmp(x->path, y->path);
}

/* A file is as risky as the riskiest change in it. False where none is pending. */
static bool rank_file(const struct apply_plan *plan, size_t index, struct ranked *out)
{
    const struct apply_file *file = &plan->files[index];
    bool pending = false;
    *out = (struct ranked){RISK_LOW, file->path, index};
    for (size_t i = file->first; i <= file->last; i++) {
        const struct apply_item *item = &plan->items[i];
        if (apply_plan_pending(plan, file, i)) {
            pending = true;
            out->risk = item->risk > out->risk ? (enum risk)item->risk : out->risk;
        }
    }
    return pending;
}

size_t *apply_plan_order(const struct apply_plan *plan, size_t *count)
{
    struct ranked *ranked = xcalloc_array(plan->file_count, sizeof *ranked);
    size_t *order = xcalloc_array(plan->file_count, sizeof *order);
    *count = 0;
    for (size_t i = 0; i < plan->file_count; i++) {
        if (rank_file(plan, i, &ranked[*count])) {
            (*count)++;
        }
    }
    qsort(ranked, *count, sizeof *ranked, by_risk);
    for (size_t i = 0; i < *count; i++) {
        order[i] = ranked[i].index;
    }
    free(ranked);
    return order;
}
