#include "pipeline/run/ledger_internal.h"

int ledger_results_put(struct ledger *ledger, int64_t run, const json_t *rows, struct err *err)
{
    struct db_param params[] = {db_int(run), db_text(NULL)};
    return ledger_put(ledger, sql_results_put, params, ARRAY_COUNT(params), 1, rows, NULL, err);
}

int ledger_results_get(struct ledger *ledger, int64_t run, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_results_get, PARAMS(db_int(run)), out, err);
}

int ledger_trend(struct ledger *ledger, const struct ledger_workload *workload, int limit, json_t **out,
                 struct err *err)
{
    if (workload == NULL) {
        return ledger_json(ledger, sql_trend_runs, PARAMS(db_int(limit)), out, err);
    }
    return ledger_json(
        ledger, sql_trend_workload,
        PARAMS(db_text(workload->namespace), db_text(workload->kind), db_text(workload->name), db_int(limit)),
        out, err);
}

int ledger_series_put(struct ledger *ledger, const char *cluster, const json_t *rows, struct err *err)
{
    struct db_param params[] = {db_text(cluster), db_text(NULL)};
    return ledger_put(ledger, sql_series_put, params, ARRAY_COUNT(params), 1, rows, NULL, err);
}

int ledger_series_get(struct ledger *ledger, const char *cluster, const char *from, const char *to,
                      json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_series_get, PARAMS(db_text(cluster), db_text(from), db_text(to)), out,
                       err);
}

int ledger_llm_put(struct ledger *ledger, int64_t run, const json_t *rows, struct err *err)
{
    struct db_param params[] = {db_id(run), db_text(NULL)};
    return ledger_put(ledger, sql_llm_put, params, ARRAY_COUNT(params), 1, rows, NULL, err);
}

int ledger_llm_get(struct ledger *ledger, int64_t max_age_seconds, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_llm_get, PARAMS(db_id(max_age_seconds)), out, err);
}

int ledger_llm_month(struct ledger *ledger, int64_t *tokens, int64_t *microusd, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(ledger->db, sql_llm_month, NULL, 0, &row, err)) {
        return -1;
    }
    *tokens = db_rows_int(row, 0, 0, 0);
    *microusd = db_rows_int(row, 0, 1, 0);
    db_rows_free(row);
    return 0;
}
