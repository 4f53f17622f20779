#include "pipeline/io/db_internal.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { KEYWORDS_MAX = 64, CONNECT_SECONDS = 10, STATEMENT_SECONDS = 120 };

/* What every session starts with. Dates and numbers come in one form, whatever the server's settings; a
 * commit is durable before it answers. */
static const char session_setup[] =
    "set client_min_messages = warning; set timezone = 'UTC'; set datestyle = 'ISO';"
    " set bytea_output = 'hex'; set extra_float_digits = 1;"
    " set search_path = pg_catalog; set jit = off;"
    " set standard_conforming_strings = on;"
    " select set_config('synchronous_commit', 'on', false)"
    " where current_setting('synchronous_commit') = 'off'";

struct keywords {
    const char *names[KEYWORDS_MAX];
    const char *values[KEYWORDS_MAX];
    size_t count;
};

/* Sets one keyword, replacing an earlier value. */
static void keyword_set(struct keywords *keywords, const char *name, const char *value)
{
    for (size_t i = 0; i < keywords->count; i++) {
        if (strcmp(keywords->names[i], name) == 0) {
            keywords->values[i] = value;
            return;
        }
    }
    if (keywords->count + 1 < KEYWORDS_MAX) {
        keywords->names[keywords->count] = name;
        keywords->values[keywords->count] = value;
        keywords->count++;
    }
}

static const char *keyword_get(const struct keywords *keywords, const char *name)
{
    for (size_t i = 0; i < keywords->count; i++) {
        if (strcmp(keywords->names[i], name) == 0) {
            return keywords->values[i];
        }
    }
    return NULL;
}

/* Takes over what the URL says. A password belongs to the URL's own login, not to another one. */
static void keywords_from_url(struct keywords *keywords, const PQconninfoOption *url, const char *login)
{
    for (const PQconninfoOption *option = url; option->keyword != NULL; option++) {
        bool foreign = login != NULL &&
                       (strcmp(option->keyword, "user") == 0 || strcmp(option->keyword, "password") == 0);
        if (option->val != NULL && !foreign) {
            keyword_set(keywords, option->keyword, option->val);
        }
    }
}

/* libpq's own words about a URL may repeat the password in it, so they are not shown. */
static int url_parse(const char *url, PQconninfoOption **out, struct err *err)
{
    *out = PQconninfoParse(url, NULL);
    if (*out == NULL) {
        err_set(err, ERR_CONFIG, "the database URL is neither a postgresql:// URL nor a conninfo string");
        return err_hint(
            err, "write it as postgresql://USER@HOST:5432/DATABASE, the password in PGPASSWORD or ~/.pgpass");
    }
    return 0;
}

static void keywords_from_options(struct keywords *keywords, const struct db_options *options, char *seconds,
                                  size_t seconds_size)
{
    snprintf(seconds, seconds_size, "%d",
             options->connect_seconds > 0 ? options->connect_seconds : CONNECT_SECONDS);
    if (options->login != NULL) {
        keyword_set(keywords, "user", options->login);
    }
    if (options->database != NULL) {
        keyword_set(keywords, "dbname", options->database);
    }
    if (options->connect_seconds > 0 || keyword_get(keywords, "connect_timeout") == NULL) {
        keyword_set(keywords, "connect_timeout", seconds);
    }
    if (keyword_get(keywords, "keepalives_idle") == NULL) {
        keyword_set(keywords, "keepalives_idle", "30");
        keyword_set(keywords, "keepalives_interval", "10");
        keyword_set(keywords, "keepalives_count", "3");
    }
    keyword_set(keywords, "application_name", options->application != NULL ? options->application : "tare");
    keyword_set(keywords, "client_encoding", "UTF8");
    keywords->names[keywords->count] = NULL;
    keywords->values[keywords->count] = NULL;
}

/* Where the connection goes, for messages. */
static char *place_text(const struct keywords *keywords, PGconn *conn)
{
    const char *host = keyword_get(keywords, "host");
    const char *port = keyword_get(keywords, "port");
    const char *database = keyword_get(keywords, "dbname");
    if (conn != NULL && PQstatus(conn) == CONNECTION_OK) {
        host = PQhost(conn);
        port = PQport(conn);
        database = PQdb(conn);
    }
    return xasprintf("database %s on %s %s%s%s", str_equal(database, NULL) ? "(default)" : database,
                     host != NULL && host[0] == '/' ? "socket" : "host", host != NULL ? host : "(default)",
                     port != NULL ? " port " : "", port != NULL ? port : "");
}

/* Replaces every occurrence of `secret` by stars, in place. */
static void mask(char *text, const char *secret)
{
    size_t length = secret == NULL ? 0 : strlen(secret);
    if (length < 3) {
        return;
    }
    for (char *at = strstr(text, secret); at != NULL; at = strstr(at + length, secret)) {
        memset(at, '*', length);
    }
}

void db_clean_text(const struct db *db, const char *text, char *out, size_t size)
{
    snprintf(out, size, "%s", text == NULL ? "" : text);
    mask(out, db->password);
    for (char *c = out; *c != '\0'; c++) {
        if (*c == '\n' || *c == '\t') {
            *c = ' ';
        }
    }
    size_t length = strlen(out);
    while (length > 0 && (out[length - 1] == ' ' || out[length - 1] == '.')) {
        out[--length] = '\0';
    }
}

/* Statement time-out and the rest of the session's settings. */
static int session_prepare(struct db *db, struct err *err)
{
    char text[96];
    snprintf(text, sizeof text, "set statement_timeout = %lld", (long long)db->statement_ms);
    if (db_script(db, session_setup, err) || db_script(db, text, err)) {
        return err_prefix(err, "%s", db->place);
    }
    return 0;
}

static int unreachable(const struct db *db, struct err *err)
{
    char words[ERR_MESSAGE_MAX / 2];
    db_clean_text(db, PQerrorMessage(db->conn), words, sizeof words);
    err_set(err, ERR_UNAVAILABLE, "cannot use %s: %s", db->place, words);
    return err_hint(err, "tare doctor");
}

/* Connects with keywords that are complete. */
static int connect_with(struct db *db, const struct keywords *keywords, struct err *err)
{
    db->conn = PQconnectdbParams(keywords->names, keywords->values, 0);
    if (db->conn == NULL) {
        return err_set(err, ERR_TEMPFAIL, "no memory for a database connection");
    }
    db->place = place_text(keywords, db->conn);
    const char *password = PQpass(db->conn);
    db->password = xstrdup_null(password);
    if (PQstatus(db->conn) != CONNECTION_OK) {
        return unreachable(db, err);
    }
    db->login = xstrdup(PQuser(db->conn));
    return session_prepare(db, err);
}

int db_open(struct db **out, const struct db_options *options, struct err *err)
{
    PQconninfoOption *url = NULL;
    if (url_parse(options->url == NULL ? "" : options->url, &url, err)) {
        return -1;
    }
    struct keywords keywords = {.count = 0};
    char seconds[16];
    keywords_from_url(&keywords, url, options->login);
    keywords_from_options(&keywords, options, seconds, sizeof seconds);
    struct db *db = xcalloc(sizeof *db);
    int limit = options->statement_seconds > 0 ? options->statement_seconds : STATEMENT_SECONDS;
    db->statement_ms = (int64_t)limit * 1000;
    int rc = connect_with(db, &keywords, err);
    PQconninfoFree(url);
    if (rc != 0) {
        db_close(db);
        return -1;
    }
    *out = db;
    return 0;
}

void db_close(struct db *db)
{
    if (db == NULL) {
        return;
    }
    PQfinish(db->conn);
    free(db->place);
    free(db->login);
    free(db->password);
    free(db);
}

const char *db_place(const struct db *db)
{
    return db->place;
}

const char *db_login(const struct db *db)
{
    return db->login;
}

void db_interrupt(struct db *db, volatile sig_atomic_t *flag)
{
    db->interrupt = flag;
}
