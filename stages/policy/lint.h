#ifndef TARE_STAGES_POLICY_LINT_H
#define TARE_STAGES_POLICY_LINT_H

/* What is wrong with a policy, and what is legal but surely meant otherwise. Pure but for the calendar files that its windows name. */

#include "pipeline/cli/config.h"
#include "pipeline/io/json.h"

/* What was found: arrays of {"code","message"}; a message names file, line and key. */
struct findings {
    json_t *errors;
    json_t *warnings;
};

/* Looks through a file that config_load has taken. `now` is what windows are looked at from; `roles` the roles of the ledger's
 * server (array of names; borrowed), NULL where there is none to ask. `out` holds new arrays: findings_release. */
void lint(const struct config *config, int64_t now, const json_t *roles, struct findings *out);

/* Adds an error (borrowed) that somebody else found. */
void findings_error(struct findings *findings, const struct err *err);

/* Frees. */
void findings_release(struct findings *findings);

/* All roles that rules of the file name, each once. New array. */
json_t *lint_roles(const struct config *config);

#endif
