#include "stages/common/target_git.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"
#include "stages/common/git/git.h"

enum { MESSAGE_MAX = 64 * 1024, SHOWN = 12 };

/* One change on its way back. */
struct back {
    const struct ledger_change *change;
    json_t *git; /* of its detail; owned */
    enum ledger_change_state state; /* of its row now */
    enum undo_result result;
    bool write; /* its bytes before are part of the revert */
    char why[UNDO_WHY_MAX];
};

struct reverting {
    const struct undo_order *order;
    struct back *items;
    size_t count;
    struct git *git;
    const char *branch; /* borrowed from the first item, as the next ones */
    const char *remote; /* NULL: not pushed */
    const char *commit;
    char tip[GIT_OID];  /* of the branch, "" where it is not there */
    char base[GIT_OID]; /* what a revert stands on, "": the commit is nowhere */
    bool whole;         /* everything that the commit changed is wanted */
};

static json_t *git_of(const struct ledger_change *change)
{
    json_t *detail = json_loads(change->detail, 0, NULL);
    json_t *git = json_incref(json_object_get(detail, "git"));
    json_decref(detail);
    return json_is_object(git) ? git : (json_decref(git), NULL);
}

bool target_git_is(const struct ledger_change *change)
{
    json_t *git = git_of(change);
    json_decref(git);
    return git != NULL;
}

static const char *text_of(const struct back *item, const char *key)
{
    const char *text = json_string_or_null(item->git, key);
    return text == NULL ? "" : text;
}

/* Opens the repository that the commit is in. */
static int open_repository(struct reverting *work, struct err *err)
{
    const struct back *first = &work->items[0];
    char *recorded = target_change_root(first->change);
    const char *root = work->order->root != NULL ? work->order->root : recorded == NULL ? "." : recorded;
    int failed = git_open(root, json_string_or_null(first->git, "author"), &work->git, err);
    free(recorded);
    work->branch = text_of(first, "branch");
    work->remote = json_string_or_null(first->git, "remote");
    work->commit = text_of(first, "commit");
    failed = failed || git_check_oid(work->commit, err) || (text_of(first, "old")[0] != '\0' && git_check_oid(text_of(first, "old"), err));
    return failed || git_check_branch(work->git, work->branch, err) || git_branch_free(work->git, work->branch, err) ? -1 : 0;
}

/* Takes `tip` as what a revert stands on, if it holds the commit. */
static int try_base(struct reverting *work, const char *tip, struct err *err)
{
    bool contains = false;
    if (work->base[0] != '\0' || tip[0] == '\0') {
        return 0;
    }
    if (git_contains(work->git, tip, work->commit, &contains, err)) {
        return -1;
    }
    if (contains) {
        snprintf(work->base, sizeof work->base, "%s", tip);
    }
    return 0;
}

/* Merged as another commit, and the branch is gone: HEAD has what tare wrote. */
static int try_content(struct reverting *work, struct err *err)
{
    for (size_t i = 0; i < work->count && work->base[0] == '\0'; i++) {
        struct git_entry entry;
        bool found = false;
        if (git_entry(work->git, git_head(work->git), text_of(&work->items[i], "path"), &entry, &found, err)) {
            return -1;
        }
        if (found && str_equal(entry.oid, text_of(&work->items[i], "after_blob"))) {
            snprintf(work->base, sizeof work->base, "%s", git_head(work->git));
        }
    }
    return 0;
}

/* Where the commit is now: merged into HEAD, with the branch behind it or gone; on the branch; or only on the remote's. */
static int find_base(struct reverting *work, struct err *err)
{
    char remote[GIT_OID] = "";
    bool found = false;
    bool merged = true;
    if (git_branch_find(work->git, work->branch, work->tip, &found, err) ||
        (found && git_contains(work->git, git_head(work->git), work->tip, &merged, err)) ||
        (merged && try_base(work, git_head(work->git), err)) || try_base(work, work->tip, err)) {
        return -1;
    }
    if (work->base[0] == '\0' && work->remote != NULL &&
        (git_remote_find(work->git, work->remote, work->branch, true, remote, &found, err) || (found && try_base(work, remote, err)))) {
        return -1;
    }
    return try_content(work, err);
}

/* Whether nobody can have seen the commit: the apply was not finished, it is the last one of its branch, and no remote has it. */
static int is_unseen(struct reverting *work, bool *unseen, struct err *err)
{
    char remote[GIT_OID] = "";
    bool found = false;
    bool has = false;
    *unseen = work->whole && str_equal(work->tip, work->commit);
    for (size_t i = 0; i < work->count; i++) {
        const struct back *item = &work->items[i];
        bool finished = item->state == LEDGER_CHANGE_DONE || json_is_true(json_object_get(item->git, "finished"));
        *unseen = *unseen && !finished;
    }
    if (!*unseen || work->remote == NULL) {
        return 0;
    }
    if (git_remote_find(work->git, work->remote, work->branch, true, remote, &found, err) ||
        (found && git_contains(work->git, remote, work->commit, &has, err))) {
        return -1;
    }
    *unseen = !has;
    return 0;
}

/* What a file is where the revert would stand. */
static int compare(struct reverting *work, struct back *item, struct err *err)
{
    struct git_entry entry;
    bool found = false;
    if (git_entry(work->git, work->base, text_of(item, "path"), &entry, &found, err)) {
        return -1;
    }
    const char *now = found ? entry.oid : "";
    item->write = str_equal(now, text_of(item, "after_blob"));
    if (!item->write && !str_equal(now, text_of(item, "before_blob"))) {
        item->result = UNDO_CHANGED;
        snprintf(item->why, sizeof item->why, "%s was changed on the branch %s since: it is %.*s in %.*s, tare committed %.*s",
                 item->change->object, work->branch, SHOWN, found ? now : "gone", SHOWN, work->base, SHOWN, text_of(item, "after_blob"));
    }
    return 0;
}

/* What was not begun to be undone stays done, in the ledger, too: somebody changed it since, or git could not even be asked. */
static bool stays(const struct back *item)
{
    return item->result != UNDO_DONE && item->state == LEDGER_CHANGE_DONE;
}

static int move(const struct reverting *work, struct back *item, enum ledger_change_state to, const json_t *detail, struct err *err)
{
    if (item->state == to || stays(item)) {
        return 0;
    }
    if (ledger_change_move(work->order->ledger, item->change->id, to, detail, err)) {
        return -1;
    }
    item->state = to;
    return 0;
}

/* The rows go to rolling-back. They keep that their apply was finished: a resumed rollback then reverts, too. */
static int start(struct reverting *work, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        struct back *item = &work->items[i];
        if (item->state == LEDGER_CHANGE_DONE) {
            json_object_set_new(item->git, "finished", json_true());
        }
        json_t *detail = json_pack("{s:O}", "git", item->git);
        int failed = move(work, item, LEDGER_CHANGE_ROLLING_BACK, detail, err);
        json_decref(detail);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

/* The rows end as what became of them. */
static int finish(struct reverting *work, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        struct back *item = &work->items[i];
        if (move(work, item, item->result == UNDO_DONE ? LEDGER_CHANGE_ROLLED_BACK : LEDGER_CHANGE_ROLLBACK_FAILED, NULL, err)) {
            return -1;
        }
    }
    return 0;
}

static int revert_message(struct reverting *work, struct buf *out, struct err *err)
{
    struct buf subject;
    buf_init(&subject, MESSAGE_MAX);
    int failed = git_subject(work->git, work->commit, &subject, err);
    buf_printf(out, "Revert \"%s\"\n\nPuts back what stood in these files before tare run %" PRId64 ":\n", buf_str(&subject),
               work->order->run);
    for (size_t i = 0; i < work->count; i++) {
        if (work->items[i].write && work->items[i].result == UNDO_DONE) {
            buf_printf(out, "- %s\n", text_of(&work->items[i], "path"));
        }
    }
    buf_clear(&subject);
    buf_printf(out, "\nThis reverts commit %s.\n\nTare-Rollback: %" PRId64 "\n", work->commit, work->order->run);
    buf_release(&subject);
    return failed;
}

/* Commits the bytes before on top of the base, and moves the branch there. */
static int revert(struct reverting *work, struct err *err)
{
    char oid[GIT_OID];
    struct buf message;
    struct git_change *changes = xcalloc_array(work->count + 1, sizeof *changes);
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct back *item = &work->items[i];
        if (item->write && item->result == UNDO_DONE) {
            changes[count++] = (struct git_change){text_of(item, "path"), text_of(item, "mode"), text_of(item, "before_blob")};
        }
    }
    buf_init(&message, MESSAGE_MAX);
    char *reason = xasprintf("tare rollback %" PRId64, work->order->run);
    int failed = count > 0 && (revert_message(work, &message, err) ||
                               git_commit(work->git, work->base, changes, count, buf_str(&message), oid, err) ||
                               git_branch_move(work->git, work->branch, oid, work->tip, reason, err));
    if (!failed && count > 0) {
        log_info("the branch %s has the commit %.*s, which reverts %.*s", work->branch, SHOWN, oid, SHOWN, work->commit);
        snprintf(work->tip, sizeof work->tip, "%s", oid);
    }
    free(reason);
    buf_release(&message);
    free(changes);
    return failed ? -1 : 0;
}

/* The branch stands again where it stood, or is gone again. */
static int take_off(struct reverting *work, struct err *err)
{
    char *reason = xasprintf("tare rollback %" PRId64, work->order->run);
    int failed = git_branch_move(work->git, work->branch, text_of(&work->items[0], "old"), work->tip, reason, err);
    free(reason);
    if (!failed) {
        log_info("the commit %.*s is taken off the branch %s again", SHOWN, work->commit, work->branch);
    }
    return failed;
}

/* Every step in the repository; *err is the ledger's where *lost, else git's. */
static int undo_commit(struct reverting *work, bool *lost, struct err *err)
{
    bool unseen = false;
    *lost = false;
    if (open_repository(work, err) || find_base(work, err) || is_unseen(work, &unseen, err)) {
        return -1;
    }
    for (size_t i = 0; i < work->count; i++) {
        work->items[i].result = UNDO_DONE;
        if (!unseen && work->base[0] != '\0' && compare(work, &work->items[i], err)) {
            return -1;
        }
    }
    if (start(work, err)) {
        *lost = true;
        return -1;
    }
    if (unseen) {
        return take_off(work, err);
    }
    if (work->base[0] == '\0') {
        return 0;
    }
    if (revert(work, err)) {
        return -1;
    }
    return work->remote == NULL || work->tip[0] == '\0' ? 0 : git_push(work->git, work->remote, work->branch, work->tip, err);
}

/* What git could not do is the result of every change that it was for. */
static int fail_all(struct reverting *work, const struct err *why, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        struct back *item = &work->items[i];
        if (item->result != UNDO_CHANGED) {
            item->result = UNDO_FAILED;
            snprintf(item->why, sizeof item->why, "%s", why->message);
        }
    }
    return start(work, err) || finish(work, err) ? -1 : 0;
}

static int run_undo(struct reverting *work, struct err *err)
{
    struct err inner = {0};
    bool lost = false;
    int failed = 0;
    for (size_t i = 0; i < work->count && !failed; i++) {
        failed = undo_lock(work->order, work->items[i].change, &inner);
    }
    failed = failed || undo_commit(work, &lost, &inner) ? -1 : 0;
    if (failed && (lost || undo_ledger_lost(work->order->ledger, &inner))) {
        *err = inner;
        return -1;
    }
    failed = failed ? fail_all(work, &inner, err) : finish(work, err);
    for (size_t i = 0; i < work->count && !failed; i++) {
        failed = undo_unlock(work->order, work->items[i].change, err);
    }
    return failed ? -1 : 0;
}

int target_git_undo(const struct undo_order *order, const struct ledger_changes *changes, const bool *wanted, struct undo_report *out,
                    struct err *err)
{
    struct reverting work = {.order = order, .whole = true};
    work.items = xcalloc_array(changes->count + 1, sizeof *work.items);
    for (size_t i = changes->count; i > 0; i--) {
        const struct ledger_change *change = &changes->items[i - 1];
        json_t *git = git_of(change);
        bool never = change->state == LEDGER_CHANGE_PLANNED || change->state == LEDGER_CHANGE_ROLLED_BACK;
        work.whole = work.whole && (git == NULL || wanted[i - 1] || never);
        if (git != NULL && wanted[i - 1] && !never) {
            work.items[work.count++] = (struct back){.change = change, .git = json_incref(git), .state = change->state};
        } else if (git != NULL && wanted[i - 1]) {
            undo_count(order, change, UNDO_NOTHING, "", out);
        }
        json_decref(git);
    }
    int failed = work.count == 0 ? 0 : run_undo(&work, err);
    for (size_t i = 0; i < work.count; i++) {
        if (!failed) {
            undo_count(order, work.items[i].change, work.items[i].result, work.items[i].why, out);
        }
        json_decref(work.items[i].git);
    }
    git_free(work.git);
    free(work.items);
    return failed;
}
