#ifndef TARE_STAGES_COMMON_ENDS_API_H
#define TARE_STAGES_COMMON_ENDS_API_H

/* The API half of the real ends: requests and observations by tag over one loop, and queries of a metrics server. */

#include "pipeline/kube/kube_api.h"
#include "stages/common/machine/ends.h"

struct ends_api;

/* New over `api` (borrowed). ERR_SOFTWARE. Free with ends_api_free. */
int ends_api_new(struct kube_api *api, struct ends_api **out, struct err *err);

/* Frees; what is under way is dropped. NULL is allowed. */
void ends_api_free(struct ends_api *ends);

/* As machine_ends.ask. Everything but GET and ?dryRun=All counts as writing. */
int ends_api_ask(struct ends_api *ends, uint64_t tag, const struct api_request *request, struct err *err);

/* As machine_ends.observe. One that the server refuses for good is told as EVENT_ANSWER under its tag and is over then. */
int ends_api_observe(struct ends_api *ends, uint64_t tag, const struct api_query *query, struct err *err);

/* As machine_ends.forget. */
void ends_api_forget(struct ends_api *ends, uint64_t tag);

/* Gets `path` of another server, `what` in messages; `read` makes a new body of an answer of status 2xx, or says in *err why it cannot.
 * Told as an answer under `tag`. `client` must outlive `ends`. */
int ends_api_fetch(struct ends_api *ends, uint64_t tag, struct http_client *client, const char *what, const char *path,
                   json_t *(*read)(const struct http_reply *reply, struct err *err), struct err *err);

/* As machine_ends.next; EVENT_TIME when nothing came until `until_ms` (clock_monotonic_ms). */
int ends_api_next(struct ends_api *ends, int64_t until_ms, struct machine_event *out, struct err *err);

#endif
