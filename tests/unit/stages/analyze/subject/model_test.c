/* What is read of a record that says odd things. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stages/analyze/rules/figures.h"
#include "stages/analyze/subject/model.h"
#include "tests/unit/stages/analyze/subject/subject_builder.h"

/* New record of a workload with three days of hours as steps, whose window is said to begin at `start`. */
static json_t *record_from(const char *start)
{
    struct made_workload made = {.count = 1, .containers = {{.name = "app", .cpu_request = 500, .cpu_limit = UNSET,
                                                            .memory_request = 512 * 1048576, .memory_limit = UNSET,
                                                            .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 300},
                                                            .memory = {.p50 = 2e8, .p90 = 2e8, .p95 = 2e8, .p99 = 2e8, .max = 2e8}}}};
    double values[72];
    for (int i = 0; i < 72; i++) {
        values[i] = 100 + i;
    }
    json_t *record = made_record(&made);
    json_t *steps = json_pack("{s:i,s:o,s:o}", "step_seconds", 3600, "mean", series_json(values, 72), "max", series_json(values, 72));
    json_object_set_new((json_t *)(uintptr_t)json_at(record, "usage.containers.app.cpu_millicores"), "series", steps);
    json_object_set_new((json_t *)(uintptr_t)json_at(record, "usage.window"), "start", json_string(start));
    return record;
}

/* Hours of the day are told from instants by division, which goes below zero before 1970. */
static void test_window_before_1970(void **state)
{
    (void)state;
    static const char *const starts[] = {"0001-01-01T00:00:00Z", "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z", "yesterday"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        struct arena arena;
        struct subject subject;
        json_t *record = record_from(starts[i]);
        arena_init(&arena);
        subject_read(record, &arena, &subject);
        figures_complete_all(&subject, &arena);
        assert_int_equal(subject.window_start, 0);
        assert_int_equal(subject.containers[0].use[CPU].steps.count, 72);
        assert_true(subject.containers[0].use[CPU].weighted_p98 > 160);
        arena_release(&arena);
        json_decref(record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_window_before_1970)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
