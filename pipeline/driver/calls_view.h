#ifndef TARE_DRIVER_CALLS_VIEW_H
#define TARE_DRIVER_CALLS_VIEW_H

/* Calls to language models, for people who look after the bill and after what was sent: `tare history llm [RUN]`. */

#include <stdbool.h>

#include "pipeline/driver/command.h"

/* Prints what each of the last `limit` runs spent, and the month's bill; with a second operand the calls of that run. As JSON an array.
 * ERR_NOINPUT where the run is not there, and those of the ledger. */
int calls_view(struct session *session, bool json, int limit, struct err *err);

#endif
