#ifndef TARE_KUBE_KUBE_INTERNAL_H
#define TARE_KUBE_KUBE_INTERNAL_H

/* Shared by kube_api.c (an exchange that is waited for), kube_call.c and kube_watch.c (those that are not), kube_words.c (refusals
 * in words) and kube_list.c (addresses of lists). */

#include "pipeline/kube/exec_plugin.h"
#include "pipeline/kube/kube_api.h"
#include "pipeline/kube/kube_list.h"

/* What messages call it. */
#define kube_what "the Kubernetes API server"

struct kube_api {
    struct kube_access *access;
    struct kube_limits limits;
    struct http_client *http;
    struct http_reply reply;
    struct kube_credential credential; /* of a plugin */
    int64_t renew_at;                  /* monotonic milliseconds; 0: when it is refused */
    unsigned renewals;                 /* of the credential, so far */
    int64_t silent_since;              /* monotonic milliseconds: no answer has come since then; 0: the last one came */
    struct err silence;                /* what there was instead */
};

/* The HTTP client as whom we are at this time; a plugin whose credential ran out is asked first. *out is borrowed until the next
 * renewal. */
int kube_api_client(struct kube_api *api, struct http_client **out, struct err *err);

/* Whether another try may go better when the credentials are refused (401). */
bool kube_api_renewable(const struct kube_api *api);

/* Asks the plugin for another credential, if there is one and nobody did since the credential after `refused` renewals. */
int kube_api_renew(struct kube_api *api, unsigned refused, struct err *err);

/* JSON that may hold a zero byte in its strings (an annotation may): one odd object must not hide all others. *out new. ERR_DATA
 * naming `url`. */
int kube_parse(const char *text, size_t length, const char *url, json_t **out, struct err *err);

/* An answer of status 2xx as JSON: *out new; any other one in words. */
int kube_read_reply(const struct kube_api *api, const char *method, const struct http_reply *reply, json_t **out, struct err *err);

/* A status other than 2xx in words, with what to do next. Returns -1. */
int kube_refused(const struct kube_api *api, const char *method, const struct http_reply *reply, struct err *err);

/* How long a watch is asked for: the server ends it then, and it is resumed. */
enum { KUBE_PATH_MAX = 64 * 1024, KUBE_WATCH_SECONDS = 240 };

/* The path of a list (`next`: of its next page, else NULL), or of a watch from the version `watch_from` on (else NULL), in place of
 * what `out` held. ERR_DATA where it is too long. */
int kube_list_path(const struct kube_query *query, const char *next, const char *watch_from, struct buf *out, struct err *err);

/* Hands over the items of a page. ERR_DATA where it is none. */
int kube_list_page(const struct kube_query *query, const json_t *page, const struct kube_taker *taker, struct err *err);

/* The token of the next page in place of that of this one, NULL when this was the last. ERR_DATA where it does not change: it leads
 * nowhere. */
int kube_list_next(const struct kube_query *query, const json_t *page, char **token, struct err *err);

/* Items of a list do not say what they are: says it. */
void kube_list_complete(const struct kube_query *query, json_t *item);

/* Keeps in mind whether the server answers at all: `failure` NULL when it did. */
void kube_api_heard(struct kube_api *api, const struct err *failure);

#endif
