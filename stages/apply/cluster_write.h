#ifndef TARE_STAGES_APPLY_CLUSTER_WRITE_H
#define TARE_STAGES_APPLY_CLUSTER_WRITE_H

/*
 * The target `cluster`: the pending items of a plan as objects of the machine (stages/common/machine), with the rows that an
 * interrupted apply left, and what became of them back into the plan.
 */

#include "stages/apply/permit.h"
#include "stages/apply/plan.h"
#include "stages/common/ends/cluster.h"
#include "stages/common/machine/machine.h"

struct cluster_writer {
    struct permit *permit;
    struct apply_plan *plan;
    const struct cluster *cluster;
    struct machine_policy policy;
    struct ledger_changes changes; /* rows of an apply that is resumed; in the stage's arena */
    json_t *begun;                 /* their objects with the index in `changes` */
    struct machine_object *objects;
    size_t *items; /* of each object: its item in the plan */
    size_t count;
    size_t capacity;
    json_t *kept; /* what the objects borrow */
    struct arena arena;
};

/* Reads the rows that an interrupted apply left. Call before the plan is judged; cluster_writer_release also after a failure. */
int cluster_writer_init(struct cluster_writer *writer, struct permit *permit, struct apply_plan *plan, struct err *err);

/* Frees what it holds; safe on a zeroed one. */
void cluster_writer_release(struct cluster_writer *writer);

/* The row of a workload's own object, NULL where it was not begun. Borrowed. */
const struct ledger_change *cluster_row(const struct cluster_writer *writer, const json_t *record);

/* An object that is half written must be finished or undone: ERR_REFUSED where one is refused now. */
int cluster_half_done(const struct cluster_writer *writer, struct err *err);

/* Makes machine objects of every pending item, and sees whether the cluster would have its new ones. ERR_STALE for a kind that the
 * cluster does not know any more; errors of created_check_record. */
int cluster_writer_load(struct cluster_writer *writer, const struct cluster *cluster, struct err *err);

/* Asks the server for each object what it would say, and writes nothing; fates are set. *refused receives how many it would not
 * take, *why the first of them. */
int cluster_rehearse(struct cluster_writer *writer, size_t *refused, struct err *why, struct err *err);

/* Sets the hint of *err to the command that puts back the first object that could not be. */
void cluster_hint(const struct cluster_writer *writer, struct err *err);

/* Writes every object and sets the fates. The run must be `applying` and its apply lock held. -1 only where ledger or API server are
 * lost, or somebody asked to end: what is known is in the rows. */
int cluster_write(struct cluster_writer *writer, struct machine_result *out, struct err *err);

#endif
