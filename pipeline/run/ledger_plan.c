#include "pipeline/run/ledger_internal.h"

#include <stdlib.h>

int ledger_plan_register(struct ledger *ledger, int64_t run, const char *plan, const json_t *rows,
                         int64_t approval_seconds, enum ledger_state *state, struct err *err)
{
    char *text = json_text(rows);
    int rc = ledger_state_value(ledger, sql_plan_register,
                                PARAMS(db_int(run), db_text(plan), db_text(text), db_int(approval_seconds)),
                                state, err);
    free(text);
    return rc;
}

int ledger_mine(struct ledger *ledger, json_t **out, struct err *err)
{
    if (db_none(ledger->db, sql_settle_due, NULL, 0, err)) {
        return -1;
    }
    return ledger_json(ledger, sql_mine, NULL, 0, out, err);
}

int ledger_policy_set(struct ledger *ledger, const char *text, const json_t *policy, const json_t *files,
                      char digest[LEDGER_DIGEST_SIZE], struct err *err)
{
    char *body = json_text(policy);
    struct db_rows *row = NULL;
    char *calendars = files == NULL ? xstrdup("{}") : json_text(files);
    int rc = db_row(ledger->db, sql_policy_set, PARAMS(db_text(text), db_text(body), db_text(calendars)), &row, err);
    free(body);
    free(calendars);
    if (rc != 0) {
        return -1;
    }
    const char *got = db_rows_text(row, 0, 0);
    if (got != NULL && strlen(got) == LEDGER_DIGEST_SIZE - 1) {
        memcpy(digest, got, LEDGER_DIGEST_SIZE);
    } else {
        rc = err_set(err, ERR_SOFTWARE, "the ledger gave no digest of the policy");
    }
    db_rows_free(row);
    return rc;
}

int ledger_approver(struct ledger *ledger, const char *requester, struct arena *arena, const char **name, struct err *err)
{
    struct db_rows *row = NULL;
    *name = NULL;
    if (db_row_optional(ledger->db, sql_approver_find, PARAMS(db_text(requester)), &row, err)) {
        return -1;
    }
    const char *text = row == NULL ? NULL : db_rows_text(row, 0, 0);
    *name = text == NULL ? NULL : arena_strdup(arena, text);
    db_rows_free(row);
    return 0;
}

int ledger_policy_get(struct ledger *ledger, json_t **out, struct err *err)
{
    struct db_rows *row = NULL;
    *out = NULL;
    if (db_row_optional(ledger->db, sql_policy_get, NULL, 0, &row, err)) {
        return -1;
    }
    const char *text = row == NULL ? NULL : db_rows_text(row, 0, 0);
    if (text != NULL) {
        *out = json_read(text, strlen(text), "the stored policy", err);
    }
    db_rows_free(row);
    return text != NULL && *out == NULL ? -1 : 0;
}

int ledger_grant(struct ledger *ledger, const char *login, const char *namespace, const char *cluster,
                 struct err *err)
{
    return db_none(ledger->db, sql_grant_add, PARAMS(db_text(login), db_text(namespace), db_text(cluster)),
                   err);
}

int ledger_revoke(struct ledger *ledger, const char *login, const char *namespace, const char *cluster,
                  struct err *err)
{
    return db_none(ledger->db, sql_grant_remove, PARAMS(db_text(login), db_text(namespace), db_text(cluster)),
                   err);
}

int ledger_grants(struct ledger *ledger, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_grant_list, NULL, 0, out, err);
}

int ledger_window_override(struct ledger *ledger, int64_t run, const char *window, const char *reason,
                           struct err *err)
{
    return db_none(ledger->db, sql_window_override_add, PARAMS(db_int(run), db_text(window), db_text(reason)),
                   err);
}

int ledger_window_overrides(struct ledger *ledger, int64_t run, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_window_override_list, PARAMS(db_int(run)), out, err);
}
