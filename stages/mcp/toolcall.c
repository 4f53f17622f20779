#include "stages/mcp/toolcall.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"

enum { COMPLAINT_MAX = 16 * 1024, PIECE = 64 * 1024 };

struct toolcall *toolcall_new(char *id, char *key, bool modern, json_t *token, struct work *work)
{
    struct toolcall *call = xcalloc(sizeof *call);
    *call = (struct toolcall){.id = id, .key = key, .modern = modern, .token = token, .work = work, .child = {.out_fd = -1, .err_fd = -1}};
    buf_init(&call->complaint, COMPLAINT_MAX);
    return call;
}

void toolcall_free(struct toolcall *call)
{
    struct err ignored = {0};
    int exit_code = 0;
    proc_finish(&call->child, &exit_code, &ignored);
    work_free(call->work);
    buf_release(&call->complaint);
    json_decref(call->token);
    free(call->id);
    free(call->key);
    free(call);
}

void toolcall_start(struct toolcall *call, const struct toolcall_launch *launch)
{
    char *argv[CALL_HEAD_MAX + WORK_WORDS_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < launch->head_count; i++) {
        argv[count++] = launch->head[i];
    }
    for (size_t i = 0; i < call->work->count; i++) {
        argv[count++] = call->work->words[i];
    }
    argv[count] = NULL;
    struct proc proc = {.path = launch->tare, .argv = argv, .stdin_fd = -1};
    struct err err = {0};
    buf_clear(&call->complaint);
    if (call->deadline == 0) {
        call->deadline = clock_monotonic_ms() + launch->timeout_ms;
    }
    if (proc_start(&proc, &call->child, &err)) {
        call->child = (struct proc_child){.out_fd = -1, .err_fd = -1};
        err_hint(&err, "tare must lie beside tare-mcp: build or install them together");
        log_err(&err);
        work_fail(call->work, &err);
    }
}

void toolcall_end_child(struct toolcall *call, int64_t now)
{
    if (call->child.pid > 0) {
        kill(-call->child.pid, call->kill_at == 0 ? SIGTERM : SIGKILL);
        call->kill_at = now + CALL_GRACE_MS;
    }
}

void toolcall_watch(const struct toolcall *call, struct pollfd fds[CALL_STREAMS])
{
    fds[0] = (struct pollfd){.fd = call->child.out_fd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = call->child.err_fd, .events = POLLIN};
}

/* Takes what is there on one stream, and closes it at its end. */
static void take(struct toolcall *call, int *fd)
{
    char piece[PIECE];
    ssize_t got = read(*fd, piece, sizeof piece);
    if (got < 0 && errno == EINTR) {
        return;
    }
    if (got <= 0) {
        close(*fd);
        *fd = -1;
    } else if (fd == &call->child.err_fd) {
        buf_add(&call->complaint, piece, (size_t)got);
    } else if (!call->cancelled) {
        work_take(call->work, piece, (size_t)got);
    }
}

bool toolcall_lingers(const struct toolcall *call)
{
    return call->child.pid > 0 && call->child.out_fd < 0 && call->child.err_fd < 0;
}

static void ended(struct toolcall *call, bool late)
{
    struct err err = {0};
    int exit_code = 0;
    int lost = proc_finish(&call->child, &exit_code, &err);
    call->kill_at = 0;
    if (call->cancelled) {
        return;
    }
    if (late) {
        err_set(&err, ERR_TEMPFAIL, "tare took longer than the time for one call");
        err_hint(&err, "ask for less, or start tare-mcp with a longer --call-timeout");
    }
    if (lost || late) {
        work_fail(call->work, &err);
    } else {
        work_ended(call->work, exit_code, buf_str(&call->complaint));
    }
}

void toolcall_advance(struct toolcall *call, const struct pollfd fds[CALL_STREAMS], int64_t now)
{
    bool late = now >= call->deadline;
    if (fds[0].fd >= 0 && fds[0].revents != 0) {
        take(call, &call->child.out_fd);
    }
    if (fds[1].fd >= 0 && fds[1].revents != 0) {
        take(call, &call->child.err_fd);
    }
    if ((late && call->kill_at == 0) || (call->kill_at != 0 && now >= call->kill_at)) {
        toolcall_end_child(call, now);
    }
    if (toolcall_lingers(call) && proc_ended(&call->child)) {
        ended(call, late);
    }
}
