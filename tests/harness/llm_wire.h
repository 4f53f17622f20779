#ifndef TARE_TESTS_LLM_WIRE_H
#define TARE_TESTS_LLM_WIRE_H

/* The server's side of HTTP/1.1 on one connection: requests one after the other (Content-Length), answers that come slowly, cut, or much
 * longer than what is in memory. */

#include <stdbool.h>

#include "pipeline/base/buf.h"

struct wire {
    int fd;
    struct buf carry; /* bytes that came and are not used */
};

struct wire_request {
    char method[16];
    char target[512];
    struct buf head; /* whole, with its first line */
    struct buf body;
};

/* In the body of an answer it stands for `pad` bytes of the letter x. */
#define WIRE_PAD "@@PAD@@"

struct wire_answer {
    int status;
    const char *type; /* NULL: application/json */
    struct buf headers; /* lines that end with \r\n */
    struct buf body;
    size_t pad;
    long drip_ms; /* before every 64 bytes; 0: none */
    long close;   /* -1, or closes after so many bytes of the body */
    bool garbage; /* bytes that are no HTTP, and closes */
    bool last;    /* Connection: close */
};

void wire_request_init(struct wire_request *request);
void wire_request_release(struct wire_request *request);

/* Reads the next request. False at the end of the connection, for what is no HTTP (TLS: it is answered with what is none), or too long. */
bool wire_read(struct wire *wire, struct wire_request *request);

/* Copies a header's value; false when there is none (then "" is stored). */
bool wire_header(const struct wire_request *request, const char *name, char *out, size_t size);

/* Sends; false where the connection is of no use any more. */
bool wire_send(struct wire *wire, const struct wire_answer *answer);

#endif
