#include "pipeline/kube/kube_right.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/kube/kube_call.h"

enum { AT_ONCE = 20, TURN_MS = 1000 };

struct asking {
    struct kube_api *api;
    struct http_loop *loop;
    const struct kube_right *rights;
    size_t count;
    size_t begun;
    size_t answered;
    bool *allowed;
    struct err err;
};

struct question {
    struct asking *asking;
    size_t index;
};

/* New body of a review. */
static json_t *review_of(const struct kube_right *right)
{
    json_t *attributes = json_pack("{s:s, s:s}", "verb", right->verb, "group", right->group);
    size_t length = strcspn(right->resource, "/");
    json_object_set_new(attributes, "resource", json_stringn(right->resource, length));
    if (right->resource[length] == '/') {
        json_object_set_new(attributes, "subresource", json_string(right->resource + length + 1));
    }
    if (right->namespace != NULL) {
        json_object_set_new(attributes, "namespace", json_string_safe(right->namespace));
    }
    if (right->name != NULL) {
        json_object_set_new(attributes, "name", json_string_safe(right->name));
    }
    return json_pack("{s:s, s:s, s:{s:o}}", "apiVersion", "authorization.k8s.io/v1", "kind", "SelfSubjectAccessReview", "spec",
                     "resourceAttributes", attributes);
}

static void answered(void *context, struct kube_answer *answer)
{
    struct question *question = context;
    struct asking *asking = question->asking;
    const json_t *allowed = json_at(answer->body, "status.allowed");
    if (!http_status_ok(answer->status)) {
        asking->err = answer->why;
    } else if (!json_is_boolean(allowed)) {
        err_set(&asking->err, ERR_DATA, "the Kubernetes API server does not say whether the account may %s %s",
                asking->rights[question->index].verb, asking->rights[question->index].resource);
    } else {
        asking->allowed[question->index] = json_is_true(allowed);
    }
    asking->answered++;
    free(question);
}

static int ask_next(struct asking *asking)
{
    struct question *question = xcalloc(sizeof *question);
    question->asking = asking;
    question->index = asking->begun++;
    json_t *body = review_of(&asking->rights[question->index]);
    struct kube_request request = {
        .method = "POST", .path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", .body = body};
    int failed = kube_call_begin(asking->api, asking->loop, &request, answered, question, NULL, &asking->err);
    json_decref(body);
    if (failed) {
        free(question);
        asking->answered++;
    }
    return failed;
}

int kube_rights_ask(struct kube_api *api, const struct kube_right *rights, size_t count, bool *allowed, struct err *err)
{
    struct asking asking = {.api = api, .rights = rights, .count = count, .allowed = allowed};
    if (http_loop_new(&asking.loop, err)) {
        return -1;
    }
    while (asking.answered < asking.begun || (asking.err.class == ERR_NONE && asking.begun < count)) {
        while (asking.err.class == ERR_NONE && asking.begun < count && asking.begun - asking.answered < AT_ONCE) {
            ask_next(&asking);
        }
        if (asking.answered < asking.begun && http_loop_turn(asking.loop, clock_monotonic_ms() + TURN_MS, -1, &asking.err)) {
            break;
        }
    }
    http_loop_free(asking.loop);
    if (asking.err.class != ERR_NONE) {
        *err = asking.err;
        return -1;
    }
    return 0;
}
