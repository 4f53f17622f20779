#ifndef TARE_KUBE_KUBE_RIGHT_H
#define TARE_KUBE_KUBE_RIGHT_H

/* What the account may do, asked of the API server itself (SelfSubjectAccessReview) before it is tried. */

#include <stdbool.h>

#include "pipeline/kube/kube_api.h"

struct kube_right {
    const char *verb;      /* get, list, watch, create, patch, delete */
    const char *group;     /* "" is the core group */
    const char *resource;  /* plural; "pods/resize" is a part of one */
    const char *namespace; /* NULL: in all of them, or for what lies in none */
    const char *name;      /* NULL: any */
};

/* Asks for all of them side by side: allowed[i] receives whether rights[i] is there. Every account may ask this of itself; where it is
 * refused all the same, that is the error. ERR_UNAVAILABLE, ERR_DATA. */
int kube_rights_ask(struct kube_api *api, const struct kube_right *rights, size_t count, bool *allowed, struct err *err);

#endif
