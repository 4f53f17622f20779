#ifndef TARE_DRIVER_CONFIRM_H
#define TARE_DRIVER_CONFIRM_H

/* Asking a person, and reading what --workload names. */

#include "pipeline/driver/command.h"

/* Asks `question` on the terminal unless --yes was given. 0 for yes; ERR_REFUSED for no; ERR_USAGE where there is no terminal to ask on. */
int confirm(const struct session *session, const char *question, struct err *err);

/* Splits NAMESPACE/KIND/NAME into the session's arena. ERR_USAGE. */
int workload_parse(struct session *session, const char *text, struct ledger_workload *out, struct err *err);

/* Calls `act` for each --workload, once with NULL where none was given. */
int each_workload_option(struct session *session, int64_t run,
                         int (*act)(struct session *session, int64_t run, const struct ledger_workload *workload,
                                    struct err *err),
                         struct err *err);

#endif
