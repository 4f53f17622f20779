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
    FATE_REFUSED, /* gate, approval or window */
    FATE_PENDING, /* to be written */
    FATE_DONE,
    FATE_UNTOUCHED, /* was to be written, but apply stopped before it */
    FATE_ROLLED_BACK,
    FATE_ROLLBACK_FAILED
};

enum { NO_FILE = -1 };

/* One record. `detail` is owned, NULL where its file's detail counts. */
struct apply_item {
    int64_t offset; /* in the spool */
    char *detail;
    int file; /* index in files, NO_FILE */
    unsigned char fate;
    unsigned char risk;
};

/* One file to change: a manifest with workloads, or one that numbers of rendered workloads stand in. */
struct apply_file {
    char *path;
    char source_sha256[DIGEST_HEX];
    size_t first; /* of the items that name it: between them others may stand (apply_plan_pending) */
    size_t last;
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
    char policy[DIGEST_HEX];  /* that the plan was judged by, "" where it is not known */
    char catalog[DIGEST_HEX]; /* of the prices it was made from, "" where it is not known */
};

/* Reads stdin and the ledger's plan of `run` and compares them. ERR_STALE where they differ, ERR_DATA for a
 * damaged artifact. Free with apply_plan_release, also after a failure. */
int apply_plan_load(struct stage *stage, const struct ledger_run *run, struct apply_plan *out,
                    struct err *err);

/* Frees what it holds. */
void apply_plan_release(struct apply_plan *plan);

/* Whether an item (by its index) is to be written, and stands in this file of the plan. */
bool apply_plan_pending(const struct apply_plan *plan, const struct apply_file *file, size_t item);

/* Sets fate and detail (copied) of an item. */
void apply_item_set(struct apply_item *item, enum fate fate, const char *detail);

/* Sets fate and detail (copied) of a file. */
void apply_file_set(struct apply_file *file, enum fate fate, const char *detail);

/* Indexes of the files with pending items: low risk first, then by path. New array; *count receives its
 * length. */
size_t *apply_plan_order(const struct apply_plan *plan, size_t *count);

#endif
