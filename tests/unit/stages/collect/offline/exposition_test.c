#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/collect/offline/exposition.h"

static bool wants(const char *metric)
{
    return strcmp(metric, "other") != 0;
}

struct good_case {
    const char *line;
    bool seconds;
    const char *labels; /* as name=value pairs with '|' behind each */
    int64_t time_ms;
    double value;
};

static const struct good_case good[] = {
    {"m 1 1700000000000", false, "__name__=m|", 1700000000000, 1},
    {"m{} 1 1700000000000", false, "__name__=m|", 1700000000000, 1},
    {"m:a_b9{a=\"1\"} 1.5e3 1700000000000", false, "__name__=m:a_b9|a=1|", 1700000000000, 1500},
    {"m { a = \"1\" , b=\"2\", }\t-0x1p-2\t1700000000000", false, "__name__=m|a=1|b=2|", 1700000000000, -0.25},
    {"  m{a=\"\"} 7 1700000000000 \r", false, "__name__=m|a=|", 1700000000000, 7},
    {"m{a=\"q\\\"b\\\\n\\nx\\ty\"} 7 1700000000000", false, "__name__=m|a=q\"b\\n\nx\\ty|", 1700000000000, 7},
    {"m{a=\"{},= # \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"} 7 1700000000000", false,
     "__name__=m|a={},= # \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80|", 1700000000000, 7},
    {"m 1 1700000000", true, "__name__=m|", 1700000000000, 1},
    {"m 1 1700000000.123", true, "__name__=m|", 1700000000123, 1},
    {"m 1 1.7e9", true, "__name__=m|", 1700000000000, 1},
    {"m{a=\"1\"} 2 1700000000.0004 # {trace=\"x\"} 0.5 1700000000", true, "__name__=m|a=1|", 1700000000000, 2},
    {"{\"dotted.name\",a=\"1\",\"b c\"=\"2\"} 2 1700000000", true, "__name__=dotted.name|a=1|b c=2|", 1700000000000, 2},
    {"m 1 0", false, "__name__=m|", 0, 1},
};

static void write_labels(const struct labels *labels, struct buf *out)
{
    for (size_t i = 0; i < labels->count; i++) {
        buf_printf(out, "%s=%s|", labels->names[i], labels->values[i]);
    }
}

static void test_good_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        struct exposition exposition;
        struct err err = {0};
        struct buf labels;
        buf_init(&labels, 4096);
        exposition_init(&exposition, good[i].seconds, wants);
        if (exposition_read(&exposition, good[i].line, strlen(good[i].line), &err) != EXPOSITION_SERIES) {
            fail_msg("%s: %s", good[i].line, err.message);
        }
        write_labels(&exposition.labels, &labels);
        assert_string_equal(buf_str(&labels), good[i].labels);
        assert_int_equal(exposition.time_ms, good[i].time_ms);
        assert_true(fabs(exposition.value - good[i].value) < 1e-12);
        buf_release(&labels);
        exposition_release(&exposition);
    }
}

struct bad_case {
    const char *line;
    bool seconds;
    const char *message;
};

static const struct bad_case bad[] = {
    {"9m 1 1700000000000", false, "begin with the name"},
    {"{a=\"1\"} 1 1700000000000", false, "no name"},
    {"m{a=1} 1 1700000000000", false, "in quotes"},
    {"m{a} 1 1700000000000", false, "no value"},
    {"m{9=\"1\"} 1 1700000000000", false, "name is wrong"},
    {"m{a=\"1} 1 1700000000000", false, "not closed"},
    {"m{a=\"1\\", false, "not closed"},
    {"m{a=\"1\"", false, "not closed"},
    {"m{a=\"1\" b=\"2\"} 1 1700000000000", false, "commas"},
    {"m{a=\"1\",a=\"2\"} 1 1700000000000", false, "twice"},
    {"m{a=\"\xff\"} 1 1700000000000", false, "UTF-8"},
    {"m{a=\"\xc0\xaf\"} 1 1700000000000", false, "UTF-8"},
    {"m", false, "value is no number"},
    {"m one 1700000000000", false, "value is no number"},
    {"m 1x 1700000000000", false, "value is no number"},
    {"m nan(1) 1700000000000", false, "value is no number"},
    {"m 1111111111111111111111111111111111111111111111111111111111111111111111 1700000000000", false, "value is no number"},
    {"m 1", false, "no time"},
    {"m 1 # {a=\"b\"} 1", true, "no time"},
    {"m 1 now", false, "time is no number"},
    {"m 1 NaN", false, "impossible"},
    {"m 1 -1700000000000", false, "impossible"},
    {"m 1 1e300", false, "impossible"},
    {"m 1 1700000000", false, "cut"},
    {"m 1 1700000000000", true, "not in seconds"},
    {"m 1 1700000000000 1", false, "follows"},
    {"m 1 1700000000000 # {a=\"b\"} 1", false, "follows"},
};

static void test_bad_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct exposition exposition;
        struct err err = {0};
        exposition_init(&exposition, bad[i].seconds, wants);
        enum exposition_line got = exposition_read(&exposition, bad[i].line, strlen(bad[i].line), &err);
        if (got != EXPOSITION_BAD || err.class != ERR_DATA || strstr(err.message, bad[i].message) == NULL) {
            fail_msg("%s: %d \"%s\", wanted \"%s\"", bad[i].line, got, err.message, bad[i].message);
        }
        exposition_release(&exposition);
    }
    struct exposition exposition;
    struct err err = {0};
    exposition_init(&exposition, false, wants);
    assert_int_equal(exposition_read(&exposition, "m{a=\"\0\"} 1 1700000000000", 24, &err), EXPOSITION_BAD);
    exposition_release(&exposition);
}

/* A series is told once, as long as its lines come one after the other; what is not wanted needs no time. */
static void test_runs_of_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum exposition_line wanted;
    } lines[] = {
        {"# HELP m x", EXPOSITION_NOTHING},
        {"", EXPOSITION_NOTHING},
        {" \t", EXPOSITION_NOTHING},
        {"m{a=\"1\"} 1 1700000000000", EXPOSITION_SERIES},
        {"m{a=\"1\"} NaN 1700000001000", EXPOSITION_SAMPLE},
        {"m{a=\"1\"}\t+Inf 1700000002000", EXPOSITION_SAMPLE},
        {"m{a=\"1\"}2 1700000003000", EXPOSITION_SERIES},
        {"m{a=\"12\"} 1 1700000000000", EXPOSITION_SERIES},
        {"m 1 1700000000000", EXPOSITION_SERIES},
        {"m  {a=\"1\"} 1 1700000000000", EXPOSITION_SERIES},
        {"other{a=\"1\"} 1", EXPOSITION_NOTHING},
        {"other{a=\"1\"} 2", EXPOSITION_NOTHING},
        {"other{a=\"1\" 2", EXPOSITION_BAD},
        {"m{a=\"1\"} 1 1700000000000", EXPOSITION_SERIES},
        {"# EOF", EXPOSITION_NOTHING},
    };
    struct exposition exposition;
    exposition_init(&exposition, false, wants);
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        struct err err = {0};
        enum exposition_line got = exposition_read(&exposition, lines[i].line, strlen(lines[i].line), &err);
        if (got != lines[i].wanted) {
            fail_msg("%s: %d, not %d", lines[i].line, got, lines[i].wanted);
        }
    }
    exposition_release(&exposition);
}

static void test_too_many_labels(void **state)
{
    (void)state;
    struct exposition exposition;
    struct err err = {0};
    struct buf line;
    buf_init(&line, 1 << 20);
    buf_add_str(&line, "m{");
    for (int i = 0; i < LABELS_MAX; i++) {
        buf_printf(&line, "l%d=\"x\",", i);
    }
    buf_add_str(&line, "} 1 1700000000000");
    exposition_init(&exposition, false, wants);
    assert_int_equal(exposition_read(&exposition, line.data, line.length, &err), EXPOSITION_BAD);
    assert_non_null(strstr(err.message, "too many labels"));
    exposition_release(&exposition);
    buf_release(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lines),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_runs_of_lines),
        cmocka_unit_test(test_too_many_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
