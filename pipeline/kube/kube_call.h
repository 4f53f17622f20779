#ifndef TARE_KUBE_KUBE_CALL_H
#define TARE_KUBE_KUBE_CALL_H

/* Requests to a Kubernetes API server that are not waited for: many side by side in one http_loop. */

#include "pipeline/io/http_loop.h"
#include "pipeline/kube/kube_api.h"

struct kube_call;

enum { KUBE_REQUEST_ID_MAX = 64 };

struct kube_request {
    const char *method;       /* GET, POST, PUT, PATCH, DELETE */
    const char *path;         /* may hold a query; of a POST, PUT or PATCH without a fieldManager, "tare" becomes it */
    const char *content_type; /* of the body; NULL: application/json */
    const json_t *body;       /* NULL for none */
    bool writes;              /* no second try but after 429, or where there was no connection */
};

struct kube_answer {
    long status;                          /* 0: none came, or none that is whole; `why` tells */
    json_t *body;                         /* new, to be freed with json_decref, or taken by setting it to NULL; NULL where it is no JSON */
    char request_id[KUBE_REQUEST_ID_MAX]; /* Audit-Id, "" where there is none */
    bool may_have_happened;               /* of a request that writes: nobody knows whether the server did it */
    struct err why;                       /* where status is not 2xx: a whole sentence with the request id */
};

/* Told once of a call that was not cancelled. `answer` is borrowed for the call, but for its body if that is taken. */
typedef void kube_answered(void *context, struct kube_answer *answer);

/* Begins a request; what `request` borrows may go. Throttling, tries again of what does not write, and credentials that ran out (a
 * plugin is asked again, which may take a moment; a token file is read again) are dealt with. *out is gone once `done` is called.
 * Fails, without `done`, for what cannot be sent at all. */
int kube_call_begin(struct kube_api *api, struct http_loop *loop, const struct kube_request *request, kube_answered *done, void *context,
                    struct kube_call **out, struct err *err);

/* Drops a call, nobody is told. NULL is allowed. */
void kube_call_cancel(struct kube_call *call);

#endif
