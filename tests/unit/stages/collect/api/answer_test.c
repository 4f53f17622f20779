/* Answers of the Prometheus API as a stream: every cut gives the same, everything that is no answer is
 * refused. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "stages/collect/api/answer.h"

static int note_series(void *context, const struct labels *labels, struct err *err)
{
    (void)err;
    buf_printf(context, "%s/%s;", labels_get(labels, "pod"), labels_get(labels, "container"));
    return 0;
}

static int note_point(void *context, int64_t time_ms, double value, struct err *err)
{
    (void)err;
    buf_printf(context, "%lld=%.17g ", (long long)time_ms, value);
    return 0;
}

static void note_begin(void *context)
{
    buf_clear(context);
}

/* Reads `text` in pieces; what came out is in `out`. Returns 0 or the error's message in *err. */
static int read_pieces(const char *text, size_t length, size_t piece, struct buf *out, struct err *err)
{
    struct answer_listener listener = {
        .begin = note_begin, .series = note_series, .point = note_point, .context = out};
    struct answer answer;
    int failed = 0;
    answer_init(&answer, &listener, "the server");
    answer_reset(&answer);
    for (size_t at = 0; at < length && !failed; at += piece) {
        failed = answer_feed(&answer, text + at, length - at < piece ? length - at : piece, err);
    }
    failed = failed || answer_finish(&answer, err);
    answer_release(&answer);
    return failed ? -1 : 0;
}

static const char matrix[] =
    "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":["
    "{\"metric\":{\"pod\":\"a\",\"x\":\"\\u00e9\\ud83d\\ude00\",\"container\":\"c\\\"\"},\"values\":[["
    "1795305600,\"0.1\"],"
    "[1795305660.123,\"12345678901234567890.5\"] , "
    "[1795305720,\"NaN\"],[1795305780,\"+Inf\"],[1795305840,\"-1e-7\"]]},"
    "{\"metric\":{\"pod\":\"b\"},\"values\":[[1,\"1\"],[2,\"2\"],[3,\"3\"],[4,\"4\"],[5,\"5\"],[6,\"6\"],[7,"
    "\"7\"],[8,\"8\"]],"
    "\"histograms\":[[1,{\"count\":\"3\"}]]}]},\"warnings\":[\"w\",{\"a\":[[1,\"2\"]]}]}\n";

static const char wanted[] =
    "a/c\";1795305600000=0.10000000000000001 1795305660123=1.2345678901234567e+19 1795305720000=nan "
    "1795305780000=inf 1795305840000=-9.9999999999999995e-08 b/;1000=1 2000=2 3000=3 4000=4 5000=5 "
    "6000=6 7000=7 8000=8 ";

static void test_every_cut(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    for (size_t piece = 1; piece <= sizeof matrix; piece++) {
        struct err err = {0};
        if (read_pieces(matrix, sizeof matrix - 1, piece, &out, &err)) {
            fail_msg("piece %zu: %s", piece, err.message);
        }
        assert_string_equal(buf_str(&out), wanted);
    }
    buf_release(&out);
}

/* Any proper prefix is a cut answer, never a whole one. */
static void test_every_prefix(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    for (size_t length = 0; length + 2 < sizeof matrix; length++) {
        struct err err = {0};
        assert_int_equal(read_pieces(matrix, length, 50, &out, &err), -1);
        assert_int_equal(err.class, ERR_UNAVAILABLE);
        assert_non_null(strstr(err.message, "cut its answer"));
    }
    buf_release(&out);
}

static void test_series_and_vector(void **state)
{
    (void)state;
    struct buf out;
    struct err err = {0};
    static const char series[] =
        "{\"data\":[{\"pod\":\"a\",\"container\":\"x\"},{\"pod\":\"b\"}],\"status\":\"success\"}";
    static const char vector[] =
        "{\"status\":\"success\",\"data\":{\"result\":[{\"metric\":{},\"value\":[1.5,\"7\"]}]}}";
    buf_init(&out, 1 << 16);
    assert_int_equal(read_pieces(series, sizeof series - 1, 7, &out, &err), 0);
    assert_string_equal(buf_str(&out), "a/x;b/;");
    assert_int_equal(read_pieces(vector, sizeof vector - 1, 7, &out, &err), 0);
    assert_string_equal(buf_str(&out), "/;1500=7 ");
    buf_release(&out);
}

static void refuse_pieces(const char *text, size_t piece, const char *why)
{
    struct buf out;
    struct err err = {0};
    buf_init(&out, 1 << 16);
    if (read_pieces(text, strlen(text), piece, &out, &err) == 0) {
        fail_msg("accepted: %s", text);
    }
    assert_int_equal(err.class, ERR_UNAVAILABLE);
    if (strstr(err.message, why) == NULL) {
        fail_msg("%s: %s", text, err.message);
    }
    buf_release(&out);
}

/* The short way through points needs a long piece, the tokenizer takes any: both must refuse. */
static void refuse(const char *text, const char *why)
{
    const size_t pieces[] = {1, 64, 1 << 16};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        refuse_pieces(text, pieces[i], why);
    }
}

/* Refused where plenty follows, so that a whole piece goes the short way. */
static void refuse_point(const char *point, const char *why)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"status\":\"success\",\"data\":{\"result\":[{\"metric\":{},\"values\":[%s]}],\"pad\":"
             "\"0123456789012345678901234567890123456789012345678901234567890123456789"
             "0123456789012345678901234567890123456789012345678901234567890123456789\"}}",
             point);
    refuse(text, why);
}

static void test_refused_points(void **state)
{
    (void)state;
    refuse_point("[400000000000,\"1\"]", "not a time and a value");
    refuse_point("[999999999999.5,\"1\"]", "not a time and a value");
    refuse_point("[1000000000000,\"1\"]", "not a time and a value");
    refuse_point("[01,\"1\"]", "no JSON value");
    refuse_point("[1.,\"1\"]", "no JSON value");
    refuse_point("[1,\".\"]", "not a time and a value");
    refuse_point("[1,\"\"]", "not a time and a value");
    refuse_point("[1,\"1 \"]", "not a time and a value");
    refuse_point("[1,\"1\",2]", "not a time and a value");
    refuse_point("[1,\"1234567890123456789012345678901234567890123456789012345678901234\"]", "not a time and a value");
    refuse_point("[1,\"1\"],", "belongs");
}

static void test_refused(void **state)
{
    (void)state;
    refuse("", "cut");
    refuse("  <html>", "web page");
    refuse("[]", "wrong type");
    refuse("\"text\"", "no object");
    refuse("{}", "no status");
    refuse("{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"slow\"}",
           "status \"error\", timeout: slow");
    refuse("{\"status\":\"success\"} x", "belongs");
    refuse("{\"status\":\"success\",}", "belongs");
    refuse("{\"status\":\"success\",\"data\":{\"result\":{}}}", "wrong type");
    refuse("{\"status\":\"success\",\"data\":{\"result\":[{\"values\":[[1,\"2\"]]}]}}", "before the labels");
    refuse("{\"data\":{\"result\":[{\"metric\":{},\"values\":[[1,2]]}]}}", "not a time and a value");
    refuse("{\"data\":{\"result\":[{\"metric\":{},\"values\":[[\"1\",\"2\"]]}]}}", "not a time and a value");
    refuse("{\"data\":{\"result\":[{\"metric\":{},\"values\":[[1,\"2\",3]]}]}}", "not a time and a value");
    refuse("{\"data\":{\"result\":[{\"metric\":{},\"values\":[[1]]}]}}", "not a pair");
    refuse("{\"data\":{\"result\":[{\"metric\":{},\"values\":[1]}]}}", "not a pair");
    refuse("{\"data\":{\"result\":[{\"metric\":{\"a\":1},\"values\":[]}]}}", "label is no string");
    refuse("{\"data\":{\"result\":[{\"metric\":{},\"values\":[[1,\"0x10\"]]}]}}", "not a time and a value");
    refuse("{\"data\":{\"result\":[{\"metric\":{},\"values\":[[1,\"1 \"]]}]}}", "not a time and a value");
    refuse("{\"data\":{\"result\":[{\"metric\":{},\"values\":[[01,\"1\"]]}]}}", "no JSON value");
    refuse("{\"data\":tru}", "no JSON value");
    refuse("{\"a\":\"\\ud800\"}", "surrogate");
    refuse("{\"a\":\"\\ud800\\n\\udc00\"}", "surrogate");
    refuse("{\"a\":\"\xff\"}", "UTF-8");
    refuse("{\"a\":\"\x01\"}", "control");
}

static void test_a_warning_beside_the_data(void **state)
{
    (void)state;
    static const char text[] = "{\"status\":\"success\",\"warnings\":[\"no store\",\"x\"],\"data\":{\"result\":[]}}";
    struct answer_listener listener = {0};
    struct answer answer;
    struct err err = {0};
    answer_init(&answer, &listener, "the server");
    assert_int_equal(answer_feed(&answer, text, sizeof text - 1, &err), 0);
    assert_int_equal(answer_finish(&answer, &err), 0);
    assert_string_equal(answer.warning, "no store");
    answer_release(&answer);
}

static void test_depth(void **state)
{
    (void)state;
    char text[400] = "{\"a\":";
    memset(text + 5, '[', 300);
    refuse(text, "nested too deeply");
}

/* The short way to a number must give what strtod gives. */
static void test_values(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1 << 16);
    for (unsigned i = 0; i < 20000; i++) {
        char number[64];
        char text[256];
        char expected[128];
        double value = (double)rand() / 7919.0 * pow(10, (int)(i % 30) - 12);
        snprintf(number, sizeof number, "%.*f", (int)(i % 19), value);
        int length = snprintf(
            text, sizeof text,
            "{\"status\":\"success\",\"data\":{\"result\":[{\"metric\":{},\"values\":[[1,\"%s\"]]}],\"pad\":"
            "\"0123456789012345678901234567890123456789012345678901234567890123456789\"}}",
            number);
        struct err err = {0};
        assert_int_equal(read_pieces(text, (size_t)length, 1000, &out, &err), 0);
        snprintf(expected, sizeof expected, "/;1000=%.17g ", strtod(number, NULL));
        assert_string_equal(buf_str(&out), expected);
    }
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_series_and_vector),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_points),
        cmocka_unit_test(test_a_warning_beside_the_data),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
