#include "pipeline/run/ledger_evidence.h"

#include <inttypes.h>

#include "pipeline/run/ledger_internal.h"

int ledger_plan_evidence(struct ledger *ledger, int64_t run, json_t **out, struct err *err)
{
    struct db_rows *row = NULL;
    *out = NULL;
    if (db_row_optional(ledger->db, sql_plan_evidence, PARAMS(db_int(run)), &row, err)) {
        return -1;
    }
    const char *text = row == NULL ? NULL : db_rows_text(row, 0, 0);
    if (text == NULL) {
        err_set(err, ERR_NOINPUT, "run %" PRId64 " does not exist, or is not yours to see", run);
    } else {
        *out = json_read(text, strlen(text), "what the ledger has of the plan", err);
    }
    db_rows_free(row);
    return *out == NULL ? -1 : 0;
}

int ledger_run_newest(struct ledger *ledger, int64_t run, struct arena *arena, const char **out, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(ledger->db, sql_run_newest_time, PARAMS(db_int(run)), &row, err)) {
        return -1;
    }
    const char *text = db_rows_text(row, 0, 0);
    *out = text == NULL ? NULL : arena_strdup(arena, text);
    db_rows_free(row);
    return 0;
}
