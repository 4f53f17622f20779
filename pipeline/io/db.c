#include "pipeline/io/db_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { PARAMS_MAX = 16, POLL_STEP_MS = 500, GRACE_MS = 5000, INTEGER_TEXT = 24 };

struct db_rows {
    PGresult *result;
};

struct db_param db_text(const char *text)
{
    return (struct db_param){.type = text == NULL ? DB_NULL : DB_TEXT, .data = text};
}

struct db_param db_int(int64_t value)
{
    return (struct db_param){.type = DB_INT, .integer = value};
}

struct db_param db_id(int64_t value)
{
    return value == 0 ? (struct db_param){.type = DB_NULL} : db_int(value);
}

struct db_param db_bool(bool value)
{
    return (struct db_param){.type = DB_BOOL, .integer = value};
}

struct db_param db_bytes(const void *bytes, size_t length)
{
    return (struct db_param){.type = DB_BYTES, .data = length == 0 ? "" : bytes, .length = length};
}

/* ---- From SQLSTATE to classes ---- */

/* A class of SQLSTATEs, by prefix; the first that matches counts. */
static const struct {
    const char *prefix;
    enum err_class class;
} state_classes[] = {
    {"42501", ERR_REFUSED}, {"57014", ERR_TEMPFAIL}, {"57", ERR_TEMPFAIL},  {"08", ERR_TEMPFAIL},
    {"40", ERR_TEMPFAIL},   {"55P03", ERR_TEMPFAIL}, {"53100", ERR_IO},     {"53", ERR_TEMPFAIL},
    {"58030", ERR_IO},      {"25006", ERR_TEMPFAIL}, {"22", ERR_DATA},      {"23", ERR_DATA},
    {"3F000", ERR_CONFIG},  {"42P01", ERR_CONFIG},   {"42883", ERR_CONFIG}, {"42703", ERR_CONFIG},
    {"3D000", ERR_CONFIG},  {"54", ERR_DATA},
};

static enum err_class class_of_state(const char *state)
{
    int64_t code = 0;
    size_t rows = 0;
    if (str_starts(state, "TA0") && str_int64(state + 3, 1, 255, &code) == 0) {
        const struct err_row *table = err_table(&rows);
        for (size_t i = 0; i < rows; i++) {
            if ((int64_t)table[i].class == code) {
                return table[i].class;
            }
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(state_classes); i++) {
        if (str_starts(state, state_classes[i].prefix)) {
            return state_classes[i].class;
        }
    }
    return ERR_SOFTWARE;
}

/* What to do next, for failures that are not the ledger's own words; the server's advice is about SQL. */
static void usual_hint(enum err_class class, const char *state, struct err *err)
{
    if (class == ERR_CONFIG) {
        err_hint(err, "tare migrate");
    } else if (strcmp(state, "42501") == 0) {
        err_hint(
            err,
            "ask an administrator of the database for the group role it takes (tare_viewer, tare_operator, "
            "tare_approver, tare_admin)");
    }
}

/* Turns a failed answer into an error. */
static int fail_result(struct db *db, const PGresult *result, struct err *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (PQstatus(db->conn) != CONNECTION_OK || state == NULL) {
        char words[ERR_MESSAGE_MAX / 2];
        db_clean_text(db, PQerrorMessage(db->conn), words, sizeof words);
        db->lost = true;
        err_set(err, ERR_TEMPFAIL, "lost the connection to %s: %s", db->place, words);
        return err_hint(err, "run the same command again when the database answers");
    }
    enum err_class class = class_of_state(state);
    char message[ERR_MESSAGE_MAX / 2];
    char hint[ERR_HINT_MAX];
    db_clean_text(db, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), message, sizeof message);
    db_clean_text(db, PQresultErrorField(result, PG_DIAG_MESSAGE_HINT), hint, sizeof hint);
    if (!str_starts(state, "TA0")) {
        err_set(err, class, "%s: %s (%s)", db->place, message, state);
        usual_hint(class, state, err);
        return -1;
    }
    err_set(err, class, "%s", message);
    return hint[0] == '\0' ? -1 : err_hint(err, "%s", hint);
}

static int fail_lost(struct db *db, const char *what, struct err *err)
{
    db->lost = true;
    err_set(err, ERR_TEMPFAIL, "%s: %s", db->place, what);
    return err_hint(err, "run the same command again when the database answers");
}

/* ---- Sending and waiting ---- */

static void cancel(struct db *db)
{
    char ignored[256];
    PGcancel *handle = PQgetCancel(db->conn);
    if (handle != NULL) {
        PQcancel(handle, ignored, sizeof ignored);
        PQfreeCancel(handle);
    }
}

/* Waits until libpq has a whole answer. The server ends a statement at its time-out; when even that does not
 * come (a dead network), the wait ends a little later and the connection counts as lost. */
static int wait_answer(struct db *db, struct err *err)
{
    int64_t deadline = clock_monotonic_ms() + db->statement_ms + GRACE_MS;
    bool cancelled = false;
    while (PQisBusy(db->conn)) {
        if (!cancelled && db->interrupt != NULL && *db->interrupt) {
            cancel(db);
            cancelled = true;
        }
        if (clock_monotonic_ms() > deadline) {
            return fail_lost(db, "the server does not answer", err);
        }
        struct pollfd fd = {.fd = PQsocket(db->conn), .events = POLLIN};
        int rc = poll(&fd, 1, POLL_STEP_MS);
        if (rc < 0 && errno != EINTR) {
            return fail_lost(db, "waiting for the server failed", err);
        }
        if (rc > 0 && !PQconsumeInput(db->conn)) {
            return fail_result(db, NULL, err);
        }
    }
    return 0;
}

/* The last result of what was sent, the first failed one where any failed. NULL with an error when none came.
 */
static PGresult *collect(struct db *db, struct err *err)
{
    PGresult *kept = NULL;
    for (;;) {
        if (wait_answer(db, err)) {
            PQclear(kept);
            return NULL;
        }
        PGresult *next = PQgetResult(db->conn);
        if (next == NULL) {
            break;
        }
        bool failed = kept != NULL && PQresultStatus(kept) == PGRES_FATAL_ERROR;
        PQclear(failed ? next : kept);
        kept = failed ? kept : next;
    }
    if (kept == NULL) {
        fail_lost(db, "the server gave no answer", err);
    }
    return kept;
}

/* Waits for the answer of a statement that was sent and checks that it succeeded. */
static int finish(struct db *db, int sent, PGresult **out, struct err *err)
{
    if (!sent) {
        return fail_result(db, NULL, err);
    }
    PGresult *result = collect(db, err);
    if (result == NULL) {
        return -1;
    }
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY) {
        int rc = fail_result(db, result, err);
        PQclear(result);
        return rc;
    }
    *out = result;
    return 0;
}

/* Parameters in libpq's form. */
struct wire {
    Oid types[PARAMS_MAX];
    const char *values[PARAMS_MAX];
    int lengths[PARAMS_MAX];
    int formats[PARAMS_MAX];
    char integers[PARAMS_MAX][INTEGER_TEXT];
};

enum { OID_UNKNOWN = 0, OID_BYTEA = 17 };

static void wire_one(struct wire *wire, size_t i, const struct db_param *param)
{
    wire->types[i] = OID_UNKNOWN;
    wire->formats[i] = 0;
    wire->lengths[i] = 0;
    wire->values[i] = NULL;
    switch (param->type) {
    case DB_NULL:
        break;
    case DB_TEXT:
        wire->values[i] = param->data;
        break;
    case DB_BYTES:
        wire->types[i] = OID_BYTEA;
        wire->values[i] = param->data;
        wire->lengths[i] = (int)param->length;
        wire->formats[i] = 1;
        break;
    case DB_INT:
        snprintf(wire->integers[i], INTEGER_TEXT, "%" PRId64, param->integer);
        wire->values[i] = wire->integers[i];
        break;
    case DB_BOOL:
        wire->values[i] = param->integer ? "true" : "false";
        break;
    }
}

static int run(struct db *db, const char *sql, const struct db_param *params, size_t count, bool binary,
               PGresult **out, struct err *err)
{
    if (db->lost) {
        return fail_lost(db, "the connection was lost earlier", err);
    }
    if (count > PARAMS_MAX) {
        return err_set(err, ERR_SOFTWARE, "a statement has %zu parameters, more than %d", count, PARAMS_MAX);
    }
    struct wire wire;
    for (size_t i = 0; i < count; i++) {
        if (params[i].length > INT32_MAX / 2) {
            return err_set(err, ERR_DATA, "a value of %zu bytes is too large for the ledger",
                           params[i].length);
        }
        wire_one(&wire, i, &params[i]);
    }
    int sent = PQsendQueryParams(db->conn, sql, (int)count, wire.types, wire.values, wire.lengths,
                                 wire.formats, binary ? 1 : 0);
    return finish(db, sent, out, err);
}

/* ---- Shapes ---- */

int db_none(struct db *db, const char *sql, const struct db_param *params, size_t count, struct err *err)
{
    PGresult *result = NULL;
    if (run(db, sql, params, count, false, &result, err)) {
        return -1;
    }
    PQclear(result);
    return 0;
}

int db_rows(struct db *db, const char *sql, const struct db_param *params, size_t count,
            struct db_rows **rows, struct err *err)
{
    PGresult *result = NULL;
    if (run(db, sql, params, count, false, &result, err)) {
        return -1;
    }
    *rows = xcalloc(sizeof **rows);
    (*rows)->result = result;
    return 0;
}

int db_row_optional(struct db *db, const char *sql, const struct db_param *params, size_t count,
                    struct db_rows **rows, struct err *err)
{
    struct db_rows *all = NULL;
    if (db_rows(db, sql, params, count, &all, err)) {
        return -1;
    }
    size_t found = db_rows_count(all);
    if (found > 1) {
        db_rows_free(all);
        return err_set(err, ERR_SOFTWARE, "%s: a statement gave %zu rows where one was expected", db->place,
                       found);
    }
    if (found == 0) {
        db_rows_free(all);
        all = NULL;
    }
    *rows = all;
    return 0;
}

int db_row(struct db *db, const char *sql, const struct db_param *params, size_t count, struct db_rows **rows,
           struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row_optional(db, sql, params, count, &row, err)) {
        return -1;
    }
    if (row == NULL) {
        return err_set(err, ERR_SOFTWARE, "%s: a statement gave no row where one was expected", db->place);
    }
    *rows = row;
    return 0;
}

int db_value(struct db *db, const char *sql, const struct db_param *params, size_t count, struct arena *arena,
             const char **value, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(db, sql, params, count, &row, err)) {
        return -1;
    }
    const char *text = db_rows_text(row, 0, 0);
    *value = text == NULL ? NULL : arena_strdup(arena, text);
    db_rows_free(row);
    return 0;
}

int db_value_int(struct db *db, const char *sql, const struct db_param *params, size_t count, int64_t *value,
                 struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(db, sql, params, count, &row, err)) {
        return -1;
    }
    *value = db_rows_int(row, 0, 0, 0);
    db_rows_free(row);
    return 0;
}

int db_value_bytes(struct db *db, const char *sql, const struct db_param *params, size_t count,
                   struct buf *out, bool *found, struct err *err)
{
    PGresult *result = NULL;
    if (run(db, sql, params, count, true, &result, err)) {
        return -1;
    }
    *found = PQntuples(result) > 0 && !PQgetisnull(result, 0, 0);
    int full = *found ? buf_add(out, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0)) : 0;
    PQclear(result);
    return full == 0
               ? 0
               : err_set(err, ERR_DATA, "%s: a stored value is larger than %zu bytes", db->place, out->cap);
}

int db_script(struct db *db, const char *sql, struct err *err)
{
    if (db->lost) {
        return fail_lost(db, "the connection was lost earlier", err);
    }
    PGresult *result = NULL;
    if (finish(db, PQsendQuery(db->conn, sql), &result, err)) {
        return -1;
    }
    PQclear(result);
    return 0;
}

int db_begin(struct db *db, struct err *err)
{
    return db_script(db, "begin", err);
}

int db_commit(struct db *db, struct err *err)
{
    return db_script(db, "commit", err);
}

void db_rollback(struct db *db)
{
    if (!db->lost) {
        (void)db_script(db, "rollback", NULL);
    }
}

/* ---- Rows ---- */

size_t db_rows_count(const struct db_rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

const char *db_rows_text(const struct db_rows *rows, size_t row, int column)
{
    if (row >= db_rows_count(rows) || column >= PQnfields(rows->result) ||
        PQgetisnull(rows->result, (int)row, column)) {
        return NULL;
    }
    return PQgetvalue(rows->result, (int)row, column);
}

int64_t db_rows_int(const struct db_rows *rows, size_t row, int column, int64_t fallback)
{
    const char *text = db_rows_text(rows, row, column);
    int64_t value = fallback;
    if (text != NULL && str_int64(text, INT64_MIN, INT64_MAX, &value) != 0) {
        return fallback;
    }
    return value;
}

bool db_rows_bool(const struct db_rows *rows, size_t row, int column)
{
    const char *text = db_rows_text(rows, row, column);
    return text != NULL && text[0] == 't';
}

void db_rows_free(struct db_rows *rows)
{
    if (rows != NULL) {
        PQclear(rows->result);
        free(rows);
    }
}
