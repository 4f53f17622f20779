#ifndef TARE_DRIVER_PLAN_CHECK_H
#define TARE_DRIVER_PLAN_CHECK_H

/* Whether the rows that were registered for a plan are what the gate says of the plan itself. The rows come from the login that
 * made the run; whoever sees the whole run need not believe them. */

#include "pipeline/driver/command.h"

/* Runs tare-gate over the stored changes artifact, by the stored policy alone (the run's own file may only be stricter, and need not
 * be here), and compares facts, verdict, number of approvals and role of every workload with the ledger's rows. Call it for a login
 * that sees the whole run, before its approval. ERR_REFUSED naming the first workload that differs and both values; what else keeps
 * the gate from answering is an error too. */
int plan_check_rows(struct session *session, const struct ledger_run *run, struct err *err);

#endif
