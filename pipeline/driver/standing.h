#ifndef TARE_DRIVER_STANDING_H
#define TARE_DRIVER_STANDING_H

/* How a plan stands: who decided what, which rules stood in for people, what is still missing. */

#include "pipeline/driver/command.h"

/* Prints approvals (until when they hold), rejections, what was taken back, overrides of windows, rules that allowed changes, rejected
 * workloads, and the approvals that are missing, by role and number, with the namespaces. */
int standing_print(struct session *session, const struct ledger_run *run, struct err *err);

/* The same as an object: {"decisions":[…],"overrides":[…],"rules":{rule: workloads},"rejected":{workload: text},
 * "missing":[{"role","approvals","workloads","namespaces"}]}. *out is new. */
int standing_json(struct session *session, const struct ledger_run *run, json_t **out, struct err *err);

#endif
