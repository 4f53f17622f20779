#ifndef TARE_DRIVER_NOTIFY_EXEC_H
#define TARE_DRIVER_NOTIFY_EXEC_H

/* Starting tare-notify, with the configuration and the ledger of this invocation. `words` (NULL-terminated, borrowed) are options. */

#include "pipeline/driver/command.h"

/* Starts it and forgets it; it is ended after `seconds`. */
int notify_detach(struct session *session, const char *const *words, unsigned seconds, struct err *err);

/* Runs it to its end; what it says goes to standard error. */
int notify_run(struct session *session, const char *const *words, int *exit_code, struct err *err);

/* Runs it to its end and keeps the last of what it says. */
int notify_capture(struct session *session, const char *const *words, struct buf *said, int *exit_code, struct err *err);

#endif
