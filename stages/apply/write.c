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
#include "stages/apply/commit.h"
#include "stages/apply/work.h"
#include "stages/common/target_files.h"
#include "stages/common/target_undo.h"

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

const struct ledger_change *writer_begun(const struct writer *writer, const char *path)
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

int write_rehearse(struct writer *writer, struct err *err)
{
    size_t count = 0;
    size_t *order = apply_plan_order(writer->plan, &count);
    bool commits = commit_is_wanted(writer);
    int failed = commits ? commit_rehearse(writer, order, count, err) : 0;
    for (size_t i = 0; !failed && !commits && i < count; i++) {
        struct file_work work;
        struct apply_file *file = &writer->plan->files[order[i]];
        failed = file_work_open(writer->permit, writer->plan, file, &work, err);
        if (!failed && writer_begun(writer, file->path) == NULL) {
            failed = file_work_read(writer->root, &work, err);
        }
        file_work_release(&work);
    }
    free(order);
    return failed;
}

/* From `written` on: sees that the file still has the planned bytes, and is done. */
static int verify(struct writer *writer, struct file_work *work, struct err *cause, struct err *err)
{
    char found[DIGEST_HEX];
    enum file_content content = FILE_OTHER;
    if (work->state == LEDGER_CHANGE_WRITTEN && file_work_move(writer->permit, work, LEDGER_CHANGE_VERIFYING, err)) {
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
    return file_work_move(writer->permit, work, LEDGER_CHANGE_DONE, err);
}

/* From `writing` on. A failure of the file goes to *cause, one of the ledger is returned. */
static int write_on(struct writer *writer, struct file_work *work, struct err *cause, struct err *err)
{
    if (work->state == LEDGER_CHANGE_PLANNED && file_work_move(writer->permit, work, LEDGER_CHANGE_WRITING, err)) {
        return -1;
    }
    if (work->state == LEDGER_CHANGE_WRITING) {
        int64_t now = 0;
        if (permit_clock(writer->permit, &now, err)) {
            return -1;
        }
        if (target_file_write(writer->root, work->file->path, buf_str(&work->after), work->after.length,
                              work->after_sha256, cause)) {
            return 0;
        }
        if (file_work_move(writer->permit, work, LEDGER_CHANGE_WRITTEN, err)) {
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
static int work_resume(struct writer *writer, struct file_work *work, const struct ledger_change *change,
                       struct err *cause, struct err *err)
{
    enum file_content content = FILE_OTHER;
    char found[DIGEST_HEX];
    char after[DIGEST_HEX];
    work->change = change->id;
    work->state = change->state;
    target_change_before(change, work->before_sha256);
    target_change_after(change, after);
    if (ledger_change_before(ledger_of(writer), change->id, &work->before, err) || file_work_edit(work, err)) {
        return -1;
    }
    if (strcmp(after, work->after_sha256) != 0) {
        err_set(err, ERR_STALE, "%s would now become %s, the interrupted apply wrote %s", work->file->path,
                work->after_sha256, after);
        return err_hint(err, "tare rollback %" PRId64 " --resume puts back what stood there", run_of(writer));
    }
    target_file_sweep(writer->root, work->file->path, change->before_digest, after);
    if (target_change_compare(writer->root, change, &content, found, err)) {
        return -1;
    }
    bool fits = content == FILE_AFTER || (content == FILE_BEFORE && change->state == LEDGER_CHANGE_WRITING);
    if (!fits) {
        return needs_person(writer, change, found, err);
    }
    if (content == FILE_AFTER && change->state == LEDGER_CHANGE_WRITING &&
        file_work_move(writer->permit, work, LEDGER_CHANGE_WRITTEN, err)) {
        return -1;
    }
    return write_on(writer, work, cause, err);
}

/* Takes one file from wherever it is to done. `set` names the files that are undone with it, NULL: it stands alone. */
static int work_run(struct writer *writer, struct file_work *work, const char *set, struct err *cause, struct err *err)
{
    const struct ledger_change *change = writer_begun(writer, work->file->path);
    if (file_work_lock(writer->permit, work, err)) {
        return -1;
    }
    if (change != NULL && change->state == LEDGER_CHANGE_DONE) {
        return 0;
    }
    if (change != NULL) {
        return work_resume(writer, work, change, cause, err);
    }
    if (file_work_read(writer->root, work, cause)) {
        return 0;
    }
    json_t *detail = file_work_detail(work, writer->absolute_root, set);
    int failed = file_work_begin(writer->permit, work, detail, err);
    json_decref(detail);
    return failed ? -1 : write_on(writer, work, cause, err);
}

/* Writes one file. A refusal of the ledger just before the write (an approval withdrawn) is a cause, not a
 * loss. Of a set, the locks are given back with the run's. */
static int write_file(struct writer *writer, struct apply_file *file, const char *set, struct err *cause, struct err *err)
{
    struct file_work work;
    struct err inner = {0};
    int failed = file_work_open(writer->permit, writer->plan, file, &work, err);
    if (!failed) {
        failed = work_run(writer, &work, set, cause, &inner);
        bool ends = writer->permit->stepped || undo_ledger_lost(ledger_of(writer), &inner);
        if (failed && !ends && inner.class != ERR_ROLLBACK_FAILED) {
            *cause = inner;
            failed = 0;
        } else if (failed) {
            *err = inner;
        }
    }
    if (!failed && cause->class == ERR_NONE) {
        failed = set == NULL ? file_work_unlock(writer->permit, &work, err) : 0;
        apply_file_set(file, FATE_DONE, "written and verified");
        log_info("%s is written", file->path);
    }
    file_work_release(&work);
    return failed;
}

int writer_permitted(struct writer *writer, const size_t *set, size_t count, struct write_result *out, bool *stop, struct err *err)
{
    struct objection objection = {0};
    const char *path = writer->plan->files[set[0]].path;
    if (asked_to_end) {
        err_set(err, ERR_TEMPFAIL, "asked to end before %s; what is done is in the ledger", path);
        return err_hint(err, "tare apply %" PRId64 " --resume goes on, tare rollback %" PRId64 " undoes it",
                        run_of(writer), run_of(writer));
    }
    for (size_t i = 0; i < count && !objection.stands; i++) {
        if (permit_file(writer->permit, writer->plan, &writer->plan->files[set[i]], &objection, err)) {
            return -1;
        }
    }
    *stop = objection.stands && !(objection.window && objection.overrun == OVERRUN_FINISH);
    if (!*stop) {
        return 0;
    }
    char opens[RFC3339_MAX];
    out->end = objection.window && objection.overrun == OVERRUN_ROLLBACK ? WRITE_FAILED : WRITE_STOPPED;
    err_set(&out->cause, ERR_REFUSED, "apply stopped before %s: %s%s%s", path, objection.why,
            objection.has_next ? "; it opens again at " : "",
            objection.has_next ? time_format(objection.next_opening, opens) : "");
    err_hint(&out->cause, "tare rerun %" PRId64 " --from parse plans the rest", run_of(writer));
    return 0;
}

void writer_leave(struct writer *writer, const size_t *order, size_t count, const char *why)
{
    for (size_t i = 0; i < count; i++) {
        apply_file_set(&writer->plan->files[order[i]], FATE_UNTOUCHED, why);
    }
}

/* What is undone after a failure: sets of files, or everything. */
struct undoing {
    struct writer *writer;
    bool object;
    json_t *sets; /* their names, where it is not everything */
};

static bool is_wanted(void *context, const struct ledger_change *change)
{
    const struct undoing *undoing = context;
    char *set = target_change_set(change);
    bool wanted = !undoing->object || json_object_get(undoing->sets, set) != NULL;
    free(set);
    return wanted;
}

/* Names of the sets that failed: that of the file `path`, else (NULL) of whatever is half done. New object. */
static int failed_sets(struct writer *writer, const char *path, json_t **out, struct err *err)
{
    struct ledger_changes changes = {0};
    *out = json_object();
    if (ledger_changes(ledger_of(writer), run_of(writer), &writer->permit->stage->arena, &changes, err)) {
        return -1;
    }
    for (size_t i = 0; i < changes.count; i++) {
        const struct ledger_change *change = &changes.items[i];
        bool half = change->state != LEDGER_CHANGE_DONE && change->state != LEDGER_CHANGE_PLANNED;
        if (path == NULL ? half : str_equal(path, change->object)) {
            char *set = target_change_set(change);
            json_object_set_new(*out, set, json_true());
            free(set);
        }
    }
    return 0;
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

static int undo_some(struct writer *writer, struct undoing *undoing, struct write_result *out, struct err *err)
{
    struct undo_report report;
    struct undo_order order = {
        .ledger = ledger_of(writer),
        .run = run_of(writer),
        .root = writer->root,
        .wanted = is_wanted,
        .told = was_undone,
        .context = undoing,
    };
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

int writer_undo(struct writer *writer, enum on_failure policy, const char *failed_path, struct write_result *out, struct err *err)
{
    struct undoing undoing = {.writer = writer, .object = policy == ON_FAILURE_OBJECT};
    if (policy == ON_FAILURE_STOP) {
        out->touched = true;
        return 0;
    }
    int failed = (undoing.object && failed_sets(writer, failed_path, &undoing.sets, err)) || undo_some(writer, &undoing, out, err);
    json_decref(undoing.sets);
    return failed ? -1 : 0;
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
    writer_leave(writer, order, count, "an earlier attempt failed");
    return writer_undo(writer, writer->policy, NULL, out, err);
}

/* A file of a set failed, the one at `at` of the order; before it `first` to `at` are written. */
static int fail_file(struct writer *writer, const size_t *order, size_t first, size_t at, struct write_result *out, struct err *err)
{
    struct apply_file *file = &writer->plan->files[order[at]];
    apply_file_set(file, FATE_UNTOUCHED, out->cause.message);
    bool refused = out->cause.class == ERR_REFUSED; /* the ledger said no between the question and the write */
    if (refused && first == at) {
        out->end = WRITE_STOPPED;
        return 0;
    }
    out->end = WRITE_FAILED;
    const char *begun = first < at ? writer->plan->files[order[first]].path : file->path;
    return writer_undo(writer, refused ? ON_FAILURE_OBJECT : writer->policy, begun, out, err);
}

/* Whether an interrupted apply wrote a part of a set: then the set may not stay as it is. */
static bool half_written(const struct writer *writer, const size_t *set, size_t count)
{
    size_t done = 0;
    bool begun = false;
    for (size_t i = 0; i < count; i++) {
        const struct ledger_change *change = writer_begun(writer, writer->plan->files[set[i]].path);
        begun = begun || change != NULL;
        done += change != NULL && change->state == LEDGER_CHANGE_DONE ? 1 : 0;
    }
    return begun && done < count;
}

static int stop_before(struct writer *writer, const size_t *set, size_t count, struct write_result *out, struct err *err)
{
    if (out->end == WRITE_FAILED) {
        return writer_undo(writer, ON_FAILURE_RUN, NULL, out, err);
    }
    if (!half_written(writer, set, count)) {
        return 0;
    }
    out->end = WRITE_FAILED;
    for (size_t i = 0; i < count; i++) {
        const char *path = writer->plan->files[set[i]].path;
        if (writer_begun(writer, path) != NULL) {
            return writer_undo(writer, ON_FAILURE_OBJECT, path, out, err);
        }
    }
    return 0;
}

/* Writes the files [first, first + count) of the order, which are one set. */
static int write_set(struct writer *writer, const size_t *order, size_t first, size_t count, size_t all, struct write_result *out,
                     struct err *err)
{
    const char *set = count > 1 ? writer->plan->files[order[first]].path : NULL;
    for (size_t i = first; i < first + count; i++) {
        if (write_file(writer, &writer->plan->files[order[i]], set, &out->cause, err)) {
            return -1;
        }
        if (out->cause.class != ERR_NONE) {
            writer_leave(writer, order + i + 1, all - i - 1, "apply stopped before it");
            return fail_file(writer, order, first, i, out, err);
        }
        out->touched = true;
    }
    return 0;
}

static int write_in_order(struct writer *writer, const size_t *order, size_t count, struct write_result *out,
                          struct err *err)
{
    for (size_t first = 0, size = 0; first < count && out->cause.class == ERR_NONE; first += size) {
        const struct apply_file *files = writer->plan->files;
        bool stop = false;
        for (size = 1; first + size < count && files[order[first + size]].set == files[order[first]].set;) {
            size++;
        }
        if (writer_permitted(writer, order + first, size, out, &stop, err)) {
            return -1;
        }
        if (stop) {
            writer_leave(writer, order + first, count - first, out->cause.message);
            return stop_before(writer, order + first, size, out, err);
        }
        if (write_set(writer, order, first, size, count, out, err)) {
            return -1;
        }
    }
    return 0;
}

int write_all(struct writer *writer, struct write_result *out, struct err *err)
{
    size_t count = 0;
    size_t *order = apply_plan_order(writer->plan, &count);
    *out = (struct write_result){.end = WRITE_ALL};
    watch_signals();
    int failed = was_failing(writer)        ? resume_undo(writer, order, count, out, err)
                 : commit_is_wanted(writer) ? commit_all(writer, order, count, out, err)
                                            : write_in_order(writer, order, count, out, err);
    free(order);
    return failed;
}
