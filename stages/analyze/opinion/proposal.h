#ifndef TARE_ANALYZE_OPINION_PROPOSAL_H
#define TARE_ANALYZE_OPINION_PROPOSAL_H

/*
 * Amounts that a person (or a program on a person's behalf) proposes for one workload, from the file of --proposal. They only propose, as
 * a model's answer does: they are settled inside the same bounds, and what was moved is told. Every other workload stays as it is.
 *
 * The file: {"by"?,"containers":[{"name","cpu_request_millicores"?,"memory_request_bytes"?,"cpu_limit_millicores"?,
 * "memory_limit_bytes"?}],"reason","workload":"NAMESPACE/KIND/NAME"}. A namespace is the effective one.
 */

#include "stages/analyze/opinion/opinion.h"
#include "stages/analyze/sizing/sizing.h"

struct proposal;

/* Reads and checks the file: shape, names, numbers. *out new, free with proposal_free. ERR_NOINPUT, ERR_IO, ERR_DATA. */
int proposal_open(const char *path, struct proposal **out, struct err *err);

/* Frees; NULL is allowed. */
void proposal_free(struct proposal *proposal);

/* Puts the proposal's digest and its workload into the settings of an artifact's header. */
void proposal_settings(const struct proposal *proposal, json_t *settings);

/* Settles a plan, which was settled on the rules, on the proposal; one of another workload is left as it is. `opinion` is filled; its
 * strings live in the proposal or are static. */
void proposal_settle(struct proposal *proposal, struct plan *plan, struct opinion *opinion);

/* After the last record: ERR_DATA where the proposal's workload was not among them, or more than once, or has no such container. */
int proposal_finish(const struct proposal *proposal, struct err *err);

#endif
