#include "pipeline/io/http_loop.h"

#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/http_internal.h"

enum { IDLE_HANDLES_MAX = 32 };

/* A request from its beginning to its end, waiting for its time or under way. */
struct http_flight {
    struct http_flight *next;
    struct http_flight *before;
    struct http_request request;
    struct http_reply reply;
    struct http_exchange ex;
    http_done *done;
    void *context;
    int64_t start_at; /* monotonic milliseconds, while it waits */
    bool flying;
};

struct http_loop {
    CURLM *multi;
    struct http_flight *flights;
    CURL *idle[IDLE_HANDLES_MAX]; /* to be used again */
    size_t idle_count;
};

int http_loop_new(struct http_loop **out, struct err *err)
{
    struct http_loop *loop = xcalloc(sizeof *loop);
    http_init();
    loop->multi = curl_multi_init();
    if (loop->multi == NULL) {
        free(loop);
        return err_set(err, ERR_SOFTWARE, "libcurl cannot be set up");
    }
    *out = loop;
    return 0;
}

static void release_handle(struct http_loop *loop, CURL *easy)
{
    if (loop->idle_count < IDLE_HANDLES_MAX) {
        curl_easy_reset(easy);
        loop->idle[loop->idle_count++] = easy;
    } else {
        curl_easy_cleanup(easy);
    }
}

static void land(struct http_loop *loop, struct http_flight *flight)
{
    if (flight->flying) {
        curl_multi_remove_handle(loop->multi, flight->ex.easy);
        flight->flying = false;
    }
}

/* Takes a flight out of the list. */
static void unlink_flight(struct http_loop *loop, struct http_flight *flight)
{
    if (flight->before == NULL) {
        loop->flights = flight->next;
    } else {
        flight->before->next = flight->next;
    }
    if (flight->next != NULL) {
        flight->next->before = flight->before;
    }
}

static void free_flight(struct http_loop *loop, struct http_flight *flight)
{
    CURL *easy = flight->ex.easy;
    http_exchange_release(&flight->ex);
    release_handle(loop, easy);
    http_client_free(flight->ex.client);
    http_reply_release(&flight->reply);
    free(flight);
}

void http_loop_cancel(struct http_loop *loop, struct http_flight *flight)
{
    if (flight != NULL) {
        land(loop, flight);
        unlink_flight(loop, flight);
        free_flight(loop, flight);
    }
}

void http_loop_free(struct http_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    while (loop->flights != NULL) {
        http_loop_cancel(loop, loop->flights);
    }
    while (loop->idle_count > 0) {
        curl_easy_cleanup(loop->idle[--loop->idle_count]);
    }
    curl_multi_cleanup(loop->multi);
    free(loop);
}

int http_loop_begin(struct http_loop *loop, struct http_client *client, const struct http_request *request, int64_t delay_ms,
                    http_done *done, void *context, struct http_flight **out, struct err *err)
{
    CURL *easy = loop->idle_count > 0 ? loop->idle[--loop->idle_count] : curl_easy_init();
    if (easy == NULL) {
        return err_set(err, ERR_SOFTWARE, "libcurl cannot be set up");
    }
    struct http_flight *flight = xcalloc(sizeof *flight);
    flight->request = *request;
    flight->done = done;
    flight->context = context;
    flight->start_at = clock_monotonic_ms() + delay_ms;
    http_reply_init(&flight->reply);
    client->uses++;
    if (http_exchange_init(&flight->ex, client, &flight->request, &flight->reply, easy, err)) {
        free_flight(loop, flight);
        return -1;
    }
    curl_easy_setopt(easy, CURLOPT_PRIVATE, flight);
    if (str_starts(client->url, "https:")) { /* else nothing says what a connection can do before its first answer */
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    }
    flight->next = loop->flights;
    if (flight->next != NULL) {
        flight->next->before = flight;
    }
    loop->flights = flight;
    if (out != NULL) {
        *out = flight;
    }
    return 0;
}

/* ---- A turn ---- */

static int take_off(struct http_loop *loop, struct http_flight *flight, struct err *err)
{
    http_exchange_begin(&flight->ex);
    CURLMcode code = curl_multi_add_handle(loop->multi, flight->ex.easy);
    if (code != CURLM_OK) {
        return err_set(err, ERR_SOFTWARE, "libcurl does not take a request: %s", curl_multi_strerror(code));
    }
    flight->flying = true;
    return 0;
}

/* Starts what is due; *until_ms becomes the instant of the next one, where that is sooner. */
static int start_due(struct http_loop *loop, int64_t now, int64_t *until_ms, struct err *err)
{
    for (struct http_flight *flight = loop->flights; flight != NULL; flight = flight->next) {
        int64_t held_until = flight->ex.client->held_until;
        int64_t at = flight->start_at > held_until ? flight->start_at : held_until;
        if (flight->flying) {
            continue;
        }
        if (at <= now) {
            if (take_off(loop, flight, err)) {
                return -1;
            }
        } else if (at < *until_ms) {
            *until_ms = at;
        }
    }
    return 0;
}

/* What becomes of a transfer that ended. */
static void settle(struct http_loop *loop, struct http_flight *flight, CURLcode code)
{
    struct err failure = {0};
    int64_t wait_ms = 0;
    enum http_verdict verdict = http_exchange_end(&flight->ex, code, &wait_ms, &failure);
    land(loop, flight);
    if (verdict == HTTP_MOVED || verdict == HTTP_AGAIN) {
        flight->start_at = clock_monotonic_ms() + wait_ms;
        if (verdict == HTTP_AGAIN && flight->reply.status == 429 && flight->start_at > flight->ex.client->held_until) {
            flight->ex.client->held_until = flight->start_at;
        }
        return;
    }
    unlink_flight(loop, flight);
    flight->done(flight->context, &flight->reply, verdict == HTTP_FAILED ? &failure : NULL);
    free_flight(loop, flight);
}

static int wait_for(struct http_loop *loop, int64_t timeout_ms, int wake_fd, struct err *err)
{
    struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
    timeout_ms = timeout_ms < 0 ? 0 : timeout_ms > INT32_MAX ? INT32_MAX : timeout_ms;
    CURLMcode code = curl_multi_poll(loop->multi, &wake, wake_fd < 0 ? 0 : 1, (int)timeout_ms, NULL);
    return code == CURLM_OK ? 0 : err_set(err, ERR_SOFTWARE, "libcurl cannot wait: %s", curl_multi_strerror(code));
}

int http_loop_turn(struct http_loop *loop, int64_t until_ms, int wake_fd, struct err *err)
{
    int64_t now = clock_monotonic_ms();
    int running = 0;
    int left = 0;
    if (start_due(loop, now, &until_ms, err) || wait_for(loop, until_ms - now, wake_fd, err)) {
        return -1;
    }
    CURLMcode code = curl_multi_perform(loop->multi, &running);
    if (code != CURLM_OK) {
        return err_set(err, ERR_SOFTWARE, "libcurl cannot go on: %s", curl_multi_strerror(code));
    }
    for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &left)) != NULL;) {
        struct http_flight *flight = NULL;
        if (message->msg == CURLMSG_DONE) {
            CURLcode result = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flight);
            settle(loop, flight, result);
        }
    }
    return 0;
}
