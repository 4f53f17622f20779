#include "pipeline/run/ledger_policy.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/run/ledger_internal.h"

int ledger_policy_list(struct ledger *ledger, int64_t most, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_policy_list, PARAMS(db_int(most)), out, err);
}

int ledger_policy_find(struct ledger *ledger, const char *digest, json_t **out, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row_optional(ledger->db, sql_policy_text, PARAMS(db_text(digest)), &row, err)) {
        return -1;
    }
    const char *text = row == NULL ? NULL : db_rows_text(row, 0, 0);
    if (text == NULL) {
        db_rows_free(row);
        err_set(err, ERR_NOINPUT, "no policy with the digest %.64s was ever stored", digest);
        return err_hint(err, "tare policy history lists them");
    }
    *out = json_read(text, strlen(text), "the ledger's answer", err);
    db_rows_free(row);
    return *out == NULL ? -1 : 0;
}

int ledger_roles_known(struct ledger *ledger, const json_t *roles, json_t **out, struct err *err)
{
    char *text = json_text(roles);
    int failed = ledger_json(ledger, sql_roles_known, PARAMS(db_text(text)), out, err);
    free(text);
    return failed;
}
