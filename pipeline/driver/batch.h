#ifndef TARE_DRIVER_BATCH_H
#define TARE_DRIVER_BATCH_H

/* One run for each cluster of the configuration, under a common batch: made in one transaction, each taken through the line by a
 * process of its own (`tare run --resume RUN`), so that what befalls one befalls no other. */

#include "pipeline/driver/command.h"

/* Whether `tare run` is asked for more than one run: the file has `clusters`, and none was chosen. */
bool batch_wanted(const struct session *session);

/* Makes the runs and takes them through the line; prints what became of each. The verdict is set where one did not end well:
 * the first code, in the order of the configuration, that is neither 0 nor 77; else 77 where a run ended with it and no other has
 * anything to approve or to apply. ERR_USAGE for options that are about one cluster. */
int batch_start(struct session *session, struct err *err);

/* Goes on with the unfinished runs of a batch. ERR_NOINPUT where there is no such batch. */
int batch_resume(struct session *session, const char *name, struct err *err);

#endif
