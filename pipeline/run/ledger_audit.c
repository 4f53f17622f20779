#include "pipeline/run/ledger_internal.h"

int ledger_audit_append(struct ledger *ledger, const char *action, int64_t run, const char *subject,
                        const json_t *detail, struct err *err)
{
    struct db_param params[] = {db_text(action), db_id(run), db_text(subject), db_text(NULL)};
    return ledger_put(ledger, sql_audit_append, params, ARRAY_COUNT(params), 3, detail, NULL, err);
}

int ledger_audit_list(struct ledger *ledger, int64_t run, int64_t after, int limit, json_t **out,
                      struct err *err)
{
    return ledger_json(ledger, sql_audit_list, PARAMS(db_id(run), db_int(after), db_int(limit)), out, err);
}

int ledger_audit_verify(struct ledger *ledger, struct arena *arena, struct ledger_audit_verdict *out,
                        struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(ledger->db, sql_audit_verify, NULL, 0, &row, err)) {
        return -1;
    }
    const char *head = db_rows_text(row, 0, 3);
    const char *message = db_rows_text(row, 0, 4);
    *out = (struct ledger_audit_verdict){
        .intact = db_rows_bool(row, 0, 0),
        .events = db_rows_int(row, 0, 1, 0),
        .broken_at = db_rows_int(row, 0, 2, 0),
        .head = arena_strdup(arena, head == NULL ? "" : head),
        .message = arena_strdup(arena, message == NULL ? "" : message),
    };
    db_rows_free(row);
    return 0;
}
