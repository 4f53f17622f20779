#include "pipeline/run/ledger_batch.h"

#include <stdlib.h>

#include "pipeline/run/ledger_internal.h"

int ledger_batch_begin(struct ledger *ledger, const char *program, const json_t *runs, const char *created, const char *schedule,
                       json_t **out, struct err *err)
{
    char *text = json_text(runs);
    int failed =
        ledger_json(ledger, sql_batch_begin, PARAMS(db_text(program), db_text(text), db_text(created), db_text(schedule)), out, err);
    free(text);
    return failed;
}

int ledger_batch_get(struct ledger *ledger, const char *name, json_t **out, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_none(ledger->db, sql_settle_due, NULL, 0, err) ||
        db_row_optional(ledger->db, sql_batch_get, PARAMS(db_text(name)), &row, err)) {
        return -1;
    }
    const char *text = row == NULL ? NULL : db_rows_text(row, 0, 0);
    if (text == NULL) {
        db_rows_free(row);
        err_set(err, ERR_NOINPUT, "there is no batch %.80s, or none of its runs is yours to see", name);
        return err_hint(err, "tare status lists the runs with their batches");
    }
    *out = json_read(text, strlen(text), "the ledger's answer", err);
    db_rows_free(row);
    return *out == NULL ? -1 : 0;
}
