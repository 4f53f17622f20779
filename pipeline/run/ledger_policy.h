#ifndef TARE_RUN_LEDGER_POLICY_H
#define TARE_RUN_LEDGER_POLICY_H

/* Policies of the past, and the roles that rules name. ledger.h has the policy in force. */

#include "pipeline/run/ledger.h"

/* The policies that were ever stored, latest first, at most `most`: [{"digest","set_by","at","in_force"}]. *out new. */
int ledger_policy_list(struct ledger *ledger, int64_t most, json_t **out, struct err *err);

/* The latest stored policy whose digest begins so, as ledger_policy_get gives it. ERR_NOINPUT where there is none. *out new. */
int ledger_policy_find(struct ledger *ledger, const char *digest, json_t **out, struct err *err);

/* Those of `roles` (array of names; borrowed) that the ledger's server has. *out new array. */
int ledger_roles_known(struct ledger *ledger, const json_t *roles, json_t **out, struct err *err);

#endif
