#include "stages/mcp/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/mcp/frame.h"
#include "stages/mcp/protocol.h"
#include "stages/mcp/rpc.h"

enum {
    PIECE = 64 * 1024,
    OUT_MAX = 128 * 1024 * 1024,
    OUT_ENOUGH = 8 * 1024 * 1024, /* unread answers beyond which nothing more is read */
    PIPE_WRITE = 4096,            /* POSIX's PIPE_BUF on every system here: so much goes in whole where poll says that something does */
    TICK_MS = 1000,
    LINGER_MS = 20,
    LISTENERS = 16,
    FIXED = 3 /* descriptors that are always looked at */
};

/* Answers to the messages of one array, which go back as one. */
struct toolcall_batch {
    size_t waiting;
    struct buf answers;
};

struct server {
    const struct toolcall_launch *launch;
    struct protocol protocol;
    struct frame in;
    struct buf out;
    size_t written; /* of `out` */
    struct toolcall *calls;
    char *listeners[LISTENERS]; /* keys of subscriptions */
    bool input_ended;
    bool client_gone;
    bool stopped; /* by a signal */
    int signal_fd;
};

static int signal_write_fd = -1;

static void on_signal(int number)
{
    int saved = errno;
    char byte = (char)number;
    ssize_t ignored = write(signal_write_fd, &byte, 1);
    (void)ignored;
    errno = saved;
}

static int take_signals(struct server *server, struct err *err)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    int ends[2];
    if (pipe(ends)) {
        return err_errno(err, ERR_TEMPFAIL, errno, "cannot make a pipe");
    }
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    server->signal_fd = ends[0];
    signal_write_fd = ends[1];
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        sigaction(numbers[i], &action, NULL);
    }
    return 0;
}

/* One line out; steals the text. */
static void send_line(struct server *server, char *text)
{
    if (server->written > 0) {
        memmove(server->out.data, server->out.data + server->written, server->out.length - server->written);
        server->out.length -= server->written;
        server->written = 0;
    }
    buf_add_str(&server->out, text);
    buf_add_char(&server->out, '\n');
    free(text);
}

/* One message of a batch is settled; the last one sends the array, where there is anything in it. */
static void batch_settled(struct server *server, struct toolcall_batch *batch)
{
    if (batch == NULL || --batch->waiting > 0) {
        return;
    }
    if (batch->answers.length > 0) {
        send_line(server, xasprintf("[%s]", buf_str(&batch->answers)));
    }
    buf_release(&batch->answers);
    free(batch);
}

/* Steals the text. */
static void send_answer(struct server *server, struct toolcall_batch *batch, char *text)
{
    if (batch == NULL) {
        send_line(server, text);
        return;
    }
    if (batch->answers.length > 0) {
        buf_add_char(&batch->answers, ',');
    }
    buf_add_str(&batch->answers, text);
    free(text);
}

static size_t count_calls(const struct server *server, bool running)
{
    size_t count = 0;
    for (const struct toolcall *call = server->calls; call != NULL; call = call->next) {
        count += !running || call->child.pid > 0;
    }
    return count;
}

static struct toolcall *find_call(const struct server *server, const char *key)
{
    struct toolcall *call = server->calls;
    while (call != NULL && (call->cancelled || strcmp(call->key, key) != 0)) {
        call = call->next;
    }
    return call;
}

static char **find_listener(struct server *server, const char *key)
{
    for (size_t i = 0; i < LISTENERS; i++) {
        if (str_equal(server->listeners[i], key)) {
            return &server->listeners[i];
        }
    }
    return NULL;
}

static void add_call(struct server *server, struct toolcall_batch *batch, const struct rpc_message *message, struct protocol_step *step)
{
    if (count_calls(server, false) >= SERVER_CALLS) {
        json_t *said = tools_said("tare-mcp has as many calls under way as it takes\nhint: wait for some of them, then call again", true);
        send_answer(server, batch, rpc_result(message->id, protocol_result(step->modern, said)));
        return;
    }
    struct toolcall **last = &server->calls;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = toolcall_new(xstrdup(message->id), rpc_id_text(json_object_get(message->body, "id")), step->modern, step->token,
                     work_new(step->tool, step->arguments));
    (*last)->batch = batch;
    step->token = NULL;
    step->arguments = NULL;
    if (batch != NULL) {
        batch->waiting++;
    }
    log_debug("call of %s", tools_name(step->tool));
}

static void add_listener(struct server *server, struct toolcall_batch *batch, const struct rpc_message *message, struct protocol_step *step)
{
    for (size_t i = 0; i < LISTENERS; i++) {
        if (server->listeners[i] == NULL) {
            server->listeners[i] = rpc_id_text(json_object_get(message->body, "id"));
            send_answer(server, batch, step->answer);
            step->answer = NULL;
            return;
        }
    }
    send_answer(server, batch, rpc_error(message->id, RPC_INTERNAL, "there are as many subscriptions as are taken", NULL));
}

static void cancel(struct server *server, const char *key)
{
    struct toolcall *call = find_call(server, key);
    char **listener = find_listener(server, key);
    if (call != NULL) {
        call->cancelled = true;
        toolcall_end_child(call, clock_monotonic_ms());
        log_debug("call cancelled");
    } else if (listener != NULL) {
        free(*listener);
        *listener = NULL;
    }
}

/* An id may be used again only when it was answered. */
static bool in_use(struct server *server, const struct rpc_message *message)
{
    if (message->kind != RPC_REQUEST) {
        return false;
    }
    char *key = rpc_id_text(json_object_get(message->body, "id"));
    bool used = find_call(server, key) != NULL || find_listener(server, key) != NULL;
    free(key);
    return used;
}

static void serve(struct server *server, struct toolcall_batch *batch, const struct rpc_message *message)
{
    struct protocol_step step = {.then = PROTOCOL_NOTHING};
    if (in_use(server, message)) {
        send_answer(server, batch, rpc_error(message->id, RPC_INVALID, "a request with this id is under way", NULL));
        return;
    }
    protocol_read(&server->protocol, message, &step);
    switch (step.then) {
    case PROTOCOL_ANSWER:
        send_answer(server, batch, step.answer);
        step.answer = NULL;
        break;
    case PROTOCOL_CALL: add_call(server, batch, message, &step); break;
    case PROTOCOL_LISTEN: add_listener(server, batch, message, &step); break;
    case PROTOCOL_CANCEL: cancel(server, step.cancelled); break;
    case PROTOCOL_NOTHING: break;
    }
    protocol_release(&step);
}

static void serve_batch(struct server *server, const struct rpc_message *message)
{
    size_t index = 0;
    json_t *value = NULL;
    if (!protocol_takes_batches(&server->protocol)) {
        send_line(server, rpc_error("null", RPC_INVALID, "this revision of the protocol takes one message a line, no array", NULL));
        return;
    }
    if (json_array_size(message->body) > SERVER_BATCH) {
        send_line(server, rpc_error("null", RPC_INVALID, "the array has more than 64 messages", NULL));
        return;
    }
    struct toolcall_batch *batch = xcalloc(sizeof *batch);
    batch->waiting = 1;
    buf_init(&batch->answers, OUT_MAX);
    json_array_foreach(message->body, index, value)
    {
        struct rpc_message one;
        rpc_take(value, &one);
        if (one.kind == RPC_REQUEST && strcmp(one.method, "initialize") == 0) {
            send_answer(server, batch, rpc_error(one.id, RPC_INVALID, "initialize is no part of an array", NULL));
        } else {
            serve(server, batch, &one);
        }
        rpc_release(&one);
    }
    batch_settled(server, batch);
}

static void on_line(void *context, const char *line, size_t length)
{
    struct server *server = context;
    struct rpc_message message;
    rpc_read(line, length, &message);
    if (message.kind == RPC_BATCH) {
        serve_batch(server, &message);
    } else {
        serve(server, NULL, &message);
    }
    rpc_release(&message);
}

static void read_input(struct server *server)
{
    char piece[PIECE];
    ssize_t got = read(STDIN_FILENO, piece, sizeof piece);
    if (got > 0) {
        frame_add(&server->in, piece, (size_t)got, on_line, server);
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        frame_end(&server->in, on_line, server);
        server->input_ended = true;
    }
}

static int write_output(struct server *server, struct err *err)
{
    size_t left = server->out.length - server->written;
    ssize_t put = write(STDOUT_FILENO, server->out.data + server->written, left < PIPE_WRITE ? left : PIPE_WRITE);
    if (put > 0) {
        server->written += (size_t)put;
    } else if (put < 0 && errno == EPIPE) {
        server->client_gone = true;
    } else if (put < 0 && errno != EINTR && errno != EAGAIN) {
        return err_errno(err, ERR_IO, errno, "cannot write standard output");
    }
    if (server->written == server->out.length) {
        buf_clear(&server->out);
        server->written = 0;
    }
    return 0;
}

/* Where the client asked for it: that the call is alive, and how far. */
static void tell_progress(struct server *server, struct toolcall *call, int64_t now)
{
    if (call->token == NULL || call->cancelled) {
        return;
    }
    json_t *params = json_object();
    json_object_set(params, "progressToken", call->token);
    json_object_set_new(params, "progress", json_integer(++call->progress));
    json_object_set_new(params, "message", json_string(work_stage(call->work)));
    call->told_at = now;
    send_line(server, rpc_notification("notifications/progress", params));
}

/* Takes away calls that are settled, and answers those that are not cancelled. */
static void settle_calls(struct server *server)
{
    struct toolcall **at = &server->calls;
    while (*at != NULL) {
        struct toolcall *call = *at;
        if (call->child.pid > 0 || (!call->cancelled && call->work->result == NULL)) {
            at = &call->next;
            continue;
        }
        *at = call->next;
        if (!call->cancelled) {
            send_answer(server, call->batch, rpc_result(call->id, protocol_result(call->modern, json_incref(call->work->result))));
        }
        batch_settled(server, call->batch);
        toolcall_free(call);
    }
}

/* Starts what waits, in its order, while there is room; a call that has had its first child goes on before others begin. */
static void start_calls(struct server *server, int64_t now)
{
    size_t running = count_calls(server, true);
    for (struct toolcall *call = server->calls; call != NULL && running < SERVER_RUNNING; call = call->next) {
        if (call->child.pid == 0 && !call->cancelled && call->work->result == NULL) {
            toolcall_start(call, server->launch);
            tell_progress(server, call, now);
            running += call->child.pid > 0;
        }
    }
    settle_calls(server);
}

/* How long poll may wait. */
static int patience(const struct server *server)
{
    int most = -1;
    for (const struct toolcall *call = server->calls; call != NULL; call = call->next) {
        if (toolcall_lingers(call)) {
            return LINGER_MS;
        }
        most = call->child.pid > 0 ? TICK_MS : most;
    }
    return most;
}

static void advance_calls(struct server *server, const struct pollfd *fds)
{
    int64_t now = clock_monotonic_ms();
    for (struct toolcall *call = server->calls; call != NULL; call = call->next) {
        if (call->child.pid > 0) {
            toolcall_advance(call, fds, now);
            fds += CALL_STREAMS;
            if (call->child.pid > 0 && now - call->told_at >= 5 * TICK_MS) {
                tell_progress(server, call, now);
            }
        }
    }
    settle_calls(server);
}

static int turn(struct server *server, struct err *err)
{
    struct pollfd fds[FIXED + CALL_STREAMS * SERVER_RUNNING] = {{0}};
    size_t count = FIXED;
    size_t unread = server->out.length - server->written;
    bool reads = !server->input_ended && unread < OUT_ENOUGH;
    fds[0] = (struct pollfd){.fd = server->signal_fd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = reads ? STDIN_FILENO : -1, .events = POLLIN};
    fds[2] = (struct pollfd){.fd = STDOUT_FILENO, .events = unread > 0 ? POLLOUT : 0};
    for (const struct toolcall *call = server->calls; call != NULL; call = call->next) {
        if (call->child.pid > 0) {
            toolcall_watch(call, fds + count);
            count += CALL_STREAMS;
        }
    }
    if (poll(fds, (nfds_t)count, patience(server)) < 0) {
        return errno == EINTR ? 0 : err_errno(err, ERR_SOFTWARE, errno, "cannot wait for messages");
    }
    server->stopped = fds[0].revents != 0;
    server->client_gone = (fds[2].revents & (POLLERR | POLLNVAL)) != 0;
    if ((fds[2].revents & POLLOUT) != 0 && write_output(server, err)) {
        return -1;
    }
    advance_calls(server, fds + FIXED);
    if (fds[1].revents != 0) {
        read_input(server);
    }
    return 0;
}

/* Children are asked to end, given a moment, then ended. */
static void release(struct server *server)
{
    int64_t until = clock_monotonic_ms() + TICK_MS;
    for (struct toolcall *call = server->calls; call != NULL; call = call->next) {
        toolcall_end_child(call, until);
    }
    for (const struct toolcall *call = server->calls; call != NULL; call = call->next) {
        while (call->child.pid > 0 && !proc_ended(&call->child) && clock_monotonic_ms() < until) {
            clock_sleep_ms(LINGER_MS);
        }
    }
    while (server->calls != NULL) {
        struct toolcall *call = server->calls;
        server->calls = call->next;
        batch_settled(server, call->batch);
        toolcall_free(call);
    }
    for (size_t i = 0; i < LISTENERS; i++) {
        free(server->listeners[i]);
    }
    frame_release(&server->in);
    buf_release(&server->out);
    close(server->signal_fd);
    tools_release();
}

int server_serve(const struct toolcall_launch *launch, bool read_only, struct err *err)
{
    struct server server = {.launch = launch, .protocol = {.read_only = read_only}, .signal_fd = -1};
    if (take_signals(&server, err)) {
        return -1;
    }
    tools_init();
    frame_init(&server.in, SERVER_LINE_MAX);
    buf_init(&server.out, OUT_MAX);
    int failed = 0;
    while (!failed && !server.stopped && !server.client_gone &&
           !(server.input_ended && server.calls == NULL && server.out.length == 0)) {
        failed = turn(&server, err);
        start_calls(&server, clock_monotonic_ms());
    }
    release(&server);
    return failed;
}
