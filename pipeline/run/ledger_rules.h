#ifndef TARE_RUN_LEDGER_RULES_H
#define TARE_RUN_LEDGER_RULES_H

/* What plans were judged by, and narrowing logins. Errors as in ledger.h. */

#include "pipeline/run/ledger.h"

/* The registered rows of a plan that this login sees: [{"namespace","kind","name","verdict","approvals_required","role","facts"}],
 * facts null where none were registered. */
int ledger_plan_facts(struct ledger *ledger, int64_t run, json_t **out, struct err *err);

/* Takes back everything that narrows a login: it sees what its role sees from then on. tare_admin only. */
int ledger_revoke_all(struct ledger *ledger, const char *login, struct err *err);

/* Whether this login sees a part of the namespaces only. */
int ledger_narrowed(struct ledger *ledger, bool *narrowed, struct err *err);

#endif
