#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/db.h"
#include "pipeline/run/ledger.h"
#include "pipeline/run/privcluster.h"
#include "tests/harness/pg_server.h"

static int start(void **state)
{
    (void)state;
    pg_server_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    pg_server_stop();
    return 0;
}

/* Whether the ledger opens as `login`. */
static bool opens(const char *login, struct err *err)
{
    struct ledger *ledger = NULL;
    const struct ledger_options options = {.login = login};
    bool yes = ledger_open(&ledger, &options, err) == 0;
    ledger_close(ledger);
    return yes;
}

static pid_t server_pid(void)
{
    struct privcluster cluster;
    bool running = false;
    long pid = 0;
    assert_int_equal(privcluster_find(&cluster, &running, NULL), 0);
    char *path = xasprintf("%s/postmaster.pid", cluster.data);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &pid), 1);
    fclose(file);
    free(path);
    privcluster_release(&cluster);
    return (pid_t)pid;
}

static void test_login_is_the_os_user(void **state)
{
    (void)state;
    struct err err = {0};
    struct ledger *ledger = NULL;
    const struct ledger_options options = {0};
    struct privcluster cluster;
    bool running = false;
    assert_int_equal(ledger_open(&ledger, &options, &err), 0);
    assert_int_equal(privcluster_find(&cluster, &running, &err), 0);
    assert_true(running);
    assert_string_equal(ledger_login(ledger), cluster.login);
    assert_true(ledger_is_private(ledger));
    privcluster_release(&cluster);
    ledger_close(ledger);
}

static void test_second_open_is_quick(void **state)
{
    (void)state;
    int64_t took = INT64_MAX;
    for (int i = 0; i < 20 && took >= 1000; i++) { /* a busy machine may hold up some of them */
        int64_t before = clock_monotonic_ms();
        assert_true(opens(NULL, NULL));
        took = clock_monotonic_ms() - before;
    }
    assert_true(took < 1000);
}

static void test_unknown_login_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(opens("stranger", &err));
    assert_int_equal(err.class, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "stranger"));
    assert_non_null(strstr(err.hint, "tare login stranger"));
}

static void test_nothing_listens_on_tcp(void **state)
{
    (void)state;
    char text[64];
    pg_server_sql("select current_setting('listen_addresses') || '|' || current_setting('fsync')", text,
                  sizeof text);
    assert_string_equal(text, "|on");
}

static void test_socket_is_closed_to_others(void **state)
{
    (void)state;
    struct privcluster cluster;
    struct stat status;
    bool running = false;
    assert_int_equal(privcluster_find(&cluster, &running, NULL), 0);
    assert_int_equal(stat(cluster.socket, &status), 0);
    assert_int_equal(status.st_mode & 077, 0);
    assert_true(strlen(cluster.socket) <= 100);
    privcluster_release(&cluster);
}

static void test_starts_again_after_a_crash(void **state)
{
    (void)state;
    pid_t pid = server_pid();
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (kill(pid, 0) == 0) {
        clock_sleep_ms(20);
    }
    struct err err = {0};
    if (!opens("op", &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_not_equal(server_pid(), pid);
}

static void test_two_start_at_once(void **state)
{
    (void)state;
    pid_t children[4];
    assert_int_equal(privcluster_stop(NULL), 0);
    for (size_t i = 0; i < ARRAY_COUNT(children); i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            _exit(opens(NULL, NULL) ? 0 : 1);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(children); i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

static void test_half_made_is_thrown_away(void **state)
{
    (void)state;
    char *old = xstrdup(getenv("TARE_STATE_DIR"));
    char *other = xasprintf("%s-2", old);
    char *half = xasprintf("%s/postgres.new", other);
    char *junk = xasprintf("%s/PG_VERSION", half);
    setenv("TARE_STATE_DIR", other, 1);
    struct privcluster cluster;
    struct err err = {0};
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(mkdir(half, 0700), 0);
    FILE *file = fopen(junk, "w");
    assert_non_null(file);
    fclose(file);
    struct stat parent;
    assert_int_equal(stat(old, &parent), 0);
    assert_int_equal(chown(other, parent.st_uid, parent.st_gid), 0);
    if (privcluster_start(&cluster, &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_not_equal(access(half, F_OK), 0);
    privcluster_release(&cluster);
    assert_int_equal(privcluster_stop(&err), 0);
    setenv("TARE_STATE_DIR", old, 1);
    free(junk);
    free(half);
    free(other);
    free(old);
}

/* kill -9 of the program that makes the cluster, at several instants; the next one always gets there. */
static void test_killed_while_making(void **state)
{
    (void)state;
    static const int64_t instants[] = {400, 1300};
    char *old = xstrdup(getenv("TARE_STATE_DIR"));
    for (size_t i = 0; i < ARRAY_COUNT(instants); i++) {
        char *other = xasprintf("%s-k%zu", old, i);
        setenv("TARE_STATE_DIR", other, 1);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct privcluster mine;
            _exit(privcluster_start(&mine, NULL) ? 1 : 0);
        }
        clock_sleep_ms(instants[i]);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        struct err err = {0};
        if (!opens(NULL, &err)) {
            fail_msg("killed after %d ms: %s", (int)instants[i], err.message);
        }
        assert_int_equal(privcluster_stop(&err), 0);
        free(other);
    }
    setenv("TARE_STATE_DIR", old, 1);
    free(old);
}

static void test_long_path_moves_the_socket(void **state)
{
    (void)state;
    char *old = xstrdup(getenv("TARE_STATE_DIR"));
    char *deep = xasprintf("%s/%090d", old, 1);
    setenv("TARE_STATE_DIR", deep, 1);
    struct privcluster cluster;
    bool running = true;
    assert_int_equal(privcluster_find(&cluster, &running, NULL), 0);
    assert_false(running);
    assert_true(strlen(cluster.socket) <= 86);
    privcluster_release(&cluster);
    setenv("TARE_STATE_DIR", old, 1);
    free(deep);
    free(old);
}

static void test_names_of_roles_are_no_logins(void **state)
{
    (void)state;
    struct privcluster cluster = {.url = NULL};
    struct err err = {0};
    assert_int_equal(privcluster_login(&cluster, "tare_admin", NULL, 0, &err), -1);
    assert_int_equal(err.class, ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_login_is_the_os_user),
        cmocka_unit_test(test_second_open_is_quick),
        cmocka_unit_test(test_unknown_login_is_refused),
        cmocka_unit_test(test_nothing_listens_on_tcp),
        cmocka_unit_test(test_socket_is_closed_to_others),
        cmocka_unit_test(test_starts_again_after_a_crash),
        cmocka_unit_test(test_two_start_at_once),
        cmocka_unit_test(test_half_made_is_thrown_away),
        cmocka_unit_test(test_killed_while_making),
        cmocka_unit_test(test_long_path_moves_the_socket),
        cmocka_unit_test(test_names_of_roles_are_no_logins),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
