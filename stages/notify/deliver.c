#include "stages/notify/deliver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/http.h"
#include "stages/notify/render.h"
#include "stages/notify/secrets.h"
#include "stages/notify/signature.h"

enum { CONNECT_SECONDS = 5, ANSWER_MAX = 64 * 1024, SAID_MAX = 200, HEADERS_COUNT = 5 };

/* A request that is ready to go. */
struct parcel {
    char *body;
    char *headers[HEADERS_COUNT + 1]; /* NULL-terminated */
};

/* What a receiver of type http can check: who sent it, when, and whether it had it before. */
static void add_headers(struct parcel *parcel, const struct message *message, const struct secrets *secrets)
{
    char signature[SIGNATURE_MAX];
    signature_make(secrets->secret.data, secrets->secret.length, clock_now(), parcel->body, strlen(parcel->body), signature);
    parcel->headers[0] = xasprintf("%s: %s", SIGNATURE_HEADER, signature);
    parcel->headers[1] = xasprintf("X-Tare-Event: %s", message->event);
    parcel->headers[2] = xasprintf("X-Tare-Delivery: %s", message->id);
    parcel->headers[3] = xasprintf("Idempotency-Key: %s", message->id);
}

static void pack(struct parcel *parcel, const struct receiver *receiver, const struct message *message, const struct secrets *secrets)
{
    struct render_with with = {
        .template = receiver->template_file == NULL ? NULL : buf_str(&secrets->template),
        .secret = buf_str(&secrets->secret),
    };
    json_t *body = render(receiver->type, message, &with);
    *parcel = (struct parcel){.body = json_text(body)};
    json_decref(body);
    if (receiver->type == RECEIVER_HTTP) {
        add_headers(parcel, message, secrets);
    }
}

static void unpack(struct parcel *parcel)
{
    for (size_t i = 0; i < HEADERS_COUNT; i++) {
        free(parcel->headers[i]);
    }
    mem_free_secret(parcel->body); /* that of pagerduty holds the routing key */
}

/* The beginning of what the receiver said, ": …", unless it says back what only it should know. */
static void what_it_said(const struct http_reply *reply, const struct secrets *secrets, char out[SAID_MAX])
{
    out[0] = '\0';
    const char *text = buf_str(&reply->body);
    text += strspn(text, " \t\r\n");
    if (*text == '\0' || *text == '<' || secrets_in(secrets, buf_str(&reply->body))) {
        return;
    }
    snprintf(out, SAID_MAX, ": %.*s", (int)strcspn(text, "\r\n"), text);
    str_trim_utf8(out);
    str_mask_controls(out);
}

static void judge_answer(const struct receiver *receiver, const struct secrets *secrets, const struct http_reply *reply,
                         struct attempt *attempt)
{
    char said[SAID_MAX];
    const char *name = receiver->name;
    if (http_status_ok(reply->status)) {
        attempt->outcome = ATTEMPT_SENT;
        return;
    }
    what_it_said(reply, secrets, said);
    if (reply->status >= 300 && reply->status < 400) {
        attempt->outcome = ATTEMPT_NEVER;
        err_set(&attempt->err, ERR_UNAVAILABLE, "%s at %s redirects (%ld), which is not followed, since the address is a secret", name,
                secrets->origin, reply->status);
        err_hint(&attempt->err, "put the address that it leads to into the file");
        return;
    }
    attempt->outcome = http_status_retryable(reply->status) ? ATTEMPT_AGAIN : ATTEMPT_NEVER;
    attempt->retry_after_seconds = attempt->outcome == ATTEMPT_AGAIN ? reply->retry_after_seconds : -1;
    err_set(&attempt->err, ERR_UNAVAILABLE, "%s at %s answered with status %ld%s", name, secrets->origin, reply->status, said);
    if (reply->status == 401 || reply->status == 403 || reply->status == 404 || reply->status == 410) {
        err_hint(&attempt->err, "the webhook may be gone or its secret another: make a new one, then tare notify retry");
    }
}

static int send_parcel(const struct receiver *receiver, const struct secrets *secrets, const struct parcel *parcel,
                       struct attempt *attempt)
{
    struct http_client *client;
    struct http_reply reply;
    struct http_options options = {
        .what = receiver->name,
        .url = secrets->origin,
        .connect_timeout_seconds = receiver->timeout_seconds < CONNECT_SECONDS ? receiver->timeout_seconds : CONNECT_SECONDS,
        .timeout_seconds = receiver->timeout_seconds,
        .tries = 1,
        .secret_path = true,
    };
    if (http_client_new(&options, &client, &attempt->err)) {
        return -1;
    }
    struct http_request request = {
        .method = "POST",
        .path = secrets->path,
        .content_type = "application/json",
        .body = parcel->body,
        .body_length = strlen(parcel->body),
        .headers = (const char *const *)parcel->headers,
        .cap = ANSWER_MAX,
        .once = true,
        .no_redirect = true,
    };
    http_reply_init(&reply);
    int failed = http_send(client, &request, &reply, &attempt->err);
    /* An answer that begins with 2xx was taken, however it goes on: another try would tell it twice. */
    if (!failed || http_status_ok(reply.status)) {
        judge_answer(receiver, secrets, &reply, attempt);
        failed = 0;
    }
    http_reply_release(&reply);
    http_client_free(client);
    return failed;
}

void deliver(const struct receiver *receiver, const struct message *message, struct attempt *attempt)
{
    struct secrets secrets;
    *attempt = (struct attempt){.outcome = ATTEMPT_AGAIN, .retry_after_seconds = -1};
    if (secrets_load(receiver, false, &secrets, &attempt->err) == 0) {
        struct parcel parcel;
        pack(&parcel, receiver, message, &secrets);
        if (send_parcel(receiver, &secrets, &parcel, attempt)) {
            attempt->outcome = ATTEMPT_AGAIN;
        }
        unpack(&parcel);
    }
    secrets_release(&secrets);
}

int deliver_check(const struct receiver *receiver, struct err *err)
{
    struct secrets secrets;
    int failed = secrets_load(receiver, true, &secrets, err);
    secrets_release(&secrets);
    return failed;
}
