#ifndef TARE_DRIVER_PLAN_H
#define TARE_DRIVER_PLAN_H

/* From artifacts to the ledger's flat rows: the namespaces a run is about, what its plan asks for, its results for history. */

#include "pipeline/driver/command.h"

/* Tells the ledger which namespaces the inventory in `fd` names. */
int plan_namespaces(struct session *session, const struct ledger_run *run, int fd, struct err *err);

/* Registers the plan `digest` with the rows of the gated artifact in `fd`, and the results for history. */
int plan_register(struct session *session, const struct ledger_run *run, const char *digest, int fd,
                  enum ledger_state *state, struct err *err);

/* The plan's rows of the gated artifact in `fd`, as plan_register hands them to the ledger (ledger.h), with `facts`. New array, also
 * after a failure. */
int plan_rows(struct session *session, const struct ledger_run *run, int fd, json_t **out, struct err *err);

#endif
