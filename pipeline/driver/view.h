#ifndef TARE_DRIVER_VIEW_H
#define TARE_DRIVER_VIEW_H

/* What people see of a run on a terminal, and the JSON that scripts read. */

#include "pipeline/driver/command.h"

/* Prints what became of a run: state, totals, where the reports are, the commands to type next. */
int view_run(struct session *session, const struct ledger_run *run, struct err *err);

/* Prints {"run":12,"state":"awaiting-approval","plan":"<sha256>",…} as one line. */
int view_run_json(struct session *session, const struct ledger_run *run, struct err *err);

/* Prints the workloads of a run, largest saving first, at most `limit` (0: all). */
int view_workloads(struct session *session, const struct ledger_run *run, int64_t limit, struct err *err);

#endif
