#include "pipeline/run/ledger_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
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

int ledger_past(struct ledger *ledger, int64_t run, int limit, json_t **out, struct err *err)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, run);
    return ledger_json(ledger, sql_run_past, PARAMS(db_text(run == 0 ? NULL : id), db_int(limit)), out, err);
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

/* Columns of history_page.sql: members of a line, in their canonical order. */
static const struct {
    const char *member;
    enum { COLUMN_TEXT, COLUMN_REAL, COLUMN_INTEGER, COLUMN_JSON } form;
} columns[] = {{"container", COLUMN_TEXT},  {"day", COLUMN_TEXT},     {"detail", COLUMN_JSON},
               {"kind", COLUMN_TEXT},       {"maximum", COLUMN_REAL}, {"mean", COLUMN_REAL},
               {"minimum", COLUMN_REAL},    {"name", COLUMN_TEXT},    {"namespace", COLUMN_TEXT},
               {"samples", COLUMN_INTEGER}, {"series", COLUMN_TEXT}};

/* What the next page begins after: the key of a row. */
static json_t *row_key(const struct db_rows *page, size_t row)
{
    static const char *const keys[] = {"namespace", "kind", "name", "container", "series", "day"};
    json_t *object = json_object();
    for (size_t k = 0; k < ARRAY_COUNT(keys); k++) {
        for (int c = 0; c < (int)ARRAY_COUNT(columns); c++) {
            if (strcmp(keys[k], columns[c].member) == 0) {
                json_object_set_new(object, keys[k], json_string(db_rows_text(page, row, c)));
            }
        }
    }
    return object;
}

static int put_real(struct buf *line, const char *text, struct err *err)
{
    json_t *real = json_real_or_null(text == NULL ? NAN : strtod(text, NULL));
    int failed = json_write(real, line, err);
    json_decref(real);
    return failed;
}

static int put_json(struct buf *line, const char *text, struct err *err)
{
    json_t *value = json_read(text, strlen(text), "the ledger's answer", err);
    int failed = value == NULL ? -1 : json_write(value, line, err);
    json_decref(value);
    return failed;
}

/* One row as a line of canonical JSON. */
static int put_row(const struct db_rows *page, size_t row, struct buf *lines, struct err *err)
{
    int failed = 0;
    buf_add_char(lines, '{');
    for (int c = 0; c < (int)ARRAY_COUNT(columns) && !failed; c++) {
        const char *text = db_rows_text(page, row, c);
        if (columns[c].form == COLUMN_JSON && text == NULL) {
            continue;
        }
        json_put_key(lines, columns[c].member);
        if (columns[c].form == COLUMN_TEXT) {
            json_put_string(lines, text);
        } else if (columns[c].form == COLUMN_INTEGER) {
            json_put_int(lines, text != NULL, db_rows_int(page, row, c, 0));
        } else {
            failed = columns[c].form == COLUMN_REAL ? put_real(lines, text, err) : put_json(lines, text, err);
        }
    }
    buf_add_str(lines, "}\n");
    return failed;
}

static int write_page(const struct db_rows *page, int fd, struct buf *lines, struct err *err)
{
    buf_clear(lines);
    for (size_t i = 0; i < db_rows_count(page); i++) {
        if (put_row(page, i, lines, err)) {
            return -1;
        }
    }
    if (lines->overflow) {
        return err_set(err, ERR_DATA, "rows of history are larger than %d MiB",
                       HISTORY_PAGE_BYTES / 1024 / 1024);
    }
    return fs_write_fd(fd, buf_str(lines), lines->length, "the history", err);
}

int ledger_history_copy(struct ledger *ledger, int64_t run, int days, int fd, int64_t *count, struct err *err)
{
    struct buf lines;
    buf_init(&lines, HISTORY_PAGE_BYTES);
    char *after = xstrdup("{}");
    int failed = 0;
    size_t rows = HISTORY_PAGE;
    *count = 0;
    while (!failed && rows == HISTORY_PAGE) {
        struct db_rows *page = NULL;
        failed =
            db_rows(ledger->db, sql_history_page,
                    PARAMS(db_int(run), db_int(days), db_text(after), db_int(HISTORY_PAGE)), &page, err) ||
            write_page(page, fd, &lines, err);
        rows = failed ? 0 : db_rows_count(page);
        *count += (int64_t)rows;
        if (rows > 0) {
            json_t *key = row_key(page, rows - 1);
            free(after);
            after = json_text(key);
            json_decref(key);
        }
        db_rows_free(page);
    }
    free(after);
    buf_release(&lines);
    return failed ? -1 : 0;
}
