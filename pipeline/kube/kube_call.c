#include "pipeline/kube/kube_call.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/kube/kube_internal.h"

enum { THROTTLE_TRIES = 12 };

struct kube_call {
    struct kube_api *api;
    struct http_loop *loop;
    struct http_flight *flight;
    kube_answered *done;
    void *context;
    char *method;
    char *path;
    char *content_type;
    char *body;
    bool writes;
    bool again;        /* with other credentials */
    unsigned renewals; /* when it was sent */
};

static void free_call(struct kube_call *call)
{
    free(call->method);
    free(call->path);
    free(call->content_type);
    free(call->body);
    free(call);
}

static bool takes_manager(const char *method)
{
    return str_equal(method, "POST") || str_equal(method, "PUT") || str_equal(method, "PATCH");
}

/* New path that says who changes the object. */
static char *managed_path(const struct kube_request *request)
{
    if (!takes_manager(request->method) || strstr(request->path, "fieldManager=") != NULL) {
        return xstrdup(request->path);
    }
    return xasprintf("%s%cfieldManager=tare", request->path, strchr(request->path, '?') == NULL ? '?' : '&');
}

static void answered(void *context, struct http_reply *reply, const struct err *failure);

static int send_call(struct kube_call *call, struct err *err)
{
    struct http_client *http = NULL;
    struct http_request request = {
        .method = call->method,
        .path = call->path,
        .content_type = call->content_type,
        .accept = "application/json",
        .body = call->body,
        .body_length = call->body == NULL ? 0 : strlen(call->body),
        .cap = call->api->limits.answer_bytes,
        .throttle_tries = THROTTLE_TRIES,
        .writes = call->writes,
        .no_redirect = call->writes,
    };
    if (kube_api_client(call->api, &http, err)) {
        return -1;
    }
    call->renewals = call->api->renewals;
    return http_loop_begin(call->loop, http, &request, 0, answered, call, &call->flight, err);
}

/* Once more with other credentials. False where the first answer is the last one; *failure where it cannot be sent. */
static bool sent_again(struct kube_call *call, const struct http_reply *reply, struct err *failure)
{
    if (reply->status != 401 || call->again || !kube_api_renewable(call->api)) {
        return false;
    }
    call->again = true;
    return kube_api_renew(call->api, call->renewals, failure) == 0 && send_call(call, failure) == 0;
}

/* After an answer like this a write may have happened: the server, or something before it, gave up on it. */
static bool is_unsure(const struct http_reply *reply)
{
    return reply->status >= 500 && reply->status != 501 && reply->status != 505;
}

static void read_answer(const struct kube_call *call, const struct http_reply *reply, struct kube_answer *answer)
{
    answer->status = reply->status;
    http_reply_header(reply, "audit-id", answer->request_id, sizeof answer->request_id);
    str_mask_controls(answer->request_id);
    if (kube_read_reply(call->api, call->method, reply, &answer->body, &answer->why) && http_status_ok(reply->status)) {
        answer->status = 0; /* something that is no answer of an API server */
        answer->may_have_happened = call->writes;
    } else if (!http_status_ok(reply->status)) {
        struct err ignored;
        kube_parse(buf_str(&reply->body), reply->body.length, "", &answer->body, &ignored);
        answer->may_have_happened = call->writes && is_unsure(reply);
    }
}

static void answered(void *context, struct http_reply *reply, const struct err *failure)
{
    struct kube_call *call = context;
    struct kube_answer answer = {0};
    struct err later = {0};
    call->flight = NULL;
    kube_api_heard(call->api, failure);
    if (failure == NULL && sent_again(call, reply, &later)) {
        return;
    }
    if (later.class != ERR_NONE) {
        answer.status = reply->status;
        answer.why = later;
    } else if (failure != NULL) {
        answer.why = *failure;
        answer.may_have_happened = call->writes && reply->sent;
    } else {
        read_answer(call, reply, &answer);
    }
    call->done(call->context, &answer);
    json_decref(answer.body);
    free_call(call);
}

int kube_call_begin(struct kube_api *api, struct http_loop *loop, const struct kube_request *request, kube_answered *done, void *context,
                    struct kube_call **out, struct err *err)
{
    struct kube_call *call = xcalloc(sizeof *call);
    call->api = api;
    call->loop = loop;
    call->done = done;
    call->context = context;
    call->method = xstrdup(request->method);
    call->path = managed_path(request);
    call->content_type = xstrdup(request->content_type == NULL ? "application/json" : request->content_type);
    call->body = request->body == NULL ? NULL : json_text(request->body);
    call->writes = request->writes;
    if (send_call(call, err)) {
        free_call(call);
        return -1;
    }
    if (out != NULL) {
        *out = call;
    }
    return 0;
}

void kube_call_cancel(struct kube_call *call)
{
    if (call != NULL) {
        http_loop_cancel(call->loop, call->flight);
        free_call(call);
    }
}
