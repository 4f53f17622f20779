#ifndef TARE_IO_HTTP_INTERNAL_H
#define TARE_IO_HTTP_INTERNAL_H

/* Shared by http.c (a request that is waited for), http_loop.c (many side by side), http_exchange.c (what both do) and
 * http_client.c (who is asked, and as whom). */

#include <curl/curl.h>

#include "pipeline/io/http.h"

struct http_client {
    CURL *easy;
    char *what;
    char *url;   /* as given */
    char *asked; /* as asked: with the name to verify in place of the host */
    char *name;  /* as shown */
    char *bearer_token;
    char *bearer_token_file;
    char *username;
    char *password;
    char *password_file;
    char *ca_file;
    char *ca_pem;
    char *certificate_file;
    char *certificate_pem;
    char *key_file;
    char *key_pem;
    char *proxy;
    char *host_header;             /* "Host: …" where the server is asked under another name, else NULL */
    struct curl_slist *connect_to; /* and where it really is */
    struct curl_slist *headers;
    int64_t connect_timeout_ms;
    int64_t timeout_ms;
    int64_t retry_after_max_seconds;
    unsigned tries;
    unsigned uses;      /* the owner's and one a request under way */
    int64_t held_until; /* monotonic milliseconds: the server asked everybody to wait (429) */
    bool local;  /* on this machine: past the proxies of the environment */
    bool own_ca; /* the options name an authority: no other one is trusted */
    bool insecure;
    bool secret_path;
};

/* Sets libcurl up, once. */
void http_init(void);

/* Whether text can stand in a header: no control bytes, so that nothing can start a header of its own. */
bool http_header_safe(const char *text);

/* Sets what concerns the connection: trust, client certificate, proxy, the name to verify. */
void http_client_connection(const struct http_client *client, CURL *easy);

/* Sets the credentials of one request, or adds them to its headers. */
int http_client_credentials(const struct http_client *client, CURL *easy, struct curl_slist **headers, struct err *err);

/* One request on its way: what the callbacks of curl need. */
struct http_exchange {
    struct http_client *client;
    const struct http_request *request;
    struct http_reply *reply;
    CURL *easy;
    struct curl_slist *headers;
    struct buf url;
    struct err err; /* of a callback */
    size_t cap;
    size_t body_bytes; /* decompressed, of this try */
    size_t sent;       /* of the request's body, in this try */
    int hops;          /* redirects of this try */
    bool begun;        /* the sink's begin was called in this try */
    bool handed_out;   /* the sink saw bytes in any try */
    bool as_get;       /* after a 303 */
};

enum http_verdict {
    HTTP_DONE,   /* the reply holds a whole answer */
    HTTP_FAILED, /* there is none, and there will be none */
    HTTP_MOVED,  /* begin again at once, elsewhere */
    HTTP_AGAIN   /* begin again after a while */
};

/* Prepares a request on a handle; forgets what `reply` held. Release it also where it fails. */
int http_exchange_init(struct http_exchange *ex, struct http_client *client, const struct http_request *request,
                       struct http_reply *reply, CURL *easy, struct err *err);

/* Sets up the next try; the handle is to be performed then. */
void http_exchange_begin(struct http_exchange *ex);

/* Judges a try that ended with `code`. HTTP_FAILED sets *err; HTTP_AGAIN sets *wait_ms. */
enum http_verdict http_exchange_end(struct http_exchange *ex, CURLcode code, int64_t *wait_ms, struct err *err);

/* Frees what it holds; secrets in it are overwritten. */
void http_exchange_release(struct http_exchange *ex);

#endif
