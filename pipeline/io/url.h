#ifndef TARE_IO_URL_H
#define TARE_IO_URL_H

/* Addresses, read by the same parser that the HTTP client uses, so that what is shown and what is asked
 * cannot differ. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

/* Whether `url` is an absolute http or https address without control bytes. ERR_CONFIG; `what` names it. */
int url_check(const char *url, const char *what, struct err *err);

/* Writes the address without userinfo, query and fragment, cut to `size`; "(not an address)" when it is none.
 * Returns `out`. */
char *url_public(const char *url, char *out, size_t size);

/* New address of `path` (may hold a query) under `base`, whose own path stays in front and whose query and
 * fragment go. Free with free(). NULL when it is none. */
char *url_join(const char *base, const char *path);

/* New address with `host` in place of its host, for a server whose certificate bears another name than its address.
 * *connect_to receives (new) where to connect, as curl wants it ("HOST:PORT:REAL-HOST:PORT"), *host_header (new)
 * the header that still names the real host. `url` must have passed url_check. */
char *url_renamed(const char *url, const char *host, char **connect_to, char **host_header);

/* Takes an address apart: *origin (new) is scheme, host and port, *rest (new) path and query. Free both with free(). ERR_CONFIG
 * where it names a user or password, which belong elsewhere. `url` must have passed url_check; `what` names it. */
int url_split(const char *url, const char *what, char **origin, char **rest, struct err *err);

/* Whether two addresses have the same scheme, host and port. */
bool url_same_origin(const char *a, const char *b);

/* Whether the host is a loopback address or "localhost". */
bool url_is_loopback(const char *url);

/* Whether what is sent there could be read on the way: plain http to another machine. No secret goes to such an address. */
bool url_is_open(const char *url);

/* Whether text that was meant as an address holds what may be a secret: userinfo with a password, or a query. */
bool url_may_hold_secret(const char *url);

/* Adds text percent-encoded: all but the unreserved characters of RFC 3986. Returns like buf_add. */
int url_escape(struct buf *out, const char *text);

#endif
