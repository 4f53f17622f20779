/* Messages on stderr: levels, text and JSON, one line whatever a name holds, the session that children inherit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/log.h"
#include "pipeline/io/json.h"

static char shown[64 * 1024];
static int kept = -1;
static FILE *file;

static void capture(void)
{
    fflush(stderr);
    kept = dup(STDERR_FILENO);
    file = tmpfile();
    dup2(fileno(file), STDERR_FILENO);
}

static const char *captured(void)
{
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    size_t length = fread(shown, 1, sizeof shown - 1, file);
    shown[length] = '\0';
    fclose(file);
    return shown;
}

static void test_text(void **state)
{
    (void)state;
    log_init("tare-test", LOG_TEXT, LOG_INFO);
    capture();
    log_info("%d workloads", 3);
    log_warn("slow");
    log_debug("unseen");
    struct err err = {0};
    err_set(&err, ERR_DATA, "bad %s", "a\nb");
    log_err(&err);
    err_hint(&err, "tare doctor");
    log_err(&err);
    assert_string_equal(captured(), "tare-test: 3 workloads\ntare-test: warning: slow\ntare-test: bad a?b\n"
                                    "tare-test: bad a?b\nhint: tare doctor\n");
    log_init("tare-test", LOG_TEXT, LOG_WARN);
    capture();
    log_info("unseen");
    log_warn("seen");
    assert_string_equal(captured(), "tare-test: warning: seen\n");
}

/* One object a line, whatever is in it; the members are those of log.h. */
static void test_json(void **state)
{
    (void)state;
    static const char *const nasty[] = {"plain", "quote \" and \\ back", "line\nfeed\ttab", "\xff\xfe bytes", "\xc3\xa9\xe2\x82\xac"};
    log_init("tare-test", LOG_JSON, LOG_DEBUG);
    for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
        capture();
        log_debug("%s", nasty[i]);
        const char *line = captured();
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        json_t *value = json_loads(line, 0, NULL);
        assert_non_null(value);
        assert_string_equal(json_string_or_null(value, "level"), "debug");
        assert_string_equal(json_string_or_null(value, "by"), "tare-test");
        assert_non_null(json_string_or_null(value, "time"));
        assert_non_null(json_string_or_null(value, "session"));
        assert_null(json_object_get(value, "hint"));
        json_decref(value);
    }
    struct err err = {0};
    err_set(&err, ERR_DATA, "bad");
    err_hint(&err, "do \"this\"");
    capture();
    log_err(&err);
    json_t *value = json_loads(captured(), 0, NULL);
    assert_string_equal(json_string_or_null(value, "message"), "bad");
    assert_string_equal(json_string_or_null(value, "hint"), "do \"this\"");
    assert_string_equal(json_string_or_null(value, "level"), "error");
    json_decref(value);
}

/* The longest message and a session of any size still make a whole line. */
static void test_long_lines(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, '"', sizeof text - 1);
    log_init("tare-test", LOG_JSON, LOG_INFO);
    setenv("TARE_SESSION", text, 1);
    struct err err = {0};
    err_set(&err, ERR_DATA, "%s", text);
    err_hint(&err, "%s", text);
    capture();
    log_err(&err);
    log_info("%s", text);
    char *line = shown;
    captured();
    for (int i = 0; i < 2; i++) {
        char *newline = strchr(line, '\n');
        assert_non_null(newline);
        json_t *value = json_loadb(line, (size_t)(newline - line), 0, NULL);
        assert_non_null(value);
        json_decref(value);
        line = newline + 1;
    }
    unsetenv("TARE_SESSION");
}

static void test_session(void **state)
{
    (void)state;
    setenv("TARE_SESSION", "abc123", 1);
    assert_string_equal(log_session(), "abc123");
    unsetenv("TARE_SESSION");
    char own[64];
    snprintf(own, sizeof own, "%s", log_session());
    assert_int_equal(strlen(own), 16);
    assert_string_equal(getenv("TARE_SESSION"), own);
    assert_string_equal(log_session(), own);
    unsetenv("TARE_SESSION");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
