#include "tests/harness/llm_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"
#include "tests/harness/llm_vendor.h"

enum { BODY_MAX = 1 << 30, HEADERS_MAX = 64 * 1024, CARRY_MAX = 1024 * 1024, HANG_LOOK_MS = 50, THREAD_STACK = 1024 * 1024 };

struct llm_server {
    struct llm_world world;
    int listener;
    pthread_t thread;
    pthread_cond_t idle;
    struct connection *first; /* the open ones */
    bool stopping;
    FILE *log;
};

struct connection {
    struct llm_server *server;
    struct wire wire;
    struct connection *next, **link;
};

static const struct route {
    const char *method, *prefix, *suffix, *api;
} routes[] = {
    {"POST", "/v1/messages/batches", "/cancel", "cancel"}, {"GET", "/v1/messages/batches/", "/results", "results"},
    {"GET", "/v1/messages/batches/", "", "poll"},          {"POST", "/v1/messages/batches", "/batches", "create"},
    {"POST", "/v1/messages", "/messages", "anthropic"},    {"POST", "/v1/chat/completions", "", "openai"},
    {"POST", "/chat/completions", "", "openai"},           {"GET", "/v1/models", "", "models"},
    {"GET", "/models", "", "models"},
};

static const char *api_of(const struct wire_request *request)
{
    for (size_t i = 0; i < ARRAY_COUNT(routes); i++) {
        if (str_equal(routes[i].method, request->method) && str_starts(request->target, routes[i].prefix) &&
            str_ends(request->target, routes[i].suffix)) {
            return routes[i].api;
        }
    }
    return "none";
}

static bool is_openai(const char *api)
{
    return str_equal(api, "openai") || str_equal(api, "models");
}

/* Answers 401 or 400 as the vendor does for a missing or wrong key and version; false where all is well. */
static bool turned_away(struct llm_call *call)
{
    char key[512], version[64];
    const char *right = call->world->options.key;
    bool openai = is_openai(call->api);
    (void)wire_header(call->request, openai ? "authorization" : "x-api-key", key, sizeof key);
    const char *given = openai && str_starts(key, "Bearer ") ? key + 7 : key;
    if (right ? !str_equal(given, right) : !openai && *given == '\0') {
        llm_vendor_error(call, 401, NULL, openai ? "Incorrect API key provided" : "invalid x-api-key");
        return true;
    }
    if (!openai && (!wire_header(call->request, "anthropic-version", version, sizeof version) || !str_equal(version, "2023-06-01"))) {
        llm_vendor_error(call, 400, NULL, "anthropic-version: header is required");
        return true;
    }
    return false;
}

/* Counts the request and finds the rules for it. */
static void count(struct llm_call *call)
{
    struct llm_stats *stats = &call->world->stats;
    struct buf raw;
    buf_init(&raw, BODY_MAX);
    (void)buf_printf(&raw, "%s%s", buf_str(&call->request->head), buf_str(&call->request->body));
    call->asked.raw = buf_str(&raw);
    bool question = str_equal(call->api, "anthropic") || str_equal(call->api, "openai");
    pthread_mutex_lock(&call->world->lock);
    stats->calls += question;
    stats->open += question;
    stats->parallel = stats->open > stats->parallel ? stats->open : stats->parallel;
    stats->workloads += (long)call->asked.workload_count;
    stats->batches += str_equal(call->api, "create");
    stats->polls += str_equal(call->api, "poll");
    stats->results += str_equal(call->api, "results");
    stats->cancels += str_equal(call->api, "cancel");
    llm_rules_apply(call->world->rules, &call->asked, &call->act);
    pthread_mutex_unlock(&call->world->lock);
    call->asked.raw = "";
    buf_release(&raw);
}

/* One line of the log. */
static void note(struct llm_server *server, const struct llm_call *call)
{
    json_t *names = json_array();
    for (size_t i = 0; i < call->asked.workload_count; i++) {
        json_array_append_new(names, json_string_safe(call->asked.workloads[i]));
    }
    json_t *row = json_pack("{s:s, s:s, s:s, s:o, s:i, s:o}", "api", call->api, "method", call->request->method, "target", call->request->target,
                            "head", json_string_safe(buf_str(&call->request->head)), "status", call->answer->status, "workloads", names);
    json_object_set_new(row, "body", call->body ? json_incref(call->body) : json_string_safe(buf_str(&call->request->body)));
    char *text = json_dumps(row, JSON_COMPACT);
    pthread_mutex_lock(&server->world.lock);
    if (server->log) {
        fprintf(server->log, "%s\n", text);
    }
    bool question = str_equal(call->api, "anthropic") || str_equal(call->api, "openai");
    server->world.stats.open -= question;
    server->world.stats.refused += question && call->answer->status != 200;
    pthread_mutex_unlock(&server->world.lock);
    free(text);
    json_decref(row);
}

static void control(struct llm_server *server, const char *target, struct wire_answer *answer)
{
    char piece[65536];
    size_t got;
    pthread_mutex_lock(&server->world.lock);
    const struct llm_stats *stats = &server->world.stats;
    answer->type = "text/plain";
    if (str_equal(target, "/__count")) {
        (void)buf_printf(&answer->body, "%ld\n", stats->calls);
    } else if (str_equal(target, "/__parallel")) {
        (void)buf_printf(&answer->body, "%ld\n", stats->parallel);
    } else if (str_equal(target, "/__stats")) {
        const char *comma = "{";
#define X(name) (void)buf_printf(&answer->body, "%s\"" #name "\":%ld", comma, stats->name), comma = ",";
        LLM_STATS(X)
#undef X
        (void)buf_add_str(&answer->body, "}\n");
    } else if (server->log && str_equal(target, "/__requests")) {
        rewind(server->log);
        while ((got = fread(piece, 1, sizeof piece, server->log)) > 0) {
            (void)buf_add(&answer->body, piece, got);
        }
        (void)fseek(server->log, 0, SEEK_END);
    } else {
        answer->status = 404;
    }
    pthread_mutex_unlock(&server->world.lock);
}

/* Waits until the client has had enough, or the server ends. */
static void hang(struct llm_server *server, int fd)
{
    char byte;
    for (bool stopping = false; !stopping;) {
        struct pollfd look = {.fd = fd, .events = POLLIN};
        if (poll(&look, 1, HANG_LOOK_MS) > 0 && recv(fd, &byte, 1, MSG_PEEK) <= 0) {
            return;
        }
        pthread_mutex_lock(&server->world.lock);
        stopping = server->stopping;
        pthread_mutex_unlock(&server->world.lock);
    }
}

/* The headers and the manner that the rules want. */
static void dress(const struct llm_call *call)
{
    struct wire_answer *answer = call->answer;
    const struct llm_act *act = &call->act;
    for (size_t i = 0; i < act->header_count; i++) {
        (void)buf_printf(&answer->headers, "%s\r\n", act->headers[i]);
    }
    if (llm_act_text(act, RULE_RETRY_AFTER)) {
        (void)buf_printf(&answer->headers, "retry-after: %s\r\n", llm_act_text(act, RULE_RETRY_AFTER));
    }
    (void)buf_add_str(&answer->headers, is_openai(call->api) ? "x-request-id: req_scripted\r\n" : "request-id: req_scripted\r\n");
    answer->drip_ms = llm_act_number(act, RULE_DRIP, 0);
    answer->close = llm_act_number(act, RULE_CLOSE, -1);
    answer->garbage = llm_act_number(act, RULE_GARBAGE, 0) > 0;
    if (llm_act_text(act, RULE_TYPE)) {
        answer->type = llm_act_text(act, RULE_TYPE);
    }
}

static void respond(struct llm_call *call)
{
    const struct llm_act *act = &call->act;
    long status = llm_act_number(act, RULE_STATUS, 200);
    call->answer->status = (int)status;
    if (llm_act_text(act, RULE_BODY)) {
        (void)buf_add_str(&call->answer->body, llm_act_text(act, RULE_BODY));
    } else if (llm_act_number(act, RULE_SPEND_LIMIT, 0) > 0) {
        llm_vendor_error(call, 429, NULL, "You have reached your spend limit");
    } else if (status != 200) {
        llm_vendor_error(call, (int)status, llm_act_text(act, RULE_ERROR), llm_act_text(act, RULE_MESSAGE));
    } else if (str_equal(call->api, "none")) {
        llm_vendor_error(call, 404, NULL, "no such path");
    } else if (turned_away(call)) {
        return;
    } else if (str_equal(call->api, "models")) {
        llm_vendor_body(call, json_pack("{s:s, s:[{s:s, s:s}]}", "object", "list", "data", "id", "scripted", "object", "model"));
    } else if (str_equal(call->api, "anthropic") || str_equal(call->api, "openai")) {
        llm_vendor_answer(call);
    } else {
        llm_vendor_batch(call);
    }
}

/* Answers one request; false where the connection ends. */
static bool serve(struct connection *connection, const struct wire_request *request)
{
    struct llm_server *server = connection->server;
    struct wire_answer answer = {.status = 200, .close = -1};
    struct llm_call call = {.world = &server->world, .request = request, .answer = &answer, .api = api_of(request)};
    bool goes_on = true;
    buf_init(&answer.headers, HEADERS_MAX);
    buf_init(&answer.body, BODY_MAX);
    if (str_starts(request->target, "/__")) {
        control(server, request->target, &answer);
        goes_on = wire_send(&connection->wire, &answer);
    } else {
        call.body = json_loadb(buf_str(&request->body), request->body.length, 0, NULL);
        llm_call_ask(&call, call.body);
        count(&call);
        clock_sleep_ms(llm_act_number(&call.act, RULE_LATENCY, 0));
        bool hangs = llm_act_number(&call.act, RULE_HANG, 0) > 0;
        if (hangs) {
            hang(server, connection->wire.fd);
        } else {
            respond(&call);
        }
        dress(&call);
        note(server, &call);
        goes_on = !hangs && wire_send(&connection->wire, &answer);
    }
    json_decref(call.evidence);
    json_decref(call.body);
    buf_release(&answer.headers);
    buf_release(&answer.body);
    return goes_on;
}

static void *run_connection(void *argument)
{
    struct connection *connection = argument;
    struct llm_server *server = connection->server;
    struct wire_request request;
    wire_request_init(&request);
    buf_init(&connection->wire.carry, CARRY_MAX);
    while (wire_read(&connection->wire, &request) && serve(connection, &request)) {
    }
    wire_request_release(&request);
    buf_release(&connection->wire.carry);
    shutdown(connection->wire.fd, SHUT_WR);
    pthread_mutex_lock(&server->world.lock);
    close(connection->wire.fd);
    *connection->link = connection->next;
    if (connection->next) {
        connection->next->link = connection->link;
    }
    free(connection);
    pthread_cond_signal(&server->idle);
    pthread_mutex_unlock(&server->world.lock);
    return NULL;
}

/* New connection among the open ones. */
static struct connection *connection_new(struct llm_server *server, int fd)
{
    int on = 1;
    struct connection *connection = xcalloc(sizeof *connection);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->server = server;
    connection->wire.fd = fd;
    pthread_mutex_lock(&server->world.lock);
    connection->next = server->first;
    connection->link = &server->first;
    if (connection->next) {
        connection->next->link = &connection->next;
    }
    server->first = connection;
    server->world.stats.connections++;
    pthread_mutex_unlock(&server->world.lock);
    return connection;
}

static void *run_listener(void *argument)
{
    struct llm_server *server = argument;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, THREAD_STACK);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) {
            break;
        }
        struct connection *connection = connection_new(server, fd);
        pthread_t thread;
        if (pthread_create(&thread, &small, run_connection, connection)) {
            fputs("llm_server: no thread\n", stderr);
            exit(2);
        }
    }
    pthread_attr_destroy(&small);
    return NULL;
}

static void listen_somewhere(struct llm_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, sizeof address) || listen(server->listener, 256) ||
        getsockname(server->listener, (struct sockaddr *)&address, &size)) {
        fputs("llm_server: no port\n", stderr);
        exit(2);
    }
    server->world.port = ntohs(address.sin_port);
}

struct llm_server *llm_server_start(const struct llm_server_options *options)
{
    struct llm_server *server = xcalloc(sizeof *server);
    server->world.options = *options;
    server->world.rules = llm_rules_new(options->rules ? options->rules : "");
    server->log = tmpfile();
    pthread_mutex_init(&server->world.lock, NULL);
    pthread_cond_init(&server->idle, NULL);
    listen_somewhere(server);
    if (pthread_create(&server->thread, NULL, run_listener, server)) {
        fputs("llm_server: no thread\n", stderr);
        exit(2);
    }
    return server;
}

int llm_server_port(const struct llm_server *server)
{
    return server->world.port;
}

long llm_server_stat(struct llm_server *server, const char *name)
{
    long value = -1;
    pthread_mutex_lock(&server->world.lock);
#define X(word) value = str_equal(name, #word) ? server->world.stats.word : value;
    LLM_STATS(X)
#undef X
    pthread_mutex_unlock(&server->world.lock);
    return value;
}

void llm_server_stop(struct llm_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    close(server->listener);
    pthread_join(server->thread, NULL);
    pthread_mutex_lock(&server->world.lock);
    server->stopping = true;
    for (const struct connection *one = server->first; one; one = one->next) {
        shutdown(one->wire.fd, SHUT_RD);
    }
    while (server->first) {
        pthread_cond_wait(&server->idle, &server->world.lock);
    }
    pthread_mutex_unlock(&server->world.lock);
    llm_rules_free(server->world.rules);
    llm_vendor_batches_free(&server->world);
    free(server->world.prefixes);
    if (server->log) {
        fclose(server->log);
    }
    pthread_mutex_destroy(&server->world.lock);
    pthread_cond_destroy(&server->idle);
    free(server);
}
