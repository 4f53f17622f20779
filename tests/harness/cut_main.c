/* cut DIR SERVER N request|answer: stands at DIR/.s.PGSQL.5432 before the Postgres at SERVER/.s.PGSQL.5432, hands one connection on,
 * and cuts it at the client's N-th message: before the server gets it, or once its answer is there and before the client gets that
 * (0: never). Prints "ready" first, and at the end how many messages there were, and whether it cut. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PIECE = 64 << 10 };

static void fail(const char *what)
{
    perror(what);
    exit(74);
}

static int unix_socket(const char *directory, struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (fd < 0 || snprintf(address->sun_path, sizeof address->sun_path, "%s/.s.PGSQL.5432", directory) >=
                      (int)sizeof address->sun_path) {
        fail(directory);
    }
    return fd;
}

static int await_client(const char *directory)
{
    struct sockaddr_un address;
    int fd = unix_socket(directory, &address);
    unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1)) {
        fail(address.sun_path);
    }
    puts("ready");
    fflush(stdout);
    int client = accept(fd, NULL, NULL);
    close(fd);
    unlink(address.sun_path);
    if (client < 0) {
        fail("accept");
    }
    return client;
}

static int reach_server(const char *directory)
{
    struct sockaddr_un address;
    int fd = unix_socket(directory, &address);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
        fail(address.sun_path);
    }
    return fd;
}

/* Hands on what there is; false at the end of the connection. */
static bool hand_on(int to, const char *piece, ssize_t got)
{
    for (ssize_t done = 0; done < got;) {
        ssize_t sent = write(to, piece + done, (size_t)(got - done));
        if (sent <= 0) {
            return false;
        }
        done += sent;
    }
    return got > 0;
}

int main(int argc, char **argv)
{
    static char piece[PIECE];
    if (argc != 5) {
        return 64;
    }
    long when = strtol(argv[3], NULL, 10);
    bool at_request = strcmp(argv[4], "request") == 0;
    long count = 0;
    bool cut = false;
    int client = await_client(argv[1]);
    int server = reach_server(argv[2]);
    struct pollfd ends[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    for (bool open = true; open && !cut;) {
        if (poll(ends, 2, -1) < 0 && errno != EINTR) {
            fail("poll");
        }
        if (ends[0].revents != 0) {
            ssize_t got = read(client, piece, sizeof piece);
            count += got > 0 ? 1 : 0;
            cut = got > 0 && count == when && at_request;
            open = !cut && hand_on(server, piece, got);
        }
        if (open && ends[1].revents != 0) {
            ssize_t got = read(server, piece, sizeof piece);
            cut = got > 0 && count == when && !at_request;
            open = !cut && hand_on(client, piece, got);
        }
    }
    close(client);
    close(server);
    printf("%ld %s\n", count, cut ? "cut" : "whole");
    return 0;
}
