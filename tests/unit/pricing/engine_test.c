#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pricing/engine.h"

/* 0.04 dollars a vCPU-hour and 0.004 a GiB-hour: 1 vCPU is 29.2 dollars a month, 1 GiB 2.92. */
static const struct unit_price unit = {.microusd_per_vcpu_hour = 40000,
                                       .microusd_per_gib_hour = 4000,
                                       .provider = "aws",
                                       .region = "us-east-1",
                                       .path = PRICE_EXACT};

static json_t *cost(const char *text, struct cost_notes *notes)
{
    struct err err = {0};
    json_t *record = json_read(text, strlen(text), "test", &err);
    assert_non_null(record);
    cost_notes_init(notes);
    json_t *result = cost_of_record(record, &unit, notes);
    json_decref(record);
    return result;
}

static void assert_money(const char *record, int64_t before, int64_t after)
{
    struct cost_notes notes;
    json_t *result = cost(record, &notes);
    assert_non_null(result);
    assert_int_equal(json_int_or(result, "monthly_before_microusd", -1), before);
    assert_int_equal(json_int_or(result, "monthly_after_microusd", -1), after);
    assert_int_equal(json_int_or(result, "monthly_saving_microusd", -1), before - after);
    json_decref(result);
    cost_notes_release(&notes);
}

#define CONTAINER(requests) "{\"name\":\"a\",\"role\":\"container\",\"requests\":" requests ",\"limits\":{}}"
#define HALF CONTAINER("{\"cpu_millicores\":500,\"memory_bytes\":536870912}")

static void a_request_costs_its_share(void **state)
{
    (void)state;
    /* 0.5 × 29.2 + 0.5 × 2.92 = 16.06, times 3 = 48.18. */
    assert_money("{\"workload\":{\"replicas\":3,\"containers\":[" HALF "]}}", 48180000, 48180000);
}

static void after_takes_the_new_request_but_never_less_than_usage(void **state)
{
    (void)state;
    /* CPU 500m → 100m, but 200m are used on average: 0.2 × 29.2 = 5.84; memory stays 1.46. */
    assert_money("{\"workload\":{\"replicas\":9,\"containers\":[" HALF "]},"
                 "\"usage\":{\"replicas_mean\":1,\"containers\":{\"a\":{\"cpu_millicores\":{\"mean\":200.0},"
                 "\"memory_bytes\":{\"mean\":1048576.0}}}},"
                 "\"recommendation\":{\"containers\":{\"a\":{\"requests\":{\"cpu_millicores\":100,"
                 "\"memory_bytes\":null},\"limits\":{}}}}}",
                 16060000, 7300000);
    /* Usage above the request costs what it takes: 0.6 vCPU before and after. */
    assert_money("{\"workload\":{\"replicas\":1,\"containers\":[" HALF "]},"
                 "\"usage\":{\"replicas_mean\":0.5,\"containers\":{\"a\":{\"cpu_millicores\":{\"mean\":600},"
                 "\"memory_bytes\":null}}}}",
                 (17520000 + 1460000) / 2, (17520000 + 1460000) / 2);
}

static void a_limit_alone_is_the_request(void **state)
{
    (void)state;
    assert_money("{\"workload\":{\"replicas\":1,\"containers\":[{\"name\":\"a\",\"role\":\"container\","
                 "\"requests\":{},"
                 "\"limits\":{\"cpu_millicores\":1000,\"memory_bytes\":1073741824}}]}}",
                 32120000, 32120000);
}

static void init_containers_cost_nothing_and_sidecars_do(void **state)
{
    (void)state;
    assert_money(
        "{\"workload\":{\"replicas\":1,\"containers\":[" HALF
        ",{\"name\":\"i\",\"role\":\"init\",\"requests\":{\"cpu_millicores\":4000}},"
        "{\"name\":\"s\",\"role\":\"sidecar\",\"requests\":{\"cpu_millicores\":1000,\"memory_bytes\":0}}]}}",
        16060000 + 29200000, 16060000 + 29200000);
}

static void what_has_no_replicas_costs_nothing(void **state)
{
    (void)state;
    assert_money("{\"workload\":{\"replicas\":0,\"containers\":[" CONTAINER("{}") "]}}", 0, 0);
}

static void unknown_replicas_are_one_and_said(void **state)
{
    (void)state;
    struct cost_notes notes;
    json_t *result =
        cost("{\"workload\":{\"replicas\":null,\"containers\":[" HALF "]},\"usage\":null}", &notes);
    assert_true(notes.replicas_unknown);
    assert_int_equal(json_int_or(result, "monthly_before_microusd", -1), 16060000);
    json_decref(result);
    cost_notes_release(&notes);
}

static void what_is_unknown_is_unpriced_and_named(void **state)
{
    (void)state;
    struct cost_notes notes;
    assert_null(cost(
        "{\"workload\":{\"replicas\":1,\"containers\":[" CONTAINER("{\"cpu_millicores\":5}") "]}}", &notes));
    assert_string_equal(buf_str(&notes.unpriced),
                        "container 'a' has neither a request nor usage data for memory");
    cost_notes_release(&notes);
    assert_null(cost("{\"workload\":{\"replicas\":1,\"containers\":[]}}", &notes));
    cost_notes_release(&notes);
    assert_null(cost("{\"workload\":{\"replicas\":1e30,\"containers\":[" HALF "]}}", &notes));
    cost_notes_release(&notes);
}

static void waste_and_parts_add_up(void **state)
{
    (void)state;
    struct cost_notes notes;
    json_t *result = cost("{\"workload\":{\"replicas\":1,\"containers\":[" HALF "," HALF "]},"
                          "\"usage\":{\"containers\":{\"a\":{\"cpu_millicores\":{\"mean\":100},"
                          "\"memory_bytes\":{\"mean\":268435456}}}}}",
                          &notes);
    /* Each container wastes 0.4 × 29.2 + 0.25 × 2.92 = 12.41. */
    assert_int_equal(json_int_or(result, "waste_before_microusd", -1), 2 * 12410000);
    int64_t sum = 0;
    const char *name;
    json_t *part;
    json_object_foreach(json_object_get(result, "containers"), name, part)
    {
        sum += json_int_or(part, "cpu_before_microusd", 0) + json_int_or(part, "memory_before_microusd", 0);
    }
    /* Two containers of one name both stay in the breakdown. */
    assert_int_equal(json_object_size(json_object_get(result, "containers")), 2);
    assert_int_equal(sum, json_int_or(result, "monthly_before_microusd", -1));
    assert_int_equal(json_int_or(result, "hours", 0), 730);
    json_decref(result);
    cost_notes_release(&notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_costs_its_share),
        cmocka_unit_test(after_takes_the_new_request_but_never_less_than_usage),
        cmocka_unit_test(a_limit_alone_is_the_request),
        cmocka_unit_test(init_containers_cost_nothing_and_sidecars_do),
        cmocka_unit_test(what_has_no_replicas_costs_nothing),
        cmocka_unit_test(unknown_replicas_are_one_and_said),
        cmocka_unit_test(what_is_unknown_is_unpriced_and_named),
        cmocka_unit_test(waste_and_parts_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
