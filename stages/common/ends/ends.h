#ifndef TARE_STAGES_COMMON_ENDS_H
#define TARE_STAGES_COMMON_ENDS_H

/* The real ends of the machine: an API server (ends_api), the ledger (ends_ledger), this machine's steady clock, and SIGTERM. */

#include "stages/common/ends/cluster.h"
#include "stages/common/ends/ends_ledger.h"

struct ends;

/* Joins them into what the machine knows. `cluster` is borrowed; `ledger` is copied, what it points to is borrowed. The queries of
 * apply.verify are the configuration's of `stage`. From now on SIGTERM and SIGINT come as EVENT_END. *out new, free with ends_free.
 * ERR_CONFIG. */
int ends_new(struct stage *stage, const struct cluster *cluster, const struct ends_ledger *ledger, struct ends **out, struct err *err);

/* Frees; NULL is allowed. */
void ends_free(struct ends *ends);

/* Adds the queries of apply.verify and their limits to a policy; it borrows them. */
void ends_verify(const struct ends *ends, struct machine_policy *policy);

/* The table to give to the machine. Borrowed. */
const struct machine_ends *ends_table(const struct ends *ends);

#endif
