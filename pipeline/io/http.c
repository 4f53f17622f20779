#include "pipeline/io/http_internal.h"

#include "pipeline/base/clock.h"

static int send_with_retries(struct http_exchange *ex, struct err *err)
{
    for (;;) {
        int64_t wait_ms = 0;
        http_exchange_begin(ex);
        switch (http_exchange_end(ex, curl_easy_perform(ex->easy), &wait_ms, err)) {
        case HTTP_DONE:
            return 0;
        case HTTP_FAILED:
            return -1;
        case HTTP_MOVED:
            break;
        case HTTP_AGAIN:
            clock_sleep_ms(wait_ms);
            break;
        }
    }
}

int http_send(struct http_client *client, const struct http_request *request, struct http_reply *reply,
              struct err *err)
{
    struct http_exchange ex;
    int failed = http_exchange_init(&ex, client, request, reply, client->easy, err) || send_with_retries(&ex, err);
    http_exchange_release(&ex);
    return failed ? -1 : 0;
}
