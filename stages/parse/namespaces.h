#ifndef TARE_STAGES_PARSE_NAMESPACES_H
#define TARE_STAGES_PARSE_NAMESPACES_H

/* What was put on the shelf of joins for whole namespaces, ready for use. The namespaces used last are kept, so that the
 * objects of one are read from the shelf once and not for each of its workloads. */

#include "pipeline/base/arena.h"
#include "stages/parse/labels.h"
#include "stages/parse/shelf.h"

enum {
    NAMESPACES_KEPT = 8,
    NAMESPACE_OBJECTS_MAX = 2000,             /* of one namespace; what comes later is left out */
    NAMESPACE_BYTES_MAX = 2 * 1024 * 1024,    /* of their text */
    NAMESPACE_LISTED_MAX = 32                 /* of one sort for a workload */
};

struct namespace_budget {
    struct selector selector;
    const json_t *member;
};

struct namespace_joins {
    unsigned char id[SHELF_ID];
    uint64_t used; /* when; 0: empty */
    struct arena arena;
    json_t *objects; /* as the shelf has them: the others borrow from here */
    struct namespace_budget *budgets;
    size_t budget_count;
    const json_t *annotations; /* of the Namespace, NULL: none */
    json_t *limit_ranges;
    json_t *quotas;
    bool left_out; /* there are more than the limits */
};

struct namespaces {
    struct namespace_joins kept[NAMESPACES_KEPT];
    uint64_t clock;
};

/* Frees; a zeroed struct is ready for use. */
void namespaces_release(struct namespaces *namespaces);

/* Appends a value to a list of joins, unless the very same is there. False when there is no room. */
bool namespaces_list(json_t *list, const json_t *value);

/* What `joins` (sorted) has under the id of a namespace; *out is NULL when that is nothing. Borrowed until the next
 * call. ERR_IO. */
int namespaces_get(struct namespaces *namespaces, struct shelf *joins, const unsigned char id[SHELF_ID],
                   const struct namespace_joins **out, struct err *err);

#endif
