#ifndef TARE_STAGES_APPLY_PLAN_H
#define TARE_STAGES_APPLY_PLAN_H

/*
 * What there is to apply: the plan as the ledger has it, checked against the gated artifact on stdin record
 * by record, and grouped by the file that holds the workloads. A gated file that says anything else than the
 * ledger's plan is refused before anything is written.
 */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/cli/stage.h"
#include "pipeline/io/hash.h"
#include "pipeline/run/approval.h"
#include "pipeline/run/ledger.h"
#include "stages/common/spool.h"

/* What becomes of a workload or of a file. */
enum fate {
    FATE_NOTE,    /* no workload */
    FATE_SKIPPED, /* nothing to change */
    FATE_REJECTED, /* left out of the plan by a person */
    FATE_REFUSED, /* gate, approval or window */
    FATE_PENDING, /* to be written */
    FATE_DONE,
    FATE_UNTOUCHED, /* was to be written, but apply stopped before it */
    FATE_ROLLED_BACK,
    FATE_ROLLBACK_FAILED
};

/* One record. `detail` is owned, NULL where its files' detail counts. */
struct apply_item {
    int64_t offset; /* in the spool */
    char *detail;
    int *files; /* indexes in files: its manifest, or those that its numbers stand in, and the new one of its new objects; owned */
    unsigned file_count;
    unsigned char fate;
    unsigned char risk;
};

/* One file to change: a manifest with workloads, or one that numbers of rendered workloads stand in, or one that is made. */
struct apply_file {
    char *path;
    char source_sha256[DIGEST_HEX]; /* "" of one that is made */
    bool created;                   /* nothing stands there before */
    size_t first; /* of the items that name it: between them others may stand (apply_plan_pending) */
    size_t last;
    size_t set; /* files that a workload spans are written and undone together: the index of the first of them (apply_plan_order) */
    enum risk risk;
    enum fate fate;
    char *detail; /* owned */
};

struct apply_plan {
    struct apply_item *items;
    size_t item_count;
    size_t item_capacity;
    struct apply_file *files;
    size_t file_count;
    size_t file_capacity;
    struct spool *spool;      /* the gated records, in order */
    bool cluster;             /* the target: objects of a cluster, else files */
    json_t *sources;          /* path → sha256 of every file that the plan was made from */
    json_t *judged;           /* settings.gate of the run's own gated artifact: the policy; NULL where it is not known */
    json_t *prices;           /* settings.price; NULL where it is not known */
};

/* Checks the chain of artifacts and the rows of the plan in the ledger, reads stdin and the ledger's plan of `run` and compares
 * them. ERR_STALE where anything differs, ERR_DATA for a damaged artifact on stdin; `fallback` is the namespace of objects that
 * name none. Free with apply_plan_release, also after a failure. */
int apply_plan_load(struct stage *stage, const struct ledger_run *run, const char *fallback, struct apply_plan *out,
                    struct err *err);

/* Frees what it holds. */
void apply_plan_release(struct apply_plan *plan);

/* Whether an item (by its index) is to be written, and stands in this file of the plan. */
bool apply_plan_pending(const struct apply_plan *plan, const struct apply_file *file, size_t item);

/* Sets fate and detail (copied) of an item. */
void apply_item_set(struct apply_item *item, enum fate fate, const char *detail);

/* Sets fate and detail (copied) of a file. */
void apply_file_set(struct apply_file *file, enum fate fate, const char *detail);

/* What became of a pending item by its files: the worst of them. NULL where it has none. Borrowed. */
const struct apply_file *apply_plan_file(const struct apply_plan *plan, const struct apply_item *item);

/* Indexes of the files with pending items, whose `set` is filled in: sets of low risk first, then by path, the files of a set one
 * after the other. New array; *count receives its length. */
size_t *apply_plan_order(struct apply_plan *plan, size_t *count);

#endif
