#ifndef TARE_IO_DB_INTERNAL_H
#define TARE_IO_DB_INTERNAL_H

/* Shared by db.c and db_connect.c only. */

#include <libpq-fe.h>

#include "pipeline/io/db.h"

struct db {
    PGconn *conn;
    char *place;
    char *login;
    char *password; /* only to be masked where the server's words repeat it */
    int64_t statement_ms;
    volatile sig_atomic_t *interrupt;
    bool lost;
};

/* Copies the server's words as one line without the password. `out` has `size` bytes. */
void db_clean_text(const struct db *db, const char *text, char *out, size_t size);

#endif
