/* The files of a receiver: what is taken, what is refused, and that nothing of them is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "stages/notify/secrets.h"

static char folder[] = "/tmp/tare-secrets.XXXXXX";

/* New path of a file in the folder with these bytes. */
static char *file_of(const char *name, const char *bytes, size_t length)
{
    struct err err = {0};
    char *path = fs_join(folder, name);
    if (fs_replace(path, bytes, length, 0600, &err)) {
        fail_msg("%s", err.message);
    }
    return path;
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *origin; /* NULL: refused */
        const char *path;
    } cases[] = {
        {"https://hooks.example/T/B/TOKEN\n", "https://hooks.example", "/T/B/TOKEN"},
        {"https://flow.example/x?sig=TOKEN \r\n\n", "https://flow.example", "/x?sig=TOKEN"},
        {"http://127.0.0.1:1/TOKEN", "http://127.0.0.1:1", "/TOKEN"},
        {"http://localhost/TOKEN", "http://localhost", "/TOKEN"},
        {"http://hooks.example/TOKEN", NULL, NULL},
        {"hooks.example/TOKEN", NULL, NULL},
        {"ftp://hooks.example/TOKEN", NULL, NULL},
        {"https://user:TOKEN@hooks.example/", NULL, NULL},
        {"https://hooks.example/TOKEN\nhttps://hooks.example/TOKEN\n", NULL, NULL},
        {"https://hooks.example/TO KEN", NULL, NULL},
        {"", NULL, NULL},
        {"\n", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct err err = {0};
        struct secrets secrets;
        char name[] = "hook";
        char *path = file_of("url", cases[i].text, strlen(cases[i].text));
        struct receiver receiver = {.name = name, .type = RECEIVER_SLACK, .url_file = path};
        int failed = secrets_load(&receiver, true, &secrets, &err);
        assert_int_equal(failed, cases[i].origin == NULL ? -1 : 0);
        if (!failed) {
            assert_string_equal(secrets.origin, cases[i].origin);
            assert_string_equal(secrets.path, cases[i].path);
        } else {
            assert_int_equal(err.class, ERR_CONFIG);
            assert_null(strstr(err.message, "TOKEN"));
            assert_null(strstr(err.hint, "TOKEN"));
            assert_non_null(strstr(err.message, path));
        }
        secrets_release(&secrets);
        free(path);
    }
}

static void test_pagerduty(void **state)
{
    (void)state;
    struct err err = {0};
    struct secrets secrets;
    char name[] = "pager";
    char *path = file_of("key", "R0UTINGKEY\n", 11);
    struct receiver receiver = {.name = name, .type = RECEIVER_PAGERDUTY, .secret_file = path};
    assert_int_equal(secrets_load(&receiver, false, &secrets, &err), 0);
    assert_string_equal(secrets.origin, "https://events.pagerduty.com");
    assert_string_equal(secrets.path, "/v2/enqueue");
    assert_string_equal(buf_str(&secrets.secret), "R0UTINGKEY");
    assert_true(secrets_in(&secrets, "invalid key R0UTINGKEY!"));
    assert_false(secrets_in(&secrets, "invalid key"));
    secrets_release(&secrets);
    unlink(path);
    assert_int_equal(secrets_load(&receiver, false, &secrets, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
    secrets_release(&secrets);
    free(path);
}

static void test_said_back(void **state)
{
    (void)state;
    struct err err = {0};
    struct secrets secrets;
    char name[] = "hook";
    const char *url = "https://hooks.example/api/T0ABCDEF/xyz?sig=abcdef123";
    char *path = file_of("url", url, strlen(url));
    struct receiver receiver = {.name = name, .type = RECEIVER_SLACK, .url_file = path};
    assert_int_equal(secrets_load(&receiver, false, &secrets, &err), 0);
    assert_true(secrets_in(&secrets, "Cannot POST /api/T0ABCDEF/xyz"));
    assert_true(secrets_in(&secrets, "sig abcdef123 is wrong"));
    assert_false(secrets_in(&secrets, "no such api: invalid_token"));
    secrets_release(&secrets);
    free(path);
    url = "https://hooks.example/a?sig=ab%2Bcd%2f12%&x=%00%zz%4";
    path = file_of("url", url, strlen(url));
    receiver.url_file = path;
    assert_int_equal(secrets_load(&receiver, false, &secrets, &err), 0);
    assert_true(secrets_in(&secrets, "sig ab%2Bcd%2f12% is wrong"));
    assert_true(secrets_in(&secrets, "sig ab+cd/12% is wrong"));
    assert_false(secrets_in(&secrets, "no such api"));
    secrets_release(&secrets);
    free(path);
}

static void test_templates(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        bool good;
    } cases[] = {{"{{title}}\n", 10, true}, {"{{titel}}\n", 10, false}, {"\xff", 1, false}, {"", 0, true}};
    char name[] = "hook";
    char *url = file_of("url", "https://h/x", 11);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct err err = {0};
        struct secrets secrets;
        char *path = file_of("text", cases[i].bytes, cases[i].length);
        struct receiver receiver = {.name = name, .type = RECEIVER_SLACK, .url_file = url, .template_file = path};
        assert_int_equal(secrets_load(&receiver, false, &secrets, &err), cases[i].good ? 0 : -1);
        assert_true(cases[i].good || err.class == ERR_CONFIG);
        secrets_release(&secrets);
        free(path);
    }
    char *large = xcalloc(40000);
    memset(large, 'x', 39999);
    struct err err = {0};
    struct secrets secrets;
    char *path = file_of("text", large, 39999);
    struct receiver receiver = {.name = name, .type = RECEIVER_SLACK, .url_file = url, .template_file = path};
    assert_int_equal(secrets_load(&receiver, false, &secrets, &err), -1);
    secrets_release(&secrets);
    free(path);
    free(large);
    free(url);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"url", "key", "text"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char *path = fs_join(folder, names[i]);
        unlink(path);
        free(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses), cmocka_unit_test(test_pagerduty), cmocka_unit_test(test_said_back),
                                       cmocka_unit_test(test_templates)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
