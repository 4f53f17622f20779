#ifndef TARE_DRIVER_CONSULT_H
#define TARE_DRIVER_CONSULT_H

/* tare-analyze for a look alone: what a model would be sent, and what asking would cost. Nothing is asked, and the ledger keeps nothing. */

#include "pipeline/driver/command.h"
#include "pipeline/io/json.h"

/* tare run --estimate: parse and collect without a run, then tare-analyze --estimate, which prints. A ledger that runs is asked what it
 * has of earlier answers, one that does not is left alone. session->verdict is set to the class of a stage that ends with an error and
 * has said why. ERR_USAGE where the configuration has several clusters and none is named. */
int consult_estimate(struct session *session, struct err *err);

/* tare-analyze with `words` (borrowed, NULL-terminated; NULL: none) over the usage of a run, with these settings and what the run was told
 * of the past; it prints on standard output. ERR_DATA for a run whose usage was not collected. */
int consult_run(struct session *session, const struct ledger_run *run, const json_t *settings, const char *const *words, struct err *err);

#endif
