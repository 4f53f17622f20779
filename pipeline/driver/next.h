#ifndef TARE_DRIVER_NEXT_H
#define TARE_DRIVER_NEXT_H

/* The commands to type next: those that work now, for this run, as things stand. */

#include "pipeline/driver/command.h"
#include "pipeline/io/json.h"

/* Prints "next:" and the commands. Asks the ledger who may approve; a question that fails gives a general name. */
void next_print(struct session *session, const struct ledger_run *run);

/* The commands alone, for programs. New array of strings. */
json_t *next_json(struct session *session, const struct ledger_run *run);

/* next_print for who does not see the run whole. Returns 0. */
int next_print_part(struct session *session, const struct ledger_run *run);

#endif
