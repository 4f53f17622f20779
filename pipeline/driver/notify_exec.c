#include "pipeline/driver/notify_exec.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"

enum { CHECK_MS = 10 * 1000 };

/* The program, and its words as new strings. */
struct call {
    char *path;
    char **words;
    size_t count;
    size_t capacity;
};

static void add_word(struct call *call, char *word)
{
    GROW(call->words, call->capacity, call->count + 1);
    call->words[call->count++] = word;
}

static void call_init(struct call *call, struct session *session, const char *const *words)
{
    *call = (struct call){.path = fs_join(session->bin_directory, "tare-notify")};
    add_word(call, xstrdup("tare-notify"));
    if (session->config_file != NULL) {
        add_word(call, xasprintf("--config=%s", session->config_file));
    }
    char **typed = options_forward(session->options, FOR_NOTIFY, true);
    for (size_t i = 0; typed[i] != NULL; i++) {
        add_word(call, typed[i]);
    }
    free(typed);
    for (size_t i = 0; words[i] != NULL; i++) {
        add_word(call, xstrdup(words[i]));
    }
    add_word(call, NULL);
}

static void call_release(struct call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        free(call->words[i]);
    }
    free(call->words);
    free(call->path);
}

int notify_detach(struct session *session, const char *const *words, unsigned seconds, struct err *err)
{
    struct call call;
    call_init(&call, session, words);
    struct proc proc = {.path = call.path, .argv = call.words};
    int failed = proc_detach(&proc, seconds, err);
    call_release(&call);
    return failed;
}

int notify_run(struct session *session, const char *const *words, int *exit_code, struct err *err)
{
    struct call call;
    call_init(&call, session, words);
    struct proc proc = {.path = call.path, .argv = call.words, .stdin_fd = -1, .stdout_fd = -1};
    int failed = proc_run(&proc, exit_code, err);
    call_release(&call);
    return failed;
}

int notify_capture(struct session *session, const char *const *words, struct buf *said, int *exit_code, struct err *err)
{
    struct call call;
    struct buf nothing;
    call_init(&call, session, words);
    buf_init(&nothing, 1);
    struct proc proc = {.path = call.path, .argv = call.words, .stdin_fd = -1, .stderr_tail = said};
    int failed = proc_capture(&proc, &nothing, CHECK_MS, exit_code, err);
    buf_release(&nothing);
    call_release(&call);
    return failed;
}
