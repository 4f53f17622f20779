#ifndef TARE_CLI_STRICTER_H
#define TARE_CLI_STRICTER_H

/* Whether a run's own file is at least as strict as the stored policy. */

#include "pipeline/base/err.h"
#include "pipeline/cli/config.h"

/* Compares every governed value that the own file gives with the stored one. ERR_CONFIG for the first that is
 * weaker, naming file, line, key and both values. */
int stricter_check(const struct config *stored, const struct config *own, struct err *err);

#endif
