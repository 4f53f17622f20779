#ifndef TARE_DRIVER_MINE_H
#define TARE_DRIVER_MINE_H

/* A report from the ledger's flat rows, for who sees only some namespaces of a run: `tare report RUN --mine`. */

#include "pipeline/driver/command.h"

/* Writes the report in `format` (table, json or markdown) to stdout. ERR_USAGE for another format. */
int mine_report(struct session *session, const struct ledger_run *run, const char *format, struct err *err);

#endif
