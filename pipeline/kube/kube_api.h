#ifndef TARE_KUBE_API_H
#define TARE_KUBE_API_H

/*
 * A Kubernetes API server over pipeline/io/http: time-outs, retries and Retry-After are there. Here: who we
 * are (credentials that a plugin hands out are renewed when they run out, and once when they are refused),
 * JSON only, and refusals in words: what the server's Status says, and what to do next.
 *
 * kube_get waits for its answer; requests and watches side by side are kube_call.h and kube_watch.h, for the same client.
 */

#include <stdint.h>

#include "pipeline/io/http.h"
#include "pipeline/io/json.h"
#include "pipeline/kube/access.h"

struct kube_api;

struct kube_limits {
    int64_t connect_timeout_seconds; /* 0: the defaults of http.h */
    int64_t timeout_seconds;
    size_t answer_bytes; /* of one answer, decompressed; 0: 64 MiB */
};

/* New client for what `access` says (stolen, also on failure). ERR_CONFIG. Free with kube_api_free. */
int kube_api_new(struct kube_access *access, const struct kube_limits *limits, struct kube_api **out,
                 struct err *err);

/* Frees; NULL is allowed. */
void kube_api_free(struct kube_api *api);

/* Whom it speaks to, and where that was said. Borrowed. */
const struct kube_access *kube_api_access(const struct kube_api *api);

/* Gets `path` (may hold a query) as JSON: *out new. -1 with ERR_UNAVAILABLE or ERR_DATA: *status (may be
 * NULL) is the answer's status, 0 when there was none. */
int kube_get(struct kube_api *api, const char *path, json_t **out, long *status, struct err *err);

/* For how long (milliseconds) calls and watches have had no answer at all, 0 when the last one had; *why receives what there was
 * instead. */
int64_t kube_api_silence(const struct kube_api *api, struct err *why);

#endif
