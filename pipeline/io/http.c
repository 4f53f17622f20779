#include "pipeline/io/http_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/io/url.h"

/* A large answer comes in fewer, larger pieces than curl's own 16 KiB: half the changes between two processes. */
enum { RECEIVE_SIZE = 128 * 1024 };
enum { REDIRECTS_MAX = 5, BACKOFF_FIRST_MS = 500, BACKOFF_MAX_MS = 30 * 1000 };

/* One request on its way: what the callbacks of curl need. */
struct call {
    struct http_client *client;
    const struct http_request *request;
    struct http_reply *reply;
    struct curl_slist *headers;
    struct buf url;
    struct err err; /* of a callback */
    size_t cap;
    size_t body_bytes; /* decompressed, of this try */
    bool begun;        /* the sink's begin was called in this try */
    bool handed_out;   /* the sink saw bytes in any try */
    bool as_get;       /* after a 303 */
};

enum verdict { DONE, FAILED, AGAIN };

/* Keeps the head of the answer as lines. A new status line (100 Continue, a redirect) starts it anew. */
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct call *call = context;
    size_t length = size * count;
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        buf_clear(&call->reply->headers);
    }
    buf_add(&call->reply->headers, bytes, length);
    return length;
}

static int hand_out(struct call *call, const char *bytes, size_t length)
{
    const struct http_sink *sink = call->request->sink;
    if (!call->begun && sink->begin != NULL) {
        sink->begin(sink->context);
    }
    call->begun = true;
    call->handed_out = true;
    return sink->bytes(sink->context, bytes, length, &call->err);
}

/* Receives a piece of the body, decompressed by curl in pieces of 16 KiB, so that a small body cannot grow
 * past the cap. */
static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct call *call = context;
    size_t length = size * count;
    long status = 0;
    curl_easy_getinfo(call->client->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!http_status_ok(status)) {
        size_t room = HTTP_ERROR_BODY_MAX - call->reply->body.length;
        buf_add(&call->reply->body, bytes, length < room ? length : room);
        return length;
    }
    call->body_bytes += length;
    if (call->body_bytes > call->cap) {
        err_set(&call->err, ERR_DATA, "the answer of %s is larger than %zu bytes", call->reply->url,
                call->cap);
        return 0;
    }
    if (call->request->sink != NULL) {
        return hand_out(call, bytes, length) ? 0 : length;
    }
    return buf_add(&call->reply->body, bytes, length) ? 0 : length;
}

static void add_line(struct call *call, const char *name, const char *value)
{
    char *line = xasprintf("%s: %s", name, value);
    call->headers = curl_slist_append(call->headers, line);
    free(line);
}

static int add_headers(struct call *call, struct err *err)
{
    const struct http_request *request = call->request;
    if (call->client->host_header != NULL) {
        call->headers = curl_slist_append(call->headers, call->client->host_header);
    }
    for (const struct curl_slist *at = call->client->headers; at != NULL; at = at->next) {
        call->headers = curl_slist_append(call->headers, at->data);
    }
    for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
        if (!http_header_safe(request->headers[i])) {
            return err_set(err, ERR_CONFIG, "a header for %s holds control characters", call->client->what);
        }
        call->headers = curl_slist_append(call->headers, request->headers[i]);
    }
    if (request->accept != NULL) {
        add_line(call, "Accept", request->accept);
    }
    if (request->body != NULL) {
        add_line(call, "Content-Type",
                 request->content_type == NULL ? "application/octet-stream" : request->content_type);
        call->headers = curl_slist_append(call->headers, "Expect:");
    }
    return http_client_credentials(call->client, &call->headers, err);
}

static void set_method(CURL *easy, const struct call *call)
{
    const struct http_request *request = call->request;
    const char *method = request->method;
    if (call->as_get) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, (char *)NULL);
        return;
    }
    if (request->body != NULL) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
    }
    if (method != NULL && strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (method != NULL && strcmp(method, request->body != NULL ? "POST" : "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    }
}

static int prepare(struct call *call, struct err *err)
{
    const struct http_client *client = call->client;
    CURL *easy = client->easy;
    int64_t timeout_ms =
        call->request->timeout_seconds > 0 ? call->request->timeout_seconds * 1000 : client->timeout_ms;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tare/" TARE_VERSION);
    /* On the same machine compressing costs both sides more than it saves; what comes compressed is still
     * read. */
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, client->local ? "identity" : "gzip, deflate");
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_SIZE);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)client->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    http_client_connection(client);
    set_method(easy, call);
    if (add_headers(call, err)) {
        return -1;
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    return 0;
}

/* The sentence for a transfer that gave no whole answer. */
static int explain(const struct call *call, CURLcode code, struct err *err)
{
    const char *what = call->client->what;
    const char *url = call->reply->url;
    double connected = 0;
    curl_easy_getinfo(call->client->easy, CURLINFO_CONNECT_TIME, &connected);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return err_set(err, ERR_UNAVAILABLE, "the host of %s is unknown: %s", what, url);
    case CURLE_COULDNT_RESOLVE_PROXY:
        return err_set(err, ERR_UNAVAILABLE, "the host of the proxy for %s is unknown", what);
    case CURLE_COULDNT_CONNECT:
        return err_set(err, ERR_UNAVAILABLE, "%s does not accept connections: %s", what, url);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, ERR_UNAVAILABLE, "%s did not %s in time: %s", what,
                       connected > 0 ? "answer" : "accept a connection", url);
    case CURLE_PEER_FAILED_VERIFICATION:
        err_set(err, ERR_UNAVAILABLE, "the certificate of %s is not trusted: %s", what, url);
        return err_hint(err,
                        "name the certificate authority in SSL_CERT_FILE, in the configuration or in the kubeconfig");
    case CURLE_SSL_CACERT_BADFILE:
        return err_set(err, ERR_CONFIG, "the certificate authority for %s cannot be read: it must be PEM", what);
    case CURLE_SSL_CERTPROBLEM:
        return err_set(err, ERR_CONFIG, "the client certificate for %s, or its key, cannot be used: both must be PEM, and fit", what);
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return err_set(err, ERR_UNAVAILABLE, "%s cut its answer in the middle: %s", what, url);
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return err_set(err, ERR_UNAVAILABLE, "%s broke the connection: %s", what, url);
    case CURLE_BAD_CONTENT_ENCODING:
        return err_set(err, ERR_DATA, "the answer of %s cannot be decompressed: %s", what, url);
    default:
        return err_set(err, ERR_UNAVAILABLE, "%s cannot be asked (%s): %s", what, curl_easy_strerror(code),
                       url);
    }
}

/* Whether another try may end better. */
static bool is_broken_connection(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
        return true;
    default:
        return false;
    }
}

static void forget_answer(struct call *call)
{
    buf_clear(&call->reply->body);
    buf_clear(&call->reply->headers);
    call->reply->status = 0;
    call->reply->timed_out = false;
    call->reply->retry_after_seconds = -1;
    call->body_bytes = 0;
    call->begun = false;
    call->err.class = ERR_NONE;
}

static void note_answer(struct call *call)
{
    CURL *easy = call->client->easy;
    struct http_reply *reply = call->reply;
    curl_off_t wait = 0;
    curl_off_t received = 0;
    char value[64];
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    reply->received = received;
    if (http_reply_header(reply, "retry-after", value, sizeof value)) {
        curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait);
        reply->retry_after_seconds = wait;
    }
}

/* Takes the address of a redirect within the same origin. 1: go there; 0: this is no redirect; -1: elsewhere.
 */
static int redirect(struct call *call, struct err *err)
{
    char *target = NULL;
    long status = call->reply->status;
    if (status < 301 || status > 308 || (status > 303 && status < 307)) {
        return 0;
    }
    curl_easy_getinfo(call->client->easy, CURLINFO_REDIRECT_URL, &target);
    if (target == NULL) {
        return 0;
    }
    if (!url_same_origin(target, buf_str(&call->url))) {
        char shown[512];
        err_set(err, ERR_UNAVAILABLE, "%s at %s sends on to %s, which is not followed", call->client->what,
                call->reply->url, url_public(target, shown, sizeof shown));
        return err_hint(err, "give that address, if it is the right one");
    }
    char *copy = xstrdup(target);
    buf_clear(&call->url);
    buf_add_str(&call->url, copy);
    free(copy);
    call->as_get = call->as_get || status == 303;
    return 1;
}

/* Whether the answer is the last one. */
static bool is_final(const struct call *call)
{
    return !http_status_retryable(call->reply->status) ||
           (call->request->final != NULL && call->request->final(call->reply));
}

/* One try, redirects within the origin included. */
static enum verdict attempt(struct call *call, struct err *err)
{
    CURL *easy = call->client->easy;
    for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
        forget_answer(call);
        set_method(easy, call);
        curl_easy_setopt(easy, CURLOPT_URL, buf_str(&call->url));
        CURLcode code = curl_easy_perform(easy);
        note_answer(call);
        if (call->err.class != ERR_NONE) {
            *err = call->err;
            return FAILED;
        }
        if (code != CURLE_OK) {
            call->reply->timed_out = code == CURLE_OPERATION_TIMEDOUT;
            explain(call, code, err);
            bool lost = call->handed_out && call->request->sink->begin == NULL;
            return is_broken_connection(code) && !lost ? AGAIN : FAILED;
        }
        int moved = redirect(call, err);
        if (moved <= 0) {
            return moved < 0 ? FAILED : is_final(call) ? DONE : AGAIN;
        }
    }
    err_set(err, ERR_UNAVAILABLE, "%s sends on in circles: %s", call->client->what, call->reply->url);
    return FAILED;
}

/* How long to wait before the next try, in milliseconds: what the server asks for, else 0.5 to 1 times a
 * doubling base, so that many clients do not come back at once. -1: longer than we wait. */
static int64_t backoff(const struct call *call, unsigned try)
{
    int64_t asked = call->reply->retry_after_seconds;
    if (asked >= 0) {
        return asked > call->client->retry_after_max_seconds ? -1 : asked * 1000;
    }
    int64_t base = (int64_t)BACKOFF_FIRST_MS << (try < 7 ? try : 7);
    base = base > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : base;
    return base / 2 + (int64_t)(rng_unit() * (double)(base / 2));
}

static int send_with_retries(struct call *call, struct err *err)
{
    unsigned tries = call->request->once ? 1 : call->client->tries;
    for (unsigned try = 1;; try++) {
        struct err failure = {0};
        enum verdict verdict = attempt(call, &failure);
        call->reply->tries = try;
        int64_t wait = verdict == AGAIN && try < tries ? backoff(call, try) : -1;
        if (wait >= 0) {
            log_debug("%s: try %u failed (%s), again in %" PRId64 " ms", call->reply->url, try,
                      failure.class == ERR_NONE ? "status" : failure.message, wait);
            clock_sleep_ms(wait);
            continue;
        }
        if (failure.class != ERR_NONE) {
            if (err != NULL) {
                *err = failure;
            }
            return -1;
        }
        return 0;
    }
}

/* A token that stood in a header is not left behind. */
static void forget_headers(struct call *call)
{
    for (struct curl_slist *at = call->headers; at != NULL; at = at->next) {
        if (strncmp(at->data, "Authorization:", 14) == 0) {
            mem_wipe(at->data, strlen(at->data));
        }
    }
    curl_slist_free_all(call->headers);
}

int http_send(struct http_client *client, const struct http_request *request, struct http_reply *reply,
              struct err *err)
{
    struct call call = {.client = client, .request = request, .reply = reply};
    call.cap = request->cap == 0 ? HTTP_DEFAULT_CAP : request->cap;
    buf_init(&call.url, 64 * 1024);
    http_reply_release(reply);
    reply->body.cap = call.cap > HTTP_ERROR_BODY_MAX ? call.cap : HTTP_ERROR_BODY_MAX;
    const char *path = request->path == NULL ? "" : request->path;
    char *url = url_join(client->asked, path);
    char *shown = url_join(client->url, path);
    int failed = url == NULL || buf_add_str(&call.url, url);
    if (failed) {
        err_set(err, ERR_USAGE, "an address for %s is too long", client->what);
    }
    url_public(shown == NULL ? "" : shown, reply->url, sizeof reply->url);
    failed = failed || prepare(&call, err) || send_with_retries(&call, err);
    forget_headers(&call);
    free(shown);
    buf_release(&call.url);
    free(url);
    return failed ? -1 : 0;
}
