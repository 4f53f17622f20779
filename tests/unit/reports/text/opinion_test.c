/* Who recommended, and what became of what was asked: the same words everywhere, whatever stands in a record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "reports/text/opinion.h"

static const struct {
    const char *advice; /* NULL: no recommendation */
    const char *who, *fallback, *lines;
    bool differs;
    size_t moved;
} rows[] = {
    {NULL, "", "", "", false, 0},
    {"null", "", "", "", false, 0},
    {"{}", "the rules", "", "", false, 0},
    {"{\"source\":\"rules\",\"disagreement\":0.7,\"clamps\":[{\"container\":\"a\",\"field\":\"requests.cpu\",\"by\":\"step-cap\"}]}",
     "the rules", "", "", false, 0},
    {"{\"source\":\"rules\",\"fallback\":{\"from\":\"openai\",\"reason\":\"it refused\\n- fake line\"}}", "the rules",
     "openai was not used: it refused?- fake line", "openai was not used: it refused?- fake line\n", true, 0},
    {"{\"source\":\"llm\",\"provider\":\"anthropic\",\"model\":\"m-1\",\"disagreement\":0.42,\"fallback\":null,\"clamps\":["
     "{\"container\":\"app\",\"field\":\"requests.cpu\",\"proposed\":1,\"after\":200,\"by\":\"lower-bound\"},"
     "{\"container\":\"app\",\"field\":\"limits.memory\",\"proposed\":2147483648,\"after\":null,\"by\":\"limit-range:x\"},"
     "{\"container\":\"b\\nc\",\"field\":\"limits.memory\",\"proposed\":1e300,\"after\":-4,\"by\":\"new-code\"}]}",
     "m-1 (anthropic)", "",
     "up to 42 % away from the rules' numbers\n"
     "app requests.cpu: 1m asked, 200m given: not below what the statistics show (lower-bound)\n"
     "app limits.memory: 2Gi asked, nothing given: a LimitRange of the namespace (limit-range:x)\n"
     "b?c limits.memory: nothing asked, nothing given: new-code\n",
     true, 3},
    {"{\"source\":\"llm\"}", "a language model (of a provider that is not named)", "", "", true, 0},
    {"{\"source\":\"proposal\",\"proposed_by\":\"ann\",\"disagreement\":0}", "ann's proposal", "", "", true, 0},
    {"{\"source\":\"proposal\",\"proposed_by\":null}", "nobody: not part of the proposal", "", "", false, 0},
    {"{\"source\":7,\"clamps\":7,\"fallback\":{\"from\":3}}", "the rules", "a provider was not used: no reason is given",
     "a provider was not used: no reason is given\n", true, 0},
};

static void words_for_each(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char who[OPINION_WHO_MAX];
        char fallback[OPINION_REASON_MAX];
        struct buf lines;
        json_t *record = json_object();
        if (rows[i].advice != NULL) {
            json_t *advice = json_loads(rows[i].advice, JSON_DECODE_ANY, NULL);
            assert_non_null(advice);
            json_object_set_new(record, "recommendation", advice);
        }
        buf_init(&lines, 4096);
        opinion_lines(record, &lines);
        assert_string_equal(opinion_who(record, who), rows[i].who);
        assert_string_equal(opinion_fallback(record, fallback), rows[i].fallback);
        assert_string_equal(buf_str(&lines), rows[i].lines);
        assert_int_equal(opinion_differs(record), rows[i].differs);
        assert_int_equal(opinion_moved(record), rows[i].moved);
        buf_release(&lines);
        json_decref(record);
    }
}

static void disagreement_is_of_others(void **state)
{
    (void)state;
    json_t *record = json_pack("{s:{s:s,s:f}}", "recommendation", "source", "llm", "disagreement", 0.25);
    assert_true(opinion_disagreement(record) > 0.24 && opinion_disagreement(record) < 0.26);
    json_object_set_new(json_object_get(record, "recommendation"), "source", json_string("rules"));
    assert_true(isnan(opinion_disagreement(record)));
    json_decref(record);
}

static void long_lists_are_cut(void **state)
{
    (void)state;
    struct buf lines;
    json_t *clamps = json_array();
    for (int i = 0; i < 1000; i++) {
        json_array_append_new(clamps, json_pack("{s:s,s:s,s:i,s:i,s:s}", "container", "app", "field", "limits.cpu", "proposed", 1, "after", 2, "by", "limit-keep"));
    }
    json_t *record = json_pack("{s:{s:s,s:o}}", "recommendation", "source", "llm", "clamps", clamps);
    buf_init(&lines, 16384);
    opinion_lines(record, &lines);
    assert_false(lines.overflow);
    assert_non_null(strstr(buf_str(&lines), "and 960 more amounts that were moved"));
    buf_release(&lines);
    json_decref(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_for_each), cmocka_unit_test(disagreement_is_of_others),
                                       cmocka_unit_test(long_lists_are_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
