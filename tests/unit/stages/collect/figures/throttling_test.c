/* Throttling by the hour. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/stages/collect/figures/told_builder.h"
#include "stages/collect/figures/throttling.h"

static void expect(const struct throttling *throttling, const struct window *window, const char *wanted)
{
    json_t *out = json_object();
    throttling_json(throttling, window, out);
    char *text = json_text(out);
    assert_string_equal(text, wanted);
    free(text);
    json_decref(out);
}

static void test_hours(void **state)
{
    struct window window;
    struct throttling throttling = {0};
    struct points periods = MADE({-60, 0}, {1800, 100}, {3600, 200}, {3601, 300}, {7200, 400}, {10000, 450}, {11000, 999});
    struct points held = MADE({-60, 0}, {1800, 10}, {3600, 10}, {3601, 60}, {7200, 60}, {10000, 60}, {11000, 600});
    struct points second = MADE({5000, 7}, {7200, 107});
    window_init(&window, MADE_START, MADE_START + 3 * HOUR);
    expect(&throttling, &window,
           "{\"throttled_ratio\":null,\"throttled_worst_hour\":null,\"throttled_worst_hour_at\":null}");
    /* 3600 s is of hour 0, 3601 of hour 1, 11000 past the end; another pod is never throttled. */
    throttling_add(&throttling, &window, &(struct told){&periods, 1, SERIES_RAW}, 1,
                   &(struct told){&held, 1, SERIES_RAW}, 1);
    throttling_add(&throttling, &window, &(struct told){&second, 1, SERIES_RAW}, 1, NULL, 0);
    expect(&throttling, &window,
           "{\"throttled_ratio\":0.109090909090909,\"throttled_worst_hour\":0.166666666666667,"
           "\"throttled_worst_hour_at\":\"2026-11-15T04:00:00Z\"}");
    throttling_release(&throttling);
    throttling_add(&throttling, &window, &(struct told){&second, 1, SERIES_INCREASE}, 1, NULL, 0);
    expect(&throttling, &window,
           "{\"throttled_ratio\":0.0,\"throttled_worst_hour\":0.0,\"throttled_worst_hour_at\":\"2026-11-15T04:00:00Z\"}");
    throttling_release(&throttling);
    points_release(&periods);
    points_release(&held);
    points_release(&second);
    window_release(&window);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hours)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
