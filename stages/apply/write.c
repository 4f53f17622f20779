#include "stages/apply/write.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/edit/edit.h"
#include "stages/common/target_files.h"
#include "stages/common/target_undo.h"

/* One file under work. */
struct work {
    struct apply_file *file;
    json_t **records;                  /* of the pending items; new references */
    struct ledger_workload *workloads; /* borrowed from the records */
    size_t count;
    struct buf before;
    struct buf after;
    char before_sha256[DIGEST_HEX];
    char after_sha256[DIGEST_HEX];
    int64_t change;
    enum ledger_change_state state;
};

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number)
{
    (void)number;
    asked_to_end = 1;
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static struct ledger *ledger_of(const struct writer *writer)
{
    return writer->permit->stage->ledger;
}

static int64_t run_of(const struct writer *writer)
{
    return writer->permit->run->id;
}

/* The change that an interrupted apply began on a file, NULL where there is none. */
static const struct ledger_change *begun_change(const struct writer *writer, const char *path)
{
    int64_t index = json_int_or(writer->begun, path, -1);
    return index < 0 ? NULL : &writer->changes.items[index];
}

/* The same paths in another folder are other files. */
static int same_root(const struct writer *writer, const struct ledger_change *change, struct err *err)
{
    char *root = target_change_root(change);
    int failed = 0;
    if (root != NULL && !str_equal(root, writer->absolute_root)) {
        err_set(err, ERR_USAGE, "run %" PRId64 " was being applied in %s, not in %s", run_of(writer), root,
                writer->absolute_root);
        failed = err_hint(err, "go on there: --root %s", root);
    }
    free(root);
    return failed;
}

int writer_init(struct writer *writer, struct err *err)
{
    writer->begun = json_object();
    if (ledger_changes(ledger_of(writer), run_of(writer), &writer->permit->stage->arena, &writer->changes,
                       err)) {
        return -1;
    }
    for (size_t i = 0; i < writer->changes.count; i++) {
        const struct ledger_change *change = &writer->changes.items[i];
        if (change->state == LEDGER_CHANGE_PLANNED) {
            continue;
        }
        json_object_set_new(writer->begun, change->object, json_integer((json_int_t)i));
        if (same_root(writer, change, err)) {
            return -1;
        }
    }
    return 0;
}

void writer_release(struct writer *writer)
{
    json_decref(writer->begun);
    writer->begun = NULL;
}

static void work_release(struct work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        json_decref(work->records[i]);
    }
    free(work->records);
    free(work->workloads);
    buf_release(&work->before);
    buf_release(&work->after);
}

/* Collects the records of the pending items of a file. */
static int work_open(struct writer *writer, struct apply_file *file, struct work *work, struct err *err)
{
    size_t most = file->last - file->first + 1;
    *work = (struct work){.file = file};
    buf_init(&work->before, TARGET_FILE_MAX);
    buf_init(&work->after, TARGET_FILE_MAX);
    work->records = xcalloc_array(most, sizeof *work->records);
    work->workloads = xcalloc_array(most, sizeof *work->workloads);
    for (size_t i = file->first; i <= file->last; i++) {
        const struct apply_item *item = &writer->plan->items[i];
        if (!apply_plan_pending(writer->plan, file, i)) {
            continue;
        }
        if (spool_at(writer->plan->spool, item->offset, &work->records[work->count], err)) {
            return -1;
        }
        const json_t *record = work->records[work->count];
        if (permit_workload(writer->permit, record, &work->workloads[work->count++], err)) {
            return -1;
        }
    }
    return 0;
}

/* The new bytes from `before`. */
static int work_edit(struct work *work, struct err *err)
{
    buf_clear(&work->after);
    if (edit_apply_records(buf_str(&work->before), work->before.length, work->records, work->count,
                           &work->after, err)) {
        return err_prefix(err, "%s", work->file->path);
    }
    hash_bytes(buf_str(&work->after), work->after.length, work->after_sha256);
    return 0;
}

/* Reads the file and works out the new bytes; one that is not the plan's any more is stale. */
static int work_read(struct writer *writer, struct work *work, struct err *err)
{
    if (target_file_read(writer->root, work->file->path, &work->before, work->before_sha256, err)) {
        return -1;
    }
    if (strcmp(work->before_sha256, work->file->source_sha256) != 0) {
        return err_set(err, ERR_STALE, "the plan is stale: %s has the sha256 %s, the plan was made from %s",
                       work->file->path, work->before_sha256, work->file->source_sha256);
    }
    return work_edit(work, err);
}

int write_rehearse(struct writer *writer, struct err *err)
{
    size_t count = 0;
    size_t *order = apply_plan_order(writer->plan, &count);
    int failed = 0;
    for (size_t i = 0; !failed && i < count; i++) {
        struct work work;
        struct apply_file *file = &writer->plan->files[order[i]];
        failed = work_open(writer, file, &work, err);
        if (!failed && begun_change(writer, file->path) == NULL) {
            failed = work_read(writer, &work, err);
        }
        work_release(&work);
    }
    free(order);
    return failed;
}

static int lock_all(struct writer *writer, struct work *work, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        if (ledger_workload_lock(ledger_of(writer), run_of(writer), &work->workloads[i], err)) {
            return -1;
        }
    }
    return 0;
}

static int unlock_all(struct writer *writer, struct work *work, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        if (ledger_workload_unlock(ledger_of(writer), run_of(writer), &work->workloads[i], err)) {
            return -1;
        }
    }
    return 0;
}

static int begin_change(struct writer *writer, struct work *work, struct err *err)
{
    json_t *detail = json_object();
    json_object_set_new(detail, "after_sha256", json_string(work->after_sha256));
    json_object_set_new(detail, "root", json_string_safe(writer->absolute_root));
    struct ledger_change_new change = {
        .object = work->file->path,
        .workloads = work->workloads,
        .workload_count = work->count,
        .before = buf_str(&work->before),
        .before_size = work->before.length,
        .detail = detail,
    };
    int failed =
        ledger_change_begin(ledger_of(writer), run_of(writer), &change, &work->change, &work->state, err);
    json_decref(detail);
    return failed;
}

static int move(struct writer *writer, struct work *work, enum ledger_change_state to, struct err *err)
{
    if (ledger_change_move(ledger_of(writer), work->change, to, NULL, err)) {
        return -1;
    }
    work->state = to;
    return 0;
}

/* From `written` on: sees that the file still has the planned bytes, and is done. */
static int verify(struct writer *writer, struct work *work, struct err *cause, struct err *err)
{
    char found[DIGEST_HEX];
    enum file_content content = FILE_OTHER;
    if (work->state == LEDGER_CHANGE_WRITTEN && move(writer, work, LEDGER_CHANGE_VERIFYING, err)) {
        return -1;
    }
    if (target_file_compare(writer->root, work->file->path, work->before_sha256, work->after_sha256, &content,
                            found, cause)) {
        return 0;
    }
    if (content != FILE_AFTER) {
        err_set(cause, ERR_IO, "%s has the sha256 %s after it was written with %s", work->file->path, found,
                work->after_sha256);
        return 0;
    }
    return move(writer, work, LEDGER_CHANGE_DONE, err);
}

/* From `writing` on. A failure of the file goes to *cause, one of the ledger is returned. */
static int write_on(struct writer *writer, struct work *work, struct err *cause, struct err *err)
{
    if (work->state == LEDGER_CHANGE_PLANNED && move(writer, work, LEDGER_CHANGE_WRITING, err)) {
        return -1;
    }
    if (work->state == LEDGER_CHANGE_WRITING) {
        if (target_file_write(writer->root, work->file->path, buf_str(&work->after), work->after.length,
                              work->after_sha256, cause)) {
            return 0;
        }
        if (move(writer, work, LEDGER_CHANGE_WRITTEN, err)) {
            return -1;
        }
    }
    return verify(writer, work, cause, err);
}

static int needs_person(struct writer *writer, const struct ledger_change *change, const char *found,
                        struct err *err)
{
    char after[DIGEST_HEX];
    target_change_after(change, after);
    err_set(err, ERR_ROLLBACK_FAILED,
            "%s was %s when apply was interrupted and is now neither before (%s) nor after "
            "(%s): its sha256 is %s",
            change->object, ledger_change_state_name(change->state), change->before_digest, after,
            *found == '\0' ? "that of no file" : found);
    return err_hint(err,
                    "put back the file as it was, then: tare apply %" PRId64
                    " --resume, or tare rollback %" PRId64 " --resume",
                    run_of(writer), run_of(writer));
}

/* A change that was interrupted: the row says how far it may have come, the file how far it came. */
static int work_resume(struct writer *writer, struct work *work, const struct ledger_change *change,
                       struct err *cause, struct err *err)
{
    enum file_content content = FILE_OTHER;
    char found[DIGEST_HEX];
    char after[DIGEST_HEX];
    work->change = change->id;
    work->state = change->state;
    snprintf(work->before_sha256, sizeof work->before_sha256, "%s", change->before_digest);
    target_change_after(change, after);
    if (ledger_change_before(ledger_of(writer), change->id, &work->before, err) || work_edit(work, err)) {
        return -1;
    }
    if (strcmp(after, work->after_sha256) != 0) {
        err_set(err, ERR_STALE, "%s would now become %s, the interrupted apply wrote %s", work->file->path,
                work->after_sha256, after);
        return err_hint(err, "tare rollback %" PRId64 " --resume puts back what stood there", run_of(writer));
    }
    target_file_sweep(writer->root, work->file->path, change->before_digest, after);
    if (target_file_compare(writer->root, work->file->path, change->before_digest, after, &content, found,
                            err)) {
        return -1;
    }
    bool fits = content == FILE_AFTER || (content == FILE_BEFORE && change->state == LEDGER_CHANGE_WRITING);
    if (!fits) {
        return needs_person(writer, change, found, err);
    }
    if (content == FILE_AFTER && change->state == LEDGER_CHANGE_WRITING &&
        move(writer, work, LEDGER_CHANGE_WRITTEN, err)) {
        return -1;
    }
    return write_on(writer, work, cause, err);
}

/* Takes one file from wherever it is to done. */
static int work_run(struct writer *writer, struct work *work, struct err *cause, struct err *err)
{
    const struct ledger_change *change = begun_change(writer, work->file->path);
    if (lock_all(writer, work, err)) {
        return -1;
    }
    if (change != NULL && change->state == LEDGER_CHANGE_DONE) {
        return 0;
    }
    if (change != NULL) {
        return work_resume(writer, work, change, cause, err);
    }
    if (work_read(writer, work, cause)) {
        return 0;
    }
    if (begin_change(writer, work, err)) {
        return -1;
    }
    return write_on(writer, work, cause, err);
}

/* Writes one file. A refusal of the ledger just before the write (an approval withdrawn) is a cause, not a
 * loss. */
static int write_file(struct writer *writer, struct apply_file *file, struct err *cause, struct err *err)
{
    struct work work;
    struct err inner = {0};
    int failed = work_open(writer, file, &work, err);
    if (!failed) {
        failed = work_run(writer, &work, cause, &inner);
        if (failed && !undo_ledger_lost(ledger_of(writer), &inner) && inner.class != ERR_ROLLBACK_FAILED) {
            *cause = inner;
            failed = 0;
        } else if (failed) {
            *err = inner;
        }
    }
    if (!failed && cause->class == ERR_NONE) {
        failed = unlock_all(writer, &work, err);
        apply_file_set(file, FATE_DONE, "written and verified");
        log_info("%s is written", file->path);
    }
    work_release(&work);
    return failed;
}

/* Before every file: does everything still permit it? */
static int still_permitted(struct writer *writer, struct apply_file *file, struct write_result *out,
                           bool *stop, struct err *err)
{
    struct objection objection;
    if (asked_to_end) {
        err_set(err, ERR_TEMPFAIL, "asked to end before %s; what is done is in the ledger", file->path);
        return err_hint(err, "tare apply %" PRId64 " --resume goes on, tare rollback %" PRId64 " undoes it",
                        run_of(writer), run_of(writer));
    }
    if (permit_file(writer->permit, writer->plan, file, &objection, err)) {
        return -1;
    }
    *stop = objection.stands && !(objection.window && objection.overrun == OVERRUN_FINISH);
    if (!*stop) {
        return 0;
    }
    char opens[RFC3339_MAX];
    out->end = objection.window && objection.overrun == OVERRUN_ROLLBACK ? WRITE_FAILED : WRITE_STOPPED;
    err_set(&out->cause, ERR_REFUSED, "apply stopped before %s: %s%s%s", file->path, objection.why,
            objection.has_next ? "; it opens again at " : "",
            objection.has_next ? time_format(objection.next_opening, opens) : "");
    err_hint(&out->cause, "tare rerun %" PRId64 " --from parse plans the rest", run_of(writer));
    return 0;
}

/* Files that apply did not come to. */
static void leave_rest(struct writer *writer, const size_t *order, size_t from, size_t count, const char *why)
{
    for (size_t i = from; i < count; i++) {
        apply_file_set(&writer->plan->files[order[i]], FATE_UNTOUCHED, why);
    }
}

/* What is undone after a failure: of one object (the file `only`, or whatever is half done), or everything.
 */
struct undoing {
    struct writer *writer;
    bool object;
    const char *only;
};

static bool is_wanted(void *context, const struct ledger_change *change)
{
    const struct undoing *undoing = context;
    if (!undoing->object) {
        return true;
    }
    return undoing->only == NULL ? change->state != LEDGER_CHANGE_DONE
                                 : str_equal(undoing->only, change->object);
}

/* Tells the plan what became of a file. */
static void was_undone(void *context, const struct ledger_change *change, enum undo_result result,
                       const char *why)
{
    const struct undoing *undoing = context;
    struct apply_plan *plan = undoing->writer->plan;
    for (size_t i = 0; result != UNDO_NOTHING && i < plan->file_count; i++) {
        if (!str_equal(plan->files[i].path, change->object)) {
            continue;
        }
        if (result == UNDO_DONE) {
            log_warn("%s is put back", change->object);
            apply_file_set(&plan->files[i], FATE_ROLLED_BACK,
                           "apply failed; the file has its former bytes again");
        } else {
            apply_file_set(&plan->files[i], FATE_ROLLBACK_FAILED, why);
        }
        return;
    }
}

static int undo_by_policy(struct writer *writer, enum on_failure policy, const char *failed_path,
                          struct write_result *out, struct err *err)
{
    struct undoing undoing = {writer, policy == ON_FAILURE_OBJECT, failed_path};
    struct undo_order order = {
        .ledger = ledger_of(writer),
        .run = run_of(writer),
        .root = writer->root,
        .wanted = is_wanted,
        .told = was_undone,
        .context = &undoing,
    };
    struct undo_report report;
    if (policy == ON_FAILURE_STOP) {
        out->touched = true;
        return 0;
    }
    if (undo_changes(&order, &report, err)) {
        return -1;
    }
    out->touched = out->touched || report.undone + report.left > 0;
    out->rolled_back = report.left == 0;
    if (report.failed > 0) {
        out->end = WRITE_UNDO_FAILED;
        err_set(&out->cause, ERR_ROLLBACK_FAILED, "rolling back failed: %s", report.why);
        err_hint(&out->cause, "mend that, then: tare rollback %" PRId64 " --resume", run_of(writer));
    }
    return 0;
}

/* A change that an interrupted apply was undoing, or had given up on. */
static bool was_failing(const struct writer *writer)
{
    for (size_t i = 0; i < writer->changes.count; i++) {
        if (writer->changes.items[i].state >= LEDGER_CHANGE_ROLLING_BACK) {
            return true;
        }
    }
    return false;
}

/* An apply that was interrupted while it was undoing goes on undoing. */
static int resume_undo(struct writer *writer, const size_t *order, size_t count, struct write_result *out,
                       struct err *err)
{
    out->end = WRITE_FAILED;
    err_set(&out->cause, ERR_IO,
            "an earlier attempt of this apply failed and was interrupted while it was undone");
    leave_rest(writer, order, 0, count, "an earlier attempt failed");
    return undo_by_policy(writer, writer->policy, NULL, out, err);
}

static int fail_file(struct writer *writer, struct apply_file *file, struct write_result *out,
                     struct err *err)
{
    apply_file_set(file, FATE_UNTOUCHED, out->cause.message);
    if (out->cause.class == ERR_REFUSED) { /* the ledger said no between the question and the write */
        out->end = WRITE_STOPPED;
        return 0;
    }
    out->end = WRITE_FAILED;
    return undo_by_policy(writer, writer->policy, file->path, out, err);
}

static int write_in_order(struct writer *writer, const size_t *order, size_t count, struct write_result *out,
                          struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct apply_file *file = &writer->plan->files[order[i]];
        bool stop = false;
        if (still_permitted(writer, file, out, &stop, err)) {
            return -1;
        }
        if (stop) {
            leave_rest(writer, order, i, count, out->cause.message);
            return out->end == WRITE_FAILED ? undo_by_policy(writer, ON_FAILURE_RUN, NULL, out, err) : 0;
        }
        if (write_file(writer, file, &out->cause, err)) {
            return -1;
        }
        if (out->cause.class != ERR_NONE) {
            leave_rest(writer, order, i + 1, count, "apply stopped before it");
            return fail_file(writer, file, out, err);
        }
        out->touched = true;
    }
    return 0;
}

int write_all(struct writer *writer, struct write_result *out, struct err *err)
{
    size_t count = 0;
    size_t *order = apply_plan_order(writer->plan, &count);
    *out = (struct write_result){.end = WRITE_ALL};
    watch_signals();
    int failed = was_failing(writer) ? resume_undo(writer, order, count, out, err)
                                     : write_in_order(writer, order, count, out, err);
    free(order);
    return failed;
}
