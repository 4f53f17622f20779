#include "pipeline/run/ledger_object.h"

#include <stdlib.h>

#include "pipeline/run/ledger_internal.h"

int ledger_object_check(struct ledger *ledger, int64_t run, const struct ledger_workload *workload, struct arena *arena,
                        struct ledger_object_check *out, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(ledger->db, sql_object_check,
               PARAMS(db_int(run), db_text(workload->namespace), db_text(workload->kind), db_text(workload->name)), &row, err)) {
        return -1;
    }
    const char *reason = db_rows_text(row, 0, 1);
    const char *now = db_rows_text(row, 0, 2);
    *out = (struct ledger_object_check){
        .approved = db_rows_bool(row, 0, 0),
        .reason = arena_strdup(arena, reason == NULL ? "the ledger gave no reason" : reason),
        .now = arena_strdup(arena, now == NULL ? "" : now),
    };
    db_rows_free(row);
    return 0;
}

int ledger_object_begin(struct ledger *ledger, int64_t run, const struct ledger_object_new *object, int64_t *id,
                        enum ledger_change_state *state, struct err *err)
{
    const struct ledger_workload *workload = &object->workload;
    char *detail = json_text(object->detail);
    struct db_rows *row = NULL;
    int rc = db_row(ledger->db, sql_object_begin,
                    PARAMS(db_int(run), db_text(object->object), db_text(workload->namespace), db_text(workload->kind),
                           db_text(workload->name), db_bytes(object->before, object->before_size), db_text(detail),
                           db_text(object->floor)),
                    &row, err);
    if (rc == 0) {
        *id = db_rows_int(row, 0, 0, 0);
        rc = ledger_change_state_parse(db_rows_text(row, 0, 1), state, err);
        db_rows_free(row);
    }
    free(detail);
    return rc;
}

int ledger_object_lock(struct ledger *ledger, int64_t change, struct err *err)
{
    return db_none(ledger->db, sql_object_lock, PARAMS(db_int(change)), err);
}

int ledger_object_move(struct ledger *ledger, int64_t change, enum ledger_change_state to, const json_t *detail,
                       const struct ledger_backoff *backoff, struct err *err)
{
    char *added = detail == NULL ? NULL : json_text(detail);
    json_t *lengths = json_pack("{s:I,s:I,s:b}", "seconds", (json_int_t)backoff->seconds, "most", (json_int_t)backoff->most,
                                "failed_only", backoff->failed_only);
    char *alone = json_text(lengths);
    int rc = db_none(ledger->db, sql_object_move,
                     PARAMS(db_int(change), db_text(ledger_change_state_name(to)), db_text(added), db_text(alone)), err);
    json_decref(lengths);
    free(alone);
    free(added);
    return rc;
}

int ledger_redo_begin(struct ledger *ledger, int64_t run, const char *plan, struct err *err)
{
    return db_none(ledger->db, sql_redo_begin, PARAMS(db_int(run), db_text(plan)), err);
}

int ledger_redo_end(struct ledger *ledger, int64_t run, const char *reason, struct err *err)
{
    return db_none(ledger->db, sql_redo_end, PARAMS(db_int(run), db_text(reason)), err);
}

int ledger_backoffs(struct ledger *ledger, const char *cluster, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_backoff_list, PARAMS(db_text(cluster)), out, err);
}
