#ifndef TARE_IO_DB_H
#define TARE_IO_DB_H

/*
 * Postgres over libpq, and the only place that knows libpq. Values travel as parameters, never inside SQL
 * text. The caller states the shape it expects: no row, exactly one, at most one, any number, or one value.
 * There is no reconnecting: a connection that broke answers ERR_TEMPFAIL from then on, because session locks
 * broke with it.
 *
 * Errors by SQLSTATE: TA0nn (raised by the ledger's own functions) the class with exit code nn, HINT as hint;
 * 42501 ERR_REFUSED; cancelled, deadlock, shutdown, broken connection ERR_TEMPFAIL; server disk full ERR_IO;
 * values that do not fit ERR_DATA; missing table or function ERR_CONFIG; anything else ERR_SOFTWARE. A server
 * that cannot be reached or does not let us in is ERR_UNAVAILABLE. Passwords are never part of a message.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

struct db;

/* Rows of one answer. */
struct db_rows;

struct db_options {
    const char *url;         /* conninfo string or postgresql:// URL */
    const char *login;       /* user instead of the URL's (its password is then not used), or NULL */
    const char *database;    /* database instead of the URL's, or NULL */
    const char *application; /* shown to the server's administrator; NULL: "tare" */
    int connect_seconds;     /* 0: 10 */
    int statement_seconds;   /* longest single statement, 0: 120 */
};

enum db_param_type { DB_NULL, DB_TEXT, DB_INT, DB_BOOL, DB_BYTES };

/* One parameter; text and bytes are borrowed for the call. */
struct db_param {
    enum db_param_type type;
    const void *data;
    size_t length;
    int64_t integer;
};

/* A text parameter; NULL becomes SQL null. */
struct db_param db_text(const char *text);

/* An integer parameter. */
struct db_param db_int(int64_t value);

/* An integer parameter, null when `value` is 0 (ids). */
struct db_param db_id(int64_t value);

/* A boolean parameter. */
struct db_param db_bool(bool value);

/* A bytea parameter. */
struct db_param db_bytes(const void *bytes, size_t length);

/* Connects within the time-out. *out is new: db_close. */
int db_open(struct db **out, const struct db_options *options, struct err *err);

/* Ends the session. NULL is allowed. */
void db_close(struct db *db);

/* Where it is connected to, without secrets: "database tare on host 10.0.0.3 port 5432". Borrowed. */
const char *db_place(const struct db *db);

/* The login name in use. Borrowed. */
const char *db_login(const struct db *db);

/* While *flag is not 0 (set by a signal handler) a statement that runs is cancelled: ERR_TEMPFAIL. Borrowed;
 * NULL takes it away. */
void db_interrupt(struct db *db, volatile sig_atomic_t *flag);

/* Runs one statement that gives no rows, or whose rows do not matter (a function that returns void). */
int db_none(struct db *db, const char *sql, const struct db_param *params, size_t count, struct err *err);

/* Runs a statement that must give exactly one row. *rows is new: db_rows_free. */
int db_row(struct db *db, const char *sql, const struct db_param *params, size_t count, struct db_rows **rows,
           struct err *err);

/* Runs a statement that gives one row or none; *rows is NULL for none, else new. */
int db_row_optional(struct db *db, const char *sql, const struct db_param *params, size_t count,
                    struct db_rows **rows, struct err *err);

/* Runs a statement that gives any number of rows. *rows is new. */
int db_rows(struct db *db, const char *sql, const struct db_param *params, size_t count,
            struct db_rows **rows, struct err *err);

/* Runs a statement that gives one row of one column and copies the value to the arena (NULL for SQL null). */
int db_value(struct db *db, const char *sql, const struct db_param *params, size_t count, struct arena *arena,
             const char **value, struct err *err);

/* The same for an integer; SQL null is 0. */
int db_value_int(struct db *db, const char *sql, const struct db_param *params, size_t count, int64_t *value,
                 struct err *err);

/* Runs a statement whose first column is bytea and adds the bytes of its only row to `out`; *found tells
 * whether there was one. ERR_DATA where they do not fit the cap of `out`. */
int db_value_bytes(struct db *db, const char *sql, const struct db_param *params, size_t count,
                   struct buf *out, bool *found, struct err *err);

/* Runs several statements without parameters as they stand in a file (migrations only). */
int db_script(struct db *db, const char *sql, struct err *err);

/* Begins a transaction. */
int db_begin(struct db *db, struct err *err);

/* Commits it. Where the answer is lost (ERR_TEMPFAIL) it may have happened: look again what is stored. */
int db_commit(struct db *db, struct err *err);

/* Rolls back; errors are of no use here and are dropped. */
void db_rollback(struct db *db);

/* Number of rows. */
size_t db_rows_count(const struct db_rows *rows);

/* A column as text, NULL for SQL null. Borrowed until db_rows_free. */
const char *db_rows_text(const struct db_rows *rows, size_t row, int column);

/* A column as integer; SQL null and what is no integer give `fallback`. */
int64_t db_rows_int(const struct db_rows *rows, size_t row, int column, int64_t fallback);

/* A column as boolean; SQL null is false. */
bool db_rows_bool(const struct db_rows *rows, size_t row, int column);

/* Frees; NULL is allowed. */
void db_rows_free(struct db_rows *rows);

#endif
