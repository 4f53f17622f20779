#ifndef TARE_DRIVER_PLAN_H
#define TARE_DRIVER_PLAN_H

/* From artifacts to the ledger's flat rows: the namespaces a run is about, what its plan asks for, its results for history. */

#include "pipeline/driver/command.h"
#include "pipeline/run/artifact.h"

typedef int visit_record(const json_t *record, void *context, struct err *err);

/* Calls `visit` for each workload record of the artifact of this kind in `fd`, until one gives -1; leaves `fd` at its start. ERR_DATA,
 * ERR_IO, and what `visit` sets. */
int plan_each_workload(int fd, enum artifact_kind kind, visit_record *visit, void *context, struct err *err);

/* Namespace under which a workload of the run without one is looked up: what was typed when the run began, whoever goes on with it now. In
 * the session's arena. */
int plan_default_namespace(struct session *session, const struct ledger_run *run, const char **out, struct err *err);

/* Tells the ledger which namespaces the inventory in `fd` names. */
int plan_namespaces(struct session *session, const struct ledger_run *run, int fd, struct err *err);

/* Registers the plan `digest` with the rows of the gated artifact in `fd`, and the results for history. */
int plan_register(struct session *session, const struct ledger_run *run, const char *digest, int fd,
                  enum ledger_state *state, struct err *err);

/* The plan's rows of the gated artifact in `fd`, as plan_register hands them to the ledger (ledger.h), with `facts`. New array, also
 * after a failure. */
int plan_rows(struct session *session, const struct ledger_run *run, int fd, json_t **out, struct err *err);

#endif
