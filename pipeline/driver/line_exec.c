#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/words.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"

enum { STDERR_KEPT = 16 * 1024 };

const struct line_program line_programs[] = {
    {"parse", FOR_PARSE}, {"collect", FOR_COLLECT},   {"analyze", FOR_ANALYZE}, {"price", FOR_PRICE},   {"diff", FOR_DIFF},
    {"gate", FOR_GATE},   {"apply", FOR_APPLY},       {"rollback", FOR_ROLLBACK}, {"report", FOR_REPORT}, {"notify", FOR_NOTIFY},
    {NULL, FOR_PARSE},
};

static void add_strings(struct words *words, const json_t *strings)
{
    size_t index;
    json_t *text;
    json_array_foreach(strings, index, text)
    {
        words_add(words, xstrdup(json_string_value(text)));
    }
}

/* --database, --as and the form of messages are those of this invocation, not of the run. */
static void add_invocation(struct words *words, const struct session *session, const char *stage)
{
    for (size_t i = 0; line_programs[i].stage != NULL; i++) {
        if (strcmp(line_programs[i].stage, stage) != 0) {
            continue;
        }
        words_add_all(words, options_forward(session->options, line_programs[i].program, true));
    }
}

/* Secrets never stand here: only typed options are stored, and those never hold any. */
static struct words build_words(const struct session *session, const json_t *settings, const char *created,
                                const char *stage, const char *const *extra)
{
    struct words words = {0};
    words_add(&words, xasprintf("tare-%s", stage));
    const char *config = json_string_or_null(settings, "config");
    if (config != NULL) {
        words_add(&words, xasprintf("--config=%s", config));
    }
    words_add(&words, xasprintf("--created=%s", created));
    add_strings(&words, json_object_get(json_object_get(settings, "options"), stage));
    add_invocation(&words, session, stage);
    for (size_t i = 0; extra != NULL && extra[i] != NULL; i++) {
        words_add(&words, xstrdup(extra[i]));
    }
    if (strcmp(stage, "parse") == 0) {
        words_add(&words, xstrdup("--"));
        add_strings(&words, json_object_get(settings, "paths"));
    }
    words_add(&words, NULL);
    return words;
}

/* A message as --log-format json writes it. Returns whether `text` is one. */
static bool take_json(const char *text, struct err *said)
{
    json_t *message = text[0] == '{' ? json_loads(text, 0, NULL) : NULL;
    const char *sentence = json_string_or_null(message, "message");
    const char *hint = json_string_or_null(message, "hint");
    if (sentence != NULL) {
        err_set(said, ERR_NONE, "%s", sentence);
        err_hint(said, "%s", hint == NULL ? "" : hint);
    }
    json_decref(message);
    return sentence != NULL;
}

/* The last message of what a stage printed: the sentence that says why it failed, and its hint. `stage` is named by whoever
 * tells it, so its name is taken off. */
static void last_said(const struct buf *tail, const char *program, struct err *said)
{
    char *copy = xstrdup(buf_str(tail));
    char *rest = copy;
    size_t length = strlen(program);
    *said = (struct err){0};
    for (char *text; (text = strtok_r(rest, "\n", &rest)) != NULL;) {
        char *over = strrchr(text, '\r'); /* what was shown in the meantime */
        text = over == NULL ? text : over + 1;
        if (str_starts(text, "hint: ")) {
            err_hint(said, "%s", text + strlen("hint: "));
        } else if (!take_json(text, said)) {
            bool named = strncmp(text, program, length) == 0 && str_starts(text + length, ": ");
            err_set(said, ERR_NONE, "%s", named ? text + length + 2 : text);
        }
    }
    free(copy);
}

/* What changes things, or pays for answers, ends in its own way, and is waited for. */
static bool ends_itself(const char *stage)
{
    return line_index(stage) >= line_length() || strcmp(stage, "analyze") == 0;
}

int line_exec(struct session *session, const json_t *settings, const char *created, const char *stage,
              const char *const *extra, int in, int out, int *exit_code, struct err *said, struct err *err)
{
    struct words words = build_words(session, settings, created, stage, extra);
    char *name = xasprintf("tare-%s", stage);
    char *path = fs_join(session->bin_directory, name);
    struct buf tail;
    buf_init(&tail, STDERR_KEPT);
    struct proc proc = {
        .path = path,
        .argv = words.items,
        .directory = json_string_or_null(settings, "directory"),
        .stdin_fd = in,
        .stdout_fd = out,
        .stderr_tail = &tail,
        .passes_signals = ends_itself(stage),
        .ends_with_parent = strcmp(stage, "analyze") == 0,
        .signal_seen = &session->interrupted,
    };
    if (isatty(STDERR_FILENO) == 1) {
        setenv("TARE_TERMINAL", "1", 1);
    }
    int failed = proc_run(&proc, exit_code, err);
    unsetenv("TARE_TERMINAL");
    if (said != NULL) {
        last_said(&tail, name, said);
    }
    buf_release(&tail);
    free(path);
    free(name);
    words_release(&words);
    return failed;
}

int line_fetch(struct session *session, const char *digest, int *fd, struct err *err)
{
    if (fs_spool(fd, err)) {
        return -1;
    }
    if (ledger_artifact_copy(session->ledger, digest, *fd, err)) {
        close(*fd);
        return -1;
    }
    lseek(*fd, 0, SEEK_SET);
    return 0;
}
