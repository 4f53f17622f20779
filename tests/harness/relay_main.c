/* relay URL DIR: stands before a server at URL (http://127.0.0.1:PORT), prints an address of its own and hands every
 * request on to it, until a signal ends it. What was asked is kept in DIR for curl to ask again: `requests.cfg` (curl
 * --config) and the bodies. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"

enum { REQUEST_MOST = 8 << 20, HEAD_MOST = 64 << 10, PIECE = 64 << 10 };

static struct {
    in_port_t port; /* of the server */
    const char *url;
    const char *directory;
    FILE *config;
    int count;
    pthread_mutex_t lock;
} relay = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A line for each answer tells what became of it. */
static const char curl_options[] =
    "globoff\noutput = \"/dev/null\"\nwrite-out = \"%{http_code} %{size_download}\\n\"\n";

/* What a client sets itself. */
static bool own_header(const char *line)
{
    static const char *const names[] = {"Host:", "Content-Length:", "Connection:", "Expect:", "User-Agent:"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncasecmp(line, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void keep_body(int number, const char *body, size_t length)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%06d.body", relay.directory, number);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(body, 1, length, file) != length || fclose(file) != 0) {
        perror(path);
        exit(74);
    }
    fprintf(relay.config, "data-binary = \"@%s\"\n", path);
}

/* HEAD is "METHOD TARGET HTTP/1.1" and headers, ended by an empty line; it is cut into lines here. */
static void keep(char *head, const char *body, size_t length)
{
    char *save = NULL;
    char *line = strtok_r(head, "\r\n", &save);
    char *target = line == NULL ? NULL : strchr(line, ' ');
    char *end = target == NULL ? NULL : strchr(target + 1, ' ');
    if (end == NULL) {
        return;
    }
    *end = '\0';
    pthread_mutex_lock(&relay.lock);
    fprintf(relay.config, "%surl = \"%s%s\"\n%s", relay.count > 0 ? "next\n" : "", relay.url, target + 1, curl_options);
    while ((line = strtok_r(NULL, "\r\n", &save)) != NULL) {
        if (!own_header(line)) {
            fprintf(relay.config, "header = \"%s\"\n", line);
        }
    }
    relay.count++;
    if (length > 0) {
        keep_body(relay.count, body, length);
    }
    fflush(relay.config);
    pthread_mutex_unlock(&relay.lock);
}

static size_t content_length(const char *head)
{
    const char *line = head;
    while ((line = strstr(line, "\r\n")) != NULL) {
        line += 2;
        if (strncasecmp(line, "Content-Length:", 15) == 0) {
            return (size_t)strtoul(line + 15, NULL, 10);
        }
    }
    return 0;
}

static bool send_all(int to, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(to, bytes, length, 0);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* Reads one request. *head_length is 0 unless it came whole. */
static void receive(int client, struct buf *request, size_t *head_length)
{
    char piece[PIECE];
    size_t need = HEAD_MOST;
    *head_length = 0;
    for (ssize_t got; request->length < need && (got = recv(client, piece, sizeof piece, 0)) > 0;) {
        buf_add(request, piece, (size_t)got);
        const char *end = *head_length == 0 ? strstr(buf_str(request), "\r\n\r\n") : NULL;
        if (end != NULL) {
            *head_length = (size_t)(end - request->data) + 4;
            need = *head_length + content_length(request->data);
        }
    }
    *head_length = request->length == need ? *head_length : 0;
}

static void answer(int client, int server, const struct buf *request, size_t head)
{
    static const char closing[] = "Connection: close\r\n\r\n";
    char piece[PIECE];
    /* One request a connection: the end of the answer is the end of the connection. */
    bool sent = send_all(server, request->data, head - 2) && send_all(server, closing, sizeof closing - 1) &&
                send_all(server, request->data + head, request->length - head);
    for (ssize_t got; sent && (got = recv(server, piece, sizeof piece, 0)) > 0;) {
        sent = send_all(client, piece, (size_t)got);
    }
}

static void *serve(void *context)
{
    int client = *(int *)context;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = relay.port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct buf request;
    size_t head;
    free(context);
    buf_init(&request, REQUEST_MOST);
    receive(client, &request, &head);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (head > 0 && connect(server, (struct sockaddr *)&address, sizeof address) == 0) {
        char *lines = xstrndup(request.data, head);
        keep(lines, request.data + head, request.length - head);
        free(lines);
        answer(client, server, &request, head);
    }
    close(server);
    close(client);
    buf_release(&request);
    return NULL;
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        perror("relay");
        exit(69);
    }
    printf("http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    fclose(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    const char *port = argc == 3 ? strrchr(argv[1], ':') : NULL;
    char path[1024];
    if (port == NULL) {
        fputs("usage: relay http://127.0.0.1:PORT DIR\n", stderr);
        return 64;
    }
    signal(SIGPIPE, SIG_IGN);
    relay.url = argv[1];
    relay.port = htons((in_port_t)strtoul(port + 1, NULL, 10));
    relay.directory = argv[2];
    snprintf(path, sizeof path, "%s/requests.cfg", argv[2]);
    relay.config = fopen(path, "w");
    if (relay.config == NULL) {
        perror(path);
        return 73;
    }
    for (int fd = listen_anywhere();;) {
        pthread_t thread;
        int *client = malloc(sizeof *client);
        if (client == NULL || (*client = accept(fd, NULL, NULL)) < 0 || pthread_create(&thread, NULL, serve, client) != 0) {
            perror("relay");
            return 69;
        }
        pthread_detach(thread);
    }
}
