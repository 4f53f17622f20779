#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "reports/explain/manifests.h"
#include "reports/text/insight.h"

static json_t *parse(const char *text)
{
    struct err err = {0};
    json_t *value = json_read(text, strlen(text), "test", &err);
    assert_non_null(value);
    return value;
}

static void test_severities(void **state)
{
    (void)state;
    static const char *const rising[] = {"{}", "{\"severity\":\"low\"}", "{\"severity\":\"medium\"}", "{\"severity\":\"high\"}",
                                         "{\"severity\":\"critical\"}"};
    for (size_t i = 0; i < ARRAY_COUNT(rising); i++) {
        json_t *finding = parse(rising[i]);
        assert_int_equal(insight_severity(finding), i);
        json_decref(finding);
    }
    size_t count = 9;
    struct report_row row = {.record = parse("{\"recommendation\":{\"findings\":[{\"severity\":\"low\"},{\"severity\":\"high\"},3]}}")};
    assert_string_equal(insight_worst(&row, &count), "high");
    assert_int_equal(count, 3);
    json_decref(row.record);
    row.record = parse("{}");
    assert_null(insight_worst(&row, &count));
    assert_int_equal(count, 0);
    json_decref(row.record);
}

static void test_verdicts(void **state)
{
    (void)state;
    char text[2 * FIGURE_MAX];
    const struct insight_verdict calm = {.time_above = 0.0231, .slack = 2.034, .hit = 0};
    const struct insight_verdict killed = {.time_above = 0, .slack = 0.9, .hit = 3};
    const struct insight_verdict held = {.time_above = NAN, .slack = NAN, .hit = 0.25};
    assert_string_equal(insight_verdict_text(&calm, true, text), "2.3% · 2.03×");
    assert_string_equal(insight_verdict_text(&killed, false, text), "0% · 0.9× · 3 OOM");
    assert_string_equal(insight_verdict_text(&held, true, text), "– · – · throttled 25%");
    struct insight_verdict verdict;
    struct report_row row = {.record = parse("{\"recommendation\":{\"backtest\":{\"containers\":{\"c\":{\"cpu_millicores\":{\"krr\":{\"slack\":1.5}}}}}}}")};
    assert_false(insight_verdict(&row, "c", true, 0, &verdict));
    assert_true(insight_verdict(&row, "c", true, 2, &verdict));
    assert_true(verdict.slack > 1.49 && verdict.slack < 1.51 && isnan(verdict.time_above));
    assert_false(insight_verdict(&row, "c", false, 2, &verdict));
    assert_false(insight_verdict(&row, "d", true, 2, &verdict));
    json_decref(row.record);
}

/* Of alternatives the first, of policies none, and what stands beside them. */
static void test_first_choice(void **state)
{
    (void)state;
    json_t *manifests = parse("[{\"option\":\"policy-cost\"},{\"option\":\"keda\"},{\"option\":\"keda\"},{\"option\":\"hpa\"},"
                              "{\"option\":\"vpa\"},{\"option\":\"cronjobs\"},{}]");
    static const bool wanted[] = {false, true, true, false, true, false, true};
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        assert_int_equal(manifest_is_first_choice(manifests, i), wanted[i]);
    }
    json_decref(manifests);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_severities), cmocka_unit_test(test_verdicts),
                                       cmocka_unit_test(test_first_choice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
