#include "pipeline/run/ledger_rules.h"

#include "pipeline/run/ledger_internal.h"

int ledger_plan_facts(struct ledger *ledger, int64_t run, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_plan_facts, PARAMS(db_int(run)), out, err);
}

int ledger_revoke_all(struct ledger *ledger, const char *login, struct err *err)
{
    return db_none(ledger->db, sql_grant_remove_all, PARAMS(db_text(login)), err);
}

int ledger_narrowed(struct ledger *ledger, bool *narrowed, struct err *err)
{
    json_t *answer = NULL;
    if (ledger_json(ledger, sql_login_narrowed, NULL, 0, &answer, err)) {
        return -1;
    }
    *narrowed = json_is_true(answer);
    json_decref(answer);
    return 0;
}
