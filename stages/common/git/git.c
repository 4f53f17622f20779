#include "stages/common/git/git_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"

enum { STDERR_KEPT = 8 * 1024, NAME_MAX_BYTES = 200 };

extern char **environ;

/* What is handed on of the environment's GIT_…: who, and how a remote is reached. Where the repository is, and what is traced, is not. */
static bool handed_on(const char *entry)
{
    static const char *const kept[] = {
        "GIT_AUTHOR_NAME=", "GIT_AUTHOR_EMAIL=", "GIT_COMMITTER_NAME=", "GIT_COMMITTER_EMAIL=", "GIT_SSH=", "GIT_SSH_",
        "GIT_ASKPASS=", "GIT_SSL_", "GIT_PROXY_", "GIT_HTTP_", "GIT_CONFIG_", "GIT_EXEC_PATH=", "GIT_ALLOW_PROTOCOL=",
    };
    if (!str_starts(entry, "GIT_")) {
        return !str_starts(entry, "LC_ALL=") && !str_starts(entry, "LANGUAGE=");
    }
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        if (str_starts(entry, kept[i])) {
            return true;
        }
    }
    return false;
}

struct entries {
    char **items;
    size_t count;
    size_t capacity;
};

static void add_entry(struct entries *entries, char *text)
{
    GROW(entries->items, entries->capacity, entries->count + 1);
    entries->items[entries->count++] = text;
}

/* New environment. `name` and `mail` sign commits; NULL: as the user's settings say. */
static char **environment_of(const char *name, const char *mail)
{
    static const char *const who[] = {"GIT_AUTHOR_", "GIT_COMMITTER_"};
    struct entries entries = {0};
    for (size_t i = 0; environ[i] != NULL; i++) {
        bool ours = name != NULL && (str_starts(environ[i], who[0]) || str_starts(environ[i], who[1]));
        if (handed_on(environ[i]) && !ours) {
            add_entry(&entries, xstrdup(environ[i]));
        }
    }
    for (size_t i = 0; name != NULL && i < ARRAY_COUNT(who); i++) {
        add_entry(&entries, xasprintf("%sNAME=%s", who[i], name));
        add_entry(&entries, xasprintf("%sEMAIL=%s", who[i], mail));
    }
    add_entry(&entries, xstrdup("LC_ALL=C"));
    add_entry(&entries, xstrdup("GIT_TERMINAL_PROMPT=0"));
    add_entry(&entries, xstrdup("GIT_OPTIONAL_LOCKS=0"));
    add_entry(&entries, NULL);
    return entries.items;
}

/* "Name <mail>" in its parts. */
static int split_author(const char *author, char name[NAME_MAX_BYTES], char mail[NAME_MAX_BYTES], struct err *err)
{
    const char *open = strchr(author, '<');
    const char *close = open == NULL ? NULL : strchr(open, '>');
    size_t length = open == NULL ? 0 : (size_t)(open - author);
    while (length > 0 && author[length - 1] == ' ') {
        length--;
    }
    if (length == 0 || close == NULL || close == open + 1 || close[1] != '\0' || length >= NAME_MAX_BYTES ||
        close - open > NAME_MAX_BYTES || strpbrk(author, "\n\r") != NULL) {
        err_set(err, ERR_CONFIG, "apply.git.author is \"%.200s\", which is no name with an address", author);
        return err_hint(err, "write it as: author: \"Ada Example <ada@example.org>\"");
    }
    snprintf(name, NAME_MAX_BYTES, "%.*s", (int)length, author);
    snprintf(mail, NAME_MAX_BYTES, "%.*s", (int)(close - open - 1), open + 1);
    return 0;
}

/* Takes "user:password@" out of every address in `text`, in place. */
static void hide_credentials(char *text)
{
    for (char *at = text; (at = strstr(at, "://")) != NULL;) {
        char *host = at + 3;
        size_t length = strcspn(host, "/ '\"\t");
        char *end = memchr(host, '@', length);
        for (char *next = end; next != NULL; next = memchr(next + 1, '@', length - (size_t)(next + 1 - host))) {
            end = next;
        }
        if (end != NULL) {
            memmove(host, end + 1, strlen(end + 1) + 1);
        }
        at = host;
    }
}

/* What git said, as one sentence: the first line that says what is fatal, else the first error, else the last line. */
static void sentence(const char *text, char why[GIT_WHY_MAX])
{
    static const char *const heads[] = {"fatal: ", "error: ", "remote: "};
    char *copy = xstrdup(text);
    char *rest = copy;
    const char *best = "";
    size_t rank = ARRAY_COUNT(heads);
    for (char *line; (line = strtok_r(rest, "\n\r", &rest)) != NULL;) {
        size_t at = 0;
        bool dull = str_starts(line, "hint: ") || str_starts(line, "error: failed to push some refs");
        while (at < ARRAY_COUNT(heads) && !str_starts(line, heads[at])) {
            at++;
        }
        if (dull) {
            continue;
        }
        if (at < rank || (at == rank && at == ARRAY_COUNT(heads))) {
            best = at < ARRAY_COUNT(heads) ? line + strlen(heads[at]) : line;
            rank = at;
        }
    }
    snprintf(why, GIT_WHY_MAX, "%s", best[0] == '\0' ? "git gave no reason" : best);
    free(copy);
    hide_credentials(why);
    str_mask_controls(why);
    str_trim_utf8(why);
}

/* The input in a file without a name; -1 in *fd for none. */
static int spool_input(const struct buf *input, int *fd, struct err *err)
{
    *fd = -1;
    if (input == NULL) {
        return 0;
    }
    if (fs_spool(fd, err)) {
        return -1;
    }
    if (fs_write_fd(*fd, buf_str(input), input->length, "a temporary file", err)) {
        close(*fd);
        return -1;
    }
    lseek(*fd, 0, SEEK_SET);
    return 0;
}

/* New array: "git", safe settings, the words. The words are borrowed. */
static const char **words_of(const struct git_run *run)
{
    static const char *const always[] = {"git", "-c", "gc.auto=0", "-c", "core.fsmonitor=false", "-c", "advice.pushUpdateRejected=false"};
    size_t count = 0;
    while (run->words[count] != NULL) {
        count++;
    }
    const char **out = xcalloc_array(ARRAY_COUNT(always) + count + 1, sizeof *out);
    memcpy(out, always, sizeof always);
    memcpy(out + ARRAY_COUNT(always), run->words, count * sizeof *out);
    return out;
}

static size_t entry_count(char *const *entries)
{
    size_t count = 0;
    while (entries[count] != NULL) {
        count++;
    }
    return count;
}

int git_run(struct git *git, struct git_run *run, struct err *err)
{
    int in = -1;
    struct buf ignored;
    struct buf tail;
    if (spool_input(run->input, &in, err)) {
        return -1;
    }
    buf_init(&ignored, GIT_ANSWER_MAX);
    buf_init(&tail, STDERR_KEPT);
    size_t count = entry_count(git->environment);
    char *index = xasprintf("GIT_INDEX_FILE=%s", git->index == NULL ? "" : git->index);
    char **entries = xcalloc_array(count + 2, sizeof *entries);
    memcpy(entries, git->environment, count * sizeof *entries);
    entries[count] = run->own_index ? index : NULL;
    const char **words = words_of(run);
    struct proc proc = {.path = git->program,
                        .argv = (char *const *)(uintptr_t)words,
                        .environment = entries,
                        .directory = git->top,
                        .stdin_fd = in,
                        .stderr_tail = &tail};
    int failed = proc_capture(&proc, run->out == NULL ? &ignored : run->out,
                              run->milliseconds == 0 ? GIT_LOCAL_MS : run->milliseconds, &run->code, err);
    if (!failed && run->code != 0) {
        sentence(buf_str(&tail), run->why);
    }
    free(words);
    free(entries);
    free(index);
    buf_release(&tail);
    buf_release(&ignored);
    if (in >= 0) {
        close(in);
    }
    return failed;
}

int git_must(struct git *git, struct git_run *run, const char *doing, struct err *err)
{
    if (git_run(git, run, err)) {
        return -1;
    }
    return run->code == 0 ? 0 : err_set(err, ERR_CONFIG, "%s: %s", doing, run->why);
}

int git_oid(struct git *git, struct git_run *run, const char *doing, char oid[GIT_OID], struct err *err)
{
    struct buf out;
    buf_init(&out, GIT_OID + 1);
    run->out = &out;
    int failed = git_must(git, run, doing, err);
    size_t length = strspn(buf_str(&out), "0123456789abcdef");
    if (!failed && (length < 40 || length >= GIT_OID)) {
        failed = err_set(err, ERR_CONFIG, "%s: git printed no object's id", doing);
    }
    if (!failed) {
        snprintf(oid, GIT_OID, "%.*s", (int)length, buf_str(&out));
    }
    buf_release(&out);
    run->out = NULL;
    return failed;
}

/* The next line of what git printed; NULL at the end. */
static char *next_line(char **rest)
{
    return strtok_r(*rest, "\n", rest);
}

/* Where the work tree and the repository's own folder are. */
static int find_folders(struct git *git, const char *folder, struct err *err)
{
    struct buf out;
    struct git_run run = {.words = GIT_WORDS("rev-parse", "--is-inside-work-tree", "--absolute-git-dir", "--show-toplevel"), .out = &out};
    buf_init(&out, GIT_ANSWER_MAX);
    if (git_run(git, &run, err)) {
        buf_release(&out);
        return -1;
    }
    char *copy = buf_steal(&out);
    char *rest = copy;
    const char *inside = next_line(&rest);
    const char *own = next_line(&rest);
    const char *top = next_line(&rest);
    int failed = 0;
    if (str_equal(inside, "false")) {
        err_set(err, ERR_CONFIG, "%s lies in no work tree of a git repository (a bare one has none)", folder);
        failed = err_hint(err, "run tare in a clone, or leave apply.git.branch out to write the files only");
    } else if (run.code != 0 || top == NULL) {
        err_set(err, ERR_CONFIG, "apply.git.branch is set, and %s is no git repository that can be used: %s", folder, run.why);
        failed = err_hint(err, "run tare in a clone, or leave apply.git.branch out to write the files only");
    } else {
        free(git->top);
        git->top = xstrdup(top);
        git->index = xasprintf("%s/tare-%ld.index", own, (long)getpid());
    }
    free(copy);
    return failed;
}

int git_open(const char *folder, const char *author, struct git **out, struct err *err)
{
    char name[NAME_MAX_BYTES];
    char mail[NAME_MAX_BYTES];
    if (author != NULL && split_author(author, name, mail, err)) {
        return -1;
    }
    struct git *git = xcalloc(sizeof *git);
    git->program = proc_find("git");
    git->top = xstrdup(folder);
    git->environment = environment_of(author == NULL ? NULL : name, mail);
    int failed = 0;
    if (git->program == NULL) {
        err_set(err, ERR_CONFIG, "apply.git.branch is set, and there is no git in the folders of PATH");
        failed = err_hint(err, "install git, or leave apply.git.branch out to write the files only");
    }
    failed = failed || find_folders(git, folder, err);
    struct git_run head = {.words = GIT_WORDS("rev-parse", "--verify", "--quiet", "HEAD^{commit}")};
    if (!failed && git_oid(git, &head, "the repository's last commit cannot be told", git->head, err)) {
        if (head.code != 0) {
            err_set(err, ERR_CONFIG, "the git repository %s has no commit yet", git->top);
            err_hint(err, "commit the manifests first: git add . && git commit");
        }
        failed = -1;
    }
    if (failed) {
        git_free(git);
        return -1;
    }
    *out = git;
    return 0;
}

void git_free(struct git *git)
{
    if (git == NULL) {
        return;
    }
    for (size_t i = 0; git->environment[i] != NULL; i++) {
        free(git->environment[i]);
    }
    free(git->environment);
    free(git->program);
    free(git->index);
    free(git->top);
    free(git);
}

int git_check_oid(const char *text, struct err *err)
{
    size_t length = strspn(text, "0123456789abcdef");
    return text[length] == '\0' && (length == 40 || length == 64)
               ? 0
               : err_set(err, ERR_DATA, "the ledger's row of the change has \"%.100s\" for a commit, which is none", text);
}

const char *git_head(const struct git *git)
{
    return git->head;
}

int git_check_author(struct git *git, struct err *err)
{
    static const char *const variables[] = {"GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"};
    for (size_t i = 0; i < ARRAY_COUNT(variables); i++) {
        struct git_run run = {.words = GIT_WORDS("-c", "user.useConfigOnly=true", "var", variables[i])};
        if (git_run(git, &run, err)) {
            return -1;
        }
        if (run.code != 0) {
            err_set(err, ERR_CONFIG, "git does not know who makes commits: user.name and user.email are not set");
            return err_hint(err, "set them with git config, or apply.git.author in tare.yaml");
        }
    }
    return 0;
}
