#ifndef TARE_TESTS_HARNESS_PG_SERVER_H
#define TARE_TESTS_HARNESS_PG_SERVER_H

/* A real Postgres for C tests: tare's own private cluster in a temporary directory, with the ledger in it and
 * one login for each kind of person: op (operator), op2 (operator), rev, rev2 (approvers), adm (admin), eye
 * (viewer). */

#include "pipeline/run/ledger.h"
#include "pipeline/run/privcluster.h"

/* Makes and starts it; sets TARE_STATE_DIR. Ends the program with a message where it cannot. */
void pg_server_start(void);

/* Stops it and removes the directory. */
void pg_server_stop(void);

/* New ledger handle as `login`; ends the program with a message where it cannot. */
struct ledger *pg_server_ledger(const char *login);

/* Runs SQL as the superuser; the text of the first column of the first row goes to `out` ("" for none). Ends
 * the program where it fails. */
void pg_server_sql(const char *sql, char *out, size_t size);

#endif
