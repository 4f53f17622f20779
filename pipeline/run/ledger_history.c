#include "pipeline/run/ledger_internal.h"

#include <stdlib.h>

#include "pipeline/io/fs.h"

/* Rows of one answer: about a megabyte. */
enum { HISTORY_PAGE = 4000, HISTORY_PAGE_BYTES = 64 * 1024 * 1024 };

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

/* The rows of a page as lines. */
static int write_page(const json_t *page, int fd, struct buf *lines, struct err *err)
{
    size_t index;
    json_t *row;
    buf_clear(lines);
    json_array_foreach(page, index, row)
    {
        if (json_write(row, lines, err)) {
            return -1;
        }
        buf_add_char(lines, '\n');
    }
    return fs_write_fd(fd, buf_str(lines), lines->length, "the history", err);
}

int ledger_history_copy(struct ledger *ledger, int64_t run, int days, int fd, int64_t *count, struct err *err)
{
    struct buf lines;
    buf_init(&lines, HISTORY_PAGE_BYTES);
    json_t *page = NULL;
    char *after = xstrdup("{}");
    int failed = 0;
    size_t rows = HISTORY_PAGE;
    *count = 0;
    while (!failed && rows == HISTORY_PAGE) {
        failed = ledger_json(ledger, sql_history_page,
                             PARAMS(db_int(run), db_int(days), db_text(after), db_int(HISTORY_PAGE)), &page, err);
        if (!failed) {
            rows = json_array_size(page);
            *count += (int64_t)rows;
            failed = write_page(page, fd, &lines, err);
            free(after);
            after = rows == 0 ? NULL : json_text(json_array_get(page, rows - 1));
            json_decref(page);
        }
    }
    free(after);
    buf_release(&lines);
    return failed ? -1 : 0;
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
