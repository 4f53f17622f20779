/* Keys from files and from the environment. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "stages/common/llm/llm_key.h"

static char path[] = "/tmp/tare-key-XXXXXX";

static int read_from(const char *bytes, size_t length, char **key, struct err *err)
{
    assert_int_equal(fs_replace(path, bytes, length, 0600, err), 0);
    return llm_key_read(path, "TARE_TEST_NO_SUCH", key, err);
}

static void from_a_file(void **state)
{
    (void)state;
    char *key = NULL;
    struct err err = {0};
    assert_int_equal(read_from("sk-123\n", 7, &key, &err), 0);
    assert_string_equal(key, "sk-123");
    mem_free_secret(key);
    assert_int_equal(read_from("sk-123 \r\n\n", 10, &key, &err), 0);
    assert_string_equal(key, "sk-123");
    mem_free_secret(key);
    assert_int_equal(chmod(path, 0644), 0); /* warned of, and read */
    assert_int_equal(llm_key_read(path, NULL, &key, &err), 0);
    assert_string_equal(key, "sk-123");
    mem_free_secret(key);
}

static void what_is_no_key(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {{"", 0}, {"\n", 1}, {"hidden\nX-Evil: 1", 16}, {"hidden\0z", 8}, {"hid den", 7}, {"hidden\x7f", 7}, {"hidden\xc3\xa9", 8}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char *key = NULL;
        struct err err = {0};
        assert_int_equal(read_from(cases[i].bytes, cases[i].length, &key, &err), -1);
        assert_int_equal(err.class, ERR_CONFIG);
        assert_non_null(strstr(err.message, path));
        assert_null(strstr(err.message, "hid"));
        assert_null(key);
    }
    char *key = NULL;
    struct err err = {0};
    assert_int_equal(llm_key_read("/nonexistent/key", "HOME", &key, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
    char *large = xcalloc(5001);
    memset(large, 'k', 5000);
    assert_int_equal(read_from(large, 5000, &key, &err), -1);
    assert_null(strstr(err.message, "kkk"));
    free(large);
}

static void from_the_environment(void **state)
{
    (void)state;
    char *key = NULL;
    struct err err = {0};
    assert_int_equal(setenv("TARE_TEST_KEY", "sk-9\n", 1), 0);
    assert_int_equal(llm_key_read(NULL, "TARE_TEST_KEY", &key, &err), 0);
    assert_string_equal(key, "sk-9");
    mem_free_secret(key);
    assert_int_equal(setenv("TARE_TEST_KEY", "", 1), 0);
    assert_int_equal(llm_key_read("", "TARE_TEST_KEY", &key, &err), 0);
    assert_null(key);
    assert_int_equal(llm_key_read(NULL, NULL, &key, &err), 0);
    assert_null(key);
    assert_int_equal(setenv("TARE_TEST_KEY", "hid\nden", 1), 0);
    assert_int_equal(llm_key_read(NULL, "TARE_TEST_KEY", &key, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    assert_non_null(strstr(err.message, "TARE_TEST_KEY"));
    assert_null(strstr(err.message, "hid"));
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0 || close(fd)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(from_a_file), cmocka_unit_test(what_is_no_key), cmocka_unit_test(from_the_environment)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
