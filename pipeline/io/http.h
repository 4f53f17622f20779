#ifndef TARE_IO_HTTP_H
#define TARE_IO_HTTP_H

/*
 * HTTP over libcurl, the only place that knows it. A client stands for one server: base address, credentials,
 * time-outs, trust. Every answer is bounded; a request that meets 429, 5xx or a broken connection is tried
 * again with jittered exponential back-off, Retry-After respected. Secrets (headers, tokens, userinfo,
 * queries) never appear in a message.
 *
 * http_send returns 0 for every whole answer whatever its status, so that a caller can read what a refusing
 * server says; http_reply_check turns a status that is not 2xx into the usual sentence. Proxy: https_proxy,
 * http_proxy, all_proxy, no_proxy as libcurl reads them, never for a loopback address. CA: `ca_file`, else
 * CURL_CA_BUNDLE, else SSL_CERT_FILE and SSL_CERT_DIR, else the system's. A redirect is followed only within
 * the same scheme, host and port.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

struct http_client;
struct http_reply;

/* What one server needs; strings are copied, and secrets among them overwritten when the client is freed. Zero or NULL
 * means the default. */
struct http_options {
    const char *what; /* what messages call it: "the metrics server" (default "the server") */
    const char *url;  /* base address, http or https; a path in it stays in front of every request's */
    int64_t connect_timeout_seconds; /* default 10 */
    int64_t timeout_seconds;         /* one try of one request, default 120 */
    unsigned tries;                  /* default 3 */
    int64_t retry_after_max_seconds; /* a longer Retry-After is not waited for: the answer is handed out;
                                        default 60 */
    const char *bearer_token_file;   /* read anew for each request: tokens rotate */
    const char *bearer_token;        /* or the token itself */
    const char *username;            /* basic authentication, with password_file; read like the token */
    const char *password_file;
    const char *password;         /* or the password itself */
    const char *ca_file;          /* PEM; when an authority is named, no other one is trusted */
    const char *ca_pem;           /* or its text */
    const char *certificate_file; /* TLS client certificate and its key, PEM */
    const char *key_file;
    const char *certificate_pem; /* or their texts */
    const char *key_pem;
    const char *server_name; /* name that the certificate must bear, where it is not the address's host */
    const char *proxy;       /* instead of what the environment says; may hold a password */
    bool insecure;           /* any certificate will do */
    bool secret_path;        /* paths are secrets, too: messages and reply->url show nothing but scheme, host and port of `url` */
};

/* New client. ERR_CONFIG when the address is not http(s) or half of a pair is missing. Free with
 * http_client_free. */
int http_client_new(const struct http_options *options, struct http_client **out, struct err *err);

/* Frees, once the last request under way (http_loop.h) has ended; NULL is allowed. */
void http_client_free(struct http_client *client);

/* Adds a header to every request of this client; never shown, never sent elsewhere. ERR_CONFIG for a name or
 * value that no header can have (control bytes). */
int http_client_header(struct http_client *client, const char *name, const char *value, struct err *err);

/* The base address without userinfo and query, for messages. Borrowed. */
const char *http_client_name(const struct http_client *client);

/* Receives a 2xx body as it comes, decompressed. `begin` (may be NULL) is called before the first bytes of
 * each try, so that what a broken try left can be forgotten; without it a request is not tried again once
 * bytes were handed out. `bytes` returns 0, or -1 with *err set: that ends the request with this error and
 * without another try. */
struct http_sink {
    void (*begin)(void *context);
    int (*bytes)(void *context, const char *bytes, size_t length, struct err *err);
    void *context;
};

struct http_request {
    const char *method;       /* NULL: GET, or POST when there is a body */
    const char *path;         /* appended to the base address, may hold a query: "/api/v1/query?query=up" */
    const char *content_type; /* of the body */
    const char *accept;       /* NULL: any */
    const void *body;         /* borrowed; NULL for none */
    size_t body_length;
    const char *const *headers;   /* more "Name: value", NULL-terminated; NULL for none */
    int64_t timeout_seconds;      /* of this request, 0: the client's */
    size_t cap;                   /* most bytes of the body, decompressed; 0: 16 MiB. ERR_DATA past it */
    const struct http_sink *sink; /* NULL: the body goes to reply->body */
    int64_t quiet_seconds;        /* ends a transfer on which nothing came for so long (a watch), 0: never */
    unsigned throttle_tries;      /* tries while the server throttles (429), where more than the client's */
    bool once;                    /* never try again */
    bool writes;                  /* it must not happen twice: tried again only where the server certainly did not take it up (no
                                     connection, 429) */
    bool no_redirect;             /* a redirect is the answer, wherever it leads */
    /* Whether an answer whose status asks for another try is the last word all the same (its body says why). NULL: never. */
    bool (*final)(const struct http_reply *reply);
};

enum { HTTP_DEFAULT_CAP = 16 * 1024 * 1024, HTTP_ERROR_BODY_MAX = 64 * 1024, HTTP_HEADERS_MAX = 32 * 1024 };

struct http_reply {
    long status;
    struct buf body;    /* of a status other than 2xx: at most HTTP_ERROR_BODY_MAX bytes, the rest is cut */
    struct buf headers; /* as lines; read with http_reply_header */
    int64_t retry_after_seconds; /* -1 when there is none */
    int64_t date;                /* the server's clock (header Date), seconds since the epoch; -1 where it does not tell */
    int64_t received;            /* bytes of the body on the wire (before decompression) of the last try */
    unsigned tries;              /* how many were made */
    bool timed_out;              /* the last try ran out of time */
    bool broken;                 /* the last try met no connection, or one that broke: another one may do better */
    bool sent;                   /* the last try reached the server, or may have */
    char url[512];               /* for messages: without userinfo and query */
};

/* Prepares an empty reply. */
void http_reply_init(struct http_reply *reply);

/* Frees what it holds; it can be used again. */
void http_reply_release(struct http_reply *reply);

/* Value of a header (any case) copied to `out`, cut to its size. False when the answer has none. */
bool http_reply_header(const struct http_reply *reply, const char *name, char *out, size_t size);

/* Whether the content type says `type` ("application/json"), parameters aside. */
bool http_reply_is(const struct http_reply *reply, const char *type);

/* Sends one request and waits for the whole answer. 0 with any status; -1 with ERR_UNAVAILABLE (no
 * connection, time-out, certificate, cut answer, redirect to elsewhere), ERR_DATA (larger than the cap,
 * undecodable), ERR_CONFIG or ERR_NOINPUT (credential files), or the sink's own error. `reply` must be
 * initialized; what it held is forgotten. */
int http_send(struct http_client *client, const struct http_request *request, struct http_reply *reply,
              struct err *err);

/* 0 for 2xx; else ERR_UNAVAILABLE naming server, status and what it means (401 and 403 with a hint), with the
 * beginning of a plain-text body. `what` as in http_options. */
int http_reply_check(const struct http_reply *reply, const char *what, struct err *err);

/* Whether a status is 2xx. */
bool http_status_ok(long status);

/* Whether a status is one that is worth another try: 408, 429, 500, 502, 503, 504 and other 5xx but 501 and
 * 505. */
bool http_status_retryable(long status);

/* Adds "name=value" with both percent-encoded to a form body or query, with '&' before it unless `out` is
 * empty. Returns like buf_add. */
int http_add_field(struct buf *out, const char *name, const char *value);

#endif
