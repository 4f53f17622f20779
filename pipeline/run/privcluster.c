#include "pipeline/run/privcluster_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/db.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "sql_embed.h"

/* A socket's path has at most 107 bytes; "/.s.PGSQL.5432" takes 14 of them. */
enum {
    SOCKET_PATH_MAX = 100,
    SOCKET_NAME = 14,
    LOCK_WAIT_MS = 120000,
    LOCK_STEP_MS = 50,
    OWNER_WAIT_MS = 1000,
    START_WAIT_MS = 15000,
    OUTPUT_MAX = 8192,
    CONNECT_SECONDS = 5,
    TREE_DEPTH = 32
};

/* fsync stays on: the before-images are what a rollback stands on. */
static const char settings[] = "\n# tare: reachable by Unix socket only\n"
                               "listen_addresses = ''\nport = 5432\nunix_socket_permissions = 0700\n"
                               "max_connections = 60\nshared_buffers = 32MB\nfsync = on\n"
                               "log_timezone = 'UTC'\ntimezone = 'UTC'\nlog_min_messages = warning\n"
                               "log_min_error_statement = panic\n";

/* ---- Where ---- */

/* The person's own folder, also where the environment does not say; never a shared one, whose owner could swap what is in it. */
static const char *home_directory(void)
{
    const char *home = getenv("HOME");
    const struct passwd *entry = home != NULL && home[0] == '/' ? NULL : getpwuid(geteuid());
    return home != NULL && home[0] == '/' ? home : entry != NULL ? entry->pw_dir : "/";
}

static char *state_directory(void)
{
    const char *named = getenv("TARE_STATE_DIR");
    const char *state = getenv("XDG_STATE_HOME");
    if (named != NULL && named[0] != '\0') {
        char cwd[4096];
        return named[0] == '/' || getcwd(cwd, sizeof cwd) == NULL ? xstrdup(named) : fs_join(cwd, named);
    }
    if (geteuid() == 0) {
        return xstrdup("/var/lib/tare");
    }
    if (state != NULL && state[0] == '/') {
        return fs_join(state, "tare");
    }
    return fs_join(home_directory(), ".local/state/tare");
}

static bool socket_fits(const char *directory)
{
    return strlen(directory) + SOCKET_NAME <= SOCKET_PATH_MAX;
}

/* In the state directory where its path is short enough, else in $XDG_RUNTIME_DIR or /tmp, named by a digest.
 */
static char *socket_directory(const char *state, const struct server_user *user)
{
    char *inside = fs_join(state, "socket");
    if (socket_fits(inside)) {
        return inside;
    }
    free(inside);
    char digest[DIGEST_HEX];
    hash_bytes(state, strlen(state), digest);
    const char *runtime = user->other ? NULL : getenv("XDG_RUNTIME_DIR");
    char *path = xasprintf("%s/tare-%.12s", runtime != NULL && runtime[0] == '/' ? runtime : "/tmp", digest);
    if (!socket_fits(path)) {
        free(path);
        path = xasprintf("/tmp/tare-%.12s", digest);
    }
    return path;
}

/* One conninfo value in quotes. Free with free(). */
static char *quoted(const char *value)
{
    struct buf out;
    buf_init(&out, 8192);
    buf_add_char(&out, '\'');
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\'' || *c == '\\') {
            buf_add_char(&out, '\\');
        }
        buf_add_char(&out, *c);
    }
    buf_add_char(&out, '\'');
    return buf_steal(&out);
}

/* Line `number` (from 1) of the server's pid file; NULL where it has none. Free with free(). */
static char *pid_file_line(const char *data, int number)
{
    char *path = fs_join(data, "postmaster.pid");
    struct buf text;
    buf_init(&text, 4096);
    char *line = NULL;
    if (fs_read(path, &text, NULL) == 0) {
        char *rest = NULL;
        line = buf_steal(&text);
        char *item = strtok_r(line, "\n", &rest);
        for (int i = 1; item != NULL && i < number; i++) {
            item = strtok_r(NULL, "\n", &rest);
        }
        char *found = item == NULL ? NULL : xstrdup(item);
        free(line);
        line = found;
    }
    buf_release(&text);
    free(path);
    return line;
}

/* The client checks that the server at the other end is run by the right user. */
static void set_socket(struct privcluster *cluster, char *socket)
{
    free(cluster->socket);
    free(cluster->url);
    cluster->socket = socket;
    char *host = quoted(socket);
    char *owner = quoted(cluster->owner);
    cluster->url = xasprintf("host=%s port=5432 requirepeer=%s sslmode=disable", host, owner);
    free(host);
    free(owner);
}

static char *caller_login(void)
{
    const struct passwd *entry = getpwuid(geteuid());
    return entry != NULL ? xstrdup(entry->pw_name) : xasprintf("uid%lu", (unsigned long)geteuid());
}

/* Fills in everything but what is only known when the server runs. */
static int locate(struct privcluster *cluster, struct server_user *user, struct err *err)
{
    *cluster = (struct privcluster){0};
    if (server_user_find(user, err)) {
        return -1;
    }
    cluster->directory = state_directory();
    cluster->data = fs_join(cluster->directory, "postgres");
    cluster->owner = xstrdup(user->name);
    cluster->login = caller_login();
    set_socket(cluster, socket_directory(cluster->directory, user));
    return 0;
}

/* A server that runs tells its socket itself: XDG_RUNTIME_DIR may have been another one when it started. */
static bool seems_running(struct privcluster *cluster)
{
    char *socket = pid_file_line(cluster->data, 5);
    if (socket == NULL || socket[0] != '/') {
        free(socket);
        return false;
    }
    set_socket(cluster, socket);
    char *file = fs_join(cluster->socket, ".s.PGSQL.5432");
    bool there = access(file, F_OK) == 0;
    free(file);
    return there;
}

int privcluster_find(struct privcluster *out, bool *running, struct err *err)
{
    struct server_user user;
    if (locate(out, &user, err)) {
        return -1;
    }
    free(user.name);
    *running = seems_running(out);
    return 0;
}

void privcluster_release(struct privcluster *cluster)
{
    free(cluster->directory);
    free(cluster->data);
    free(cluster->socket);
    free(cluster->owner);
    free(cluster->login);
    free(cluster->url);
    *cluster = (struct privcluster){0};
}

/* ---- Making ---- */

/* Looks at the directory; one that another tare made this very moment is given to the server's user a moment later. */
static int look_at(const char *path, const struct server_user *user, struct stat *status)
{
    int64_t deadline = clock_monotonic_ms() + OWNER_WAIT_MS;
    for (;;) {
        if (lstat(path, status) != 0 || !S_ISDIR(status->st_mode)) {
            return -1;
        }
        if (!user->other || status->st_uid != geteuid() || clock_monotonic_ms() > deadline) {
            return 0;
        }
        clock_sleep_ms(LOCK_STEP_MS);
    }
}

/* A directory with mode 0700 that belongs to the server's user, and is no link somebody else put there. */
static int private_directory(const char *path, const struct server_user *user, struct err *err)
{
    struct stat status;
    char *parent = fs_dirname(path);
    int rc = fs_make_dirs(parent, 0755, err);
    free(parent);
    if (rc != 0) {
        return err_hint(err, "TARE_STATE_DIR chooses another place, --database a server of your own");
    }
    if (mkdir(path, 0700) == 0) {
        if (user->other && chown(path, user->uid, user->gid) != 0) {
            return err_errno(err, ERR_CANTCREAT, errno, "cannot give %s to %s", path, user->name);
        }
    } else if (errno != EEXIST) {
        err_errno(err, ERR_CANTCREAT, errno, "cannot make %s", path);
        return err_hint(err, "TARE_STATE_DIR chooses another place, --database a server of your own");
    }
    if (look_at(path, user, &status)) {
        return err_set(err, ERR_CANTCREAT, "%s is not a directory", path);
    }
    if (status.st_uid != user->uid) {
        err_set(err, ERR_CANTCREAT, "%s belongs to user %lu, not to %s who would run the server", path,
                (unsigned long)status.st_uid, user->name);
        return err_hint(err, "remove it, or choose another place with TARE_STATE_DIR");
    }
    if ((status.st_mode & 077) != 0 && chmod(path, 0700) != 0) {
        return err_errno(err, ERR_CANTCREAT, errno, "cannot close %s to others", path);
    }
    return 0;
}

/* Waits for the lock that keeps two from making or starting the cluster at once. It ends with the descriptor.
 */
static int lock_directory(const char *directory, int *fd, struct err *err)
{
    char *path = fs_join(directory, "lock");
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int saved = errno;
    free(path);
    if (*fd < 0) {
        return err_errno(err, ERR_CANTCREAT, saved, "cannot make the lock in %s", directory);
    }
    int64_t deadline = clock_monotonic_ms() + LOCK_WAIT_MS;
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_monotonic_ms() > deadline) {
            close(*fd);
            return err_set(err, ERR_TEMPFAIL, "another tare is still starting the private ledger in %s",
                           directory);
        }
        clock_sleep_ms(LOCK_STEP_MS);
    }
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

/* The last line that a program printed, for a message. */
static const char *last_line(struct buf *output)
{
    char *text = output->data;
    size_t length = output->length;
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' ')) {
        text[--length] = '\0';
    }
    char *line = text == NULL ? NULL : strrchr(text, '\n');
    return text == NULL || length == 0 ? "it said nothing" : line == NULL ? text : line + 1;
}

/* Runs one of Postgres' programs and turns a failure into an error. */
static int run_program(const struct server_user *user, const char *directory, const char *const *argv,
                       int keep, const char *doing, struct err *err)
{
    struct buf output;
    buf_init(&output, OUTPUT_MAX);
    int code = server_run(user, directory, argv, keep, &output, err);
    if (code > 0) {
        err_set(err, ERR_UNAVAILABLE, "cannot %s in %s: %s", doing, directory, last_line(&output));
        err_hint(err,
                 "that user (%s) must reach the directory; TARE_STATE_DIR chooses another one, --database a "
                 "server",
                 user->name);
    }
    buf_release(&output);
    return code == 0 ? 0 : -1;
}

static int append_settings(const char *data, struct err *err)
{
    char *path = fs_join(data, "postgresql.conf");
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    int saved = errno;
    int rc = fd < 0 ? err_errno(err, ERR_CANTCREAT, saved, "cannot open %s", path)
                    : fs_write_fd(fd, settings, sizeof settings - 1, path, err);
    if (fd >= 0) {
        rc = rc == 0 && fsync(fd) != 0 ? err_errno(err, ERR_IO, errno, "cannot write %s", path) : rc;
        close(fd);
    }
    free(path);
    return rc;
}

/* initdb into a name of its own and a rename at the end: a half-made cluster never has the real name. initdb
 * holds the lock too, so that nobody removes its work under it when this process is killed. */
static int make_cluster(const struct privcluster *cluster, const struct server_user *user, int lock,
                        struct err *err)
{
    char *program = NULL;
    if (server_program("initdb", 0, &program, err)) {
        return -1;
    }
    char *fresh = fs_join(cluster->directory, "postgres.new");
    (void)nftw(fresh, remove_entry, TREE_DEPTH, FTW_DEPTH | FTW_PHYS);
    const char *argv[] = {program, "-N",   "-D",         fresh, "-U",    PRIVCLUSTER_SUPERUSER,
                          "-E",    "UTF8", "--locale=C", "-A",  "trust", "--data-checksums",
                          NULL};
    int rc = run_program(user, cluster->directory, argv, lock, "make the private ledger", err);
    if (rc == 0) {
        rc = append_settings(fresh, err);
    }
    sync(); /* in place of initdb's thousand single ones (-N), which take seconds on a busy disk */
    if (rc == 0 && rename(fresh, cluster->data) != 0) {
        rc = err_errno(err, ERR_CANTCREAT, errno, "cannot name %s", cluster->data);
    }
    free(fresh);
    free(program);
    return rc;
}

/* ---- Starting and stopping ---- */

/* Major version that made the cluster, 0 where there is none. */
static int cluster_version(const char *data)
{
    char *path = fs_join(data, "PG_VERSION");
    struct buf text;
    buf_init(&text, 64);
    int version = fs_read(path, &text, NULL) == 0 ? (int)strtol(buf_str(&text), NULL, 10) : 0;
    buf_release(&text);
    free(path);
    return version;
}

static int admin_open(const struct privcluster *cluster, const char *database, struct db **db,
                      struct err *err)
{
    struct db_options options = {.url = cluster->url,
                                 .login = PRIVCLUSTER_SUPERUSER,
                                 .database = database,
                                 .application = "tare-private",
                                 .connect_seconds = CONNECT_SECONDS};
    return db_open(db, &options, err);
}

static bool answers(struct privcluster *cluster)
{
    struct db *db = NULL;
    bool yes = seems_running(cluster) && admin_open(cluster, "postgres", &db, NULL) == 0;
    db_close(db);
    return yes;
}

/* pg_ctl waits until the server answers, and copes with a pid file that a crash left. */
static int start_server(struct privcluster *cluster, const struct server_user *user, struct err *err)
{
    char *program = NULL;
    set_socket(cluster, socket_directory(cluster->directory, user));
    if (private_directory(cluster->socket, user, err) ||
        server_program("pg_ctl", cluster_version(cluster->data), &program, err)) {
        return -1;
    }
    char *log = fs_join(cluster->directory, "postgres.log");
    char *socket = xasprintf("-c unix_socket_directories=\"%s\"", cluster->socket);
    const char *argv[] = {program, "-D", cluster->data, "-l",   log,     "-s", "-w",
                          "-t",    "60", "-o",          socket, "start", NULL};
    int rc = run_program(user, cluster->directory, argv, -1, "start the private ledger", err);
    if (rc != 0) {
        err_hint(err, "see %s", log);
    }
    free(log);
    free(socket);
    free(program);
    return rc;
}

/* Under the lock. A start that failed may have met a server that a killed tare was just starting. */
static int bring_up(struct privcluster *cluster, const struct server_user *user, int lock, struct err *err)
{
    if (answers(cluster)) {
        return 0;
    }
    if (cluster_version(cluster->data) == 0 && make_cluster(cluster, user, lock, err)) {
        return -1;
    }
    if (start_server(cluster, user, err) == 0) {
        return 0;
    }
    int64_t deadline = clock_monotonic_ms() + START_WAIT_MS;
    while (seems_running(cluster) && clock_monotonic_ms() < deadline) {
        if (answers(cluster)) {
            return 0;
        }
        clock_sleep_ms(LOCK_STEP_MS);
    }
    return -1;
}

int privcluster_start(struct privcluster *out, struct err *err)
{
    struct server_user user;
    int lock = -1;
    if (locate(out, &user, err)) {
        return -1;
    }
    int rc = private_directory(out->directory, &user, err);
    if (rc == 0) {
        rc = lock_directory(out->directory, &lock, err);
    }
    if (rc == 0) {
        rc = bring_up(out, &user, lock, err);
        close(lock);
    }
    free(user.name);
    if (rc != 0) {
        privcluster_release(out);
    }
    return rc;
}

int privcluster_stop(struct err *err)
{
    struct privcluster cluster;
    struct server_user user;
    char *program = NULL;
    if (locate(&cluster, &user, err)) {
        return -1;
    }
    int rc = 0;
    char *pid = pid_file_line(cluster.data, 1);
    if (pid != NULL) {
        rc = server_program("pg_ctl", cluster_version(cluster.data), &program, err);
    }
    if (pid != NULL && rc == 0) {
        const char *argv[] = {program, "-D", cluster.data, "-s",   "-w", "-t",
                              "60",    "-m", "fast",       "stop", NULL};
        rc = run_program(&user, cluster.directory, argv, -1, "stop the private ledger", err);
    }
    free(pid);
    free(program);
    free(user.name);
    privcluster_release(&cluster);
    return rc;
}

/* ---- Inside ---- */

int privcluster_database(const struct privcluster *cluster, struct err *err)
{
    struct db *db = NULL;
    struct db_rows *row = NULL;
    const struct db_param name = db_text(PRIVCLUSTER_DATABASE);
    if (admin_open(cluster, "postgres", &db, err)) {
        return -1;
    }
    int rc = db_row(db, sql_database_there, &name, 1, &row, err);
    if (rc == 0 && !db_rows_bool(row, 0, 0)) {
        struct err first = {0};
        rc = db_script(db, "create database " PRIVCLUSTER_DATABASE, &first);
        /* somebody else may have been quicker */
        db_rows_free(row);
        row = NULL;
        if (rc != 0) {
            rc = db_row(db, sql_database_there, &name, 1, &row, err);
            rc = rc == 0 && !db_rows_bool(row, 0, 0) ? err_set(err, first.class, "%s", first.message) : rc;
        }
    }
    db_rows_free(row);
    db_close(db);
    return rc;
}

/* Asks the server for a statement with quoted names and runs it. */
static int run_made(struct db *db, const char *sql, const struct db_param *params, size_t count,
                    struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    const char *statement = NULL;
    int rc = db_value(db, sql, params, count, &arena, &statement, err);
    if (rc == 0) {
        rc = db_script(db, statement, err);
    }
    arena_release(&arena);
    return rc;
}

int privcluster_login(const struct privcluster *cluster, const char *login, const char *const *roles,
                      size_t count, struct err *err)
{
    struct db *db = NULL;
    if (str_starts(login, "tare_") || str_starts(login, "pg_")) {
        return err_set(err, ERR_USAGE, "%s is no name for a login: tare_ and pg_ are taken", login);
    }
    if (admin_open(cluster, PRIVCLUSTER_DATABASE, &db, err)) {
        return -1;
    }
    /* Two that start at once make the same login: one after the other. The lock ends with the connection. */
    const struct db_param name = db_text(login);
    int rc = db_none(db, sql_migration_lock, NULL, 0, err) || run_made(db, sql_login_create, &name, 1, err) ? -1 : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct db_param params[] = {db_text(roles[i]), name};
        rc = run_made(db, sql_login_member, params, ARRAY_COUNT(params), err);
    }
    db_close(db);
    return rc;
}
