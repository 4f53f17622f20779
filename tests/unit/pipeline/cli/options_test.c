/* Options: every way to write them, near names, environment, who wins, and what is handed on to stages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/config.h"
#include "pipeline/cli/options.h"

enum { WORDS_MAX = 12 };

/* Parses words separated by "|" (a word may be empty). NULL and *err when they are refused. */
static struct options *parse(programs program, const char *line, struct err *err)
{
    static char copy[512];
    char *argv[WORDS_MAX] = {NULL};
    int argc = 0;
    snprintf(copy, sizeof copy, "tare-test%s%s", *line == '\0' ? "" : "|", line);
    for (char *word = copy; word != NULL;) {
        char *bar = strchr(word, '|');
        if (bar != NULL) {
            *bar++ = '\0';
        }
        argv[argc++] = word;
        word = bar;
    }
    struct options *options = NULL;
    *err = (struct err){0};
    return options_parse(argc, argv, program, "tare-test", &options, err) ? NULL : options;
}

static struct options *good(programs program, const char *line)
{
    struct err err;
    struct options *options = parse(program, line, &err);
    if (options == NULL) {
        fail_msg("%s: %s", line, err.message);
    }
    return options;
}

static void test_forms(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "--config=a.yaml|-q|deploy|x", "--config|a.yaml|--quiet|deploy|x", "-ca.yaml|-q|deploy|x", "-c|a.yaml|deploy|-q|x",
        "deploy|x|-q|-c|a.yaml", "-q|-c|a.yaml|--|deploy|x", "-q|-c|b.yaml|-c|a.yaml|deploy|--|x",
    };
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        struct options *options = good(FOR_PARSE, lines[i]);
        assert_string_equal(options_string(options, OPT_CONFIG), "a.yaml");
        assert_true(options_flag(options, OPT_QUIET) && options_given(options, OPT_QUIET) && options_typed(options, OPT_QUIET));
        assert_false(options_flag(options, OPT_VERBOSE) || options_given(options, OPT_VERBOSE));
        assert_int_equal(options_operands(options), 2);
        assert_string_equal(options_operand(options, 0), "deploy");
        assert_string_equal(options_operand(options, 1), "x");
        options_free(options);
    }
    struct options *options = good(FOR_PARSE, "-|--|-q|--config");
    assert_int_equal(options_operands(options), 3);
    assert_string_equal(options_operand(options, 0), "-");
    assert_string_equal(options_operand(options, 2), "--config");
    options_free(options);
    options = good(FOR_PARSE, "--cluster=a=b");
    assert_string_equal(options_string(options, OPT_CLUSTER), "a=b");
    options_free(options);
    options = good(FOR_PARSE, "--cluster|--quiet");
    assert_string_equal(options_string(options, OPT_CLUSTER), "--quiet");
    assert_false(options_flag(options, OPT_QUIET));
    options_free(options);
    options_free(NULL);
}

static void test_types(void **state)
{
    (void)state;
    bool present = false;
    struct options *options = good(FOR_COLLECT, "--window=36h|--end=2026-11-22T04:00:00+01:00|--source=remote-read");
    assert_int_equal(options_integer(options, OPT_WINDOW, &present), 129600);
    assert_true(present);
    assert_true(options_integer(options, OPT_END, &present) == 1795316400);
    assert_string_equal(options_string(options, OPT_SOURCE), "remote-read");
    assert_int_equal(options_integer(options, OPT_TIMEOUT, &present), 120);
    assert_true(present);
    options_integer(options, OPT_CREATED, &present);
    assert_false(present);
    assert_null(options_string(options, OPT_CREATED));
    options_free(options);
    options = good(FOR_UNDO, "--workload=a/Pod/x|--workload|b/Pod/y|--yes");
    assert_int_equal(options_list_count(options, OPT_WORKLOAD), 2);
    assert_string_equal(options_list_item(options, OPT_WORKLOAD, 1), "b/Pod/y");
    options_free(options);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        programs program;
        const char *line;
        const char *message;
        const char *hint;
    } bad[] = {
        {FOR_COLLECT, "--promtheus=x", "--promtheus", "--prometheus"},
        {FOR_COLLECT, "--promtheus|x", "--promtheus", "--prometheus"},
        {FOR_COLLECT, "--provider=aws", "--provider", ""},   /* known, but of another stage */
        {FOR_PARSE, "--zzzzzzzzzz", "--zzzzzzzzzz", "--help"},
        {FOR_PARSE, "-z", "-z", "--help"},
        {FOR_PARSE, "--config", "--config needs a value (FILE)", ""},
        {FOR_PARSE, "-c", "--config needs a value", ""},
        {FOR_PARSE, "--strict=yes", "--strict takes no value", ""},
        {FOR_PARSE, "--max-depth=x", "--max-depth is \"x\"", ""},
        {FOR_PARSE, "--max-depth=-1", "--max-depth", ""},
        {FOR_PARSE, "--max-depth=99999999999999999999", "--max-depth", ""},
        {FOR_COLLECT, "--window=7", "--window: \"7\" is not a duration", "7d"},
        {FOR_COLLECT, "--end=now", "--end: \"now\" is not a time", "2026-11-22T03:00:00Z"},
        {FOR_COLLECT, "--source=remote_read", "--source is \"remote_read\", it must be one of auto|remote-read|query-range", "remote-read"},
        {FOR_COLLECT, "--source=zzzzzzz", "--source", ""},
        {FOR_COLLECT, "--source=", "--source", ""},
        {FOR_PARSE, "--log-format=xml", "--log-format", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct err err;
        struct options *options = parse(bad[i].program, bad[i].line, &err);
        if (options != NULL) {
            fail_msg("%s was taken", bad[i].line);
        }
        if (err.class != ERR_USAGE || strstr(err.message, bad[i].message) == NULL || strstr(err.hint, bad[i].hint) == NULL) {
            fail_msg("%s gave \"%s\" (hint \"%s\")", bad[i].line, err.message, err.hint);
        }
    }
    /* Control bytes of a word do not reach the terminal. */
    struct err err;
    assert_null(parse(FOR_PARSE, "--\x1b[2J", &err));
    assert_null(strchr(err.message, '\x1b'));
}

/* Command line, else environment, else configuration, else the table. */
static void test_precedence(void **state)
{
    (void)state;
    static const char text[] = "metrics: {prometheus: \"http://file\", window: 3d, source: query-range}\n";
    struct config *config = NULL;
    struct err err = {0};
    bool present = false;
    assert_int_equal(config_parse(text, strlen(text), "tare.yaml", &config, &err), 0);
    unsetenv("TARE_PROMETHEUS_URL");
    struct options *options = good(FOR_COLLECT, "");
    assert_null(options_string(options, OPT_PROMETHEUS));
    assert_int_equal(options_integer(options, OPT_WINDOW, &present), 604800);
    options_use_config(options, config);
    assert_string_equal(options_string(options, OPT_PROMETHEUS), "http://file");
    assert_int_equal(options_integer(options, OPT_WINDOW, &present), 259200);
    assert_string_equal(options_string(options, OPT_SOURCE), "query-range");
    assert_false(options_given(options, OPT_PROMETHEUS));
    options_free(options);

    setenv("TARE_PROMETHEUS_URL", "http://environment", 1);
    options = good(FOR_COLLECT, "--window=1d");
    options_use_config(options, config);
    assert_string_equal(options_string(options, OPT_PROMETHEUS), "http://environment");
    assert_true(options_given(options, OPT_PROMETHEUS));
    assert_false(options_typed(options, OPT_PROMETHEUS));
    assert_int_equal(options_integer(options, OPT_WINDOW, &present), 86400);
    options_free(options);

    options = good(FOR_COLLECT, "--prometheus=http://typed");
    options_use_config(options, config);
    assert_string_equal(options_string(options, OPT_PROMETHEUS), "http://typed");
    assert_true(options_typed(options, OPT_PROMETHEUS));
    options_free(options);

    /* An empty variable is none. */
    setenv("TARE_PROMETHEUS_URL", "", 1);
    options = good(FOR_COLLECT, "");
    options_use_config(options, config);
    assert_string_equal(options_string(options, OPT_PROMETHEUS), "http://file");
    options_free(options);
    unsetenv("TARE_PROMETHEUS_URL");
    config_free(config);
}

static void test_bad_environment(void **state)
{
    (void)state;
    struct err err;
    setenv("TARE_LOG_FORMAT", "jsn", 1);
    assert_null(parse(FOR_PARSE, "", &err));
    assert_int_equal(err.class, ERR_USAGE);
    assert_non_null(strstr(err.message, "TARE_LOG_FORMAT"));
    assert_non_null(strstr(err.hint, "json"));
    /* What is typed makes the variable unimportant. */
    options_free(good(FOR_PARSE, "--log-format=json"));
    unsetenv("TARE_LOG_FORMAT");
}

static void test_forward(void **state)
{
    (void)state;
    setenv("TARE_PROMETHEUS_URL", "http://environment", 1);
    struct options *options =
        good(FOR_RUN, "--window=3d|--strict|-c|x.yaml|--provider=aws|--as=me|-v|--database=postgresql://h/d|dir");
    char **words = options_forward(options, FOR_COLLECT, false);
    assert_string_equal(words[0], "--window=3d");
    assert_null(words[1]);
    free(words[0]);
    free(words);
    words = options_forward(options, FOR_PARSE, false);
    assert_string_equal(words[0], "--strict");
    assert_null(words[1]);
    free(words[0]);
    free(words);
    words = options_forward(options, FOR_GATE, true);
    size_t count = 0;
    bool database = false;
    bool login = false;
    for (; words[count] != NULL; count++) {
        database = database || str_equal(words[count], "--database=postgresql://h/d");
        login = login || str_equal(words[count], "--as=me");
        assert_false(str_starts(words[count], "--config"));
        free(words[count]);
    }
    assert_true(database && login);
    assert_int_equal(count, 3);
    free(words);
    options_free(options);
    unsetenv("TARE_PROMETHEUS_URL");
}

/* The table itself: names that can be typed, one meaning for each short letter, defaults that their own type takes. */
static void test_table(void **state)
{
    (void)state;
    const struct option_row *rows = option_table();
    for (size_t i = 0; i < OPT_COUNT; i++) {
        assert_int_equal(rows[i].id, i);
        assert_true(strspn(rows[i].long_name, "abcdefghijklmnopqrstuvwxyz-") == strlen(rows[i].long_name));
        assert_true(rows[i].users != 0 && strlen(rows[i].help) > 5);
        assert_true((rows[i].type == OPTION_FLAG) == (rows[i].argument == NULL));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(rows[i].long_name, rows[k].long_name);
            assert_true(rows[i].short_name == 0 || rows[i].short_name != rows[k].short_name || (rows[i].users & rows[k].users) == 0);
        }
        if (rows[i].fallback != NULL && rows[i].type != OPTION_FLAG) {
            char line[200];
            struct err err;
            programs program = rows[i].users & (~rows[i].users + 1);
            snprintf(line, sizeof line, "--%s=%s", rows[i].long_name, rows[i].fallback);
            struct options *options = parse(program, line, &err);
            if (options == NULL) {
                fail_msg("the default of --%s: %s", rows[i].long_name, err.message);
            }
            options_free(options);
        }
    }
}

static void test_help(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    options_help(FOR_COLLECT, out);
    fclose(out);
    assert_non_null(strstr(text, "  -c, --config FILE"));
    assert_non_null(strstr(text, "--window TIME"));
    assert_non_null(strstr(text, "[7d]"));
    assert_non_null(strstr(text, "($TARE_PROMETHEUS_URL)"));
    assert_null(strstr(text, "--provider"));
    free(text);
}

int main(void)
{
    json_init();
    unsetenv("TARE_CONFIG");
    unsetenv("TARE_LOG_FORMAT");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),      cmocka_unit_test(test_types),           cmocka_unit_test(test_refused),
        cmocka_unit_test(test_precedence), cmocka_unit_test(test_bad_environment), cmocka_unit_test(test_forward),
        cmocka_unit_test(test_table),      cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
