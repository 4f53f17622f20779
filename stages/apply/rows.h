#ifndef TARE_STAGES_APPLY_ROWS_H
#define TARE_STAGES_APPLY_ROWS_H

/* The rows of a plan in the ledger, by which approvals are counted, against the gated artifact that they were made from. */

#include "pipeline/run/artifact.h"
#include "pipeline/run/ledger.h"

/* Reads the run's own gated artifact to its verified end and compares each workload with its row in `rows` (of
 * ledger_plan_evidence). `fallback` is the namespace of workloads that name none. ERR_STALE naming the workload, the column and
 * both values; ERR_DATA. */
int rows_check(struct artifact_reader *gated, const struct ledger_run *run, const char *fallback, const json_t *rows,
               struct err *err);

#endif
