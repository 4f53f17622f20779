#include "pipeline/run/ledger_schedule.h"

#include <stdlib.h>

#include "pipeline/base/str.h"
#include "pipeline/run/ledger_internal.h"

/* A statement that tells yes or no. */
static int ask(struct ledger *ledger, const char *sql, const struct db_param *params, size_t count, bool *answer, struct err *err)
{
    int64_t value = 0;
    if (db_value_int(ledger->db, sql, params, count, &value, err)) {
        return -1;
    }
    *answer = value != 0;
    return 0;
}

int ledger_schedule_set(struct ledger *ledger, const struct ledger_schedule *schedule, bool *made, struct err *err)
{
    char *request = json_text(schedule->request);
    int failed = ask(ledger, sql_schedule_set,
                     PARAMS(db_text(schedule->name), db_text(schedule->cluster), db_text(schedule->cron), db_text(schedule->timezone),
                            db_text(schedule->overlap), db_text(schedule->missed), db_int(schedule->grace_seconds), db_text(request)),
                     made, err);
    free(request);
    return failed;
}

int ledger_schedules(struct ledger *ledger, const char *name, json_t **out, struct err *err)
{
    return ledger_json(ledger, sql_schedule_list, PARAMS(db_text(name)), out, err);
}

int ledger_schedule_get(struct ledger *ledger, const char *name, json_t **out, struct err *err)
{
    json_t *rows;
    if (ledger_schedules(ledger, name, &rows, err)) {
        return -1;
    }
    *out = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    if (*out == NULL) {
        err_set(err, ERR_NOINPUT, "there is no schedule %s, or it is not yours to see", name);
        return err_hint(err, "tare schedule list");
    }
    return 0;
}

int ledger_schedule_pause(struct ledger *ledger, const char *name, bool paused, bool *changed, struct err *err)
{
    return ask(ledger, sql_schedule_pause, PARAMS(db_text(name), db_bool(paused)), changed, err);
}

int ledger_schedule_remove(struct ledger *ledger, const char *name, struct err *err)
{
    return db_none(ledger->db, sql_schedule_remove, PARAMS(db_text(name)), err);
}

int ledger_schedule_claim(struct ledger *ledger, const char *name, int64_t revision, const char *due, int64_t missed,
                          enum ledger_claim *outcome, int64_t *busy, struct err *err)
{
    static const char *const words[] = {
        [LEDGER_CLAIMED] = "claimed", [LEDGER_CLAIM_CHANGED] = "changed", [LEDGER_CLAIM_BUSY] = "busy", [LEDGER_CLAIM_PAUSED] = "paused"};
    struct db_rows *row = NULL;
    if (db_row(ledger->db, sql_schedule_claim, PARAMS(db_text(name), db_int(revision), db_text(due), db_int(missed)), &row, err)) {
        return -1;
    }
    size_t i = 0;
    while (i < ARRAY_COUNT(words) && !str_equal(words[i], db_rows_text(row, 0, 0))) {
        i++;
    }
    *busy = db_rows_int(row, 0, 1, 0);
    db_rows_free(row);
    if (i == ARRAY_COUNT(words)) {
        return err_set(err, ERR_SOFTWARE, "the ledger says something of the schedule %s that this tare does not know", name);
    }
    *outcome = (enum ledger_claim)i;
    return 0;
}

int ledger_schedule_skip(struct ledger *ledger, const char *name, int64_t revision, const char *due, int64_t missed, int64_t skipped,
                         const char *reason, bool *done, struct err *err)
{
    return ask(ledger, sql_schedule_skip,
               PARAMS(db_text(name), db_int(revision), db_text(due), db_int(missed), db_int(skipped), db_text(reason)), done, err);
}

int ledger_schedule_wait(struct ledger *ledger, const char *name, bool *waiting, struct err *err)
{
    return ask(ledger, sql_schedule_wait, PARAMS(db_text(name)), waiting, err);
}

int ledger_schedule_end(struct ledger *ledger, const char *name, int exit_code, const char *reason, struct err *err)
{
    return db_none(ledger->db, sql_schedule_end, PARAMS(db_text(name), db_int(exit_code), db_text(reason)), err);
}

int ledger_schedule_rewind(struct ledger *ledger, const char *name, int64_t revision, struct err *err)
{
    bool ignored;
    return ask(ledger, sql_schedule_rewind, PARAMS(db_text(name), db_int(revision)), &ignored, err);
}
