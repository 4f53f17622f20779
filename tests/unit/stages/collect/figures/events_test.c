/* Restarts and OOM kills. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/stages/collect/figures/told_builder.h"
#include "stages/collect/figures/events.h"

static struct window window;

static int begin(void **state)
{
    (void)state;
    window_init(&window, MADE_START, MADE_START + DAY);
    return 0;
}

static int end(void **state)
{
    (void)state;
    window_release(&window);
    return 0;
}

static void expect(const struct events *events, const char *wanted)
{
    json_t *out = json_object();
    events_json(events, out);
    char *text = json_text(out);
    assert_string_equal(text, wanted);
    free(text);
    json_decref(out);
}

#define NOTHING "{\"oom_kills\":null,\"oom_last_at\":null,\"oom_limit_bytes\":null,\"restarts\":null}"

static void test_nobody_tells(void **state)
{
    struct events events = {0};
    struct points before = MADE({-60, 3}, {-30, 4});
    struct told told = {&before, 1, SERIES_RAW};
    struct event_series series = {0};
    events_add(&events, &window, &series);
    expect(&events, NOTHING);
    /* Only before the window: nothing is known of the window. */
    series.restarts = &told;
    series.restart_count = 1;
    events_add(&events, &window, &series);
    expect(&events, NOTHING);
    points_release(&before);
    (void)state;
}

/* A pod of two restarts by OOM kill, one by something else, and one that comes too long before the reason. */
static void test_kube_state_metrics(void **state)
{
    struct events events = {0};
    struct points restarts = MADE({-30, 2}, {0, 3}, {30, 4}, {60, 4}, {600, 6}, {1200, 7}, {1800, 8}, {2200, 8});
    struct points reason = MADE({30, 0}, {630, 1}, {660, 1}, {1200, 0}, {2100, 1});
    struct points limit = MADE({0, 1e8}, {590, 2e8}, {660, 3e8});
    struct told told[] = {{&restarts, 1, SERIES_RAW}, {&reason, 1, SERIES_RAW}, {&limit, 1, SERIES_RAW}};
    struct event_series series = {.restarts = &told[0],
                                  .restart_count = 1,
                                  .reasons = &told[1],
                                  .reason_count = 1,
                                  .limits = &told[2],
                                  .limit_count = 1};
    events_add(&events, &window, &series);
    /* The one at 0 is of before the window; 4 → 6 are two. */
    expect(&events, "{\"oom_kills\":2,\"oom_last_at\":\"2026-11-15T03:10:00Z\",\"oom_limit_bytes\":200000000.0,"
                    "\"restarts\":5}");
    points_release(&restarts);
    points_release(&reason);
    points_release(&limit);
    (void)state;
}

/* cAdvisor saw more kills than there were restarts (a child process of the container); two scrapers saw each. */
static void test_cadvisor(void **state)
{
    struct events events = {0};
    struct points first = MADE({0, 0}, {30, 1}, {60, 1}, {90, 3});
    struct points again = MADE({1, 0}, {31, 1}, {61, 3});
    struct points restarts = MADE({0, 0}, {30, 1}, {60, 1});
    struct points reason = MADE({30, 1}, {60, 1});
    struct points far = MADE({-900, 1e8});
    struct told ooms[] = {{&first, 9, SERIES_RAW}, {&again, 9, SERIES_RAW}};
    struct told others[] = {{&restarts, 1, SERIES_RAW}, {&reason, 1, SERIES_RAW}, {&far, 1, SERIES_RAW}};
    struct event_series series = {.restarts = &others[0], .restart_count = 1, .ooms = ooms,        .oom_count = 2,
                                  .reasons = &others[1],  .reason_count = 1,  .limits = &others[2], .limit_count = 1};
    events_add(&events, &window, &series);
    /* The limit is told too long before to be that of the time. */
    expect(&events, "{\"oom_kills\":3,\"oom_last_at\":\"2026-11-15T03:01:30Z\",\"oom_limit_bytes\":null,"
                    "\"restarts\":1}");
    points_release(&first);
    points_release(&again);
    points_release(&restarts);
    points_release(&reason);
    points_release(&far);
    (void)state;
}

/* A pod that appears with 4 restarts had them at times nobody saw; another pod's newest kill has its own limit. */
static void test_pods(void **state)
{
    struct events events = {0};
    struct points appears = MADE({600, 4}, {630, 4}, {660, 5});
    struct points zero = MADE({0, 0}, {30, 0});
    struct points kill = MADE({5000, 0}, {5030, 1});
    struct points limit = MADE({5000, 5e8});
    struct told told[] = {{&appears, 1, SERIES_RAW}, {&zero, 1, SERIES_RAW}, {&kill, 1, SERIES_RAW}, {&limit, 1, SERIES_RAW}};
    struct event_series one = {.restarts = &told[0], .restart_count = 1, .ooms = &told[1], .oom_count = 1};
    struct event_series two = {.ooms = &told[2], .oom_count = 1, .limits = &told[3], .limit_count = 1};
    events_add(&events, &window, &two);
    events_add(&events, &window, &one);
    expect(&events, "{\"oom_kills\":1,\"oom_last_at\":\"2026-11-15T04:23:50Z\",\"oom_limit_bytes\":500000000.0,"
                    "\"restarts\":1}");
    points_release(&appears);
    points_release(&zero);
    points_release(&kill);
    points_release(&limit);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_tells),
        cmocka_unit_test(test_kube_state_metrics),
        cmocka_unit_test(test_cadvisor),
        cmocka_unit_test(test_pods),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
