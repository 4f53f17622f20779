#include "tests/harness/http_script.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"

enum {
    RULES_MAX = 64,
    REQUEST_MAX = 4 * 1024 * 1024,
    LOG_MAX_BYTES = 16 * 1024 * 1024,
    BODY_MAX = 1 << 30,
    PIECE = 1024
};

struct rule {
    char method[16];
    char *prefix;
    char *match;
    long times; /* -1: for ever */
    int status;
    struct buf headers;
    struct buf body;
    bool has_type;
    bool chunked;
    bool close;
    bool hang;
    long delay_ms;
    long drip_ms;
    long cut; /* -1: whole */
    long again; /* how often the body is sent */
};

struct http_script {
    int listener;
    int port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    int count;
    int active;
    bool stopping;
    struct buf log;
    struct rule rules[RULES_MAX];
    size_t rule_count;
};

struct connection {
    struct http_script *server;
    int fd;
};

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("http_script: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

static struct rule *new_rule(struct http_script *server, const char *rest)
{
    if (server->rule_count == RULES_MAX) {
        fail("too many rules");
    }
    struct rule *rule = &server->rules[server->rule_count++];
    size_t method = strcspn(rest, " ");
    const char *prefix = rest[method] == '\0' ? "" : rest + method + 1;
    snprintf(rule->method, sizeof rule->method, "%.*s", (int)method, rest);
    rule->prefix = xstrdup(prefix);
    rule->times = -1;
    rule->cut = -1;
    rule->again = 1;
    rule->status = 200;
    buf_init(&rule->headers, 64 * 1024);
    buf_init(&rule->body, BODY_MAX);
    return rule;
}

static void add_repeated(struct rule *rule, const char *rest)
{
    char *text = NULL;
    long count = strtol(rest, &text, 10);
    text += *text == ' ';
    for (long i = 0; i < count; i++) {
        buf_add_str(&rule->body, text);
    }
}

static void add_file(struct rule *rule, const char *path)
{
    struct err err = {0};
    if (fs_read(path, &rule->body, &err)) {
        fail("%s", err.message);
    }
}

static void read_number(struct rule *rule, const char *word, const char *rest)
{
    long value = strtol(rest, NULL, 10);
    if (strcmp(word, "times") == 0) {
        rule->times = value;
    } else if (strcmp(word, "status") == 0) {
        rule->status = (int)value;
    } else if (strcmp(word, "delay") == 0) {
        rule->delay_ms = value;
    } else if (strcmp(word, "drip") == 0) {
        rule->drip_ms = value;
    } else if (strcmp(word, "cut") == 0) {
        rule->cut = value;
    } else if (strcmp(word, "again") == 0) {
        rule->again = value;
    } else {
        fail("unknown word \"%s\"", word);
    }
}

static void read_line(struct http_script *server, const char *word, const char *rest)
{
    if (strcmp(word, "on") == 0) {
        new_rule(server, rest);
        return;
    }
    if (server->rule_count == 0) {
        fail("\"%s\" before the first \"on\"", word);
    }
    struct rule *rule = &server->rules[server->rule_count - 1];
    if (strcmp(word, "match") == 0) {
        free(rule->match);
        rule->match = xstrdup(rest);
    } else if (strcmp(word, "header") == 0) {
        rule->has_type = rule->has_type || strncasecmp(rest, "content-type:", 13) == 0;
        buf_printf(&rule->headers, "%s\r\n", rest);
    } else if (strcmp(word, "body") == 0) {
        buf_printf(&rule->body, "%s%s", rule->body.length > 0 ? "\n" : "", rest);
    } else if (strcmp(word, "body-file") == 0) {
        add_file(rule, rest);
    } else if (strcmp(word, "repeat") == 0) {
        add_repeated(rule, rest);
    } else if (strcmp(word, "chunked") == 0) {
        rule->chunked = true;
    } else if (strcmp(word, "close") == 0) {
        rule->close = true;
    } else if (strcmp(word, "hang") == 0) {
        rule->hang = true;
    } else {
        read_number(rule, word, rest);
    }
}

static void read_script(struct http_script *server, const char *text)
{
    char *copy = xstrdup(text);
    char *next = NULL;
    for (char *line = strtok_r(copy, "\n", &next); line != NULL; line = strtok_r(NULL, "\n", &next)) {
        line += strspn(line, " \t");
        if (*line == '\0' || *line == '#') {
            continue;
        }
        size_t word = strcspn(line, " ");
        const char *rest = line[word] == '\0' ? "" : line + word + 1;
        line[word] = '\0';
        read_line(server, line, rest);
    }
    free(copy);
}

static void pause_ms(long milliseconds)
{
    struct timespec wait = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

/* Reads head and body of one request. Returns 0, or -1 when it does not come whole. */
static int read_request(int fd, struct buf *request)
{
    char piece[4096];
    size_t needed = 0;
    while (needed == 0 || request->length < needed) {
        ssize_t got = recv(fd, piece, sizeof piece, 0);
        if (got <= 0 || buf_add(request, piece, (size_t)got)) {
            return -1;
        }
        const char *end = strstr(buf_str(request), "\r\n\r\n");
        if (needed == 0 && end != NULL) {
            const char *length = strstr(buf_str(request), "\r\nContent-Length:");
            needed = (size_t)(end - request->data) + 4;
            needed += length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
        }
    }
    return 0;
}

/* Form fields become readable: '+' and percent escapes are undone in place. Bytes of any kind; returns how many are left. */
static size_t decode(char *text, size_t length)
{
    size_t to = 0;
    for (size_t from = 0; from < length; from++, to++) {
        if (text[from] == '%' && from + 2 < length) {
            char hex[3] = {text[from + 1], text[from + 2], '\0'};
            text[to] = (char)strtol(hex, NULL, 16);
            from += 2;
        } else {
            text[to] = text[from] == '+' ? ' ' : text[from];
        }
    }
    text[to] = '\0';
    return to;
}

static bool holds(const char *text, size_t length, const char *wanted)
{
    size_t size = strlen(wanted);
    for (size_t at = 0; at + size <= length; at++) {
        if (memcmp(text + at, wanted, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool matches(const struct rule *rule, const char *method, const char *target, const char *decoded, size_t length)
{
    return rule->times != 0 && (strcmp(rule->method, "*") == 0 || strcmp(rule->method, method) == 0) &&
           strncmp(target, rule->prefix, strlen(rule->prefix)) == 0 &&
           (rule->match == NULL || holds(decoded, length, rule->match));
}

/* Finds the rule of a request and counts it. NULL when there is none. */
static struct rule *choose(struct http_script *server, const struct buf *request)
{
    char method[16] = "";
    const char *text = buf_str(request);
    size_t length = strcspn(text, " ");
    snprintf(method, sizeof method, "%.*s", (int)length, text);
    const char *start = text + length + (text[length] == ' ');
    char *target = xstrndup(start, strcspn(start, " \r\n"));
    char *decoded = xmalloc(request->length + 1);
    memcpy(decoded, text, request->length);
    size_t decoded_length = decode(decoded, request->length);
    struct rule *found = NULL;
    pthread_mutex_lock(&server->lock);
    server->count++;
    buf_printf(&server->log, "%s\n", decoded);
    for (size_t i = 0; found == NULL && i < server->rule_count; i++) {
        if (matches(&server->rules[i], method, target, decoded, decoded_length)) {
            found = &server->rules[i];
            found->times -= found->times > 0;
        }
    }
    pthread_mutex_unlock(&server->lock);
    free(target);
    free(decoded);
    return found;
}

static int send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return -1;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static int send_once(int fd, const struct rule *rule, size_t length)
{
    size_t step = rule->drip_ms > 0 || rule->chunked ? PIECE : length;
    for (size_t at = 0; at < length; at += step) {
        size_t piece = length - at < step ? length - at : step;
        char size[32];
        snprintf(size, sizeof size, "%zx\r\n", piece);
        if ((rule->chunked && send_all(fd, size, strlen(size))) ||
            send_all(fd, rule->body.data + at, piece) || (rule->chunked && send_all(fd, "\r\n", 2))) {
            return -1;
        }
        pause_ms(rule->drip_ms);
    }
    return 0;
}

static void send_body(int fd, const struct rule *rule)
{
    size_t length = rule->body.length;
    if (rule->cut >= 0 && (size_t)rule->cut < length) {
        length = (size_t)rule->cut;
    }
    for (long i = 0; i < rule->again; i++) {
        if (send_once(fd, rule, length)) {
            return;
        }
    }
    if (rule->chunked && rule->cut < 0) {
        send_all(fd, "0\r\n\r\n", 5);
    }
}

static void wait_for_stop(struct http_script *server)
{
    for (;;) {
        pthread_mutex_lock(&server->lock);
        bool stopping = server->stopping;
        pthread_mutex_unlock(&server->lock);
        if (stopping) {
            return;
        }
        pause_ms(20);
    }
}

static void answer(struct http_script *server, int fd, const struct rule *rule)
{
    struct buf head;
    buf_init(&head, 128 * 1024);
    pause_ms(rule->delay_ms);
    if (rule->hang) {
        wait_for_stop(server);
    }
    if (rule->hang || rule->close) {
        return;
    }
    buf_printf(&head, "HTTP/1.1 %d Scripted\r\nConnection: close\r\n%s", rule->status,
               buf_str(&rule->headers));
    if (!rule->has_type) {
        buf_add_str(&head, "Content-Type: application/json\r\n");
    }
    if (rule->chunked) {
        buf_add_str(&head, "Transfer-Encoding: chunked\r\n\r\n");
    } else {
        buf_printf(&head, "Content-Length: %zu\r\n\r\n", rule->body.length * (size_t)rule->again);
    }
    if (send_all(fd, head.data, head.length) == 0) {
        send_body(fd, rule);
    }
    buf_release(&head);
}

static void answer_text(int fd, const char *status, const char *text)
{
    char head[256];
    snprintf(head, sizeof head,
             "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
             status, strlen(text));
    if (send_all(fd, head, strlen(head)) == 0) {
        send_all(fd, text, strlen(text));
    }
}

static void serve(struct http_script *server, int fd, const struct buf *request)
{
    const char *text = buf_str(request);
    if (strncmp(text, "GET /__count ", 13) == 0) {
        char count[32];
        snprintf(count, sizeof count, "%d\n", http_script_count(server));
        answer_text(fd, "200 OK", count);
        return;
    }
    if (strncmp(text, "GET /__requests ", 16) == 0) {
        char *log = http_script_requests(server);
        answer_text(fd, "200 OK", log);
        free(log);
        return;
    }
    const struct rule *rule = choose(server, request);
    if (rule == NULL) {
        answer_text(fd, "404 Not Found", "no rule\n");
    } else {
        answer(server, fd, rule);
    }
}

static void *run_connection(void *argument)
{
    struct connection *connection = argument;
    struct http_script *server = connection->server;
    struct buf request;
    buf_init(&request, REQUEST_MAX);
    if (read_request(connection->fd, &request) == 0) {
        serve(server, connection->fd, &request);
    }
    buf_release(&request);
    shutdown(connection->fd, SHUT_WR);
    close(connection->fd);
    free(connection);
    pthread_mutex_lock(&server->lock);
    server->active--;
    pthread_cond_signal(&server->idle);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static void *run_listener(void *argument)
{
    struct http_script *server = argument;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        struct connection *connection = xcalloc(sizeof *connection);
        connection->server = server;
        connection->fd = fd;
        pthread_mutex_lock(&server->lock);
        server->active++;
        pthread_mutex_unlock(&server->lock);
        pthread_t thread;
        if (pthread_create(&thread, NULL, run_connection, connection)) {
            fail("no thread");
        }
        pthread_detach(thread);
    }
}

static void listen_somewhere(struct http_script *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, sizeof address) ||
        listen(server->listener, 64) || getsockname(server->listener, (struct sockaddr *)&address, &size)) {
        fail("no port");
    }
    server->port = ntohs(address.sin_port);
}

struct http_script *http_script_start(const char *text)
{
    struct http_script *server = xcalloc(sizeof *server);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->idle, NULL);
    buf_init(&server->log, LOG_MAX_BYTES);
    read_script(server, text);
    listen_somewhere(server);
    if (pthread_create(&server->thread, NULL, run_listener, server)) {
        fail("no thread");
    }
    return server;
}

int http_script_port(const struct http_script *server)
{
    return server->port;
}

int http_script_count(struct http_script *server)
{
    pthread_mutex_lock(&server->lock);
    int count = server->count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

char *http_script_requests(struct http_script *server)
{
    pthread_mutex_lock(&server->lock);
    char *log = xstrdup(buf_str(&server->log));
    pthread_mutex_unlock(&server->lock);
    return log;
}

void http_script_stop(struct http_script *server)
{
    shutdown(server->listener, SHUT_RDWR);
    close(server->listener);
    pthread_join(server->thread, NULL);
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    while (server->active > 0) {
        pthread_cond_wait(&server->idle, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    for (size_t i = 0; i < server->rule_count; i++) {
        free(server->rules[i].prefix);
        free(server->rules[i].match);
        buf_release(&server->rules[i].headers);
        buf_release(&server->rules[i].body);
    }
    buf_release(&server->log);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->idle);
    free(server);
}
