#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/text/figures.h"
#include "reports/text/summary.h"
#include "reports/text/worth.h"

enum { CASH, WASTE, VOICES, ANALYSIS, REALIZED, CURRENCY };

/* A report with sums of its own; nothing in it is owned. */
static struct report report_of(int64_t before, int64_t after)
{
    return (struct report){.meta.kind = ARTIFACT_GATED,
                           .totals = {.workloads = 3, .changed = 2, .before = before, .after = after, .waste_known = true}};
}

static void assert_line(const struct report *report, int index, const char *wanted)
{
    struct buf text;
    buf_init(&text, 4096);
    assert_int_equal(summary_worth(report, index, &text), 1);
    assert_string_equal(buf_str(&text), wanted);
    buf_release(&text);
}

static void cash_stands_beside_requests(void **state)
{
    (void)state;
    struct report report = report_of(1259000000, 412000000);
    assert_line(&report, CASH, "");
    struct fleet fleet = {.priced = true, .before.nodes = 12, .nodes_gone = 3, .saving_microusd = 412000000};
    report.fleet = &fleet;
    assert_line(&report, CASH, "Requests worth $847 a month less; 3 of 12 nodes could go, $412 a month in cash.");
    fleet = (struct fleet){.priced = true, .before.nodes = 1, .nodes_gone = 1, .saving_microusd = 5000000};
    assert_line(&report, CASH, "Requests worth $847 a month less; 1 of 1 node could go, $5 a month in cash.");
    fleet = (struct fleet){.priced = true, .before.nodes = 5};
    assert_line(&report, CASH, "Requests worth $847 a month less; no node could go: the room stays on the nodes that there are.");
    fleet = (struct fleet){.before.nodes = 12, .nodes_gone = 3};
    assert_line(&report, CASH, "Requests worth $847 a month less; 3 of 12 nodes could go; what nodes cost is not known.");
    fleet = (struct fleet){.unknown = (char *)(uintptr_t) "No node type is known"};
    assert_line(&report, CASH, "How many nodes could go, and what that saves in cash, is not known: No node type is known.");
    report = report_of(412000000, 1259000000);
    fleet = (struct fleet){.priced = true, .before.nodes = 5, .nodes_gone = -1, .saving_microusd = -70000000};
    report.fleet = &fleet;
    assert_line(&report, CASH, "Requests worth $847 a month more; 1 node more would be needed, $70 a month more in cash.");
    fleet = (struct fleet){.priced = true, .before.nodes = 5};
    assert_line(&report, CASH, "Requests worth $847 a month more; no more nodes are needed.");
    report = report_of(5, 5);
    fleet = (struct fleet){.priced = true, .before.nodes = 2, .nodes_gone = 0};
    report.fleet = &fleet;
    assert_line(&report, CASH, "By nodes: no node could go.");
    report.totals.workloads = 0;
    assert_line(&report, CASH, "");
}

static void waste_is_told_with_its_share(void **state)
{
    (void)state;
    struct report report = report_of(1000000000, 500000000);
    assert_line(&report, WASTE, "");
    report.totals.waste_before = 530000000;
    assert_line(&report, WASTE, "$530 a month (53%) is asked for and not used; with the plan $0.");
    report.totals.waste_after = 530000000;
    report.totals.waste_known = false;
    assert_line(&report, WASTE, "$530 a month (53%) is asked for and not used; workloads without usage data are not in it.");
    report.totals.before = 0;
    assert_line(&report, WASTE, "$530 a month is asked for and not used; workloads without usage data are not in it.");
}

static void the_analysis_has_its_price(void **state)
{
    (void)state;
    struct report report = report_of(1259000000, 412000000);
    struct report_past past = {.run = 7};
    report.past = &past;
    assert_line(&report, ANALYSIS, "");
    report.meta.settings = json_loads("{\"analyze\":{\"providers\":[{\"provider\":\"anthropic\"},{\"provider\":\"rules\"}]}}", 0, NULL);
    assert_line(&report, ANALYSIS, "No language model had to be paid for this run.");
    json_decref(report.meta.settings);
    report.meta.settings = NULL;
    past = (struct report_past){.run = 7, .exchanges = 1, .input_tokens = 1000, .output_tokens = 34, .llm_microusd = 1234};
    assert_line(&report, ANALYSIS, "Return on the run: 1 exchange with a language model, 1034 tokens for $0.001234, against $847 a month.");
    report.totals.after = report.totals.before;
    past.exchanges = 2;
    assert_line(&report, ANALYSIS, "Return on the run: 2 exchanges with a language model, 1034 tokens for $0.001234.");
    past.exchanges = 5;
    past.failed = 1;
    past.unpriced = 3;
    assert_line(&report, ANALYSIS,
                "Return on the run: 5 exchanges with a language model (1 without an answer), 1034 tokens for $0.001234 (3 at a price that "
                "is not known).");
}

static void earlier_plans_are_held_to_their_word(void **state)
{
    (void)state;
    struct report report = report_of(1, 1);
    struct past_applied plans[3] = {{.run = 1, .workloads = 4, .measured = 4, .predicted = 100000000, .realized = 90000000},
                                    {.run = 2, .workloads = 4, .measured = 1, .predicted = 20000000, .realized = 20000000},
                                    {.run = 3, .workloads = 4}};
    struct report_past past = {.run = 9, .applied = plans, .applied_count = 1};
    report.past = &past;
    assert_line(&report, REALIZED, "1 applied plan was said to save $100 a month and saves $90 (90%), as later runs found for 4 workloads.");
    past.applied_count = 3;
    assert_line(&report, REALIZED,
                "2 applied plans were said to save $120 a month and save $110 (92%), as later runs found for 5 workloads; "
                "1 more is not measured by a later run yet.");
    past.narrowed = true;
    past.applied = plans + 2;
    past.applied_count = 1;
    assert_line(&report, REALIZED,
                "1 applied plan is not measured by a later run yet. Runs that the asking login does not see whole are not counted.");
    past.narrowed = false;
    plans[0].realized = -5000000;
    past.applied = plans;
    assert_line(&report, REALIZED,
                "1 applied plan was said to save $100 a month and costs $5 more, as later runs found for 4 workloads.");
}

static void another_currency_says_its_rate(void **state)
{
    (void)state;
    struct report report = report_of(1259000000, 412000000);
    char figure[FIGURE_MAX];
    assert_string_equal(figure_other_currency(&report, 847000000, figure), "");
    assert_line(&report, CURRENCY, "");
    static const struct {
        const char *settings;
        const char *figure;
    } cases[] = {
        {"{\"price\":{\"currency\":{\"code\":\"EUR\",\"per_usd_ppm\":920000,\"date\":\"2026-11-20\"}}}", "\xe2\x89\x88 \xe2\x82\xac""779"},
        {"{\"price\":{\"currency\":{\"code\":\"CHF\",\"per_usd_ppm\":1000000}}}", "\xe2\x89\x88 CHF 847"},
        {"{\"price\":{\"currency\":{\"code\":\"<b>\",\"per_usd_ppm\":1000000}}}", ""},
        {"{\"price\":{\"currency\":{\"code\":\"EUR\",\"per_usd_ppm\":0}}}", ""},
        {"{\"price\":{\"currency\":{\"code\":\"EUR\",\"per_usd_ppm\":9223372036854775807}}}", ""},
        {"{\"price\":{\"currency\":null}}", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        report.meta.settings = json_loads(cases[i].settings, 0, NULL);
        assert_string_equal(figure_other_currency(&report, 847000000, figure), cases[i].figure);
        if (i == 0) {
            struct buf text;
            buf_init(&text, 4096);
            summary_total(&report, &text);
            assert_non_null(strstr(buf_str(&text), "$847 less a month ($10,164 a year, \xe2\x89\x88 \xe2\x82\xac""779 a month)."));
            buf_release(&text);
            assert_line(&report, CURRENCY, "Amounts in EUR are at 0.92 to the dollar, as stated for 2026-11-20.");
        }
        json_decref(report.meta.settings);
    }
}

static void assert_prices(const char *price, const char *end)
{
    struct report report = {.meta.price = json_loads(price, 0, NULL)};
    struct buf text;
    buf_init(&text, 4096);
    summary_prices(&report, &text);
    assert_true(str_ends(buf_str(&text), end));
    buf_release(&text);
    json_decref(report.meta.price);
}

/* Unit prices are what is paid: what was taken off the list price is said, whatever it was. */
static void what_is_paid_of_the_list_price(void **state)
{
    (void)state;
    assert_prices("{\"discount\":0,\"terms\":{\"paid_ppm\":1000000,\"reserved\":null,\"spot\":null}}", ", before discounts.");
    assert_prices("{\"discount\":0.145}", ", after a discount of 14.5%.");
    assert_prices("{\"discount\":0,\"terms\":{\"paid_ppm\":880000,\"reserved\":null,\"spot\":{\"share_ppm\":200000}}}",
                  ", which is 88% of the list price: 20% spot.");
    assert_prices("{\"discount\":0.145,\"terms\":{\"paid_ppm\":434340,"
                  "\"reserved\":{\"share_ppm\":600000},\"spot\":{\"share_ppm\":200000}}}",
                  ", which is 43.434% of the list price: 60% reserved, 20% spot, 14.5% discount.");
}

static void lines_end(void **state)
{
    (void)state;
    struct report report = report_of(1, 1);
    struct buf text;
    buf_init(&text, 64);
    assert_int_equal(summary_worth(&report, CURRENCY + 1, &text), 0);
    assert_int_equal(summary_worth(&report, -1, &text), 0);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cash_stands_beside_requests),  cmocka_unit_test(waste_is_told_with_its_share),
        cmocka_unit_test(the_analysis_has_its_price),   cmocka_unit_test(earlier_plans_are_held_to_their_word),
        cmocka_unit_test(another_currency_says_its_rate), cmocka_unit_test(lines_end),
        cmocka_unit_test(what_is_paid_of_the_list_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
