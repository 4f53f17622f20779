#include "pipeline/run/ledger_internal.h"

#include <inttypes.h>

#include "pipeline/base/str.h"
#include "pipeline/io/hash.h"

/* What the database says of one migration has to be what this program has. */
static int same_migration(const struct db_rows *rows, size_t i, struct err *err)
{
    int64_t number = db_rows_int(rows, i, 0, 0);
    if (number != (int64_t)i + 1) {
        return err_set(err, ERR_CONFIG, "the ledger has no record of migration %zu", i + 1);
    }
    if (i >= sql_migrations_count) {
        err_set(err, ERR_CONFIG, "the ledger is at version %zu, this tare knows only %zu",
                db_rows_count(rows), sql_migrations_count);
        return err_hint(err, "use the newer tare that migrated it");
    }
    char digest[DIGEST_HEX];
    hash_bytes(sql_migrations[i].text, sql_migrations[i].length, digest);
    const char *stored = db_rows_text(rows, i, 2);
    if (!str_equal(stored, digest)) {
        err_set(err, ERR_CONFIG, "migration %s in the ledger has checksum %.12s…, in this tare %.12s…",
                sql_migrations[i].name, stored == NULL ? "" : stored, digest);
        return err_hint(err, "the two were built from different sources: use the tare that made this ledger");
    }
    return 0;
}

/* Number of migrations applied; where `check`, each compared with this program's. */
static int applied(struct db *db, bool check, size_t *count, struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_row(db, sql_version, NULL, 0, &rows, err)) {
        return -1;
    }
    bool there = db_rows_bool(rows, 0, 0);
    db_rows_free(rows);
    *count = 0;
    if (!there) {
        return 0;
    }
    if (db_rows(db, sql_migration_list, NULL, 0, &rows, err)) {
        return -1;
    }
    *count = db_rows_count(rows);
    int rc = 0;
    for (size_t i = 0; check && rc == 0 && i < *count; i++) {
        rc = same_migration(rows, i, err);
    }
    db_rows_free(rows);
    return rc;
}

int ledger_version_db(struct db *db, int *version, struct err *err)
{
    size_t count = 0;
    if (applied(db, false, &count, err)) {
        return -1;
    }
    *version = (int)count;
    return 0;
}

int ledger_version_check(struct db *db, struct err *err)
{
    size_t count = 0;
    if (applied(db, true, &count, err)) {
        return -1;
    }
    if (count == sql_migrations_count) {
        return 0;
    }
    if (count == 0) {
        err_set(err, ERR_CONFIG, "there is no ledger in %s yet", db_place(db));
    } else {
        err_set(err, ERR_CONFIG, "the ledger in %s is at version %zu, this tare needs %zu", db_place(db),
                count, sql_migrations_count);
    }
    return err_hint(err, "tare migrate");
}

/* One migration and its record, in one transaction. */
static int apply_one(struct db *db, const struct sql_migration *migration, struct err *err)
{
    char digest[DIGEST_HEX];
    hash_bytes(migration->text, migration->length, digest);
    if (db_begin(db, err)) {
        return -1;
    }
    if (db_script(db, migration->text, err) ||
        db_none(db, sql_migration_add,
                PARAMS(db_int(migration->number), db_text(migration->name), db_text(digest)), err) ||
        db_commit(db, err)) {
        err_prefix(err, "migration %s", migration->name);
        db_rollback(db);
        return -1;
    }
    return 0;
}

/* The missing ones, under the lock. */
static int apply_missing(struct db *db, int *from, int *to, struct err *err)
{
    size_t count = 0;
    if (applied(db, true, &count, err)) {
        return -1;
    }
    for (size_t i = count; i < sql_migrations_count; i++) {
        if (apply_one(db, &sql_migrations[i], err)) {
            return -1;
        }
    }
    if (from != NULL) {
        *from = (int)count;
    }
    if (to != NULL) {
        *to = (int)sql_migrations_count;
    }
    if (count == sql_migrations_count) {
        return 0;
    }
    return db_none(db, sql_migration_event,
                   PARAMS(db_int((int64_t)count), db_int((int64_t)sql_migrations_count)), err);
}

int ledger_migrate_db(struct db *db, int *from, int *to, struct err *err)
{
    if (db_none(db, sql_migration_lock, NULL, 0, err)) {
        return -1;
    }
    int rc = apply_missing(db, from, to, err);
    (void)db_none(db, sql_migration_unlock, NULL, 0, NULL);
    return rc;
}
