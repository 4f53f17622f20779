#ifndef TARE_DRIVER_VIEW_H
#define TARE_DRIVER_VIEW_H

/* What people see of a run on a terminal, and the JSON that scripts read. */

#include "pipeline/driver/command.h"
#include "pipeline/io/json.h"

/* Prints whose numbers the run is about, where they are a person's own; nothing for other runs. */
void view_proposal(const struct ledger_run *run);

/* Prints what became of a run: state, totals, where the reports are, the commands to type next. */
int view_run(struct session *session, const struct ledger_run *run, struct err *err);

/* {"run":12,"state":"awaiting-approval","plan":"<sha256>",…}: *object is new. */
int view_run_object(struct session *session, const struct ledger_run *run, json_t **object, struct err *err);

/* Prints {"run":12,"state":"awaiting-approval","plan":"<sha256>",…} as one line. */
int view_run_json(struct session *session, const struct ledger_run *run, struct err *err);

/* The same with how the plan stands: the members of standing_json. */
int view_status_json(struct session *session, const struct ledger_run *run, struct err *err);

/* Prints what a login is told of a run that it does not see whole: state, plan, how it stands, the commands to type next. */
int view_part(struct session *session, const struct ledger_run *run, struct err *err);

/* Prints the workloads of a run, largest saving first, at most `limit` (0: all). */
int view_workloads(struct session *session, const struct ledger_run *run, int64_t limit, struct err *err);

#endif
