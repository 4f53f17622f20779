#include "pipeline/run/ledger_answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/io/fs.h"
#include "pipeline/run/ledger_internal.h"

/* A row is at most 200 KiB: rows of one page, and the bytes that hold their lines. */
enum { ANSWERS_PAGE = 200, ANSWERS_PAGE_BYTES = 96 * 1024 * 1024 };

int ledger_llm_put(struct ledger *ledger, int64_t run, const json_t *rows, struct err *err)
{
    struct db_param params[] = {db_id(run), db_text(NULL)};
    return ledger_put(ledger, sql_llm_put, params, ARRAY_COUNT(params), 1, rows, NULL, err);
}

int ledger_answers_put(struct ledger *ledger, int64_t attempt, const json_t *rows, struct err *err)
{
    struct db_param params[] = {db_int(attempt), db_text(NULL)};
    return ledger_put(ledger, sql_answers_put, params, ARRAY_COUNT(params), 1, rows, NULL, err);
}

int ledger_answers_source(struct ledger *ledger, int64_t run, int64_t *source, struct err *err)
{
    return db_value_int(ledger->db, sql_answers_source, PARAMS(db_int(run)), source, err);
}

/* Columns of answers_*.sql: members of a row, in their canonical order, and what a page begins after. */
static const char *const members[] = {"at",   "evidence",  "exchange", "key",      "kind",   "model",
                                      "name", "namespace", "outcome",  "provider", "reason", "text"};
enum { COLUMN_KEY = 3, COLUMN_ID = ARRAY_COUNT(members) };

static int write_page(const struct db_rows *page, int fd, struct buf *lines, struct err *err)
{
    buf_clear(lines);
    for (size_t i = 0; i < db_rows_count(page); i++) {
        buf_add_str(lines, "{\"answer\":{");
        for (int c = 0; c < (int)ARRAY_COUNT(members); c++) {
            json_put_key(lines, members[c]);
            json_put_string(lines, db_rows_text(page, i, c));
        }
        buf_add_str(lines, "}}\n");
    }
    if (lines->overflow) {
        return err_set(err, ERR_DATA, "answers of models are larger than %d MiB", ANSWERS_PAGE_BYTES / 1024 / 1024);
    }
    return fs_write_fd(fd, buf_str(lines), lines->length, "the answers", err);
}

/* Where a page begins: after this id, or after this key. */
struct after {
    int64_t id;
    char key[LEDGER_DIGEST_SIZE];
};

static int read_page(struct ledger *ledger, int64_t run, int64_t seconds, const struct after *after, struct db_rows **page, struct err *err)
{
    return seconds < 0 ? db_rows(ledger->db, sql_answers_of, PARAMS(db_int(run), db_int(after->id), db_int(ANSWERS_PAGE)), page, err)
                       : db_rows(ledger->db, sql_answers_young,
                                 PARAMS(db_int(run), db_int(seconds), db_text(after->key), db_int(ANSWERS_PAGE)), page, err);
}

/* `seconds` below 0: all rows of the run itself. */
static int copy(struct ledger *ledger, int64_t run, int64_t seconds, int fd, int64_t *count, struct err *err)
{
    struct after after = {.id = 0};
    struct buf lines;
    buf_init(&lines, ANSWERS_PAGE_BYTES);
    int failed = 0;
    size_t rows = ANSWERS_PAGE;
    while (!failed && rows == ANSWERS_PAGE) {
        struct db_rows *page = NULL;
        failed = read_page(ledger, run, seconds, &after, &page, err) || write_page(page, fd, &lines, err);
        rows = failed ? 0 : db_rows_count(page);
        *count += (int64_t)rows;
        if (rows > 0) {
            after.id = db_rows_int(page, rows - 1, COLUMN_ID, 0);
            (void)snprintf(after.key, sizeof after.key, "%s", db_rows_text(page, rows - 1, COLUMN_KEY));
        }
        db_rows_free(page);
    }
    buf_release(&lines);
    return failed ? -1 : 0;
}

int ledger_answers_of(struct ledger *ledger, int64_t run, int fd, int64_t *count, struct err *err)
{
    return copy(ledger, run, -1, fd, count, err);
}

int ledger_answers_young(struct ledger *ledger, int64_t run, int64_t seconds, int fd, int64_t *count, struct err *err)
{
    return copy(ledger, run, seconds < 0 ? 0 : seconds, fd, count, err);
}

int ledger_llm_batches_put(struct ledger *ledger, int64_t attempt, const json_t *rows, struct err *err)
{
    struct db_param params[] = {db_int(attempt), db_text(NULL)};
    return ledger_put(ledger, sql_llm_batches_put, params, ARRAY_COUNT(params), 1, rows, NULL, err);
}

int ledger_llm_batches(struct ledger *ledger, int64_t run, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_llm_batches, PARAMS(db_int(run)), out, err);
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

int ledger_llm_list(struct ledger *ledger, int64_t run, int limit, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_llm_list, PARAMS(db_int(run), db_int(limit)), out, err);
}

int ledger_llm_runs(struct ledger *ledger, int limit, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_llm_runs, PARAMS(db_int(limit)), out, err);
}
