#include "pipeline/io/http_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/io/url.h"

/* A large answer comes in fewer, larger pieces than curl's own 16 KiB: half the changes between two processes. */
enum { RECEIVE_SIZE = 128 * 1024 };
enum { REDIRECTS_MAX = 5, URL_MAX = 64 * 1024, BACKOFF_FIRST_MS = 500, BACKOFF_MAX_MS = 30 * 1000, KEEPALIVE_SECONDS = 20 };

/* Keeps the head of the answer as lines. A new status line (100 Continue, a redirect) starts it anew. */
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct http_exchange *ex = context;
    size_t length = size * count;
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        buf_clear(&ex->reply->headers);
    }
    buf_add(&ex->reply->headers, bytes, length);
    return length;
}

static int hand_out(struct http_exchange *ex, const char *bytes, size_t length)
{
    const struct http_sink *sink = ex->request->sink;
    if (!ex->begun && sink->begin != NULL) {
        sink->begin(sink->context);
    }
    ex->begun = true;
    ex->handed_out = true;
    return sink->bytes(sink->context, bytes, length, &ex->err);
}

/* Receives a piece of the body, decompressed by curl in pieces of 16 KiB, so that a small body cannot grow
 * past the cap. */
static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http_exchange *ex = context;
    size_t length = size * count;
    long status = 0;
    curl_easy_getinfo(ex->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!http_status_ok(status)) {
        size_t room = HTTP_ERROR_BODY_MAX - ex->reply->body.length;
        buf_add(&ex->reply->body, bytes, length < room ? length : room);
        return length;
    }
    ex->body_bytes += length;
    if (ex->body_bytes > ex->cap) {
        err_set(&ex->err, ERR_DATA, "the answer of %s is larger than %zu bytes", ex->reply->url,
                ex->cap);
        return 0;
    }
    if (ex->request->sink != NULL) {
        return hand_out(ex, bytes, length) ? 0 : length;
    }
    return buf_add(&ex->reply->body, bytes, length) ? 0 : length;
}

static void add_line(struct http_exchange *ex, const char *name, const char *value)
{
    char *line = xasprintf("%s: %s", name, value);
    ex->headers = curl_slist_append(ex->headers, line);
    free(line);
}

static int add_headers(struct http_exchange *ex, struct err *err)
{
    const struct http_request *request = ex->request;
    if (ex->client->host_header != NULL) {
        ex->headers = curl_slist_append(ex->headers, ex->client->host_header);
    }
    for (const struct curl_slist *at = ex->client->headers; at != NULL; at = at->next) {
        ex->headers = curl_slist_append(ex->headers, at->data);
    }
    for (size_t i = 0; request->headers != NULL && request->headers[i] != NULL; i++) {
        if (!http_header_safe(request->headers[i])) {
            return err_set(err, ERR_CONFIG, "a header for %s holds control characters", ex->client->what);
        }
        ex->headers = curl_slist_append(ex->headers, request->headers[i]);
    }
    if (request->accept != NULL) {
        add_line(ex, "Accept", request->accept);
    }
    if (request->body != NULL) {
        add_line(ex, "Content-Type",
                 request->content_type == NULL ? "application/octet-stream" : request->content_type);
        ex->headers = curl_slist_append(ex->headers, "Expect:");
    }
    return http_client_credentials(ex->client, ex->easy, &ex->headers, err);
}

/* Hands out the body piece by piece. There is no way back to its beginning, so that curl cannot send it a second time over
 * another connection when a kept one breaks. */
static size_t give_body(char *out, size_t size, size_t count, void *context)
{
    struct http_exchange *ex = context;
    size_t left = ex->request->body_length - ex->sent;
    size_t length = left < size * count ? left : size * count;
    memcpy(out, (const char *)ex->request->body + ex->sent, length);
    ex->sent += length;
    return length;
}

static void set_body(struct http_exchange *ex)
{
    const struct http_request *request = ex->request;
    curl_easy_setopt(ex->easy, CURLOPT_POST, 1L);
    if (request->writes || request->once) {
        ex->sent = 0;
        curl_easy_setopt(ex->easy, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(ex->easy, CURLOPT_READDATA, ex);
    } else {
        curl_easy_setopt(ex->easy, CURLOPT_POSTFIELDS, request->body);
    }
    curl_easy_setopt(ex->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
}

static void set_method(struct http_exchange *ex)
{
    const struct http_request *request = ex->request;
    const char *method = request->method;
    if (ex->as_get) {
        curl_easy_setopt(ex->easy, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(ex->easy, CURLOPT_CUSTOMREQUEST, (char *)NULL);
        return;
    }
    if (request->body != NULL) {
        set_body(ex);
    }
    if (method != NULL && strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(ex->easy, CURLOPT_NOBODY, 1L);
    } else if (method != NULL && strcmp(method, request->body != NULL ? "POST" : "GET") != 0) {
        curl_easy_setopt(ex->easy, CURLOPT_CUSTOMREQUEST, method);
    }
}

static void set_times(const struct http_exchange *ex)
{
    const struct http_request *request = ex->request;
    int64_t timeout_ms = request->timeout_seconds > 0 ? request->timeout_seconds * 1000 : ex->client->timeout_ms;
    curl_easy_setopt(ex->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)ex->client->connect_timeout_ms);
    curl_easy_setopt(ex->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    if (request->quiet_seconds > 0) {
        curl_easy_setopt(ex->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(ex->easy, CURLOPT_LOW_SPEED_TIME, (long)request->quiet_seconds);
        curl_easy_setopt(ex->easy, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(ex->easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_SECONDS);
        curl_easy_setopt(ex->easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_SECONDS);
    }
}

static int prepare(struct http_exchange *ex, struct err *err)
{
    CURL *easy = ex->easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tare/" TARE_VERSION);
    /* On the same machine compressing costs both sides more than it saves; what comes compressed is still
     * read. */
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ex->client->local ? "identity" : "gzip, deflate");
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_SIZE);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, ex);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, ex);
    set_times(ex);
    http_client_connection(ex->client, easy);
    if (add_headers(ex, err)) {
        return -1;
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, ex->headers);
    return 0;
}

/* Whether the request was on its way when the transfer ended. */
static bool was_sent(const struct http_exchange *ex, CURLcode code)
{
    curl_off_t begun = 0;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return false;
    default:
        curl_easy_getinfo(ex->easy, CURLINFO_PRETRANSFER_TIME_T, &begun);
        return code != CURLE_OPERATION_TIMEDOUT || begun > 0;
    }
}

/* The sentence for a transfer that gave no whole answer. */
static int explain(const struct http_exchange *ex, CURLcode code, struct err *err)
{
    const char *what = ex->client->what;
    const char *url = ex->reply->url;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return err_set(err, ERR_UNAVAILABLE, "the host of %s is unknown: %s", what, url);
    case CURLE_COULDNT_RESOLVE_PROXY:
        return err_set(err, ERR_UNAVAILABLE, "the host of the proxy for %s is unknown", what);
    case CURLE_COULDNT_CONNECT:
        return err_set(err, ERR_UNAVAILABLE, "%s does not accept connections: %s", what, url);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, ERR_UNAVAILABLE, "%s did not %s in time: %s", what,
                       was_sent(ex, code) ? "answer" : "accept a connection", url);
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
    case CURLE_SEND_FAIL_REWIND:
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
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
        return true;
    default:
        return false;
    }
}

static void forget_answer(struct http_exchange *ex)
{
    buf_clear(&ex->reply->body);
    buf_clear(&ex->reply->headers);
    ex->reply->status = 0;
    ex->reply->timed_out = false;
    ex->reply->broken = false;
    ex->reply->retry_after_seconds = -1;
    ex->reply->date = -1;
    ex->body_bytes = 0;
    ex->begun = false;
    ex->err.class = ERR_NONE;
}

static void note_answer(struct http_exchange *ex)
{
    CURL *easy = ex->easy;
    struct http_reply *reply = ex->reply;
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
    if (http_reply_header(reply, "date", value, sizeof value)) {
        reply->date = curl_getdate(value, NULL);
    }
}

/* Takes the address of a redirect within the same origin. 1: go there; 0: this is no redirect; -1: elsewhere.
 */
static int redirect(struct http_exchange *ex, struct err *err)
{
    char *target = NULL;
    long status = ex->reply->status;
    if (ex->request->no_redirect || status < 301 || status > 308 || (status > 303 && status < 307)) {
        return 0;
    }
    curl_easy_getinfo(ex->easy, CURLINFO_REDIRECT_URL, &target);
    if (target == NULL) {
        return 0;
    }
    if (!url_same_origin(target, buf_str(&ex->url))) {
        char shown[512];
        err_set(err, ERR_UNAVAILABLE, "%s at %s sends on to %s, which is not followed", ex->client->what,
                ex->reply->url, url_public(target, shown, sizeof shown));
        return err_hint(err, "give that address, if it is the right one");
    }
    char *copy = xstrdup(target);
    buf_clear(&ex->url);
    buf_add_str(&ex->url, copy);
    free(copy);
    ex->as_get = ex->as_get || status == 303;
    return 1;
}

/* How long to wait before the next try, in milliseconds: what the server asks for, else 0.5 to 1 times a
 * doubling base, so that many clients do not come back at once. -1: longer than we wait. */
static int64_t backoff(const struct http_exchange *ex)
{
    int64_t asked = ex->reply->retry_after_seconds;
    if (asked >= 0) {
        return asked > ex->client->retry_after_max_seconds ? -1 : asked * 1000;
    }
    int64_t base = (int64_t)BACKOFF_FIRST_MS << (ex->reply->tries < 7 ? ex->reply->tries : 7);
    base = base > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : base;
    return base / 2 + (int64_t)(rng_unit() * (double)(base / 2));
}

/* A connection on which nothing came in time is not used again by anybody. */
static void close_connection(CURL *easy)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD) {
        shutdown(fd, SHUT_RDWR);
    }
}

/* Whether a whole answer is the last one. */
static bool is_final(const struct http_exchange *ex)
{
    long status = ex->reply->status;
    return !http_status_retryable(status) || (ex->request->writes && status != 429) ||
           (ex->request->final != NULL && ex->request->final(ex->reply));
}

/* What a try without a whole answer means. */
static enum http_verdict judge_failure(struct http_exchange *ex, CURLcode code, struct err *err)
{
    const struct http_request *request = ex->request;
    bool sent = was_sent(ex, code);
    bool lost = ex->handed_out && request->sink->begin == NULL;
    explain(ex, code, err);
    if (code == CURLE_OPERATION_TIMEDOUT) {
        ex->reply->timed_out = true;
        close_connection(ex->easy);
    }
    ex->reply->sent = sent;
    ex->reply->broken = is_broken_connection(code);
    return ex->reply->broken && !lost && !(request->writes && sent) ? HTTP_AGAIN : HTTP_FAILED;
}

/* What the end of a try means; *err where there is no whole answer. */
static enum http_verdict judge(struct http_exchange *ex, CURLcode code, struct err *err)
{
    ex->reply->sent = true;
    if (ex->err.class != ERR_NONE) {
        *err = ex->err;
        return HTTP_FAILED;
    }
    if (code != CURLE_OK) {
        return judge_failure(ex, code, err);
    }
    int moved = redirect(ex, err);
    if (moved == 0) {
        return is_final(ex) ? HTTP_DONE : HTTP_AGAIN;
    }
    if (moved > 0 && ++ex->hops <= REDIRECTS_MAX) {
        return HTTP_MOVED;
    }
    if (moved > 0) {
        err_set(err, ERR_UNAVAILABLE, "%s sends on in circles: %s", ex->client->what, ex->reply->url);
    }
    return HTTP_FAILED;
}

/* How often a request is tried whose last answer was `status`. */
static unsigned tries_for(const struct http_exchange *ex, long status)
{
    unsigned tries = ex->request->once ? 1 : ex->client->tries;
    return status == 429 && ex->request->throttle_tries > tries ? ex->request->throttle_tries : tries;
}

void http_exchange_begin(struct http_exchange *ex)
{
    forget_answer(ex);
    set_method(ex);
    curl_easy_setopt(ex->easy, CURLOPT_URL, buf_str(&ex->url));
}

enum http_verdict http_exchange_end(struct http_exchange *ex, CURLcode code, int64_t *wait_ms, struct err *err)
{
    struct err failure = {0};
    note_answer(ex);
    *wait_ms = 0;
    enum http_verdict verdict = judge(ex, code, &failure);
    if (verdict == HTTP_MOVED) {
        return HTTP_MOVED;
    }
    ex->reply->tries++;
    ex->hops = 0;
    if (verdict == HTTP_AGAIN && ex->reply->tries < tries_for(ex, ex->reply->status)) {
        *wait_ms = backoff(ex);
        if (*wait_ms >= 0) {
            log_debug("%s: try %u failed (%s), again in %" PRId64 " ms", ex->reply->url, ex->reply->tries,
                      failure.class == ERR_NONE ? "status" : failure.message, *wait_ms);
            return HTTP_AGAIN;
        }
    }
    if (failure.class != ERR_NONE && err != NULL) {
        *err = failure;
    }
    return failure.class != ERR_NONE ? HTTP_FAILED : HTTP_DONE;
}

/* A key that stood in a header, whatever its name, is not left behind. */
static void forget_headers(struct http_exchange *ex)
{
    for (struct curl_slist *at = ex->headers; at != NULL; at = at->next) {
        mem_wipe(at->data, strlen(at->data));
    }
    curl_slist_free_all(ex->headers);
    ex->headers = NULL;
}

int http_exchange_init(struct http_exchange *ex, struct http_client *client, const struct http_request *request,
                       struct http_reply *reply, CURL *easy, struct err *err)
{
    *ex = (struct http_exchange){.client = client, .request = request, .reply = reply, .easy = easy};
    ex->cap = request->cap == 0 ? HTTP_DEFAULT_CAP : request->cap;
    buf_init(&ex->url, URL_MAX);
    http_reply_release(reply);
    reply->body.cap = ex->cap > HTTP_ERROR_BODY_MAX ? ex->cap : HTTP_ERROR_BODY_MAX;
    const char *path = request->path == NULL ? "" : request->path;
    char *url = url_join(client->asked, path);
    char *shown = client->secret_path ? xstrdup(client->name) : url_join(client->url, path);
    int failed = url == NULL || buf_add_str(&ex->url, url);
    if (failed) {
        err_set(err, ERR_USAGE, "an address for %s is too long", client->what);
    }
    url_public(shown == NULL ? "" : shown, reply->url, sizeof reply->url);
    failed = failed || prepare(ex, err);
    free(shown);
    free(url);
    return failed ? -1 : 0;
}

void http_exchange_release(struct http_exchange *ex)
{
    forget_headers(ex);
    buf_release(&ex->url);
}
