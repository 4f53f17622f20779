#include "tests/harness/llm_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "pipeline/base/clock.h"

enum { HEAD_MAX = 64 * 1024, REQUEST_MAX = 300 * 1024 * 1024, DRIP_PIECE = 64 };

void wire_request_init(struct wire_request *request)
{
    *request = (struct wire_request){.method = ""};
    buf_init(&request->head, HEAD_MAX);
    buf_init(&request->body, REQUEST_MAX);
}

void wire_request_release(struct wire_request *request)
{
    buf_release(&request->head);
    buf_release(&request->body);
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* Takes more bytes into `to`. */
static bool receive(struct wire *wire, struct buf *to)
{
    static const unsigned char tls_record = 0x16;
    char piece[16384];
    ssize_t got = recv(wire->fd, piece, sizeof piece, 0);
    if (got <= 0) {
        return false;
    }
    if (to->length == 0 && to == &wire->carry && (unsigned char)piece[0] == tls_record) {
        (void)send_all(wire->fd, "this is no TLS\r\n", 16);
        return false;
    }
    return buf_add(to, piece, (size_t)got) == 0;
}

/* Position behind the head in the carried bytes, 0 when it is not whole. */
static size_t head_end(const struct buf *carry)
{
    const char *end = strstr(buf_str(carry), "\r\n\r\n");
    return end ? (size_t)(end - buf_str(carry)) + 4 : 0;
}

/* Moves the first bytes of the carried ones to `to`. */
static bool take(struct wire *wire, struct buf *to, size_t length)
{
    struct buf rest;
    buf_init(&rest, wire->carry.cap);
    bool fits = buf_add(to, wire->carry.data, length) == 0 &&
                (wire->carry.length == length || buf_add(&rest, wire->carry.data + length, wire->carry.length - length) == 0);
    buf_release(&wire->carry);
    wire->carry = rest;
    return fits;
}

static bool read_head(struct wire *wire, struct wire_request *request)
{
    size_t end;
    while ((end = head_end(&wire->carry)) == 0) {
        if (!receive(wire, &wire->carry)) {
            return false;
        }
    }
    if (!take(wire, &request->head, end)) {
        return false;
    }
    return sscanf(buf_str(&request->head), "%15s %511s HTTP/1.", request->method, request->target) == 2;
}

bool wire_read(struct wire *wire, struct wire_request *request)
{
    char value[64];
    buf_clear(&request->head);
    buf_release(&request->body);
    if (!read_head(wire, request)) {
        return false;
    }
    size_t length = wire_header(request, "content-length", value, sizeof value) ? strtoul(value, NULL, 10) : 0;
    if (wire_header(request, "expect", value, sizeof value) && !send_all(wire->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25)) {
        return false;
    }
    if (!take(wire, &request->body, length < wire->carry.length ? length : wire->carry.length)) {
        return false;
    }
    while (request->body.length < length) {
        if (!receive(wire, &request->body)) {
            return false;
        }
    }
    return true;
}

bool wire_header(const struct wire_request *request, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    const char *line = strstr(buf_str(&request->head), "\r\n");
    out[0] = '\0';
    for (; line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) != 0 || line[2 + length] != ':') {
            continue;
        }
        const char *value = line + 3 + length;
        value += strspn(value, " \t");
        (void)snprintf(out, size, "%.*s", (int)strcspn(value, "\r\n"), value);
        return true;
    }
    return false;
}

static const char *reason_of(int status)
{
    return status < 300 ? "OK" : status < 400 ? "Elsewhere" : status < 500 ? "Refused" : "Failed";
}

/* Sends some bytes of the body, of which `*left` may still go out; false when no more may. */
static bool send_part(struct wire *wire, const struct wire_answer *answer, const char *bytes, size_t length, size_t *left)
{
    while (length > 0) {
        size_t step = answer->drip_ms > 0 && length > DRIP_PIECE ? DRIP_PIECE : length;
        step = step < *left ? step : *left;
        if (answer->drip_ms > 0) {
            clock_sleep_ms(answer->drip_ms);
        }
        if (step == 0 || !send_all(wire->fd, bytes, step)) {
            return false;
        }
        bytes += step;
        length -= step;
        *left -= step;
    }
    return true;
}

static bool send_pad(struct wire *wire, const struct wire_answer *answer, size_t *left)
{
    char piece[65536];
    memset(piece, 'x', sizeof piece);
    for (size_t sent = 0; sent < answer->pad; sent += sizeof piece) {
        size_t length = answer->pad - sent < sizeof piece ? answer->pad - sent : sizeof piece;
        if (!send_part(wire, answer, piece, length, left)) {
            return false;
        }
    }
    return true;
}

bool wire_send(struct wire *wire, const struct wire_answer *answer)
{
    if (answer->garbage) {
        return send_all(wire->fd, "\x15\x03\x01 no HTTP at all\r\n\r\n", 23) && false;
    }
    const char *body = buf_str(&answer->body);
    const char *mark = answer->pad > 0 ? strstr(body, WIRE_PAD) : NULL;
    size_t before = mark ? (size_t)(mark - body) : answer->body.length;
    size_t whole = answer->body.length + (mark ? answer->pad - strlen(WIRE_PAD) : 0);
    size_t left = answer->close >= 0 && (size_t)answer->close < whole ? (size_t)answer->close : whole;
    struct buf head;
    buf_init(&head, HEAD_MAX + answer->body.length);
    (void)buf_printf(&head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s%s\r\n", answer->status, reason_of(answer->status),
                     answer->type ? answer->type : "application/json", whole, answer->last ? "Connection: close\r\n" : "",
                     buf_str(&answer->headers));
    /* Head and body of a plain answer go out together: two packets would wait for each other. */
    bool plain = !mark && answer->drip_ms <= 0 && left == whole;
    if (plain && answer->body.length > 0) {
        (void)buf_add(&head, body, answer->body.length);
    }
    bool good = send_all(wire->fd, head.data, head.length);
    buf_release(&head);
    if (plain) {
        return good && !answer->last;
    }
    good = good && send_part(wire, answer, body, before, &left);
    if (mark) {
        good = good && send_pad(wire, answer, &left) && send_part(wire, answer, mark + strlen(WIRE_PAD), strlen(mark) - strlen(WIRE_PAD), &left);
    }
    return good && answer->close < 0 && !answer->last;
}
