#ifndef TARE_COLLECT_PIECE_H
#define TARE_COLLECT_PIECE_H

/*
 * A piece of the work: some workloads of one namespace whose pods are asked about together, and the figures made of the
 * answer. A question that is too much is halved; a workload that is too large for one question is read by parts of its pods.
 */

#include <stdatomic.h>

#include "pipeline/base/err.h"
#include "stages/collect/figures/samples.h"
#include "stages/collect/gather.h"
#include "stages/collect/source.h"
#include "stages/collect/target.h"

enum { WORKER_GATHERS = 4 };

/* What all answers held so far, which tells how much to ask about at once; shared by all threads. */
struct appetite {
    atomic_llong bytes;
    atomic_llong pods;
    atomic_llong samples;
    atomic_llong left_out; /* chunks of other encodings, series of single processors */
};

/* The workloads of one namespace in work. */
struct group {
    const char *cluster; /* borrowed; NULL for none */
    const char *name;    /* of the namespace, borrowed */
    struct source *source;
    struct namespace *namespace; /* NULL when `trouble` says why */
    const char **pod_names;
    bool fresh; /* the namespace is the group's own */
    struct target *targets;
    size_t count;
    size_t capacity;
    bool ready;    /* to be handed out … */
    size_t handed; /* … from this target on */
    struct err trouble;
};

/* What one thread works with; kept from piece to piece. */
struct worker {
    const struct window *window;
    struct appetite *appetite;
    struct store store;
    struct gather gathers[WORKER_GATHERS]; /* one for each metric that is looked at together */
    struct samples sets[2]; /* CPU and memory of the container in work */
    struct err last;        /* the last problem of a source */
};

/* Prepares a worker; both arguments are borrowed. */
void worker_init(struct worker *worker, const struct window *window, struct appetite *appetite);

/* Frees. */
void worker_release(struct worker *worker);

/* How many pods a question may be about, by what is known of their size so far. */
size_t appetite_pods(struct appetite *appetite, const struct window *window);

/* Adds `usage` to the records of the targets [from, to) of a group, all of which have pods. What the source cannot
 * answer becomes a problem of the records concerned. */
void piece_collect(struct worker *worker, struct group *group, size_t from, size_t to);

/* Says in the record of a target that there are no samples of it. */
void piece_no_data(const struct target *target, const struct group *group);

/* Gives a record no usage and the problem `metrics-error`. */
void piece_fail(json_t *record, const struct err *why);

#endif
