#include "stages/apply/commit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/apply/commit_message.h"
#include "stages/apply/work.h"
#include "stages/common/git/git.h"
#include "stages/common/target_git.h"
#include "stages/common/target_undo.h"

enum { MESSAGE_MAX = 256 * 1024, SHOWN = 12 };

/* One file of the commit. */
struct part {
    struct apply_file *file;
    int64_t change;
    enum ledger_change_state state;
    json_t *git; /* of its row's detail; owned */
};

struct committing {
    struct writer *writer;
    struct git *git;
    char *branch;
    const char *remote; /* NULL: it is not pushed */
    const char *author; /* NULL: as git says */
    struct part *parts;
    size_t count;
    json_t *paths;      /* those of the repository: no file comes twice */
    char old[GIT_OID];  /* what the branch stood at, "": it is made */
    char commit[GIT_OID];
    json_t *known; /* `git` of the interrupted apply's rows; NULL: there are none */
};

static struct ledger *ledger_of(const struct committing *work)
{
    return work->writer->permit->stage->ledger;
}

/* The `git` of the first row that an interrupted apply had begun to write; NULL: none. New reference. */
static json_t *known_git(const struct writer *writer)
{
    json_t *found = NULL;
    for (size_t i = 0; i < writer->changes.count && found == NULL; i++) {
        const struct ledger_change *change = &writer->changes.items[i];
        if (change->state != LEDGER_CHANGE_PLANNED && target_git_is(change)) {
            json_t *detail = json_loads(change->detail, 0, NULL);
            found = json_incref(json_object_get(detail, "git"));
            json_decref(detail);
        }
    }
    return found;
}

bool commit_is_wanted(const struct writer *writer)
{
    json_t *known = known_git(writer);
    bool wanted = known != NULL;
    for (size_t i = 0; i < writer->changes.count && !wanted; i++) {
        if (writer->changes.items[i].state != LEDGER_CHANGE_PLANNED) {
            return false; /* it began to write the files, and goes on with that */
        }
    }
    json_decref(known);
    return wanted || config_string(writer->permit->stage->config, "apply.git.branch") != NULL;
}

static void committing_release(struct committing *work)
{
    for (size_t i = 0; i < work->count; i++) {
        json_decref(work->parts[i].git);
    }
    free(work->parts);
    free(work->branch);
    json_decref(work->paths);
    json_decref(work->known);
    git_free(work->git);
}

/* What the branch is and where it goes: an interrupted apply goes on as it began. */
static int committing_open(struct committing *work, struct writer *writer, struct err *err)
{
    const struct config *config = writer->permit->stage->config;
    *work = (struct committing){.writer = writer, .known = known_git(writer), .paths = json_object()};
    if (work->known != NULL) {
        work->branch = xstrdup_null(json_string_or_null(work->known, "branch"));
        work->remote = json_string_or_null(work->known, "remote");
        work->author = json_string_or_null(work->known, "author");
        snprintf(work->commit, sizeof work->commit, "%s", json_string_or_null(work->known, "commit") == NULL
                                                              ? "" : json_string_or_null(work->known, "commit"));
    } else {
        work->branch = commit_branch(writer, config_string(config, "apply.git.branch"));
        work->remote = config_flag(config, "apply.git.push") ? config_string(config, "apply.git.remote") : NULL;
        work->author = config_string(config, "apply.git.author");
    }
    if (work->commit[0] != '\0' && git_check_oid(work->commit, err)) {
        return -1;
    }
    return work->branch == NULL ? err_set(err, ERR_DATA, "the interrupted apply says not which branch it commits to")
                                : git_open(writer->absolute_root, work->author, &work->git, err);
}

/* A branch that is there already must hold nothing that is not in HEAD: a commit on it would bring that along. */
static int see_tip(struct committing *work, const char *where, const char *tip, struct err *err)
{
    bool merged = false;
    if (git_contains(work->git, git_head(work->git), tip, &merged, err) || merged) {
        return merged ? 0 : -1;
    }
    err_set(err, ERR_REFUSED, "the branch %s is there already%s, with the commit %.*s that is not in HEAD", work->branch, where, SHOWN,
            tip);
    return err_hint(err, "merge or delete it, or let each run have a branch of its own: apply.git.branch: \"tare/run-{run}\"");
}

static int see_remote(struct committing *work, struct err *err)
{
    char tip[GIT_OID];
    bool found = false;
    if (work->remote == NULL) {
        return 0;
    }
    if (git_check_remote(work->git, work->remote, err) ||
        git_remote_find(work->git, work->remote, work->branch, true, tip, &found, err)) {
        return -1;
    }
    return found && !str_equal(tip, work->old) ? see_tip(work, " on the remote", tip, err) : 0;
}

/* Repository, author, branch and remote. */
static int see_branch(struct committing *work, struct err *err)
{
    bool found = false;
    if (git_check_author(work->git, err) || git_check_branch(work->git, work->branch, err) ||
        git_branch_free(work->git, work->branch, err) || git_branch_find(work->git, work->branch, work->old, &found, err)) {
        return -1;
    }
    return (found && see_tip(work, "", work->old, err)) || see_remote(work, err) ? -1 : 0;
}

/* Reads a file, sees that HEAD has it as it is, and works out what it becomes. *git receives what its row says; `keep`: its bytes
 * are stored. */
static int take_file(struct committing *work, struct file_work *file, bool keep, json_t **git, struct err *err)
{
    struct writer *writer = work->writer;
    struct git_entry entry;
    char after[GIT_OID];
    char *path = NULL;
    bool created = file->file->created;
    if (file_work_read(writer->root, file, err) || git_path(work->git, writer->absolute_root, file->file->path, &path, err)) {
        return -1;
    }
    int failed = 0;
    if (json_object_get(work->paths, path) != NULL) {
        failed = err_set(err, ERR_CONFIG, "%s is the file of another one of the plan: one of them is a link", file->file->path);
    }
    failed = failed || git_check_file(work->git, path, created ? NULL : &file->before, &entry, err) ||
             git_blob(work->git, path, &file->after, keep, after, err);
    if (!failed) {
        json_object_set_new(work->paths, path, json_true());
        *git = json_pack("{s:o, s:o, s:s, s:s, s:s, s:o, s:o}", "branch", json_string_safe(work->branch), "path", json_string_safe(path),
                         "mode", entry.mode, "before_blob", created ? "" : entry.oid, "after_blob", after, "remote",
                         json_string_safe(work->remote), "author", json_string_safe(work->author));
    }
    free(path);
    return failed ? -1 : 0;
}

int commit_rehearse(struct writer *writer, const size_t *order, size_t count, struct err *err)
{
    struct committing work;
    int failed = committing_open(&work, writer, err) || (work.known == NULL && see_branch(&work, err));
    for (size_t i = 0; i < count && !failed && work.known == NULL; i++) {
        struct file_work file;
        json_t *git = NULL;
        failed = file_work_open(writer->permit, writer->plan, &writer->plan->files[order[i]], &file, err) ||
                 take_file(&work, &file, false, &git, err);
        json_decref(git);
        file_work_release(&file);
    }
    committing_release(&work);
    return failed ? -1 : 0;
}

/* Locks the workloads of a file, reads it and makes its row. */
static int begin_file(struct committing *work, struct apply_file *file, struct err *err)
{
    struct file_work one;
    struct part part = {.file = file};
    const struct permit *permit = work->writer->permit;
    int failed = file_work_open(permit, work->writer->plan, file, &one, err) || file_work_lock(permit, &one, err) ||
                 take_file(work, &one, true, &part.git, err);
    if (!failed) {
        json_t *detail = file_work_detail(&one, work->writer->absolute_root, NULL);
        json_object_set(detail, "git", part.git);
        failed = file_work_begin(permit, &one, detail, err);
        json_decref(detail);
        part.change = one.change;
        part.state = one.state;
        work->parts[work->count++] = part;
    }
    file_work_release(&one);
    return failed ? -1 : 0;
}

/* The commit, which nothing points to yet. */
static int make_commit(struct committing *work, struct err *err)
{
    struct buf message;
    struct git_change *changes = xcalloc_array(work->count + 1, sizeof *changes);
    for (size_t i = 0; i < work->count; i++) {
        const json_t *git = work->parts[i].git;
        changes[i] = (struct git_change){json_string_or_null(git, "path"), json_string_or_null(git, "mode"),
                                         json_string_or_null(git, "after_blob")};
    }
    buf_init(&message, MESSAGE_MAX);
    int failed = commit_message(work->writer, &message, err) ||
                 git_commit(work->git, git_head(work->git), changes, work->count, buf_str(&message), work->commit, err);
    buf_release(&message);
    free(changes);
    return failed ? -1 : 0;
}

static int move_part(struct committing *work, struct part *part, enum ledger_change_state to, const json_t *detail, struct err *err)
{
    if (ledger_change_move(ledger_of(work), part->change, to, detail, err)) {
        return -1;
    }
    part->state = to;
    return 0;
}

/* All rows are `writing` and say which commit it is: what a resumed apply, or a rollback, asks the branch for. */
static int announce(struct committing *work, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        struct part *part = &work->parts[i];
        json_object_set_new(part->git, "commit", json_string(work->commit));
        json_object_set_new(part->git, "parent", json_string(git_head(work->git)));
        json_object_set_new(part->git, "old", json_string(work->old));
        json_t *detail = json_pack("{s:O}", "git", part->git);
        int failed = move_part(work, part, LEDGER_CHANGE_WRITING, detail, err);
        json_decref(detail);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

static int move_branch(struct committing *work, struct err *err)
{
    int64_t now = 0;
    char *reason = xasprintf("tare apply %" PRId64, work->writer->permit->run->id);
    int failed = permit_clock(work->writer->permit, &now, err) ||
                 git_branch_move(work->git, work->branch, work->commit, work->old, reason, err);
    free(reason);
    return failed ? -1 : 0;
}

/* From the rows of an interrupted apply whose commit is on the branch. */
static int take_rows(struct committing *work, const size_t *order, size_t count, struct err *err)
{
    struct writer *writer = work->writer;
    for (size_t i = 0; i < count; i++) {
        struct file_work file;
        const struct ledger_change *change = writer_begun(writer, writer->plan->files[order[i]].path);
        if (change == NULL) {
            continue;
        }
        int failed = file_work_open(writer->permit, writer->plan, &writer->plan->files[order[i]], &file, err) ||
                     file_work_lock(writer->permit, &file, err);
        file_work_release(&file);
        if (failed) {
            return -1;
        }
        json_t *detail = json_loads(change->detail, 0, NULL);
        work->parts[work->count++] = (struct part){&writer->plan->files[order[i]], change->id, change->state,
                                                   json_incref(json_object_get(detail, "git"))};
        json_decref(detail);
    }
    return 0;
}

/* Whether the commit of the interrupted apply is on its branch, or was merged already. A row that says it was written, without
 * it, is for a person. */
static int find_landed(struct committing *work, bool *landed, struct err *err)
{
    char tip[GIT_OID];
    bool found = false;
    *landed = false;
    if (work->known == NULL || work->commit[0] == '\0') {
        return 0;
    }
    if (git_branch_find(work->git, work->branch, tip, &found, err) ||
        (found && git_contains(work->git, tip, work->commit, landed, err)) ||
        (!*landed && git_contains(work->git, git_head(work->git), work->commit, landed, err))) {
        return -1;
    }
    for (size_t i = 0; i < work->writer->changes.count && !*landed; i++) {
        enum ledger_change_state state = work->writer->changes.items[i].state;
        if (state > LEDGER_CHANGE_WRITING && state <= LEDGER_CHANGE_DONE) {
            int64_t run = work->writer->permit->run->id;
            err_set(err, ERR_ROLLBACK_FAILED, "the branch %s does not have the commit %.*s any more, which the interrupted apply made",
                    work->branch, SHOWN, work->commit);
            return err_hint(err,
                            "put the branch back: git branch -f %s %.*s, then tare apply %" PRId64 " --resume; or: tare rollback %" PRId64
                            " --resume",
                            work->branch, SHOWN, work->commit, run, run);
        }
    }
    return 0;
}

/* From `writing` to where the branch has moved. */
static int land(struct committing *work, const size_t *order, size_t count, struct err *err)
{
    bool landed = false;
    if (find_landed(work, &landed, err)) {
        return -1;
    }
    if (landed) {
        return take_rows(work, order, count, err);
    }
    if (see_branch(work, err)) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (begin_file(work, &work->writer->plan->files[order[i]], err)) {
            return -1;
        }
    }
    if (make_commit(work, err) || announce(work, err) || move_branch(work, err)) {
        return -1;
    }
    log_info("the branch %s has the commit %.*s", work->branch, SHOWN, work->commit);
    return 0;
}

/* Moves the rows that are in `from` on. */
static int move_all(struct committing *work, enum ledger_change_state from, enum ledger_change_state to, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        if (work->parts[i].state == from && move_part(work, &work->parts[i], to, NULL, err)) {
            return -1;
        }
    }
    return 0;
}

static int push(struct committing *work, struct err *err)
{
    if (work->remote == NULL || git_push(work->git, work->remote, work->branch, work->commit, err) == 0) {
        return 0;
    }
    if (err->class == ERR_UNAVAILABLE) {
        err->class = ERR_TEMPFAIL;
        err_prefix(err, "committed to %s as %.*s, and not pushed", work->branch, SHOWN, work->commit);
        err_hint(err, "tare apply %" PRId64 " --resume pushes again, tare rollback %" PRId64 " --resume takes the commit back",
                 work->writer->permit->run->id, work->writer->permit->run->id);
    }
    return -1;
}

/* The commit holds what was planned, file by file. */
static int verify(struct committing *work, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        struct git_entry entry;
        bool found = false;
        const json_t *git = work->parts[i].git;
        if (git_entry(work->git, work->commit, json_string_or_null(git, "path"), &entry, &found, err)) {
            return -1;
        }
        if (!found || !str_equal(entry.oid, json_string_or_null(git, "after_blob"))) {
            return err_set(err, ERR_IO, "%s is not in the commit %.*s as it was planned", work->parts[i].file->path, SHOWN, work->commit);
        }
    }
    return 0;
}

static void tell(struct committing *work)
{
    char detail[300];
    snprintf(detail, sizeof detail, "committed to the branch %.120s as %.*s%s%.60s", work->branch, SHOWN, work->commit,
             work->remote == NULL ? "" : ", which is pushed to ", work->remote == NULL ? "" : work->remote);
    for (size_t i = 0; i < work->count; i++) {
        apply_file_set(work->parts[i].file, FATE_DONE, detail);
    }
}

static int commit_steps(struct committing *work, const size_t *order, size_t count, struct err *err)
{
    if (land(work, order, count, err) || move_all(work, LEDGER_CHANGE_WRITING, LEDGER_CHANGE_WRITTEN, err) || push(work, err) ||
        move_all(work, LEDGER_CHANGE_WRITTEN, LEDGER_CHANGE_VERIFYING, err) || verify(work, err) ||
        move_all(work, LEDGER_CHANGE_VERIFYING, LEDGER_CHANGE_DONE, err)) {
        return -1;
    }
    tell(work);
    return 0;
}

/* A commit that failed, and was not merely held up, is undone as a whole. */
static int failed_commit(struct writer *writer, const size_t *order, size_t count, struct write_result *out, struct err *err)
{
    writer_leave(writer, order, count, out->cause.message);
    out->end = WRITE_FAILED;
    return writer_undo(writer, writer->policy == ON_FAILURE_STOP ? ON_FAILURE_STOP : ON_FAILURE_RUN, NULL, out, err);
}

int commit_all(struct writer *writer, const size_t *order, size_t count, struct write_result *out, struct err *err)
{
    struct committing work;
    struct err inner = {0};
    bool stop = false;
    if (writer_permitted(writer, order, count, out, &stop, err)) {
        return -1;
    }
    if (stop && json_object_size(writer->begun) == 0) {
        writer_leave(writer, order, count, out->cause.message);
        return 0;
    }
    if (stop) {
        return failed_commit(writer, order, count, out, err);
    }
    int failed = committing_open(&work, writer, &inner);
    work.parts = xcalloc_array(count + 1, sizeof *work.parts);
    failed = failed || commit_steps(&work, order, count, &inner) ? -1 : 0;
    committing_release(&work);
    if (!failed) {
        out->touched = true;
        return 0;
    }
    if (writer->permit->stepped || inner.class == ERR_ROLLBACK_FAILED || inner.class == ERR_TEMPFAIL ||
        undo_ledger_lost(ledger_of(&work), &inner)) {
        *err = inner;
        return -1;
    }
    out->cause = inner;
    return failed_commit(writer, order, count, out, err);
}
