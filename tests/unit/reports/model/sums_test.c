#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "pricing/money/money.h"
#include "reports/model/model.h"
#include "tests/harness/rounds.h"

static json_t *parse(const char *text)
{
    struct err err = {0};
    json_t *value = json_read(text, strlen(text), "test", &err);
    assert_non_null(value);
    return value;
}

static int add(struct report *report, json_t *record, struct err *err)
{
    int failed = report_add(report, record, err);
    json_decref(record);
    return failed;
}

static int64_t random_money(void)
{
    return (int64_t)(rng_next() % UINT64_C(900000000));
}

/* Money of one container by resource, added to the sums of its workload. */
static json_t *random_cost(int64_t sums[4])
{
    static const char *const names[2][4] = {
        {"cpu_before_microusd", "cpu_after_microusd", "cpu_waste_before_microusd", "cpu_waste_after_microusd"},
        {"memory_before_microusd", "memory_after_microusd", "memory_waste_before_microusd", "memory_waste_after_microusd"}};
    json_t *cost = json_object();
    for (int r = 0; r < 2; r++) {
        for (int i = 0; i < 4; i++) {
            int64_t amount = random_money();
            sums[i] += amount;
            json_object_set_new(cost, names[r][i], json_integer(amount));
        }
    }
    return cost;
}

/* Any mix of what records may say: without a price, without waste, held back, kept, of few or no team and class. */
static json_t *random_record(int number)
{
    static const char *const members[] = {"namespace", "cluster"};
    json_t *record = parse("{\"workload\":{\"kind\":\"Pod\",\"labels\":{},\"containers\":[{\"name\":\"a\",\"requests\":{\"cpu_millicores\":9}},"
                           "{\"name\":\"b\",\"requests\":{\"cpu_millicores\":9}}]},\"recommendation\":{\"action\":\"resize\",\"containers\":{}}}");
    json_t *workload = json_object_get(record, "workload");
    char text[32];
    snprintf(text, sizeof text, "w%d", number);
    json_object_set_new(workload, "name", json_string(text));
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        snprintf(text, sizeof text, "%s%d", members[i], (int)(rng_next() % 5));
        if (rng_next() % 7 != 0) {
            json_object_set_new(workload, members[i], json_string(text));
        }
    }
    snprintf(text, sizeof text, "team%d", (int)(rng_next() % 4));
    if (rng_next() % 3 != 0) {
        json_object_set_new(json_object_get(workload, "labels"), "team", json_string(text));
        json_object_set_new(json_object_get(record, "recommendation"), "class", json_string(text));
    }
    if (rng_next() % 2 != 0) {
        json_object_set_new(json_at(record, "recommendation.containers"), "a", parse("{\"requests\":{\"cpu_millicores\":5}}"));
    }
    if (rng_next() % 4 == 0) {
        json_object_set_new(record, "gate", parse("{\"verdict\":\"blocked\"}"));
    }
    if (rng_next() % 9 == 0) {
        json_object_set_new(record, "cost", json_null());
        return record;
    }
    int64_t sums[4] = {0};
    json_t *costs = json_object();
    json_object_set_new(costs, "a", random_cost(sums));
    json_object_set_new(costs, "b", random_cost(sums));
    bool waste = rng_next() % 50 != 0;
    json_t *cost = json_pack("{s:o, s:I, s:I}", "containers", costs, "monthly_before_microusd", (json_int_t)sums[0],
                             "monthly_after_microusd", (json_int_t)sums[1]);
    json_object_set_new(cost, "waste_before_microusd", json_int_or_null(waste, sums[2]));
    json_object_set_new(cost, "waste_after_microusd", json_int_or_null(waste, sums[3]));
    json_object_set_new(record, "cost", cost);
    return record;
}

static void add_up(struct report_sums *sums, const struct report_sums *part)
{
    sums->workloads += part->workloads;
    sums->changed += part->changed;
    sums->held += part->held;
    sums->blocked += part->blocked;
    sums->kept += part->kept;
    sums->no_advice += part->no_advice;
    sums->unpriced += part->unpriced;
    sums->no_data += part->no_data;
    sums->uneven += part->uneven;
    sums->before += part->before;
    sums->after += part->after;
    sums->proposed += part->proposed;
    sums->waste_known &= part->waste_known;
    sums->waste_before += part->waste_before;
    sums->waste_after += part->waste_after;
    sums->resource_waste_known &= part->resource_waste_known;
    for (int r = 0; r < REPORT_RESOURCES; r++) {
        sums->resource_before[r] += part->resource_before[r];
        sums->resource_after[r] += part->resource_after[r];
        sums->resource_waste_before[r] += part->resource_waste_before[r];
        sums->resource_waste_after[r] += part->resource_waste_after[r];
    }
    for (int i = 0; i < REPORT_RISKS; i++) {
        sums->risks[i] += part->risks[i];
    }
    for (int i = 0; i < REPORT_SEVERITIES; i++) {
        sums->severities[i] += part->severities[i];
    }
}

static void assert_same(const struct report_sums *a, const struct report_sums *b)
{
    assert_int_equal(a->workloads, b->workloads);
    assert_int_equal(a->changed, b->changed);
    assert_int_equal(a->held, b->held);
    assert_int_equal(a->blocked, b->blocked);
    assert_int_equal(a->kept, b->kept);
    assert_int_equal(a->no_advice, b->no_advice);
    assert_int_equal(a->unpriced, b->unpriced);
    assert_int_equal(a->no_data, b->no_data);
    assert_int_equal(a->uneven, b->uneven);
    assert_int_equal(a->before, b->before);
    assert_int_equal(a->after, b->after);
    assert_int_equal(a->proposed, b->proposed);
    assert_int_equal(a->waste_known, b->waste_known);
    assert_int_equal(a->waste_before, b->waste_before);
    assert_int_equal(a->waste_after, b->waste_after);
    assert_int_equal(a->resource_waste_known, b->resource_waste_known);
    assert_memory_equal(a->resource_before, b->resource_before, sizeof a->resource_before);
    assert_memory_equal(a->resource_after, b->resource_after, sizeof a->resource_after);
    assert_memory_equal(a->resource_waste_before, b->resource_waste_before, sizeof a->resource_waste_before);
    assert_memory_equal(a->resource_waste_after, b->resource_waste_after, sizeof a->resource_waste_after);
    assert_memory_equal(a->risks, b->risks, sizeof a->risks);
    assert_memory_equal(a->severities, b->severities, sizeof a->severities);
}

/* Rows that are read back add up to the totals too. */
static int add_row(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)place;
    (void)err;
    int64_t *sums = context;
    sums[0] += row->priced ? row->before : 0;
    sums[1] += row->priced ? row->after : 0;
    sums[2] += row->priced ? row->proposed : 0;
    return 0;
}

/* A list cut anywhere: what is shown and the rest are the totals. */
static void assert_rest(const struct report_parts *parts, const struct report_sums *totals)
{
    for (size_t cut = 0; cut <= parts->count; cut++) {
        struct report_sums rest = report_rest(parts, cut);
        for (size_t i = 0; i < cut; i++) {
            const struct report_sums *sums = &parts->items[i].sums;
            rest.workloads += sums->workloads;
            rest.changed += sums->changed;
            rest.unpriced += sums->unpriced;
            rest.before += sums->before;
            rest.after += sums->after;
            rest.waste_before += sums->waste_before;
            rest.waste_after += sums->waste_after;
            rest.waste_known = rest.waste_known && sums->waste_known;
        }
        assert_int_equal(rest.workloads, totals->workloads);
        assert_int_equal(rest.changed, totals->changed);
        assert_int_equal(rest.unpriced, totals->unpriced);
        assert_int_equal(rest.before, totals->before);
        assert_int_equal(rest.after, totals->after);
        assert_int_equal(rest.waste_before, totals->waste_before);
        assert_int_equal(rest.waste_after, totals->waste_after);
        assert_int_equal(rest.waste_known, totals->waste_known);
    }
}

static void every_dimension_adds_up_to_the_totals(void **state)
{
    (void)state;
    rng_seed(3);
    for (int round = rounds_of(40); round > 0; round--) {
        struct report report;
        assert_int_equal(report_init(&report, false, NULL), 0);
        report.team_label = "team";
        for (int i = (int)(rng_next() % 60); i > 0; i--) {
            assert_int_equal(add(&report, random_record(i), NULL), 0);
        }
        report_finish(&report);
        for (int dimension = 0; dimension < REPORT_DIMENSIONS; dimension++) {
            struct report_sums sums = {.waste_known = true, .resource_waste_known = true};
            for (size_t i = 0; i < report.parts[dimension].count; i++) {
                add_up(&sums, &report.parts[dimension].items[i].sums);
            }
            assert_same(&sums, &report.totals);
            assert_rest(&report.parts[dimension], &report.totals);
        }
        const struct report_sums *t = &report.totals;
        assert_int_equal(t->uneven, 0);
        assert_int_equal(t->resource_before[0] + t->resource_before[1], t->before);
        assert_int_equal(t->resource_after[0] + t->resource_after[1], t->after);
        if (t->resource_waste_known) {
            assert_int_equal(t->resource_waste_before[0] + t->resource_waste_before[1], t->waste_before);
            assert_int_equal(t->resource_waste_after[0] + t->resource_waste_after[1], t->waste_after);
        }
        int64_t whole[3] = {0};
        int64_t brief[3] = {0};
        assert_int_equal(report_each(&report, 0, SIZE_MAX, add_row, whole, NULL), 0);
        assert_int_equal(report_each_brief(&report, 0, SIZE_MAX, add_row, brief, NULL), 0);
        assert_memory_equal(whole, brief, sizeof whole);
        assert_int_equal(whole[0], t->before);
        assert_int_equal(whole[1], t->after);
        assert_int_equal(whole[2], t->proposed);
        report_release(&report);
    }
}

/* As many namespaces as workloads, in no order: each is found at once. */
static void many_parts_are_no_burden(void **state)
{
    (void)state;
    int many = rounds_of(30000);
    struct report report;
    assert_int_equal(report_init(&report, false, NULL), 0);
    for (int i = 0; i < 2 * many; i++) {
        char *text = xasprintf("{\"workload\":{\"namespace\":\"n%d\",\"kind\":\"Pod\",\"name\":\"p\",\"containers\":[]}}", (i * 7919) % many);
        assert_int_equal(add(&report, parse(text), NULL), 0);
        free(text);
    }
    report_finish(&report);
    assert_int_equal(report.parts[BY_NAMESPACE].count, many);
    report_release(&report);
}

/* A label without text is the same as none: both are written as team="", which may not be two series. */
static void empty_names_are_none(void **state)
{
    (void)state;
    struct report report;
    assert_int_equal(report_init(&report, false, NULL), 0);
    report.team_label = "team";
    assert_int_equal(add(&report, parse("{\"workload\":{\"kind\":\"Pod\",\"name\":\"a\",\"labels\":{\"team\":\"\"},\"cluster\":\"\",\"containers\":[]},"
                                        "\"recommendation\":{\"class\":\"\"}}"), NULL), 0);
    assert_int_equal(add(&report, parse("{\"workload\":{\"kind\":\"Pod\",\"name\":\"b\",\"labels\":{},\"containers\":[]}}"), NULL), 0);
    report_finish(&report);
    for (int dimension = 0; dimension < REPORT_DIMENSIONS; dimension++) {
        assert_int_equal(report.parts[dimension].count, 1);
        assert_null(report.parts[dimension].items[0].name);
    }
    report_release(&report);
}

/* A name is text, not a size: what is longer than any name may be is cut. */
static void names_are_bounded(void **state)
{
    (void)state;
    struct report report;
    assert_int_equal(report_init(&report, false, NULL), 0);
    char *name = xmalloc(100001);
    memset(name, 'x', 100000);
    name[100000] = '\0';
    char *text = xasprintf("{\"workload\":{\"namespace\":\"%s\",\"kind\":\"Pod\",\"name\":\"p\",\"containers\":[]}}", name);
    assert_int_equal(add(&report, parse(text), NULL), 0);
    free(text);
    /* None and an empty one are one. */
    assert_int_equal(add(&report, parse("{\"workload\":{\"namespace\":\"\",\"kind\":\"Pod\",\"name\":\"p\",\"containers\":[]}}"), NULL), 0);
    assert_int_equal(add(&report, parse("{\"workload\":{\"kind\":\"Pod\",\"name\":\"p\",\"containers\":[]}}"), NULL), 0);
    report_finish(&report);
    assert_int_equal(report.parts[BY_NAMESPACE].count, 2);
    for (size_t i = 0; i < 2; i++) {
        const char *part = report.parts[BY_NAMESPACE].items[i].name;
        assert_true(part == NULL || strlen(part) <= 256);
    }
    free(name);
    report_release(&report);
}

static json_t *costing(const char *name, int64_t before, int64_t after)
{
    char *text = xasprintf("{\"workload\":{\"kind\":\"Pod\",\"name\":\"%s\",\"containers\":[]},"
                           "\"cost\":{\"monthly_before_microusd\":%" PRId64 ",\"monthly_after_microusd\":%" PRId64 "}}",
                           name, before, after);
    json_t *record = parse(text);
    free(text);
    return record;
}

static void absurd_money_is_refused(void **state)
{
    (void)state;
    static const int64_t absurd[][2] = {
        {INT64_MAX, 0}, {0, INT64_MAX}, {INT64_MIN, 0}, {0, -1}, {MONEY_MAX + 1, MONEY_MAX}, {INT64_MAX, INT64_MIN}};
    for (size_t i = 0; i < ARRAY_COUNT(absurd); i++) {
        struct report report;
        struct err err = {0};
        assert_int_equal(report_init(&report, false, NULL), 0);
        assert_int_equal(add(&report, costing("big", absurd[i][0], absurd[i][1]), &err), -1);
        assert_int_equal(err.class, ERR_DATA);
        assert_non_null(strstr(err.message, "the cost of Pod big has amounts that no price gives"));
        report_release(&report);
    }
}

/* Each amount is possible, their sum is not. */
static void sums_never_wrap(void **state)
{
    (void)state;
    struct report report;
    struct err err = {0};
    assert_int_equal(report_init(&report, false, NULL), 0);
    int fits = 0;
    while (fits < 2000 && add(&report, costing("big", MONEY_MAX, MONEY_MAX), &err) == 0) {
        fits++;
    }
    assert_int_equal(fits, (int)(REPORT_MONEY_MAX / MONEY_MAX));
    assert_int_equal(err.class, ERR_DATA);
    assert_non_null(strstr(err.message, "come to more than can be added up"));
    report_release(&report);
}

static void money_that_does_not_add_up_is_told(void **state)
{
    (void)state;
    struct report report;
    assert_int_equal(report_init(&report, false, NULL), 0);
    assert_int_equal(add(&report,
                         parse("{\"workload\":{\"kind\":\"Pod\",\"name\":\"p\",\"containers\":[{\"name\":\"a\"}]},"
                               "\"cost\":{\"monthly_before_microusd\":10,\"monthly_after_microusd\":5,\"containers\":{\"a\":"
                               "{\"cpu_before_microusd\":9,\"cpu_after_microusd\":5}}}}"),
                         NULL),
                     0);
    assert_int_equal(report.totals.uneven, 1);
    report_release(&report);
}

static void reasons_are_counted_without_names(void **state)
{
    (void)state;
    struct report report;
    assert_int_equal(report_init(&report, false, NULL), 0);
    for (int i = 0; i < 40; i++) {
        char *text = xasprintf("{\"workload\":{\"namespace\":\"shop\",\"kind\":\"Pod\",\"name\":\"p%d\",\"containers\":[]},\"cost\":null,"
                               "\"problems\":[{\"code\":\"other\",\"message\":\"no\"},{\"code\":\"unpriced\",\"message\":"
                               "\"container 'c%d' has no%s\"}]}",
                               i, i, i % 2 == 0 ? "thing" : " request");
        assert_int_equal(add(&report, parse(text), NULL), 0);
        free(text);
    }
    assert_int_equal(add(&report, parse("{\"workload\":{\"kind\":\"Pod\",\"name\":\"q\",\"containers\":[]}}"), NULL), 0);
    report_finish(&report);
    assert_int_equal(report.reason_count, 3);
    assert_int_equal(report.reasons[0].count, 20);
    assert_string_equal(report.reasons[0].text, "container … has no request");
    assert_string_equal(report.reasons[0].example, "shop/Pod/p1");
    assert_int_equal(report.reasons[2].count, 1);
    report_release(&report);
}

static void the_list_of_reasons_is_bounded(void **state)
{
    (void)state;
    struct report report;
    assert_int_equal(report_init(&report, false, NULL), 0);
    for (int i = 0; i < 100; i++) {
        char *text = xasprintf("{\"workload\":{\"kind\":\"Pod\",\"name\":\"p%d\",\"containers\":[]},\"problems\":[{\"code\":\"unpriced\","
                               "\"message\":\"reason %d %0500d\"}]}",
                               i, i, i);
        assert_int_equal(add(&report, parse(text), NULL), 0);
        free(text);
    }
    report_finish(&report);
    assert_int_equal(report.reason_count, REPORT_REASONS_MAX);
    assert_string_equal(report.reasons[0].text, "other reasons");
    int64_t sum = 0;
    for (size_t i = 0; i < report.reason_count; i++) {
        sum += report.reasons[i].count;
        assert_true(strlen(report.reasons[i].text) <= 200);
    }
    assert_int_equal(sum, 100);
    report_release(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dimension_adds_up_to_the_totals),
        cmocka_unit_test(many_parts_are_no_burden),
        cmocka_unit_test(names_are_bounded), cmocka_unit_test(empty_names_are_none),
        cmocka_unit_test(absurd_money_is_refused),
        cmocka_unit_test(sums_never_wrap),
        cmocka_unit_test(money_that_does_not_add_up_is_told),
        cmocka_unit_test(reasons_are_counted_without_names),
        cmocka_unit_test(the_list_of_reasons_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
