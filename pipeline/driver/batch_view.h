#ifndef TARE_DRIVER_BATCH_VIEW_H
#define TARE_DRIVER_BATCH_VIEW_H

/* What people see of the runs of a batch together. */

#include "pipeline/driver/command.h"

/* Prints the runs of the batch that --batch names, with their sums, as a table or JSON. ERR_NOINPUT where there is none to see. */
int batch_status(struct session *session, bool json, struct err *err);

/* Writes the report of the batch that --batch names to `out`: tare-report over the newest artifact of each run that counts, which it is
 * handed as files. A run without one is in the report with the reason. */
int batch_report(struct session *session, const char *format, int out, struct err *err);

#endif
