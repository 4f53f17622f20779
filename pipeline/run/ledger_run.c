#include "pipeline/run/ledger_internal.h"

#include <inttypes.h>
#include <stdlib.h>

/* Copies a column into the arena, NULL for null. */
static const char *text_at(const struct db_rows *rows, int column, struct arena *arena)
{
    const char *text = db_rows_text(rows, 0, column);
    return text == NULL ? NULL : arena_strdup(arena, text);
}

/* Columns as in run_get.sql. */
static int run_from_row(const struct db_rows *rows, struct arena *arena, struct ledger_run *out,
                        struct err *err)
{
    *out = (struct ledger_run){
        .id = db_rows_int(rows, 0, 0, 0),
        .parent = db_rows_int(rows, 0, 1, 0),
        .superseded_by = db_rows_int(rows, 0, 2, 0),
        .cluster = text_at(rows, 4, arena),
        .target = text_at(rows, 5, arena),
        .requested_by = text_at(rows, 6, arena),
        .created = text_at(rows, 7, arena),
        .state_since = text_at(rows, 8, arena),
        .reason = text_at(rows, 9, arena),
        .next_opening = text_at(rows, 10, arena),
        .plan_digest = text_at(rows, 11, arena),
        .program = text_at(rows, 12, arena),
        .batch = text_at(rows, 13, arena),
        .settings = text_at(rows, 14, arena),
        .schedule = text_at(rows, 15, arena),
        .proposal = text_at(rows, 16, arena),
    };
    return ledger_state_parse(db_rows_text(rows, 0, 3), &out->state, err);
}

static int no_run(int64_t id, struct err *err)
{
    err_set(err, ERR_NOINPUT, "run %" PRId64 " does not exist, or is not yours to see", id);
    return err_hint(err, "tare status");
}

/* One run by a query with the columns of run_get.sql; *found tells whether there was one. */
static int fetch(struct ledger *ledger, const char *sql, struct db_param key, struct arena *arena,
                 struct ledger_run *out, bool *found, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row_optional(ledger->db, sql, &key, 1, &row, err)) {
        return -1;
    }
    *found = row != NULL;
    int rc = row == NULL ? 0 : run_from_row(row, arena, out, err);
    db_rows_free(row);
    return rc;
}

/* A run that must be there. */
static int fetch_id(struct ledger *ledger, int64_t id, struct arena *arena, struct ledger_run *out,
                    struct err *err)
{
    bool found = false;
    if (fetch(ledger, sql_run_get, db_int(id), arena, out, &found, err)) {
        return -1;
    }
    return found ? 0 : no_run(id, err);
}

int ledger_run_create(struct ledger *ledger, const struct ledger_run_new *run, struct arena *arena,
                      struct ledger_run *out, struct err *err)
{
    int64_t id = 0;
    struct db_param params[] = {db_text(run->cluster), db_text(run->target), db_text(run->program),
                                db_text(run->batch),   db_text(NULL),        db_text(run->created),
                                db_text(run->schedule)};
    if (ledger_put(ledger, sql_run_create, params, ARRAY_COUNT(params), 4, run->settings, &id, err)) {
        return -1;
    }
    return fetch_id(ledger, id, arena, out, err);
}

int ledger_run_get(struct ledger *ledger, int64_t id, struct arena *arena, struct ledger_run *out,
                   struct err *err)
{
    if (db_none(ledger->db, sql_run_settle, PARAMS(db_int(id)), err)) {
        return -1;
    }
    return fetch_id(ledger, id, arena, out, err);
}

int ledger_run_latest(struct ledger *ledger, const char *state, struct arena *arena, struct ledger_run *out,
                      struct err *err)
{
    bool found = false;
    if (db_none(ledger->db, sql_settle_due, NULL, 0, err) ||
        fetch(ledger, sql_run_latest, db_text(state), arena, out, &found, err)) {
        return -1;
    }
    if (!found) {
        err_set(err, ERR_NOINPUT, "the ledger has no run%s%s", state == NULL ? "" : " that is ",
                state == NULL ? "" : state);
        return err_hint(err, "tare run");
    }
    return 0;
}

int ledger_run_list(struct ledger *ledger, const struct ledger_run_filter *filter, json_t **out, struct err *err)
{
    if (db_none(ledger->db, sql_settle_due, NULL, 0, err)) {
        return -1;
    }
    return ledger_json(ledger, sql_run_list,
                       PARAMS(db_id(filter->before), db_int(filter->limit), db_text(filter->batch), db_text(filter->schedule)), out, err);
}

int ledger_run_namespaces(struct ledger *ledger, int64_t run, const char *const *namespaces, size_t count,
                          struct err *err)
{
    json_t *names = ledger_strings(namespaces, count);
    struct db_param params[] = {db_int(run), db_text(NULL)};
    int rc = ledger_put(ledger, sql_run_namespaces, params, ARRAY_COUNT(params), 1, names, NULL, err);
    json_decref(names);
    return rc;
}

int ledger_run_fail(struct ledger *ledger, int64_t run, const char *reason, struct err *err)
{
    return db_none(ledger->db, sql_run_fail, PARAMS(db_int(run), db_text(reason)), err);
}

int ledger_run_lock(struct ledger *ledger, int64_t run, struct err *err)
{
    return db_none(ledger->db, sql_run_lock, PARAMS(db_int(run)), err);
}

int ledger_run_unlock(struct ledger *ledger, int64_t run, struct err *err)
{
    return db_none(ledger->db, sql_run_unlock, PARAMS(db_int(run)), err);
}

int ledger_rerun(struct ledger *ledger, int64_t run, const char *const *keep, size_t keep_count,
                 const json_t *settings, struct arena *arena, struct ledger_run *out, struct err *err)
{
    json_t *stages = ledger_strings(keep, keep_count);
    char *text = settings == NULL ? NULL : json_text(settings);
    struct db_param params[] = {db_int(run), db_text(NULL), db_text(text)};
    int64_t id = 0;
    int rc = ledger_put(ledger, sql_rerun, params, ARRAY_COUNT(params), 1, stages, &id, err);
    json_decref(stages);
    free(text);
    return rc ? rc : fetch_id(ledger, id, arena, out, err);
}

int ledger_propose(struct ledger *ledger, int64_t run, const char *const *keep, size_t keep_count, const json_t *settings,
                   const json_t *proposal, struct arena *arena, struct ledger_run *out, struct err *err)
{
    json_t *stages = ledger_strings(keep, keep_count);
    char *kept = json_text(stages);
    char *text = settings == NULL ? NULL : json_text(settings);
    struct db_param params[] = {db_int(run), db_text(kept), db_text(text), db_text(NULL)};
    int64_t id = 0;
    int rc = ledger_put(ledger, sql_propose, params, ARRAY_COUNT(params), 3, proposal, &id, err);
    json_decref(stages);
    free(kept);
    free(text);
    return rc ? rc : fetch_id(ledger, id, arena, out, err);
}
