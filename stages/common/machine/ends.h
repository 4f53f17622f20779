#ifndef TARE_STAGES_COMMON_MACHINE_ENDS_H
#define TARE_STAGES_COMMON_MACHINE_ENDS_H

/*
 * What the machine that changes objects of a cluster knows of the world: an API server, a ledger, a clock. Each is a table of
 * functions, so that the same machine runs against real ones (stages/common/ends) and against simulated ones whose every delay
 * and fault comes from a seed (tests/sim). The machine itself is single-threaded and never blocks but in `next`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "pipeline/run/ledger.h"

struct machine_object;

/* ---- The API server ---- */

struct api_request {
    const char *method;       /* GET, POST, PATCH, DELETE */
    const char *path;         /* "/apis/apps/v1/namespaces/shop/deployments/cart?dryRun=All", escaped */
    const char *content_type; /* of the body, NULL where there is none */
    const json_t *body;       /* borrowed; NULL for none */
};

/* What is observed: every object of one resource in one namespace. */
struct api_query {
    const char *group;     /* "" is the core group */
    const char *version;
    const char *resource;  /* plural, as in paths */
    const char *kind;
    const char *namespace;
    const char *labels;    /* label selector, NULL: all */
};

enum machine_event_kind {
    EVENT_TIME,   /* nothing but time passed */
    EVENT_ANSWER, /* of a request */
    EVENT_SEEN,   /* an observed object as it is now; told of each object at first, after a gap, and at each change */
    EVENT_GONE,   /* an observed object that is there no more (its last state) */
    EVENT_END     /* the process is asked to end (SIGTERM, SIGINT): finish or undo what is begun, begin nothing */
};

struct machine_event {
    enum machine_event_kind kind;
    uint64_t tag;             /* of the request or of the observation */
    long status;              /* of an answer; 0: none came, `why` tells */
    json_t *body;             /* answer or object; owned by the receiver, may be NULL */
    char request_id[64];      /* Audit-Id of an answer, "" where it has none */
    bool may_have_happened;   /* status 0 (or a gateway's 5xx) of a request that writes: the server may have done it */
    struct err why;           /* where status is not 2xx: whole sentence with the request id */
};

/* ---- What the ledger says ---- */

enum said {
    SAID_YES,
    SAID_NO,  /* refused: *err says why; nothing was changed */
    SAID_LOST /* the ledger does not answer, or a clock went backwards: nothing further may be begun or written */
};

/* What an object may not be written for. */
struct machine_objection {
    bool window; /* a change window, else an approval */
    bool undo;   /* the window asks to take back what was done (on_overrun: rollback) */
    bool finish; /* the window lets an apply under way go on (on_overrun: finish) */
    char why[ERR_MESSAGE_MAX];
};

struct machine_ends {
    void *context;

    /* Begins a request; its answer comes by `next` under `tag`. Throttling (429, Retry-After) and tries again of what is safe to
     * ask twice (GET, dry runs) happen below. Requests that write are sent once. Fails only for what cannot be sent at all. */
    int (*ask)(void *context, uint64_t tag, const struct api_request *request, struct err *err);
    /* Begins to observe; a watch, resumed and listed again as needed. */
    int (*observe)(void *context, uint64_t tag, const struct api_query *query, struct err *err);
    /* Ends an observation; nothing of it comes any more. */
    void (*forget)(void *context, uint64_t tag);
    /* Waits for the next event, at most until `until` (on the clock of `now`). -1: the API server cannot be reached for good
     * (ERR_UNAVAILABLE). */
    int (*next)(void *context, int64_t until, struct machine_event *out, struct err *err);
    /* Steady milliseconds. */
    int64_t (*now)(void *context);

    /* May this object be begun now? SAID_NO with *objection. */
    enum said (*permit)(void *context, const struct machine_object *object, struct machine_objection *objection, struct err *err);
    /* Takes the workload's lock, and stores the before-image as a durable row in state `writing`; approvals are counted again in
     * the same transaction. *change receives its id. */
    enum said (*begin)(void *context, const struct machine_object *object, const char *before, size_t size, const json_t *detail,
                       int64_t *change, struct err *err);
    /* Moves the row of an object on, with members added to its detail (borrowed or NULL); durable. From `done`, `rolled-back` and
     * `rollback-failed` on the workload's lock is given back. A row that is already there is SAID_YES. */
    enum said (*move)(void *context, const struct machine_object *object, enum ledger_change_state to, const json_t *detail,
                      struct err *err);
    /* Takes the workload's lock again for a row that exists (resume, rollback). */
    enum said (*lock)(void *context, const struct machine_object *object, struct err *err);
    /* A number of the Prometheus query `index` of the policy's `verify` list, for `object`; asynchronous like `ask`: the answer's
     * body is {"value": number|null}. NULL where there are none. */
    int (*measure)(void *context, uint64_t tag, const struct machine_object *object, size_t index, struct err *err);
};

#endif
