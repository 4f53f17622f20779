#ifndef TARE_COLLECT_SOURCE_H
#define TARE_COLLECT_SOURCE_H

/*
 * Where samples come from. All sources answer the same two questions; several threads may ask at once.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "stages/collect/namespace.h"
#include "stages/collect/store.h"
#include "stages/collect/window.h"

/* How a question went. */
enum served {
    SERVED,
    SERVED_TOO_MUCH, /* too many samples or points, out of time, the store is full: a part of it may be answered */
    SERVED_REFUSED,  /* this question cannot be answered, another may */
    SERVED_NOTHING   /* no answer of the API at all: unreachable, 401, 403, a web page */
};

/* Some pods of a namespace over a window. */
struct question {
    const struct namespace *namespace;
    const uint32_t *pods; /* numbers, ascending */
    size_t pod_count;
    bool whole; /* these are all pods of the namespace */
    const struct window *window;
};

/* What was asked and what came, of all questions so far. */
struct source_counts {
    int64_t requests;
    int64_t served;
    int64_t bytes; /* on the wire */
    int64_t samples; /* those that a source counts itself */
};

struct prom;

struct source {
    const char *name; /* as in usage.source: "remote-read", "query-range", "file" */
    /* The pods of a namespace in the window and their owners. *out new, free with namespace_free. */
    int (*discover)(struct source *source, const char *name, const struct window *window, struct namespace **out,
                    enum served *served, struct err *err);
    /* Everything about the pods of a question, LOOKBACK before the window included, into the store, which is empty
     * and is finished by the caller. */
    int (*read)(struct source *source, const struct question *question, struct store *store, enum served *served,
                struct err *err);
    void (*free)(struct source *source);
    struct prom *prom; /* the server that it asks, for questions of others; NULL: none */
};

#endif
