#ifndef TARE_RUN_LEDGER_BATCH_H
#define TARE_RUN_LEDGER_BATCH_H

/* Runs that were started together, one a cluster. Conventions and errors as in ledger.h. */

#include "pipeline/run/ledger.h"

/* Makes a batch and its runs in one transaction; all are `running`. `runs` (borrowed) is an array of {"cluster","target","settings"}.
 * `created` and `schedule` as in ledger_run_create, either may be NULL. *out is new: {"batch":"b7","runs":[ids]} in the order of `runs`. */
int ledger_batch_begin(struct ledger *ledger, const char *program, const json_t *runs, const char *created, const char *schedule,
                       json_t **out, struct err *err);

/* A batch with the runs of it that this login sees, oldest first. *out is new: {"batch","created","started_by","narrowed",
 * "runs":[{"run","cluster","state","reason","plan","counted","later",…}]}; `counted` tells whether the run's sums are the batch's (it
 * has a plan, and no later run of the batch took its cluster over). Settles what has expired first. ERR_NOINPUT where the login sees
 * no such batch. */
int ledger_batch_get(struct ledger *ledger, const char *name, json_t **out, struct err *err);

#endif
