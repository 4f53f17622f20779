/* The member `usage`, whole. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "stages/collect/usage.h"

static const char record_text[] =
    "{\"workload\":{\"containers\":[{\"name\":\"app\"},{\"name\":\"idle\"},{\"name\":\"setup\",\"role\":\"init\"}]}}";

#define UNKNOWN                                                                                                \
    "\"oom_kills\":null,\"oom_last_at\":null,\"oom_limit_bytes\":null,\"restarts\":null,"                      \
    "\"throttled_ratio\":null,\"throttled_worst_hour\":null,\"throttled_worst_hour_at\":null"

static const char wanted[] =
    "{\"containers\":{"
    "\"app\":{\"cpu_millicores\":{\"p95\":5},\"declared\":true,\"memory_bytes\":null," UNKNOWN "},"
    "\"idle\":{\"cpu_millicores\":null,\"declared\":true,\"memory_bytes\":null," UNKNOWN "},"
    "\"injected\":{\"cpu_millicores\":null,\"declared\":false,\"memory_bytes\":{\"max\":7}," UNKNOWN "}},"
    "\"coverage\":1.0,\"first_seen\":\"2026-11-15T03:00:15Z\",\"history_seconds\":1800,"
    "\"hourly_replicas\":[1.0],"
    "\"init_containers\":{\"setup\":{\"cpu_millicores\":null,\"declared\":true,\"memory_bytes\":null," UNKNOWN "}},"
    "\"interval_seconds\":15,\"last_seen\":\"2026-11-15T03:30:00Z\",\"matched_by\":\"names\",\"pods\":1,"
    "\"rate_window_seconds\":120,\"replicas\":1,\"replicas_max\":1,\"replicas_mean\":1.0,\"source\":\"remote-read\","
    "\"window\":{\"end\":\"2026-11-15T03:30:00Z\",\"seconds\":1800,\"start\":\"2026-11-15T03:00:00Z\"}}";

static void test_whole(void **state)
{
    int64_t start;
    struct window window;
    struct runs runs;
    struct target target;
    struct points points = {0};
    json_t *record = json_loads(record_text, 0, NULL);
    assert_int_equal(time_parse("2026-11-15T03:00:00Z", &start, NULL), 0);
    window_init(&window, start, start + 1800);
    runs_init(&runs, &window, 15100);
    target_init(&target, record, "Deployment", "web");
    target_use(&target, "app")->cpu = json_pack("{s:i}", "p95", 5);
    target_use(&target, "injected")->memory = json_pack("{s:i}", "max", 7);
    (void)target_use(&target, "gone");
    json_t *none = usage_json(&target, &window, &runs, "file");
    assert_true(json_is_null(none));
    json_decref(none);
    for (int i = 1; i <= 120; i++) {
        points_add(&points, (start + 15 * i) * 1000, 1);
    }
    runs_add(&runs, 0, &points);
    json_t *usage = usage_json(&target, &window, &runs, "remote-read");
    char *text = json_text(usage);
    assert_string_equal(text, wanted);
    free(text);
    json_decref(usage);
    points_release(&points);
    target_release(&target);
    runs_release(&runs);
    window_release(&window);
    json_decref(record);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
