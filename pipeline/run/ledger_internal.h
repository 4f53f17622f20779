#ifndef TARE_RUN_LEDGER_INTERNAL_H
#define TARE_RUN_LEDGER_INTERNAL_H

/* Shared by the ledger_*.c files only. */

#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/db.h"
#include "pipeline/io/json.h"
#include "pipeline/run/ledger.h"
#include "sql_embed.h"

struct ledger {
    struct db *db;
    bool private;
};

/* Parameters of a statement: PARAMS(db_int(run), db_text(stage)) gives the pointer and the count. */
#define PARAMS(...) \
    (const struct db_param[]){__VA_ARGS__}, \
        sizeof((const struct db_param[]){__VA_ARGS__}) / sizeof(struct db_param)

/* Runs a query that gives one JSON value. *out is new. */
int ledger_json(struct ledger *ledger, const char *sql, const struct db_param *params, size_t count,
                json_t **out, struct err *err);

/* Runs a statement whose last parameter is JSON: params[json_at] is filled with the text of `value` ("{}" or
 * the given `empty` for NULL). *number (may be NULL) receives the integer it gives. */
int ledger_put(struct ledger *ledger, const char *sql, struct db_param *params, size_t count, size_t json_at,
               const json_t *value, int64_t *number, struct err *err);

/* Runs a statement that gives the name of a run's state. */
int ledger_state_value(struct ledger *ledger, const char *sql, const struct db_param *params, size_t count,
                       enum ledger_state *state, struct err *err);

/* New JSON array of strings. */
json_t *ledger_strings(const char *const *items, size_t count);

/* Reads the name of an object's state. ERR_SOFTWARE where it is unknown. */
int ledger_change_state_parse(const char *name, enum ledger_change_state *state, struct err *err);

/* Reads the name of a run's state. ERR_SOFTWARE where it is unknown. */
int ledger_state_parse(const char *name, enum ledger_state *state, struct err *err);

/* Brings the schema of `db` up to this program's version. */
int ledger_migrate_db(struct db *db, int *from, int *to, struct err *err);

/* Version of the schema (0: none). */
int ledger_version_db(struct db *db, int *version, struct err *err);

/* Refuses a schema that is older or newer than this program's. */
int ledger_version_check(struct db *db, struct err *err);

#endif
