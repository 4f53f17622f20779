#include "pipeline/run/ledger_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/io/hash.h"

int ledger_apply_begin(struct ledger *ledger, int64_t run, const char *plan, bool resume, struct err *err)
{
    if (db_none(ledger->db, sql_run_settle, PARAMS(db_int(run)), err)) {
        return -1;
    }
    return db_none(ledger->db, sql_apply_begin, PARAMS(db_int(run), db_text(plan), db_bool(resume)), err);
}

int ledger_apply_end(struct ledger *ledger, int64_t run, enum ledger_state outcome, const char *reason,
                     struct err *err)
{
    return db_none(ledger->db, sql_apply_end,
                   PARAMS(db_int(run), db_text(ledger_state_name(outcome)), db_text(reason)), err);
}

int ledger_refuse(struct ledger *ledger, int64_t run, const char *reason, const char *next_opening,
                  struct err *err)
{
    if (db_none(ledger->db, sql_run_settle, PARAMS(db_int(run)), err)) {
        return -1;
    }
    return db_none(ledger->db, sql_refuse, PARAMS(db_int(run), db_text(reason), db_text(next_opening)), err);
}

int ledger_apply_check(struct ledger *ledger, int64_t run, const struct ledger_workload *workload,
                       struct arena *arena, struct ledger_check *out, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(ledger->db, sql_apply_check,
               PARAMS(db_int(run), db_text(workload->namespace), db_text(workload->kind),
                      db_text(workload->name)),
               &row, err)) {
        return -1;
    }
    const char *reason = db_rows_text(row, 0, 3);
    *out = (struct ledger_check){
        .approved = db_rows_bool(row, 0, 0),
        .required = (int)db_rows_int(row, 0, 1, 0),
        .valid = (int)db_rows_int(row, 0, 2, 0),
        .reason = arena_strdup(arena, reason == NULL ? "the ledger gave no reason" : reason),
    };
    db_rows_free(row);
    return 0;
}

/* Runs one of the two statements about a workload's lock. */
static int workload_call(struct ledger *ledger, const char *sql, int64_t run,
                         const struct ledger_workload *workload, struct err *err)
{
    return db_none(
        ledger->db, sql,
        PARAMS(db_int(run), db_text(workload->namespace), db_text(workload->kind), db_text(workload->name)),
        err);
}

int ledger_workload_lock(struct ledger *ledger, int64_t run, const struct ledger_workload *workload,
                         struct err *err)
{
    return workload_call(ledger, sql_workload_lock, run, workload, err);
}

int ledger_workload_unlock(struct ledger *ledger, int64_t run, const struct ledger_workload *workload,
                           struct err *err)
{
    return workload_call(ledger, sql_workload_unlock, run, workload, err);
}

/* New JSON array of the workloads of a change. */
static json_t *workloads_json(const struct ledger_change_new *change)
{
    json_t *array = json_array();
    for (size_t i = 0; i < change->workload_count; i++) {
        const struct ledger_workload *w = &change->workloads[i];
        json_t *item = json_object();
        json_object_set_new(item, "namespace", json_string_safe(w->namespace));
        json_object_set_new(item, "kind", json_string_safe(w->kind));
        json_object_set_new(item, "name", json_string_safe(w->name));
        json_array_append_new(array, item);
    }
    return array;
}

int ledger_change_begin(struct ledger *ledger, int64_t run, const struct ledger_change_new *change,
                        int64_t *id, enum ledger_change_state *state, struct err *err)
{
    json_t *array = workloads_json(change);
    char *workloads = json_text(array);
    char *detail = change->detail == NULL ? xstrdup("{}") : json_text(change->detail);
    struct db_rows *row = NULL;
    int rc = db_row(ledger->db, sql_change_begin,
                    PARAMS(db_int(run), db_text(change->object), db_text(workloads),
                           db_bytes(change->before, change->before_size), db_text(detail)),
                    &row, err);
    if (rc == 0) {
        *id = db_rows_int(row, 0, 0, 0);
        rc = ledger_change_state_parse(db_rows_text(row, 0, 1), state, err);
        db_rows_free(row);
    }
    json_decref(array);
    free(workloads);
    free(detail);
    return rc;
}

int ledger_change_move(struct ledger *ledger, int64_t change, enum ledger_change_state to,
                       const json_t *detail, struct err *err)
{
    struct db_param params[] = {db_int(change), db_text(ledger_change_state_name(to)), db_text(NULL)};
    return ledger_put(ledger, sql_change_to, params, ARRAY_COUNT(params), 2, detail, NULL, err);
}

/* Columns as in change_list.sql. */
static int change_from_row(const struct db_rows *rows, size_t i, struct arena *arena,
                           struct ledger_change *out, struct err *err)
{
    const char *texts[9];
    for (int column = 0; column < 9; column++) {
        const char *text = db_rows_text(rows, i, column);
        texts[column] = text == NULL ? NULL : arena_strdup(arena, text);
    }
    *out = (struct ledger_change){
        .id = db_rows_int(rows, i, 0, 0),
        .sequence = (int)db_rows_int(rows, i, 1, 0),
        .object = texts[3],
        .before_digest = texts[4],
        .before_size = db_rows_int(rows, i, 5, 0),
        .detail = texts[6],
        .workloads = texts[7],
        .updated = texts[8],
    };
    return ledger_change_state_parse(texts[2], &out->state, err);
}

int ledger_changes(struct ledger *ledger, int64_t run, struct arena *arena, struct ledger_changes *out,
                   struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_rows(ledger->db, sql_change_list, PARAMS(db_int(run)), &rows, err)) {
        return -1;
    }
    out->count = db_rows_count(rows);
    out->items = arena_alloc_array(arena, out->count + 1, sizeof *out->items);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < out->count; i++) {
        rc = change_from_row(rows, i, arena, &out->items[i], err);
    }
    db_rows_free(rows);
    return rc;
}

int ledger_change_before(struct ledger *ledger, int64_t change, struct buf *out, struct err *err)
{
    struct db_rows *row = NULL;
    bool found = false;
    size_t start = out->length;
    if (db_row_optional(ledger->db, sql_change_digest, PARAMS(db_int(change)), &row, err)) {
        return -1;
    }
    if (row == NULL) {
        return err_set(err, ERR_NOINPUT, "change %" PRId64 " does not exist, or is not yours to see", change);
    }
    int rc = db_value_bytes(ledger->db, sql_change_before, PARAMS(db_int(change)), out, &found, err);
    char digest[DIGEST_HEX];
    const char *stored = db_rows_text(row, 0, 0);
    if (rc == 0 && (!found || stored == NULL ||
                    strcmp(hash_bytes(buf_str(out) + start, out->length - start, digest), stored) != 0)) {
        rc = err_set(err, ERR_DATA, "the stored before-image of change %" PRId64 " is damaged", change);
    }
    db_rows_free(row);
    return rc;
}

int ledger_rollback_begin(struct ledger *ledger, int64_t run, struct err *err)
{
    return db_none(ledger->db, sql_rollback_begin, PARAMS(db_int(run)), err);
}

int ledger_rollback_end(struct ledger *ledger, int64_t run, enum ledger_state outcome, const char *reason,
                        struct err *err)
{
    return db_none(ledger->db, sql_rollback_end,
                   PARAMS(db_int(run), db_text(ledger_state_name(outcome)), db_text(reason)), err);
}
