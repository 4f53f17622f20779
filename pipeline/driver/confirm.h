#ifndef TARE_DRIVER_CONFIRM_H
#define TARE_DRIVER_CONFIRM_H

/* Asking a person, and reading what --workload names. */

#include "pipeline/driver/command.h"

/* Asks `question` on the terminal unless --yes was given. 0 for yes; ERR_REFUSED for no; ERR_USAGE where there is no terminal to ask on. */
int confirm(const struct session *session, const char *question, struct err *err);

/* Splits NAMESPACE/KIND/NAME into the session's arena. ERR_USAGE. */
int workload_parse(struct session *session, const char *text, struct ledger_workload *out, struct err *err);

#endif
