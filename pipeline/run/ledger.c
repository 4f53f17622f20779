#include "pipeline/run/ledger_internal.h"

#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/str.h"
#include "pipeline/run/privcluster.h"

static const char *const state_names[] = {
    [LEDGER_RUNNING] = "running",         [LEDGER_AWAITING_APPROVAL] = "awaiting-approval",
    [LEDGER_APPROVED] = "approved",       [LEDGER_UNCHANGED] = "unchanged",
    [LEDGER_REJECTED] = "rejected",       [LEDGER_EXPIRED] = "expired",
    [LEDGER_SUPERSEDED] = "superseded",   [LEDGER_REFUSED] = "refused",
    [LEDGER_APPLYING] = "applying",       [LEDGER_APPLIED] = "applied",
    [LEDGER_ROLLED_BACK] = "rolled-back", [LEDGER_FAILED] = "failed",
};

static const char *const change_names[] = {
    [LEDGER_CHANGE_PLANNED] = "planned",
    [LEDGER_CHANGE_WRITING] = "writing",
    [LEDGER_CHANGE_WRITTEN] = "written",
    [LEDGER_CHANGE_VERIFYING] = "verifying",
    [LEDGER_CHANGE_DONE] = "done",
    [LEDGER_CHANGE_ROLLING_BACK] = "rolling-back",
    [LEDGER_CHANGE_ROLLED_BACK] = "rolled-back",
    [LEDGER_CHANGE_ROLLBACK_FAILED] = "rollback-failed",
};

const char *ledger_state_name(enum ledger_state state)
{
    return state_names[state];
}

const char *ledger_change_state_name(enum ledger_change_state state)
{
    return change_names[state];
}

int ledger_change_state_parse(const char *name, enum ledger_change_state *state, struct err *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(change_names); i++) {
        if (str_equal(name, change_names[i])) {
            *state = (enum ledger_change_state)i;
            return 0;
        }
    }
    return err_set(err, ERR_SOFTWARE,
                   "the ledger names a state of an object \"%s\" that this tare does not know",
                   name == NULL ? "null" : name);
}

int ledger_state_parse(const char *name, enum ledger_state *state, struct err *err)
{
    for (size_t i = 0; i < ARRAY_COUNT(state_names); i++) {
        if (str_equal(name, state_names[i])) {
            *state = (enum ledger_state)i;
            return 0;
        }
    }
    return err_set(err, ERR_SOFTWARE, "the ledger names a run's state \"%s\" that this tare does not know",
                   name == NULL ? "null" : name);
}

/* ---- Calling ---- */

int ledger_json(struct ledger *ledger, const char *sql, const struct db_param *params, size_t count,
                json_t **out, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(ledger->db, sql, params, count, &row, err)) {
        return -1;
    }
    const char *text = db_rows_text(row, 0, 0);
    *out =
        json_read(text == NULL ? "null" : text, text == NULL ? 4 : strlen(text), "the ledger's answer", err);
    db_rows_free(row);
    return *out == NULL ? -1 : 0;
}

int ledger_put(struct ledger *ledger, const char *sql, struct db_param *params, size_t count, size_t json_at,
               const json_t *value, int64_t *number, struct err *err)
{
    char *text = value == NULL ? xstrdup("{}") : json_text(value);
    params[json_at] = db_text(text);
    int64_t ignored = 0;
    int rc = db_value_int(ledger->db, sql, params, count, number == NULL ? &ignored : number, err);
    free(text);
    return rc;
}

int ledger_state_value(struct ledger *ledger, const char *sql, const struct db_param *params, size_t count,
                       enum ledger_state *state, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(ledger->db, sql, params, count, &row, err)) {
        return -1;
    }
    enum ledger_state ignored = LEDGER_RUNNING;
    int rc = ledger_state_parse(db_rows_text(row, 0, 0), state == NULL ? &ignored : state, err);
    db_rows_free(row);
    return rc;
}

json_t *ledger_strings(const char *const *items, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_string_safe(items[i]));
    }
    return array;
}

/* ---- Opening ---- */

/* The URL that was asked for, NULL for the private cluster. */
static const char *wanted_url(const struct ledger_options *options)
{
    if (options->url != NULL && options->url[0] != '\0') {
        return options->url;
    }
    const char *url = getenv("TARE_DATABASE_URL");
    return url != NULL && url[0] != '\0' ? url : NULL;
}

static struct db_options to_db(const struct ledger_options *options, const char *url)
{
    return (struct db_options){.url = url,
                               .login = options->login,
                               .application = options->application,
                               .connect_seconds = options->connect_seconds,
                               .statement_seconds = options->statement_seconds};
}

/* Lets the ledger's clock start where TARE_NOW put this process' clock. */
static int move_clock(struct db *db, struct err *err)
{
    const char *now = getenv("TARE_NOW");
    if (now == NULL || now[0] == '\0') {
        return 0;
    }
    char text[RFC3339_MAX];
    struct db_rows *row = NULL;
    if (db_row(db, sql_clock_set, PARAMS(db_text(time_format(clock_now(), text))), &row, err)) {
        return -1;
    }
    if (!db_rows_bool(row, 0, 0)) {
        log_warn(
            "TARE_NOW does not move the clock of %s: that takes a private cluster or the role tare_admin",
            db_place(db));
    }
    db_rows_free(row);
    return 0;
}

/* A connection whose schema is this program's. */
static int open_checked(struct db **out, const struct db_options *options, bool any_version, struct err *err)
{
    struct db *db = NULL;
    if (db_open(&db, options, err)) {
        return -1;
    }
    if (!any_version && (ledger_version_check(db, err) || move_clock(db, err))) {
        db_close(db);
        return -1;
    }
    *out = db;
    return 0;
}

/* Database, schema, mark and the OS user's login, as superuser of the embedded cluster. */
static int private_prepare(const struct privcluster *cluster, int *from, int *to, struct err *err)
{
    static const char *const roles[] = {"tare_viewer", "tare_operator"};
    struct db *db = NULL;
    if (privcluster_database(cluster, err)) {
        return -1;
    }
    struct db_options admin = {.url = cluster->url,
                               .login = PRIVCLUSTER_SUPERUSER,
                               .database = PRIVCLUSTER_DATABASE,
                               .application = "tare-migrate"};
    if (db_open(&db, &admin, err)) {
        return -1;
    }
    int rc = ledger_migrate_db(db, from, to, err) || db_none(db, sql_private_mark, NULL, 0, err) ||
             privcluster_login(cluster, cluster->login, roles, ARRAY_COUNT(roles), err);
    db_close(db);
    return rc ? -1 : 0;
}

/* The quick way: the cluster runs and has this program's schema. */
static int private_try(struct db **out, const struct ledger_options *options,
                       const struct privcluster *cluster, struct err *err)
{
    struct db_options db = to_db(options, cluster->url);
    db.login = options->login != NULL ? options->login : cluster->login;
    db.database = PRIVCLUSTER_DATABASE;
    return open_checked(out, &db, options->any_version, err);
}

static int open_private(struct db **out, const struct ledger_options *options, struct err *err)
{
    struct privcluster cluster;
    bool running = false;
    if (privcluster_find(&cluster, &running, err)) {
        return -1;
    }
    if (running && private_try(out, options, &cluster, NULL) == 0) {
        privcluster_release(&cluster);
        return 0;
    }
    privcluster_release(&cluster);
    if (options->only_running) {
        return err_set(err, ERR_TEMPFAIL, "the private ledger is not running");
    }
    if (privcluster_start(&cluster, err)) {
        return -1;
    }
    int rc = private_prepare(&cluster, NULL, NULL, err) || private_try(out, options, &cluster, err);
    privcluster_release(&cluster);
    if (rc && options->login != NULL && err != NULL && err->class == ERR_UNAVAILABLE) {
        err_hint(err, "make the login: tare login %s viewer approver", options->login);
    }
    return rc ? -1 : 0;
}

int ledger_open(struct ledger **out, const struct ledger_options *options, struct err *err)
{
    const char *url = wanted_url(options);
    struct db *db = NULL;
    if (url == NULL) {
        if (open_private(&db, options, err)) {
            return -1;
        }
    } else {
        struct db_options plain = to_db(options, url);
        if (open_checked(&db, &plain, options->any_version, err)) {
            return -1;
        }
    }
    struct ledger *ledger = xcalloc(sizeof *ledger);
    ledger->db = db;
    ledger->private = url == NULL;
    *out = ledger;
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger != NULL) {
        db_close(ledger->db);
        free(ledger);
    }
}

const char *ledger_login(const struct ledger *ledger)
{
    return db_login(ledger->db);
}

bool ledger_is_private(const struct ledger *ledger)
{
    return ledger->private;
}

const char *ledger_place(const struct ledger *ledger)
{
    return db_place(ledger->db);
}

int ledger_now(struct ledger *ledger, struct arena *arena, const char **now, struct err *err)
{
    return db_value(ledger->db, sql_clock_now, NULL, 0, arena, now, err);
}

int ledger_version(struct ledger *ledger, int *database, int *program, struct err *err)
{
    *program = (int)sql_migrations_count;
    return ledger_version_db(ledger->db, database, err);
}

int ledger_migrate(const struct ledger_options *options, int *from, int *to, struct err *err)
{
    const char *url = wanted_url(options);
    if (url != NULL) {
        struct db *db = NULL;
        struct db_options plain = to_db(options, url);
        if (db_open(&db, &plain, err)) {
            return -1;
        }
        int rc = ledger_migrate_db(db, from, to, err);
        db_close(db);
        return rc;
    }
    struct privcluster cluster;
    if (privcluster_start(&cluster, err)) {
        return -1;
    }
    int rc = private_prepare(&cluster, from, to, err);
    privcluster_release(&cluster);
    return rc;
}
