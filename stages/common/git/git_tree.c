#include "stages/common/git/git_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"

enum { COMMIT_INPUT_MAX = 64 * 1024 * 1024 };

/* New absolute path of a file that may not be there yet, through symbolic links. */
static char *resolved(const char *full)
{
    char *real = realpath(full, NULL);
    if (real != NULL) {
        return real;
    }
    char *folder = fs_dirname(full);
    char *real_folder = realpath(folder, NULL);
    const char *slash = strrchr(full, '/');
    char *out = real_folder == NULL ? xstrdup(full) : fs_join(real_folder, slash == NULL ? full : slash + 1);
    free(real_folder);
    free(folder);
    return out;
}

int git_path(const struct git *git, const char *root, const char *file, char **out, struct err *err)
{
    char *full = fs_join(root, file);
    char *real = resolved(full);
    char *top = resolved(git->top);
    size_t length = strlen(top);
    int failed = 0;
    if (strncmp(real, top, length) != 0 || real[length] != '/') {
        err_set(err, ERR_CONFIG, "%s lies outside of the git repository %s", file, top);
        failed = err_hint(err, "run tare with --root in the repository of the manifests, or leave apply.git.branch out");
    } else {
        *out = xstrdup(real + length + 1);
    }
    free(top);
    free(real);
    free(full);
    return failed;
}

/* "100644 blob 1234…\tpath" */
static bool take_entry(const char *text, struct git_entry *out)
{
    size_t mode = strspn(text, "01234567");
    const char *kind = mode == 6 && text[mode] == ' ' ? text + mode + 1 : "";
    const char *blank = strchr(kind, ' ');
    const char *oid = blank == NULL ? "" : blank + 1;
    size_t length = strspn(oid, "0123456789abcdef");
    if (length < 40 || length >= GIT_OID || oid[length] != '\t') {
        return false;
    }
    snprintf(out->mode, sizeof out->mode, "%.*s", (int)mode, text);
    snprintf(out->oid, sizeof out->oid, "%.*s", (int)length, oid);
    return true;
}

int git_entry(struct git *git, const char *commit, const char *path, struct git_entry *out, bool *found, struct err *err)
{
    struct buf text;
    struct git_run run = {.words = GIT_WORDS("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path), .out = &text};
    buf_init(&text, GIT_ANSWER_MAX);
    int failed = git_must(git, &run, "what a commit holds cannot be told", err);
    *found = !failed && take_entry(buf_str(&text), out);
    buf_release(&text);
    return failed;
}

int git_blob(struct git *git, const char *path, const struct buf *bytes, bool keep, char oid[GIT_OID], struct err *err)
{
    char *as = xasprintf("--path=%s", path);
    struct git_run run = {.words = keep ? GIT_WORDS("hash-object", "-w", "--stdin", as) : GIT_WORDS("hash-object", "--stdin", as),
                          .input = bytes};
    int failed = git_oid(git, &run, "git cannot take a file in", oid, err);
    free(as);
    return failed;
}

/* The submodule that a path lies in: length of its own path, 0 for none. */
static int find_submodule(struct git *git, const char *path, size_t *length, struct err *err)
{
    *length = 0;
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        struct git_entry entry;
        bool found = false;
        char *prefix = xasprintf("%.*s", (int)(slash - path), path);
        int failed = git_entry(git, git->head, prefix, &entry, &found, err);
        free(prefix);
        if (failed) {
            return -1;
        }
        if (found && str_equal(entry.mode, "160000")) {
            *length = (size_t)(slash - path);
            return 0;
        }
    }
    return 0;
}

/* Why the last commit does not hold a file. */
static int not_committed(struct git *git, const char *path, bool new_file, struct err *err)
{
    size_t module = 0;
    struct git_run run = {.words = GIT_WORDS("check-ignore", "--quiet", "--no-index", "--", path)};
    if (find_submodule(git, path, &module, err)) {
        return -1;
    }
    if (module > 0) {
        err_set(err, ERR_CONFIG, "%s lies in the submodule %.*s, whose commits are another repository's", path, (int)module, path);
        return err_hint(err, "run tare in that submodule, with its own apply.git");
    }
    if (git_run(git, &run, err)) {
        return -1;
    }
    if (run.code == 0) {
        err_set(err, ERR_CONFIG, "%s is ignored by git, so it cannot be committed", path);
        return err_hint(err, "git check-ignore -v %s names the rule", path);
    }
    if (new_file) {
        return 0;
    }
    err_set(err, ERR_CONFIG, "%s is not in the last commit of the git repository, so a change of it cannot be committed", path);
    return err_hint(err, "git add %s && git commit, then make the plan anew", path);
}

static bool is_pointer(const char *bytes)
{
    return str_starts(bytes, "version https://git-lfs.github.com/spec/");
}

static int see_lfs(struct git *git, const char *path, const struct buf *bytes, struct err *err)
{
    struct buf out;
    struct git_run run = {.words = GIT_WORDS("check-attr", "-z", "filter", "--", path), .out = &out};
    buf_init(&out, GIT_ANSWER_MAX);
    int failed = git_must(git, &run, "the attributes of a file cannot be told", err);
    const char *filter = buf_str(&out); /* path NUL "filter" NUL value NUL */
    for (int i = 0; !failed && i < 2; i++) {
        filter += filter < buf_str(&out) + out.length ? strlen(filter) + 1 : 0;
    }
    if (!failed && (str_equal(filter, "lfs") || (bytes != NULL && is_pointer(buf_str(bytes))))) {
        err_set(err, ERR_CONFIG, "%s is kept by Git LFS: a commit would hold a pointer to bytes that are nowhere", path);
        failed = err_hint(err, "keep manifests out of Git LFS: see .gitattributes");
    }
    buf_release(&out);
    return failed;
}

static int see_kind(const char *path, const struct git_entry *entry, struct err *err)
{
    if (str_equal(entry->mode, "120000")) {
        return err_set(err, ERR_CONFIG, "%s is a symbolic link in the git repository, and a commit would make it a file", path);
    }
    return str_starts(entry->mode, "100") ? 0 : err_set(err, ERR_CONFIG, "%s is no file in the git repository", path);
}

int git_check_file(struct git *git, const char *path, const struct buf *bytes, struct git_entry *entry, struct err *err)
{
    bool found = false;
    char oid[GIT_OID];
    *entry = (struct git_entry){.mode = "100644"};
    if (git_entry(git, git->head, path, entry, &found, err)) {
        return -1;
    }
    if (bytes == NULL && found) {
        return err_set(err, ERR_STALE, "the plan is stale: %s is to be a new file, and stands in the last commit already", path);
    }
    if (!found) {
        return not_committed(git, path, bytes == NULL, err);
    }
    if (see_kind(path, entry, err) || see_lfs(git, path, bytes, err) || git_blob(git, path, bytes, false, oid, err)) {
        return -1;
    }
    if (!str_equal(oid, entry->oid)) {
        err_set(err, ERR_CONFIG, "%s has changes that are not committed, which a commit of tare's would take along", path);
        return err_hint(err, "commit or put them away first: git diff %s", path);
    }
    return 0;
}

/* Lines for update-index: "MODE OID\tPATH". */
static int index_lines(const struct git_change *changes, size_t count, size_t oid_length, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        bool gone = changes[i].oid[0] == '\0';
        buf_printf(out, "%s ", gone ? "0" : changes[i].mode);
        for (size_t n = 0; gone && n < oid_length; n++) {
            buf_add_char(out, '0');
        }
        buf_printf(out, "%s\t%s", changes[i].oid, changes[i].path);
        buf_add_char(out, '\0');
    }
    return out->overflow ? err_set(err, ERR_DATA, "the commit changes too many files") : 0;
}

/* Whether the user wants commits to be signed. */
static int wants_signature(struct git *git, bool *wants, struct err *err)
{
    struct buf out;
    struct git_run run = {.words = GIT_WORDS("config", "--type=bool", "--get", "commit.gpgSign"), .out = &out};
    buf_init(&out, GIT_ANSWER_MAX);
    int failed = git_run(git, &run, err);
    *wants = !failed && str_starts(buf_str(&out), "true");
    buf_release(&out);
    return failed;
}

static int commit_tree(struct git *git, const char *parent, const char *tree, const char *message, char oid[GIT_OID], struct err *err)
{
    bool sign = false;
    struct buf text;
    if (wants_signature(git, &sign, err)) {
        return -1;
    }
    buf_init(&text, COMMIT_INPUT_MAX);
    buf_add_str(&text, message);
    struct git_run run = {.words = sign ? GIT_WORDS("commit-tree", "-S", "-p", parent, "-F", "-", tree)
                                        : GIT_WORDS("commit-tree", "-p", parent, "-F", "-", tree),
                          .input = &text};
    int failed = git_oid(git, &run, "git makes no commit", oid, err);
    buf_release(&text);
    return failed;
}

int git_commit(struct git *git, const char *parent, const struct git_change *changes, size_t count, const char *message,
               char oid[GIT_OID], struct err *err)
{
    char tree[GIT_OID];
    struct buf lines;
    struct git_run read = {.words = GIT_WORDS("read-tree", parent), .own_index = true};
    struct git_run add = {.words = GIT_WORDS("update-index", "-z", "--index-info"), .own_index = true, .input = &lines};
    struct git_run write = {.words = GIT_WORDS("write-tree"), .own_index = true};
    buf_init(&lines, COMMIT_INPUT_MAX);
    int failed = index_lines(changes, count, strlen(git->head), &lines, err) || git_must(git, &read, "git cannot read a commit", err) ||
                 git_must(git, &add, "git cannot take the files in", err) || git_oid(git, &write, "git makes no tree", tree, err) ||
                 commit_tree(git, parent, tree, message, oid, err);
    unlink(git->index);
    buf_release(&lines);
    return failed ? -1 : 0;
}

int git_subject(struct git *git, const char *commit, struct buf *out, struct err *err)
{
    struct git_run run = {.words = GIT_WORDS("show", "--no-patch", "--format=%s", commit, "--"), .out = out};
    int failed = git_must(git, &run, "a commit cannot be read", err);
    while (!failed && out->length > 0 && buf_str(out)[out->length - 1] == '\n') {
        out->data[--out->length] = '\0';
    }
    return failed;
}
