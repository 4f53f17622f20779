#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/db.h"
#include "tests/harness/pg_server.h"

static struct privcluster cluster;
static struct db *db;
static struct err err;

static int start(void **state)
{
    bool running = false;
    (void)state;
    pg_server_start();
    return privcluster_find(&cluster, &running, NULL);
}

static int stop(void **state)
{
    (void)state;
    privcluster_release(&cluster);
    pg_server_stop();
    return 0;
}

static struct db_options options_for(const char *login)
{
    return (struct db_options){.url = cluster.url, .login = login, .database = PRIVCLUSTER_DATABASE};
}

static int open_one(void **state)
{
    (void)state;
    struct db_options options = options_for(PRIVCLUSTER_SUPERUSER);
    options.statement_seconds = 2;
    memset(&err, 0, sizeof err);
    return db_open(&db, &options, &err);
}

static int close_one(void **state)
{
    (void)state;
    db_close(db);
    db = NULL;
    return 0;
}

static void test_parameters_keep_every_byte(void **state)
{
    (void)state;
    static const char nasty[] = "a'b\"c\\d;--\n\xc3\xa9 $1 %s";
    struct arena arena;
    const char *got = NULL;
    arena_init(&arena);
    const struct db_param text = db_text(nasty);
    assert_int_equal(db_value(db, "select $1::text", &text, 1, &arena, &got, &err), 0);
    assert_string_equal(got, nasty);
    const struct db_param none = db_text(NULL);
    assert_int_equal(db_value(db, "select $1::text", &none, 1, &arena, &got, &err), 0);
    assert_null(got);
    int64_t number = 0;
    const struct db_param low = db_int(INT64_MIN);
    assert_int_equal(db_value_int(db, "select $1::bigint", &low, 1, &number, &err), 0);
    assert_true(number == INT64_MIN);
    arena_release(&arena);
}

static void test_bytes(void **state)
{
    (void)state;
    char all[256];
    struct buf out;
    bool found = false;
    for (int i = 0; i < 256; i++) {
        all[i] = (char)i;
    }
    const struct db_param bytes = db_bytes(all, sizeof all);
    buf_init(&out, sizeof all);
    assert_int_equal(db_value_bytes(db, "select $1", &bytes, 1, &out, &found, &err), 0);
    assert_true(found);
    assert_int_equal(out.length, sizeof all);
    assert_memory_equal(out.data, all, sizeof all);
    assert_int_equal(db_value_bytes(db, "select $1", &bytes, 1, &out, &found, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    buf_clear(&out);
    assert_int_equal(db_value_bytes(db, "select ''::bytea where false", NULL, 0, &out, &found, &err), 0);
    assert_false(found);
    buf_release(&out);
}

static void test_shapes(void **state)
{
    (void)state;
    struct db_rows *rows = NULL;
    assert_int_equal(db_row(db, "select 1 where false", NULL, 0, &rows, &err), -1);
    assert_int_equal(err.class, ERR_SOFTWARE);
    assert_int_equal(db_row_optional(db, "select generate_series(1, 2)", NULL, 0, &rows, &err), -1);
    assert_int_equal(db_row_optional(db, "select 1 where false", NULL, 0, &rows, &err), 0);
    assert_null(rows);
    assert_int_equal(db_rows(db, "select g, null, g > 2 from generate_series(1, 3) g", NULL, 0, &rows, &err),
                     0);
    assert_int_equal(db_rows_count(rows), 3);
    assert_int_equal(db_rows_int(rows, 2, 0, -1), 3);
    assert_int_equal(db_rows_int(rows, 2, 1, -1), -1);
    assert_true(db_rows_bool(rows, 2, 2));
    assert_false(db_rows_bool(rows, 0, 2));
    assert_null(db_rows_text(rows, 3, 0));
    assert_null(db_rows_text(rows, 0, 9));
    db_rows_free(rows);
}

/* Each failure of the server has its class. */
static void test_classes(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        enum err_class class;
        const char *words;
        const char *hint;
    } cases[] = {
        {"select tare.fail('TA077', 'the gate says no', 'tare status 1')", ERR_REFUSED, "the gate says no",
         "tare status 1"},
        {"select tare.fail('TA079', 'moved')", ERR_STALE, "moved", ""},
        {"select tare.fail('TA066', 'gone')", ERR_NOINPUT, "gone", ""},
        {"select tare.fail('TA099', 'odd')", ERR_SOFTWARE, "odd", ""},
        {"select 1/0", ERR_DATA, "division by zero", ""},
        {"select 'x'::int", ERR_DATA, "invalid input", ""},
        {"select * from tare.no_such_table", ERR_CONFIG, "does not exist", "tare migrate"},
        {"select no_such_function()", ERR_CONFIG, "does not exist", "tare migrate"},
        {"selec", ERR_SOFTWARE, "syntax error", ""},
        {"select pg_sleep(9)", ERR_TEMPFAIL, "statement timeout", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        memset(&err, 0, sizeof err);
        assert_int_equal(db_none(db, cases[i].sql, NULL, 0, &err), -1);
        assert_int_equal(err.class, cases[i].class);
        assert_non_null(strstr(err.message, cases[i].words));
        assert_string_equal(err.hint, cases[i].hint);
    }
    assert_int_equal(db_none(db, "select 1", NULL, 0, &err), 0);
}

static void test_rights(void **state)
{
    (void)state;
    struct db *eye = NULL;
    const struct db_options options = options_for("eye");
    assert_int_equal(db_open(&eye, &options, &err), 0);
    assert_int_equal(db_none(eye, "delete from tare.run", NULL, 0, &err), -1);
    assert_int_equal(err.class, ERR_REFUSED);
    assert_non_null(strstr(err.hint, "group role"));
    db_close(eye);
}

static void test_transactions(void **state)
{
    (void)state;
    int64_t count = -1;
    assert_int_equal(db_script(db, "create temp table t (a int)", &err), 0);
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_none(db, "insert into t values (1)", NULL, 0, &err), 0);
    db_rollback(db);
    assert_int_equal(db_begin(db, &err), 0);
    assert_int_equal(db_none(db, "insert into t values (2)", NULL, 0, &err), 0);
    assert_int_equal(db_commit(db, &err), 0);
    assert_int_equal(db_value_int(db, "select sum(a) from t", NULL, 0, &count, &err), 0);
    assert_int_equal(count, 2);
}

/* A connection that broke says so, once and for all. */
static void test_lost_connection(void **state)
{
    (void)state;
    char sql[96];
    char ignored[8];
    int64_t pid = 0;
    assert_int_equal(db_value_int(db, "select pg_backend_pid()", NULL, 0, &pid, &err), 0);
    snprintf(sql, sizeof sql, "select pg_terminate_backend(%lld)", (long long)pid);
    pg_server_sql(sql, ignored, sizeof ignored);
    memset(&err, 0, sizeof err);
    assert_int_equal(db_none(db, "select 1", NULL, 0, &err), -1);
    assert_int_equal(err.class, ERR_TEMPFAIL);
    memset(&err, 0, sizeof err);
    assert_int_equal(db_none(db, "select 1", NULL, 0, &err), -1);
    assert_int_equal(err.class, ERR_TEMPFAIL);
    db_rollback(db);
}

static volatile sig_atomic_t stop_now;

static void *interrupt_soon(void *unused)
{
    clock_sleep_ms(200);
    stop_now = 1;
    return unused;
}

static void test_interrupt_cancels(void **state)
{
    (void)state;
    pthread_t thread;
    struct db *patient = NULL;
    struct db_options options = options_for(PRIVCLUSTER_SUPERUSER);
    options.statement_seconds = 60;
    assert_int_equal(db_open(&patient, &options, &err), 0);
    stop_now = 0;
    db_interrupt(patient, &stop_now);
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
    int64_t before = clock_monotonic_ms();
    assert_int_equal(db_none(patient, "select pg_sleep(50)", NULL, 0, &err), -1);
    assert_int_equal(err.class, ERR_TEMPFAIL);
    assert_true(clock_monotonic_ms() - before < 30 * 1000);
    pthread_join(thread, NULL);
    db_interrupt(patient, NULL);
    assert_int_equal(db_none(patient, "select 1", NULL, 0, &err), 0);
    db_close(patient);
}

static void test_unreachable(void **state)
{
    (void)state;
    static const struct db_options options[] = {
        {.url = "host=/nowhere/at/all user=op dbname=tare"},
        {.url = "postgresql://op:s3cret-word@127.0.0.1:1/tare"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(options); i++) {
        struct db *none = NULL;
        memset(&err, 0, sizeof err);
        assert_int_equal(db_open(&none, &options[i], &err), -1);
        assert_int_equal(err.class, ERR_UNAVAILABLE);
        assert_null(strstr(err.message, "s3cret-word"));
        assert_null(strchr(err.message, '\n'));
        assert_null(none);
    }
}

/* libpq repeats a URL it cannot read, with the password in it; we do not. */
static void test_bad_url_does_not_tell_the_password(void **state)
{
    (void)state;
    static const char *const urls[] = {"postgresql://op:s3cret-word@host:port:9/tare?nonsense",
                                       "postgresql://op:s3cret-word@[::1/tare", "password=s3cret-word what"};
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct db *none = NULL;
        const struct db_options options = {.url = urls[i]};
        memset(&err, 0, sizeof err);
        assert_int_equal(db_open(&none, &options, &err), -1);
        assert_int_equal(err.class, ERR_CONFIG);
        assert_null(strstr(err.message, "s3cret"));
    }
}

/* A server that takes the connection and never says a word. */
static void test_silent_server(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char *url = xasprintf("host=127.0.0.1 port=%d user=op dbname=tare", ntohs(address.sin_port));
    struct db *none = NULL;
    const struct db_options options = {.url = url, .connect_seconds = 2};
    int64_t before = clock_monotonic_ms();
    assert_int_equal(db_open(&none, &options, &err), -1);
    assert_int_equal(err.class, ERR_UNAVAILABLE);
    assert_true(clock_monotonic_ms() - before < 30 * 1000);
    free(url);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parameters_keep_every_byte, open_one, close_one),
        cmocka_unit_test_setup_teardown(test_bytes, open_one, close_one),
        cmocka_unit_test_setup_teardown(test_shapes, open_one, close_one),
        cmocka_unit_test_setup_teardown(test_classes, open_one, close_one),
        cmocka_unit_test(test_rights),
        cmocka_unit_test_setup_teardown(test_transactions, open_one, close_one),
        cmocka_unit_test_setup_teardown(test_lost_connection, open_one, close_one),
        cmocka_unit_test(test_interrupt_cancels),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_bad_url_does_not_tell_the_password),
        cmocka_unit_test(test_silent_server),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
