#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pricing/cost/engine.h"

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

static void jobs_without_usage_are_said(void **state)
{
    (void)state;
    struct cost_notes notes;
    json_t *result = cost("{\"workload\":{\"kind\":\"Job\",\"replicas\":2,\"containers\":[" HALF "]},\"usage\":null}", &notes);
    assert_true(notes.duration_unknown && !notes.replicas_unknown);
    assert_int_equal(json_int_or(result, "monthly_before_microusd", -1), 2 * 16060000);
    json_decref(result);
    cost_notes_release(&notes);
    result = cost("{\"workload\":{\"kind\":\"CronJob\",\"replicas\":null,\"containers\":[" HALF "]},"
                  "\"usage\":{\"pods\":7,\"replicas_mean\":0.125}}",
                  &notes);
    assert_false(notes.duration_unknown || notes.replicas_unknown);
    assert_int_equal(json_int_or(result, "monthly_before_microusd", -1), 16060000 / 8);
    json_decref(result);
    cost_notes_release(&notes);
}

/* A Deployment that a Rollout took over stands at 0 replicas and runs as many as the Rollout wants. */
static void what_a_rollout_runs_has_its_replicas(void **state)
{
    (void)state;
    struct cost_notes notes;
    assert_money("{\"workload\":{\"kind\":\"Deployment\",\"replicas\":0,\"run_by\":{\"kind\":\"Rollout\",\"name\":\"r\","
                 "\"replicas\":3},\"containers\":[" HALF "]}}",
                 48180000, 48180000);
    assert_null(cost("{\"workload\":{\"kind\":\"Rollout\",\"replicas\":3,\"template_of\":{\"kind\":\"Deployment\",\"name\":\"d\"},"
                     "\"containers\":[]}}",
                     &notes));
    assert_string_equal(buf_str(&notes.unpriced), "its pods are made from Deployment/d, and are priced there");
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

/* Each container and resource that has no price is named, whatever comes before it. */
static void every_reason_is_told(void **state)
{
    (void)state;
    struct cost_notes notes;
    assert_null(cost("{\"workload\":{\"replicas\":1,\"containers\":[" CONTAINER("{}") "," HALF
                     ",{\"name\":\"b\",\"requests\":{\"cpu_millicores\":1e300,\"memory_bytes\":1}},{\"limits\":{}}]}}",
                     &notes));
    assert_string_equal(buf_str(&notes.unpriced),
                        "container 'a' has neither a request nor usage data for cpu and memory; "
                        "container 'b' has amounts of cpu that no price can be put on; "
                        "container '' has neither a request nor usage data for cpu and memory");
    cost_notes_release(&notes);
}

static void long_reasons_are_cut_and_say_so(void **state)
{
    (void)state;
    struct buf record;
    struct cost_notes notes;
    buf_init(&record, 1 << 20);
    buf_add_str(&record, "{\"workload\":{\"replicas\":1,\"containers\":[{\"name\":\"z\",\"role\":\"init\"}");
    for (int i = 0; i < 300; i++) {
        buf_printf(&record, ",{\"name\":\"%0253d\",\"requests\":{},\"limits\":{}}", i);
    }
    buf_add_str(&record, "]}}");
    assert_null(cost(buf_str(&record), &notes));
    assert_true(notes.unpriced.length > 1000 && notes.unpriced.length < 2100);
    assert_non_null(strstr(buf_str(&notes.unpriced), "; \xe2\x80\xa6"));
    cost_notes_release(&notes);
    buf_release(&record);
}

static int64_t part(const json_t *cost, const char *container, const char *member)
{
    return json_int_or(json_object_get(json_object_get(cost, "containers"), container), member, -1);
}

static void waste_is_told_by_container_and_resource(void **state)
{
    (void)state;
    struct cost_notes notes;
    json_t *result = cost("{\"workload\":{\"replicas\":2,\"containers\":[" HALF
                          ",{\"name\":\"b\",\"requests\":{\"cpu_millicores\":100,\"memory_bytes\":1073741824}}]},"
                          "\"usage\":{\"containers\":{\"a\":{\"cpu_millicores\":{\"mean\":100},"
                          "\"memory_bytes\":{\"mean\":1073741824}},\"b\":{\"cpu_millicores\":{\"mean\":0}}}},"
                          "\"recommendation\":{\"containers\":{\"a\":{\"requests\":{\"cpu_millicores\":200}}}}}",
                          &notes);
    /* a: 400m, then 100m of 29.2 dollars, twice; its memory is all used. */
    assert_int_equal(part(result, "a", "cpu_waste_before_microusd"), 23360000);
    assert_int_equal(part(result, "a", "cpu_waste_after_microusd"), 5840000);
    assert_int_equal(part(result, "a", "memory_waste_before_microusd"), 0);
    assert_int_equal(part(result, "a", "memory_waste_after_microusd"), 0);
    assert_int_equal(part(result, "b", "cpu_waste_before_microusd"), 5840000);
    /* Nobody knows what b uses of its memory: nor what the workload wastes. */
    assert_true(json_is_null(json_object_get(json_at(result, "containers.b"), "memory_waste_before_microusd")));
    assert_true(json_is_null(json_object_get(json_at(result, "containers.b"), "memory_waste_after_microusd")));
    assert_true(json_is_null(json_object_get(result, "waste_before_microusd")));
    assert_true(json_is_null(json_object_get(result, "waste_after_microusd")));
    json_decref(result);
    cost_notes_release(&notes);
}

static void a_year_is_twelve_months(void **state)
{
    (void)state;
    struct cost_notes notes;
    json_t *result = cost("{\"workload\":{\"replicas\":3,\"containers\":[" HALF "]},"
                          "\"recommendation\":{\"containers\":{\"a\":{\"requests\":{\"cpu_millicores\":333}}}}}",
                          &notes);
    assert_int_equal(json_int_or(result, "annual_before_microusd", -1), 12 * INT64_C(48180000));
    int64_t after = json_int_or(result, "monthly_after_microusd", -1);
    assert_int_equal(json_int_or(result, "annual_after_microusd", -1), 12 * after);
    assert_int_equal(json_int_or(result, "annual_saving_microusd", -1), 12 * (48180000 - after));
    json_decref(result);
    cost_notes_release(&notes);
}

static void what_runs_outside_the_manifest_is_named(void **state)
{
    (void)state;
    struct cost_notes notes;
    json_t *result = cost("{\"workload\":{\"replicas\":1,\"containers\":[" HALF
                          ",{\"name\":\"i\",\"role\":\"init\"}]},"
                          "\"usage\":{\"containers\":{\"a\":{},\"i\":{\"cpu_millicores\":{\"mean\":5}},\"quiet\":{},"
                          "\"proxy\":{\"cpu_millicores\":{\"mean\":100},\"memory_bytes\":{\"mean\":1073741824}}}}}",
                          &notes);
    assert_non_null(result);
    assert_string_equal(buf_str(&notes.unlisted),
                        "container 'proxy' ran and stands in no manifest: what it uses, $6 a month, is not in the cost");
    assert_int_equal(json_int_or(result, "monthly_before_microusd", -1), 16060000);
    json_decref(result);
    cost_notes_release(&notes);
}

/* As the report looks for the money of a container: its name, and which of that name it is, init containers counted. */
static void copies_of_a_name_are_told_apart(void **state)
{
    (void)state;
    struct cost_notes notes;
    json_t *result = cost("{\"workload\":{\"replicas\":1,\"containers\":[{\"name\":\"a\",\"role\":\"init\"}," HALF
                          "," HALF ",{\"requests\":{\"cpu_millicores\":1,\"memory_bytes\":1}}]}}",
                          &notes);
    assert_int_equal(part(result, "a#2", "cpu_before_microusd"), 14600000);
    assert_int_equal(part(result, "a#3", "cpu_before_microusd"), 14600000);
    assert_int_equal(part(result, "", "cpu_before_microusd"), 29200);
    json_decref(result);
    cost_notes_release(&notes);
}

/* The largest amounts that have a price, and the first that have none. */
static void amounts_at_the_end_of_the_scale(void **state)
{
    (void)state;
    struct cost_notes notes;
    json_t *result = cost("{\"workload\":{\"replicas\":34246575,\"containers\":[" CONTAINER(
                              "{\"cpu_millicores\":1000,\"memory_bytes\":0}") "]}}",
                          &notes);
    assert_int_equal(json_int_or(result, "monthly_before_microusd", -1), INT64_C(999999990000000));
    assert_int_equal(json_int_or(result, "annual_before_microusd", -1), INT64_C(11999999880000000));
    json_decref(result);
    cost_notes_release(&notes);
    /* One more is past a billion dollars, in one container or in two. */
    assert_null(cost("{\"workload\":{\"replicas\":34246576,\"containers\":[" CONTAINER(
                         "{\"cpu_millicores\":1000,\"memory_bytes\":0}") "]}}",
                     &notes));
    cost_notes_release(&notes);
    assert_null(cost("{\"workload\":{\"replicas\":34246575,\"containers\":[" CONTAINER(
                         "{\"cpu_millicores\":1000,\"memory_bytes\":0}") "," HALF "]}}",
                     &notes));
    cost_notes_release(&notes);
}

/* A request that goes away with its limit still there is the limit; without a limit only use is paid. */
static void removed_requests(void **state)
{
    (void)state;
    assert_money("{\"workload\":{\"replicas\":1,\"containers\":[{\"name\":\"a\",\"requests\":{\"cpu_millicores\":500},"
                 "\"limits\":{\"cpu_millicores\":1000,\"memory_bytes\":1073741824}}]},"
                 "\"recommendation\":{\"containers\":{\"a\":{\"requests\":{\"cpu_millicores\":null,"
                 "\"memory_bytes\":null},\"remove\":[\"requests.cpu\",\"limits.memory\"]}}}}",
                 14600000 + 2920000, 29200000);
    assert_money("{\"workload\":{\"replicas\":1,\"containers\":[{\"name\":\"a\",\"requests\":{\"memory_bytes\":0},"
                 "\"limits\":{\"cpu_millicores\":1000,\"memory_bytes\":1073741824}}]},"
                 "\"usage\":{\"containers\":{\"a\":{\"cpu_millicores\":{\"mean\":50}}}},"
                 "\"recommendation\":{\"containers\":{\"a\":{\"remove\":[\"limits.cpu\"]}}}}",
                 29200000, 1460000);
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
        cmocka_unit_test(jobs_without_usage_are_said),
        cmocka_unit_test(what_a_rollout_runs_has_its_replicas),
        cmocka_unit_test(what_is_unknown_is_unpriced_and_named),
        cmocka_unit_test(every_reason_is_told),
        cmocka_unit_test(long_reasons_are_cut_and_say_so),
        cmocka_unit_test(waste_is_told_by_container_and_resource),
        cmocka_unit_test(a_year_is_twelve_months),
        cmocka_unit_test(what_runs_outside_the_manifest_is_named),
        cmocka_unit_test(copies_of_a_name_are_told_apart),
        cmocka_unit_test(amounts_at_the_end_of_the_scale),
        cmocka_unit_test(removed_requests),
        cmocka_unit_test(waste_and_parts_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
