/* --database: a password in it is refused before anything is tried, in every way that libpq would read one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/cli/stage.h"

/* The class of the error of opening what is typed as --database. Nothing listens at these addresses. */
static enum err_class open_typed(const char *url)
{
    char name[] = "tare-test";
    char *word = xasprintf("--database=%s", url);
    char *argv[] = {name, word, NULL};
    struct options *options = NULL;
    struct ledger *ledger = NULL;
    struct err err = {0};
    assert_int_equal(options_parse(2, argv, FOR_GATE, name, &options, &err), 0);
    assert_int_equal(ledger_open_options(options, name, false, &ledger, &err), -1);
    assert_null(strstr(err.message, "s3cret"));
    options_free(options);
    free(word);
    return err.class;
}

static void test_passwords(void **state)
{
    (void)state;
    static const char *const with[] = {
        "postgresql://me:s3cret@db/tare",      "postgres://me:s3cret@db",
        "host=db password=s3cret",             "host=db password = s3cret",
        "postgresql://db/tare?password=s3cret", "postgresql://me@db/tare?sslpassword=s3cret",
    };
    for (size_t i = 0; i < ARRAY_COUNT(with); i++) {
        assert_int_equal(open_typed(with[i]), ERR_USAGE);
    }
    static const char *const without[] = {
        "postgresql://me@/tare?host=/no/such/folder", "host=/no/such/folder dbname=tare",
        "postgresql://127.0.0.1:1/tare?application_name=a@b", "postgresql://me@127.0.0.1:1/tare",
    };
    for (size_t i = 0; i < ARRAY_COUNT(without); i++) {
        assert_int_not_equal(open_typed(without[i]), ERR_USAGE);
    }
}

/* In the environment only its owner can read it. */
static void test_environment_may_have_one(void **state)
{
    (void)state;
    char name[] = "tare-test";
    char *argv[] = {name, NULL};
    struct options *options = NULL;
    struct ledger *ledger = NULL;
    struct err err = {0};
    setenv("TARE_DATABASE_URL", "postgresql://me:s3cret@127.0.0.1:1/tare", 1);
    assert_int_equal(options_parse(1, argv, FOR_GATE, name, &options, &err), 0);
    assert_int_equal(ledger_open_options(options, name, false, &ledger, &err), -1);
    assert_int_not_equal(err.class, ERR_USAGE);
    assert_null(strstr(err.message, "s3cret"));
    assert_null(strstr(err.hint, "s3cret"));
    options_free(options);
    unsetenv("TARE_DATABASE_URL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_environment_may_have_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
