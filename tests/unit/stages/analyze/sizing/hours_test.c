/* Business hours: what is read, and which steps count on the zone's own clocks. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/sizing/hours.h"
#include "tests/unit/stages/analyze/sizing/plan_builder.h"

static void what_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *schedule, *timezone;
        bool good;
    } cases[] = {
        {"Mon-Fri 08:00-18:00", NULL, true},      {"mon,wed,FRI 08:00-18:00", "UTC", true}, {"08:00-18:00", NULL, true},
        {"Fri-Mon 22:00-06:00", NULL, true},      {"Sun 00:00-24:00", NULL, true},          {"Mon-Fri 08:00-18:00", "Europe/Berlin", true},
        {"", NULL, false},                        {"Mon-Fri", NULL, false},                 {"Mon-Fri 8-18", NULL, false},
        {"Mon-Fri 08:00-25:00", NULL, false},     {"Mon-Fri 08:60-18:00", NULL, false},     {"Mon-Fri 08:00-08:00", NULL, false},
        {"Mon-Fry 08:00-18:00", NULL, false},     {"Mon- 08:00-18:00", NULL, false},        {"Mon,, 08:00-18:00", NULL, false},
        {"Mon-Fri 08:00-18:00 x", NULL, false},   {"Mon-Fri 24:00-08:00", NULL, false},     {"Mon-Fri  08:00-18:00", NULL, true},
        {"Mon-Fri 08:00-18:00", "Europe/Bln", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const struct business_hours hours = {cases[i].schedule, cases[i].timezone};
        struct err err = {0};
        if ((hours_check(&hours, &err) == 0) != cases[i].good) {
            fail_msg("\"%s\" %s", cases[i].schedule, cases[i].timezone ? cases[i].timezone : "");
        }
        assert_true(cases[i].good || err.message[0] != '\0');
    }
}

/* Hours that count of a week of hourly steps that starts on a Monday, 00:00 UTC. */
static size_t counted(const char *schedule, const char *timezone, const char *start, size_t *first)
{
    struct arena arena;
    struct steps steps = {.step_seconds = 3600, .count = 168};
    const struct business_hours hours = {schedule, timezone};
    size_t count;
    arena_init(&arena);
    assert_int_equal(time_parse(start, &steps.start, NULL), 0);
    const bool *mask = hours_mask(&hours, &steps, &arena, &count);
    for (*first = 0; mask && *first < steps.count && !mask[*first]; ++*first) {
    }
    arena_release(&arena);
    return count;
}

static void which_steps_count(void **state)
{
    (void)state;
    static const struct {
        const char *schedule, *timezone, *start;
        size_t count, first;
    } cases[] = {
        {"Mon-Fri 08:00-18:00", NULL, "2026-11-16T00:00:00Z", 50, 8},
        {"Mon-Fri 08:00-18:00", "Europe/Berlin", "2026-11-16T00:00:00Z", 50, 7},
        {"Mon-Fri 08:00-18:00", "America/New_York", "2026-11-16T00:00:00Z", 50, 13},
        {"Sat,Sun 00:00-24:00", NULL, "2026-11-16T00:00:00Z", 48, 120},
        /* past midnight: Friday's run ends on Saturday, and Sunday's, which is not asked for, does not reach Monday */
        {"Mon-Fri 22:00-06:00", NULL, "2026-11-16T00:00:00Z", 40, 22},
        {"06:00-22:00", NULL, "2026-11-16T00:00:00Z", 112, 6},
        /* clocks are set forward on Sunday 2026-03-29 in Berlin: 08:00 is 07:00 UTC before and 06:00 after */
        {"Sun-Mon 08:00-09:00", "Europe/Berlin", "2026-03-28T00:00:00Z", 2, 30},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        size_t first;
        assert_int_equal(counted(cases[i].schedule, cases[i].timezone, cases[i].start, &first), cases[i].count);
        assert_int_equal(first, cases[i].first);
    }
}

/* Busy by day, idle by night: hours of the day ask for the day's use, hours of the night for the night's. */
static void requests_follow(void **state)
{
    (void)state;
    double values[2016];
    struct made_plan made;
    int64_t by_day;
    struct made_workload workload = {.replicas = 1, ONE(.cpu_request = 400, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240),
        .cpu = {.p50 = 50, .p90 = 300, .p95 = 300, .p99 = 300, .max = 300, .wp95 = 300, .bh90 = 300}, .memory = MEM_200)};
    struct policy policy = default_policy();
    for (int i = 0; i < 2016; i++) {
        /* the window starts at 03:00 */
        int hour = (i / 12 + 3) % 24;
        values[i] = hour >= 8 && hour < 18 ? 300 : 50;
    }
    arena_init(&made.arena);
    made.record = made_record(&workload);
    json_t *series = json_pack("{s:i,s:o,s:o}", "step_seconds", 300, "mean", series_json(values, 2016), "max", series_json(values, 2016));
    json_object_set_new(json_at(made.record, "usage.containers.app.cpu_millicores"), "series", series);
    for (int night = 0; night < 2; night++) {
        policy.hours = (struct business_hours){night ? "20:00-06:00" : "08:00-18:00", NULL};
        policy.guardrails.max_decrease_percent = 100;
        subject_read(made.record, &made.arena, &made.subject);
        plan_make(&made.subject, &policy, &made.arena, &made.plan);
        plan_settle(&made.plan);
        assert_true(made.plan.hours_steps == 840);
        int64_t request = field_after(&made.plan.containers[0].fields[CPU_REQUEST]);
        if (night) {
            assert_int_equal(request, 200); /* the step cap */
            assert_true(made.plan.containers[0].fields[CPU_REQUEST].target < 80);
        } else {
            by_day = request;
            assert_true(by_day >= 300 && by_day <= 345);
        }
        assert_true(made.plan.containers[0].container->use[CPU].max > 299); /* limits still see all */
    }
    /* Too few steps: all hours count. */
    policy.hours = (struct business_hours){"Mon 08:00-09:00", NULL};
    plan_make(&made.subject, &policy, &made.arena, &made.plan);
    assert_true(made.plan.hours_steps == 0);
    json_decref(made.record);
    arena_release(&made.arena);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_read), cmocka_unit_test(which_steps_count), cmocka_unit_test(requests_follow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
