#include "tests/harness/pg_server.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/db.h"
#include "pipeline/io/json.h"

static char *directory;

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void clean_up(void)
{
    privcluster_stop(NULL);
    nftw(directory, remove_entry, 32, FTW_DEPTH | FTW_PHYS);
}

static void stop_with(const char *what, const struct err *err)
{
    fprintf(stderr, "pg_server: %s: %s\n", what, err->message);
    clean_up();
    exit(2);
}

static void make_logins(void)
{
    static const struct {
        const char *login;
        const char *role;
    } people[] = {{"op", "tare_operator"},   {"op2", "tare_operator"}, {"rev", "tare_approver"},
                  {"rev2", "tare_approver"}, {"adm", "tare_admin"},    {"eye", "tare_viewer"}};
    struct privcluster cluster;
    struct err err = {0};
    bool running = false;
    if (privcluster_find(&cluster, &running, &err)) {
        stop_with("find", &err);
    }
    for (size_t i = 0; i < ARRAY_COUNT(people); i++) {
        if (privcluster_login(&cluster, people[i].login, &people[i].role, 1, &err)) {
            stop_with(people[i].login, &err);
        }
    }
    privcluster_release(&cluster);
}

void pg_server_start(void)
{
    const char *base = getenv("TMPDIR");
    struct err err = {0};
    json_init();
    directory = xasprintf("%s/tare-pg.XXXXXX", base != NULL && strlen(base) < 40 ? base : "/tmp");
    if (mkdtemp(directory) == NULL || chmod(directory, 0755) != 0) {
        stop_with("temporary directory", &err);
    }
    char *state = xasprintf("%s/state", directory);
    setenv("TARE_STATE_DIR", state, 1);
    unsetenv("TARE_DATABASE_URL");
    unsetenv("TARE_NOW");
    free(state);
    const struct ledger_options options = {0};
    if (ledger_migrate(&options, NULL, NULL, &err)) {
        stop_with("migrate", &err);
    }
    make_logins();
}

void pg_server_stop(void)
{
    clean_up();
    free(directory);
    directory = NULL;
}

struct ledger *pg_server_ledger(const char *login)
{
    struct ledger *ledger = NULL;
    struct err err = {0};
    const struct ledger_options options = {.login = login};
    if (ledger_open(&ledger, &options, &err)) {
        stop_with(login, &err);
    }
    return ledger;
}

void pg_server_sql(const char *sql, char *out, size_t size)
{
    struct privcluster cluster;
    struct err err = {0};
    bool running = false;
    struct db *db = NULL;
    struct db_rows *rows = NULL;
    if (privcluster_find(&cluster, &running, &err)) {
        stop_with("find", &err);
    }
    struct db_options options = {
        .url = cluster.url, .login = PRIVCLUSTER_SUPERUSER, .database = PRIVCLUSTER_DATABASE};
    if (db_open(&db, &options, &err) || db_rows(db, sql, NULL, 0, &rows, &err)) {
        stop_with(sql, &err);
    }
    const char *text = db_rows_text(rows, 0, 0);
    snprintf(out, size, "%s", text == NULL ? "" : text);
    db_rows_free(rows);
    db_close(db);
    privcluster_release(&cluster);
}
