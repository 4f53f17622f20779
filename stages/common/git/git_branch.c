#include "stages/common/git/git_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { LIST_MAX = 1024 * 1024 };

int git_check_branch(struct git *git, const char *branch, struct err *err)
{
    char *ref = xasprintf("refs/heads/%s", branch);
    struct git_run run = {.words = GIT_WORDS("check-ref-format", ref)};
    int failed = git_run(git, &run, err);
    if (!failed && (run.code != 0 || branch[0] == '-')) {
        err_set(err, ERR_CONFIG, "apply.git.branch is \"%.200s\", which is no name for a branch", branch);
        failed = err_hint(err, "write it as: branch: \"tare/run-{run}\"");
    }
    free(ref);
    return failed;
}

int git_branch_find(struct git *git, const char *branch, char oid[GIT_OID], bool *found, struct err *err)
{
    char *ref = xasprintf("refs/heads/%s^{commit}", branch);
    struct buf out;
    struct git_run run = {.words = GIT_WORDS("rev-parse", "--verify", "--quiet", ref), .out = &out};
    buf_init(&out, GIT_OID + 1);
    int failed = git_run(git, &run, err);
    *found = !failed && run.code == 0 && out.length >= 40;
    if (*found) {
        snprintf(oid, GIT_OID, "%.*s", (int)strspn(buf_str(&out), "0123456789abcdef"), buf_str(&out));
    }
    buf_release(&out);
    free(ref);
    return failed;
}

int git_branch_free(struct git *git, const char *branch, struct err *err)
{
    struct buf out;
    struct git_run run = {.words = GIT_WORDS("worktree", "list", "--porcelain"), .out = &out};
    buf_init(&out, LIST_MAX);
    if (git_must(git, &run, "where branches are checked out cannot be told", err)) {
        buf_release(&out);
        return -1;
    }
    char *line_wanted = xasprintf("branch refs/heads/%s", branch);
    char *copy = buf_steal(&out);
    char *rest = copy;
    const char *folder = "";
    int failed = 0;
    for (char *line; !failed && (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        folder = str_starts(line, "worktree ") ? line + strlen("worktree ") : folder;
        if (str_equal(line, line_wanted)) {
            err_set(err, ERR_CONFIG, "the branch %s is checked out in %s, and a commit would change what that work tree stands for",
                    branch, folder);
            failed = err_hint(err, "check out another branch there, or name another one in apply.git.branch");
        }
    }
    free(copy);
    free(line_wanted);
    return failed;
}

int git_branch_move(struct git *git, const char *branch, const char *new, const char *old, const char *reason, struct err *err)
{
    char *ref = xasprintf("refs/heads/%s", branch);
    struct git_run run = {.words = new[0] == '\0' ? GIT_WORDS("update-ref", "-m", reason, "-d", ref, old)
                                                  : GIT_WORDS("update-ref", "-m", reason, ref, new, old)};
    int failed = git_run(git, &run, err);
    if (!failed && run.code != 0) {
        failed = err_set(err, ERR_REFUSED, "git does not move the branch %s: %s", branch, run.why);
    }
    free(ref);
    return failed;
}

int git_contains(struct git *git, const char *tip, const char *commit, bool *contains, struct err *err)
{
    struct git_run run = {.words = GIT_WORDS("merge-base", "--is-ancestor", commit, tip)};
    int failed = git_run(git, &run, err);
    *contains = !failed && run.code == 0;
    return failed;
}

int git_check_remote(struct git *git, const char *remote, struct err *err)
{
    struct buf out;
    struct git_run run = {.words = GIT_WORDS("remote"), .out = &out};
    buf_init(&out, LIST_MAX);
    int failed = git_must(git, &run, "the remotes cannot be told", err);
    char *copy = buf_steal(&out);
    char *rest = copy;
    bool found = false;
    for (char *line; !failed && (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        found = found || str_equal(line, remote);
    }
    if (!failed && !found) {
        bool address = strpbrk(remote, ":/@") != NULL;
        err_set(err, ERR_CONFIG, "the git repository has no remote %s to push to",
                address ? "of the name that apply.git.remote gives (it is a name, not an address)" : remote);
        failed = err_hint(err, "git remote -v lists them; name one in apply.git.remote, or add it: git remote add NAME ADDRESS");
    }
    free(copy);
    return failed;
}

/* A remote that did not answer. */
static int no_answer(const char *remote, const struct git_run *run, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "the git remote %s does not answer: %s", remote, run->why);
    return err_hint(err, "see whether git fetch %s works without a question", remote);
}

static int remote_tip(struct git *git, const char *remote, const char *branch, char oid[GIT_OID], bool *found, struct err *err)
{
    char *ref = xasprintf("refs/heads/%s", branch);
    struct buf out;
    struct git_run run = {.words = GIT_WORDS("ls-remote", "--", remote, ref), .out = &out, .milliseconds = GIT_REMOTE_MS};
    buf_init(&out, GIT_ANSWER_MAX);
    int failed = git_run(git, &run, err);
    if (!failed && run.code != 0) {
        failed = no_answer(remote, &run, err);
    }
    size_t length = strspn(buf_str(&out), "0123456789abcdef");
    *found = !failed && length >= 40 && length < GIT_OID;
    if (*found) {
        snprintf(oid, GIT_OID, "%.*s", (int)length, buf_str(&out));
    }
    buf_release(&out);
    free(ref);
    return failed;
}

static int is_here(struct git *git, const char *oid, bool *here, struct err *err)
{
    struct git_run run = {.words = GIT_WORDS("cat-file", "-e", oid)};
    int failed = git_run(git, &run, err);
    *here = !failed && run.code == 0;
    return failed;
}

int git_remote_find(struct git *git, const char *remote, const char *branch, bool fetch, char oid[GIT_OID], bool *found,
                    struct err *err)
{
    bool here = true;
    if (remote_tip(git, remote, branch, oid, found, err) || (*found && fetch && is_here(git, oid, &here, err))) {
        return -1;
    }
    if (here) {
        return 0;
    }
    char *ref = xasprintf("refs/heads/%s", branch);
    struct git_run run = {.words = GIT_WORDS("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
                                             "--refmap=", "--", remote, ref),
                          .milliseconds = GIT_REMOTE_MS};
    int failed = git_run(git, &run, err);
    if (!failed && run.code != 0) {
        failed = no_answer(remote, &run, err);
    }
    free(ref);
    return failed;
}

/* What the remote said to the one ref that was pushed: "!\tFROM:TO\t[rejected] (non-fast-forward)". False where it did not say no. */
static bool said_no(const char *text, char why[GIT_WHY_MAX])
{
    char *copy = xstrdup(text);
    char *rest = copy;
    bool no = false;
    for (char *line; !no && (line = strtok_r(rest, "\n", &rest)) != NULL;) {
        const char *reason = str_starts(line, "!\t") ? strchr(line + 2, '\t') : NULL;
        if (reason != NULL) {
            no = true;
            snprintf(why, GIT_WHY_MAX, "%s", reason + 1);
            str_mask_controls(why);
        }
    }
    free(copy);
    return no;
}

/* A push that was refused because the branch is further on there: whether it has our commit all the same. */
static int has_it(struct git *git, const char *remote, const char *branch, const char *commit, bool *has, struct err *err)
{
    char tip[GIT_OID];
    bool found = false;
    *has = false;
    if (git_remote_find(git, remote, branch, true, tip, &found, err)) {
        return -1;
    }
    return found ? git_contains(git, tip, commit, has, err) : 0;
}

/* Of a push that git ended with an error, and that the remote does not have: it answers, so somebody said no. */
static int refused(const char *remote, const char *branch, const struct git_run *run, const char *answer, struct err *err)
{
    char no[GIT_WHY_MAX] = "";
    bool said = said_no(answer, no);
    err_set(err, ERR_REFUSED, "the push of %s to %s was refused: %s%s%s", branch, remote, no, said ? "; " : "", run->why);
    return err_hint(err, "see the rules and hooks for this branch, here (pre-push) and there; tare never forces a push");
}

int git_push(struct git *git, const char *remote, const char *branch, const char *commit, struct err *err)
{
    char *spec = xasprintf("%s:refs/heads/%s", commit, branch);
    bool has = false;
    struct buf out;
    struct git_run run = {.words = GIT_WORDS("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no", "--", remote, spec),
                          .out = &out,
                          .milliseconds = GIT_REMOTE_MS};
    buf_init(&out, LIST_MAX);
    int failed = git_run(git, &run, err);
    if (!failed && run.code != 0) {
        failed = has_it(git, remote, branch, commit, &has, err);
        failed = failed || has ? failed : refused(remote, branch, &run, buf_str(&out), err);
    }
    buf_release(&out);
    free(spec);
    return failed;
}
