#ifndef TARE_KUBE_LIST_H
#define TARE_KUBE_LIST_H

/* Lists: all objects of a kind, page by page. */

#include "pipeline/kube/kube_api.h"

struct kube_query {
    const char *group;     /* "" for the core group */
    const char *version;   /* "v1" */
    const char *resource;  /* plural, as in paths: "deployments" */
    const char *kind;      /* of the items, which lists leave out */
    const char *namespace; /* NULL: of all namespaces, or for what has none */
    const char *labels;    /* label selector, NULL for none */
    const char *fields;    /* field selector, NULL for none */
};

/* Receives the objects. */
struct kube_taker {
    /* One object, with its apiVersion and kind; borrowed, may be changed. Non-zero with *err ends the list.
     */
    int (*item)(void *context, json_t *object, struct err *err);
    /* The list starts anew: what was received of it is void. */
    void (*restart)(void *context);
    void *context;
};

/* Hands over every object once, in the server's order. When the server has forgotten where a list stands
 * (410, after some minutes) the list is read again from its beginning, once. Fails as kube_get does; *status
 * as there. */
int kube_list(struct kube_api *api, const struct kube_query *query, const struct kube_taker *taker,
              long *status, struct err *err);

/* What the server has. */
struct kube_groups;

/* Asks which API groups there are. Where that is forbidden, every group is taken to be there (a
 * list of what is not is 404). *out new; free with kube_groups_free. */
int kube_groups_ask(struct kube_api *api, struct kube_groups **out, struct err *err);

/* Frees; NULL is allowed. */
void kube_groups_free(struct kube_groups *groups);

/* The first of `versions` (NULL-terminated) that the server has of a group, NULL when it has none of them.
 * Borrowed from `versions`. */
const char *kube_groups_version(const struct kube_groups *groups, const char *group,
                                const char *const *versions);

#endif
