#ifndef TARE_DRIVER_PROPOSAL_H
#define TARE_DRIVER_PROPOSAL_H

/* What somebody asks for one workload, from the words of `tare propose`, and what became of it in the plan. */

#include "pipeline/driver/command.h"
#include "pipeline/io/json.h"

/* Reads the words from operand `first` on ("[CONTAINER.]FIELD=AMOUNT"; FIELD is requests.cpu, requests.memory, limits.cpu or
 * limits.memory, AMOUNT a Kubernetes quantity above 0) for a workload (borrowed). New proposal as tare-analyze --proposal reads it, with
 * `reason`. ERR_USAGE: nothing asked, a word that is none, a container that is not there or not named where there are several, a field
 * twice. */
int proposal_read(const struct session *session, size_t first, const json_t *workload, const char *name, const char *reason,
                  json_t **out, struct err *err);

/* New {"amounts":[{"asked","container","field","from","to"}],"by","clamped":[{"asked","bound","by","container","field","kind","to","why"}],
 * "reason","risk","verdict","workload"} of a proposal in the record of a gated artifact (borrowed). Amounts are Kubernetes quantities, null
 * for none. */
json_t *proposal_outcome(const json_t *proposal, const json_t *record);

/* Prints it for people. */
void proposal_print(const json_t *outcome);

#endif
