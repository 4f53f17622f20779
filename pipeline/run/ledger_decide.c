#include "pipeline/run/ledger_decide.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/str.h"
#include "pipeline/run/ledger_internal.h"

/* Expiry is a move of its own, so that it stays even where what follows is refused. */
static int settle(struct ledger *ledger, int64_t run, struct err *err)
{
    return db_none(ledger->db, sql_run_settle, PARAMS(db_int(run)), err);
}

/* The list of workloads as JSON text, NULL for all. New. */
static char *choice_text(const struct ledger_choice *choice)
{
    if (choice == NULL || choice->count == 0) {
        return NULL;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < choice->count; i++) {
        const struct ledger_workload *item = &choice->items[i];
        json_t *object = json_object();
        json_object_set_new(object, "namespace", json_string_safe(item->namespace));
        json_object_set_new(object, "kind", json_string_safe(item->kind));
        json_object_set_new(object, "name", json_string_safe(item->name));
        json_array_append_new(list, object);
    }
    char *text = json_text(list);
    json_decref(list);
    return text;
}

/* Runs a decision's statement, whose answer has the run's state. *answer is new. */
static int decide(struct ledger *ledger, const char *sql, const struct db_param *params, size_t count, struct ledger_decision *out,
                  json_t **answer, struct err *err)
{
    *out = (struct ledger_decision){.state = LEDGER_FAILED};
    if (ledger_json(ledger, sql, params, count, answer, err)) {
        return -1;
    }
    const char *state = json_string_or_null(*answer, "state");
    if (ledger_state_parse(state == NULL ? "" : state, &out->state, err)) {
        json_decref(*answer);
        return -1;
    }
    out->already = json_int_or(*answer, "already", 0);
    return 0;
}

int ledger_approve(struct ledger *ledger, int64_t run, const char *plan, const struct ledger_choice *choice, const char *reason,
                   struct ledger_decision *out, struct err *err)
{
    json_t *answer = NULL;
    if (settle(ledger, run, err)) {
        return -1;
    }
    char *text = choice_text(choice);
    int failed = decide(ledger, sql_approve, PARAMS(db_int(run), db_text(plan), db_text(text), db_text(reason)), out, &answer, err);
    free(text);
    if (!failed) {
        out->decided = json_int_or(answer, "covers", 0) - out->already;
        json_decref(answer);
    }
    return failed;
}

int ledger_reject(struct ledger *ledger, int64_t run, const char *reason, struct err *err)
{
    return settle(ledger, run, err) || db_none(ledger->db, sql_reject, PARAMS(db_int(run), db_text(reason)), err) ? -1 : 0;
}

int ledger_reject_workloads(struct ledger *ledger, int64_t run, const struct ledger_choice *choice, const char *reason,
                            struct ledger_decision *out, struct err *err)
{
    json_t *answer = NULL;
    if (settle(ledger, run, err)) {
        return -1;
    }
    char *text = choice_text(choice);
    int failed = decide(ledger, sql_reject_workloads, PARAMS(db_int(run), db_text(text), db_text(reason)), out, &answer, err);
    free(text);
    if (!failed) {
        out->decided = json_int_or(answer, "rejected", 0);
        json_decref(answer);
    }
    return failed;
}

int ledger_withdraw(struct ledger *ledger, int64_t run, const struct ledger_choice *choice, const char *reason,
                    struct ledger_decision *out, struct err *err)
{
    json_t *answer = NULL;
    if (settle(ledger, run, err)) {
        return -1;
    }
    char *text = choice_text(choice);
    int failed = decide(ledger, sql_withdraw, PARAMS(db_int(run), db_text(text), db_text(reason)), out, &answer, err);
    free(text);
    if (!failed) {
        out->decided = json_int_or(answer, "approvals", 0);
        out->rejections = json_int_or(answer, "rejections", 0);
        json_decref(answer);
    }
    return failed;
}

int ledger_approvals(struct ledger *ledger, int64_t run, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_approval_list, PARAMS(db_int(run)), out, err);
}

int ledger_plan_rows(struct ledger *ledger, int64_t run, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_plan_rows, PARAMS(db_int(run)), out, err);
}

static const char *text_at(const struct db_rows *rows, int column, struct arena *arena)
{
    const char *text = db_rows_text(rows, 0, column);
    return text == NULL ? NULL : arena_strdup(arena, text);
}

static int head_from_row(const struct db_rows *row, int64_t run, struct arena *arena, struct ledger_run *out, bool *whole, struct err *err)
{
    *whole = str_equal(db_rows_text(row, 0, 7), "t");
    *out = (struct ledger_run){
        .id = run,
        .plan_digest = text_at(row, 2, arena),
        .cluster = text_at(row, 3, arena),
        .requested_by = text_at(row, 4, arena),
        .created = text_at(row, 5, arena),
        .superseded_by = db_rows_int(row, 0, 6, 0),
    };
    return ledger_state_parse(db_rows_text(row, 0, 1), &out->state, err);
}

int ledger_run_head(struct ledger *ledger, int64_t run, struct arena *arena, struct ledger_run *out, bool *whole, struct err *err)
{
    struct db_rows *row = NULL;
    if (settle(ledger, run, err) || db_row_optional(ledger->db, sql_run_head, PARAMS(db_int(run)), &row, err)) {
        return -1;
    }
    if (row == NULL) {
        err_set(err, ERR_NOINPUT, "run %" PRId64 " does not exist, or is not yours to see", run);
        return err_hint(err, "tare status lists the runs");
    }
    int failed = head_from_row(row, run, arena, out, whole, err);
    db_rows_free(row);
    return failed;
}
