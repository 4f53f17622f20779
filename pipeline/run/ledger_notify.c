#include "pipeline/run/ledger_internal.h"

#include <stdlib.h>

int ledger_notify_put(struct ledger *ledger, int64_t run, const char *event, const json_t *receivers, const json_t *facts,
                      int64_t *count, struct err *err)
{
    char *names = json_text(receivers);
    struct db_param params[] = {db_int(run), db_text(event), db_text(names), db_text(NULL)};
    int failed = ledger_put(ledger, sql_notify_put, params, ARRAY_COUNT(params), 3, facts, count, err);
    free(names);
    return failed;
}

int ledger_notify_take(struct ledger *ledger, const json_t *receivers, int64_t lease_seconds, json_t **out, struct err *err)
{
    char *text = json_text(receivers);
    struct db_rows *row = NULL;
    *out = NULL;
    int failed = db_row_optional(ledger->db, sql_notify_take, PARAMS(db_text(text), db_int(lease_seconds)), &row, err);
    free(text);
    const char *taken = row == NULL ? NULL : db_rows_text(row, 0, 0);
    if (!failed && taken != NULL) {
        *out = json_read(taken, strlen(taken), "the ledger's answer", err);
        failed = *out == NULL;
    }
    db_rows_free(row);
    return failed ? -1 : 0;
}

int ledger_notify_done(struct ledger *ledger, const struct ledger_notify_end *end, struct err *err)
{
    return db_none(ledger->db, sql_notify_done,
                   PARAMS(db_int(end->id), db_text(end->lease), db_text(end->outcome), db_text(end->error), db_int(end->wait_ms),
                          db_int(end->pause_ms)),
                   err);
}

int ledger_notify_retry(struct ledger *ledger, int64_t id, int64_t *count, struct err *err)
{
    return db_value_int(ledger->db, sql_notify_retry, PARAMS(db_id(id)), count, err);
}

int ledger_notify_hurry(struct ledger *ledger, const json_t *receivers, struct err *err)
{
    char *names = json_text(receivers);
    int failed = db_none(ledger->db, sql_notify_hurry, PARAMS(db_text(names)), err);
    free(names);
    return failed;
}

int ledger_notify_next(struct ledger *ledger, const json_t *receivers, int64_t *milliseconds, struct err *err)
{
    struct db_rows *row = NULL;
    char *names = json_text(receivers);
    int failed = db_row(ledger->db, sql_notify_next, PARAMS(db_text(names)), &row, err);
    free(names);
    if (!failed) {
        *milliseconds = db_rows_int(row, 0, 0, -1);
    }
    db_rows_free(row);
    return failed;
}

int ledger_notify_list(struct ledger *ledger, int limit, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_notify_list, PARAMS(db_int(limit)), out, err);
}

int ledger_notify_given_up(struct ledger *ledger, int64_t *count, struct err *err)
{
    return db_value_int(ledger->db, sql_notify_given_up, NULL, 0, count, err);
}
