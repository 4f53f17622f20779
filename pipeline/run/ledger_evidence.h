#ifndef TARE_RUN_LEDGER_EVIDENCE_H
#define TARE_RUN_LEDGER_EVIDENCE_H

/* What the ledger has that a plan can be held against before it is applied. */

#include "pipeline/run/ledger.h"

/*
 * *out new: {"rows" [a member for each column of plan_requirement but its reasons], "plans" [digests that the audit trail
 * has for the run's plan], "finished" [[stage, artifact] of the attempts that the trail says were finished, in order],
 * "settings" (sha256 of the run's), "settings_recorded" (the trail's, null where it has none)}. ERR_NOINPUT for no such run.
 */
int ledger_plan_evidence(struct ledger *ledger, int64_t run, json_t **out, struct err *err);

/* The newest time (RFC 3339) at which a run was decided about or changed something; *out is NULL where it never was, else in
 * the arena. */
int ledger_run_newest(struct ledger *ledger, int64_t run, struct arena *arena, const char **out, struct err *err);

#endif
