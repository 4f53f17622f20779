#ifndef TARE_IO_HTTP_LOOP_H
#define TARE_IO_HTTP_LOOP_H

/*
 * Many HTTP requests side by side on one thread, for the clients of http.h and with their retries. Connections are kept and
 * shared; where a server offers HTTP/2 its requests go over one connection. After a 429 all requests of that client wait for as
 * long as the server asks.
 */

#include "pipeline/io/http.h"

struct http_loop;
struct http_flight;

/* Told once of each request that was not cancelled: *failure NULL, and `reply` holds a whole answer of any status; or why there
 * is none, as http_send says it. Both are borrowed for the call. Other requests may be begun and cancelled in it. */
typedef void http_done(void *context, struct http_reply *reply, const struct err *failure);

/* New, empty. ERR_SOFTWARE. Free with http_loop_free. */
int http_loop_new(struct http_loop **out, struct err *err);

/* Frees; requests under way are dropped, nobody is told. NULL is allowed. */
void http_loop_free(struct http_loop *loop);

/* Begins a request after `delay_ms`; everything that `request` borrows must live until it is done or cancelled, the request itself
 * is copied. *out (may be NULL) is what http_loop_cancel takes; it is gone once `done` is called. Fails, without `done`, for what
 * cannot be sent at all (ERR_USAGE, ERR_CONFIG, ERR_NOINPUT). Never call it from a sink. */
int http_loop_begin(struct http_loop *loop, struct http_client *client, const struct http_request *request, int64_t delay_ms,
                    http_done *done, void *context, struct http_flight **out, struct err *err);

/* Drops a request; `done` is not called. NULL is allowed. Never call it from a sink. */
void http_loop_cancel(struct http_loop *loop, struct http_flight *flight);

/* Waits until something happens, until the instant `until_ms` (clock_monotonic_ms), or until `wake_fd` (-1: none) can be read, and
 * does what there is to do: sinks and `done` are called from here only. A turn may be in vain. ERR_SOFTWARE. */
int http_loop_turn(struct http_loop *loop, int64_t until_ms, int wake_fd, struct err *err);

#endif
