/* A load by hand: replicas times use, its figures, and patterns in the clocks of a zone. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/arena.h"
#include "pipeline/run/tz.h"
#include "stages/analyze/scaling/load/shape.h"

enum { DAYS = 7, COUNT = DAYS * 288, START = 1794787200 /* Monday 2026-11-16T00:00:00Z */ };

static double values[COUNT], highs[COUNT];

/* The load of one container with these means, with `replicas` (JSON) hour by hour. */
static void make(struct arena *arena, const char *replicas, struct load *out)
{
    static struct container container;
    json_t *usage = json_object();
    container = (struct container){.name = "app", .role = ROLE_CONTAINER};
    container.use[CPU].known = true;
    container.use[CPU].steps = (struct steps){START, 300, COUNT, values, highs};
    struct subject subject = {.usage = usage, .containers = &container, .container_count = 1, .replicas_running = 3, .kind = "Deployment"};
    if (replicas) {
        json_object_set_new(usage, "hourly_replicas", json_loads(replicas, 0, NULL));
    }
    load_make(&subject, arena, out);
    json_decref(usage);
}

static void test_load(void **state)
{
    (void)state;
    struct arena arena;
    struct load load;
    arena_init(&arena);
    for (int i = 0; i < COUNT; i++) {
        values[i] = i % 288 < 144 ? 100 : 300;
    }
    values[5] = NAN;
    values[400] = 5000; /* one step is no level */
    make(&arena, "[2, 4, null, 0.5]", &load);
    assert_true(load.known);
    assert_int_equal(load.told, COUNT - 1);
    assert_true(isnan(load.total[5]) && isnan(load.level[5]));
    assert_float_equal(load.total[0], 200, 1e-9);
    assert_float_equal(load.total[12], 400, 1e-9);
    assert_float_equal(load.total[24], 300, 1e-9);  /* untold: the usual three */
    assert_float_equal(load.total[36], 100, 1e-9);  /* what has samples runs */
    assert_float_equal(load.level[400], 300, 900);
    assert_float_equal(load.peak, 900, 1e-9);
    assert_float_equal(load.trough, 300, 1e-9);
    assert_true(load_holds(&load, 900, 43000));
    assert_false(load_holds(&load, 900, 45000));
    assert_int_equal(load_replicas_now(&load), 1);
    assert_true(isnan(load_replicas_share(&load, 4, true)));
    arena_release(&arena);
}

static void test_replicas(void **state)
{
    (void)state;
    struct arena arena;
    struct load load;
    char text[400] = "[";
    arena_init(&arena);
    for (int i = 0; i < 40; i++) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? "," : "", i < 10 ? "5" : i < 34 ? "3" : "4");
    }
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "]");
    make(&arena, text, &load);
    assert_int_equal(load_replicas_now(&load), 4);
    assert_int_equal(load_replicas_unchanged(&load), 6 * 3600);
    assert_float_equal(load_replicas_share(&load, 5, true), 0.25, 1e-9);
    assert_float_equal(load_replicas_share(&load, 3, false), 0.6, 1e-9);
    arena_release(&arena);
}

/* The hours of a day are those of the zone, and so are the days. */
static void test_zone(void **state)
{
    (void)state;
    struct arena arena;
    struct load load;
    struct calendar calendar;
    struct shape shape;
    struct tz *tz;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(tz_load("Asia/Kolkata", &tz, &err), 0);
    for (int i = 0; i < COUNT; i++) {
        values[i] = i % 288 / 12 == 6 ? 400 : 100; /* 06:00 to 07:00 UTC is 11:30 to 12:30 there */
    }
    make(&arena, NULL, &load);
    calendar_make(&load, tz, &arena, &calendar);
    assert_int_equal(calendar.count, DAYS + 1);
    assert_int_equal(calendar.days[0].weekday, 1);
    assert_float_equal(calendar.days[1].hour_top[11], 1200, 1e-9);
    assert_float_equal(calendar.days[1].hour_mean[11], 750, 1e-9);
    assert_float_equal(calendar.days[1].hour_top[6], 300, 1e-9);
    shape_make(&load, &calendar, tz, &arena, &shape);
    assert_true(shape.shows[DAILY_PATTERN]);
    assert_string_equal(shape_kind(&shape), "daily");
    tz_free(tz);
    arena_release(&arena);
}

/* One level, then another: no pattern but that; too few days: nothing is known. */
static void test_shift(void **state)
{
    (void)state;
    struct arena arena;
    struct load load;
    struct calendar calendar;
    struct shape shape;
    struct tz *tz;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(tz_load("UTC", &tz, &err), 0);
    for (int i = 0; i < COUNT; i++) {
        values[i] = i < 850 ? 100 : 200;
    }
    make(&arena, NULL, &load);
    calendar_make(&load, tz, &arena, &calendar);
    shape_make(&load, &calendar, tz, &arena, &shape);
    assert_string_equal(shape_kind(&shape), "level-shift");
    assert_int_equal(shape.spike_count, 0);
    calendar.count = 2;
    shape_make(&load, &calendar, tz, &arena, &shape);
    assert_string_equal(shape_kind(&shape), "unknown");
    tz_free(tz);
    arena_release(&arena);
}

static double by_day[DAYS];

static bool is_weekend_kind(void)
{
    struct arena arena;
    struct load load;
    struct calendar calendar;
    struct shape shape;
    struct tz *tz;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(tz_load("UTC", &tz, &err), 0);
    for (int i = 0; i < COUNT; i++) {
        values[i] = by_day[i / 288];
    }
    make(&arena, NULL, &load);
    calendar_make(&load, tz, &arena, &calendar);
    shape_make(&load, &calendar, tz, &arena, &shape);
    tz_free(tz);
    arena_release(&arena);
    return shape.shows[WEEKEND_PATTERN];
}

/* Monday to Sunday: low weekends count, those whose days differ do not, nor a rise that nobody saw end. */
static void test_weekends(void **state)
{
    (void)state;
    static const struct {
        double days[DAYS];
        bool weekend;
    } rows[] = {
        {{100, 105, 98, 102, 100, 30, 28}, true},   {{100, 105, 98, 102, 100, 30, 70}, false}, {{100, 105, 30, 102, 100, 30, 28}, false},
        {{100, 105, 98, 102, 100, 90, 88}, false},  {{100, 105, 98, 102, 100, 300, 290}, false}, {{9, 9, 9, 9, 9, 2, 2}, false},
        {{100, 120, 140, 160, 180, 200, 220}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memcpy(by_day, rows[i].days, sizeof by_day);
        assert_int_equal(is_weekend_kind(), rows[i].weekend);
    }
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_load), cmocka_unit_test(test_replicas), cmocka_unit_test(test_zone),
                                       cmocka_unit_test(test_shift), cmocka_unit_test(test_weekends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
