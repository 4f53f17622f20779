#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "stages/analyze/forecast/outlook.h"
#include "stages/analyze/subject/allowance.h"
#include "tests/unit/stages/analyze/forecast/rows.h"

#define GIB 1073741824.0

/* A workload of one container whose memory is `row`; CPU is not known. */
struct scene_of_one {
    struct arena arena;
    struct container container;
    struct subject subject;
    struct container_plan judged;
    struct plan plan;
    struct allowance allowance;
};

static void scene_make(struct scene_of_one *out, const double *row, size_t count)
{
    *out = (struct scene_of_one){.container = {.name = "server", .request = {-1, -1}, .limit = {-1, -1}}};
    arena_init(&out->arena);
    out->container.use[MEMORY].steps = (struct steps){ROW_END - (int64_t)count * 300, 300, count, row, row};
    out->subject = (struct subject){.containers = &out->container,
                                    .container_count = 1,
                                    .window_end = ROW_END,
                                    .replicas_running = 3,
                                    .allowance = &out->allowance};
    out->judged = (struct container_plan){.container = &out->container, .judged = true};
    for (int field = 0; field < FIELDS; field++) {
        out->judged.fields[field].value = out->judged.fields[field].old = AMOUNT_ABSENT;
    }
    out->plan = (struct plan){.subject = &out->subject, .containers = &out->judged};
}

static json_t *outlook_of(struct scene_of_one *scene)
{
    struct forecasts forecasts;
    forecasts_make(&scene->subject, &scene->arena, &forecasts);
    json_t *out = outlook_new(&scene->plan, &forecasts, &scene->arena);
    arena_clear(&scene->arena);
    return out;
}

/* 500 MiB at the start, 20 MiB more each day. */
static void climbing(double *row)
{
    rng_seed(31);
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = (500 + 20.0 * (double)i / ROW_DAY + 0.3 * row_noise()) * 1048576;
    }
}

static const json_t *cross(const json_t *outlook, const char *what)
{
    return json_object_get(json_at(outlook, "containers.server.memory_bytes.crosses"), what);
}

static double days(const json_t *outlook, const char *what)
{
    double value = NAN;
    (void)json_get_number(cross(outlook, what), "days", &value);
    return value;
}

static void a_trend_meets_limit_and_request(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    struct scene_of_one scene;
    climbing(row);
    scene_make(&scene, row, ROW_WEEK);
    scene.container.request[MEMORY] = (int64_t)(GIB / 2);
    scene.container.limit[MEMORY] = (int64_t)GIB;
    scene.judged.fields[MEMORY_LIMIT].value = (int64_t)(2 * GIB);
    json_t *outlook = outlook_of(&scene);
    const json_t *memory = json_at(outlook, "containers.server.memory_bytes");
    assert_true(fabs(json_real_value(json_object_get(memory, "per_day")) / 1048576 - 20) < 0.5);
    assert_true(json_is_true(json_object_get(memory, "trend")));
    /* 640 MiB at the end: 384 MiB are left, at 20 a day. */
    assert_true(fabs(days(outlook, "limit") - 19.2) < 0.6);
    assert_true(fabs(days(outlook, "advised_limit") - 70.4) < 2);
    assert_true(fabs(days(outlook, "request")) < 1e-12);
    assert_string_equal(json_string_or_null(cross(outlook, "request"), "at"), "2026-11-22T00:00:00Z");
    assert_memory_equal(json_string_or_null(cross(outlook, "limit"), "at"), "2026-12-1", 9);
    assert_true(json_is_true(json_object_get(cross(outlook, "request"), "within_forecast")));
    assert_true(json_is_false(json_object_get(cross(outlook, "limit"), "within_forecast")));
    json_decref(outlook);
    scene.container.limit[MEMORY] = (int64_t)(20 * GIB);
    scene.judged.fields[MEMORY_LIMIT].value = AMOUNT_ABSENT;
    outlook = outlook_of(&scene);
    assert_true(isnan(days(outlook, "limit"))); /* in more than a year */
    assert_true(json_is_null(cross(outlook, "advised_limit")));
    json_decref(outlook);
    arena_release(&scene.arena);
}

static void a_limit_within_the_next_hours(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    struct scene_of_one scene;
    rng_seed(32);
    row_daily(row, ROW_WEEK, 5e8, 0.4, 5e6);
    scene_make(&scene, row, ROW_WEEK);
    scene.container.limit[MEMORY] = 705000000; /* the sine's peak, six hours ahead, is 7e8; noise goes beyond */
    scene.container.request[MEMORY] = 600000000;
    json_t *outlook = outlook_of(&scene);
    assert_true(json_is_true(json_object_get(cross(outlook, "limit"), "within_forecast")));
    assert_true(json_is_true(json_object_get(cross(outlook, "request"), "within_forecast")));
    json_decref(outlook);
    scene.container.limit[MEMORY] = 800000000;
    outlook = outlook_of(&scene);
    assert_true(isnan(days(outlook, "limit")));
    assert_true(json_is_false(json_object_get(cross(outlook, "limit"), "within_forecast")));
    json_decref(outlook);
    arena_release(&scene.arena);
}

static void a_quota_fills_with_all_replicas(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    struct scene_of_one scene;
    climbing(row);
    scene_make(&scene, row, ROW_WEEK);
    scene.container.request[MEMORY] = (int64_t)(GIB / 2);
    scene.allowance.quota_count = 1;
    scene.allowance.quotas[0] = (struct quota){.name = "team", .counts = true};
    memset(scene.allowance.quotas[0].hard, 0xff, sizeof scene.allowance.quotas[0].hard); /* AMOUNT_ABSENT */
    memset(scene.allowance.quotas[0].used, 0xff, sizeof scene.allowance.quotas[0].used);
    scene.allowance.quotas[0].hard[0][MEMORY] = (int64_t)(4 * GIB);
    scene.allowance.quotas[0].used[0][MEMORY] = (int64_t)(1.5 * GIB);
    scene.allowance.quotas[0].hard[1][MEMORY] = (int64_t)(8 * GIB);
    scene.allowance.quotas[0].used[1][MEMORY] = (int64_t)(1.5 * GIB);
    scene.allowance.quotas[0].hard[0][CPU] = 4000; /* nobody knows how much is used */
    json_t *outlook = outlook_of(&scene);
    const json_t *quotas = json_object_get(outlook, "quotas");
    assert_int_equal(json_array_size(quotas), 2);
    const json_t *requests = json_array_get(quotas, 0);
    assert_string_equal(json_string_or_null(requests, "resource"), "requests.memory");
    assert_string_equal(json_string_or_null(requests, "name"), "team");
    /* 2.5 GiB are left, at 60 MiB a day. */
    assert_true(fabs(json_real_value(json_object_get(requests, "days")) - 42.7) < 1.2);
    const json_t *limits = json_array_get(quotas, 1);
    assert_string_equal(json_string_or_null(limits, "resource"), "limits.memory");
    assert_true(json_is_null(json_object_get(limits, "days"))); /* the container has no limit */
    json_decref(outlook);
    scene.allowance.quotas[0].counts = false;
    outlook = outlook_of(&scene);
    assert_int_equal(json_array_size(json_object_get(outlook, "quotas")), 0);
    json_decref(outlook);
    arena_release(&scene.arena);
}

static void nothing_known_is_null(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    struct scene_of_one scene;
    climbing(row);
    scene_make(&scene, row, 0);
    json_t *outlook = outlook_of(&scene);
    assert_true(json_is_null(outlook));
    json_decref(outlook);
    arena_release(&scene.arena);
    scene_make(&scene, row, ROW_WEEK);
    scene.judged.judged = false;
    outlook = outlook_of(&scene);
    assert_true(json_is_null(outlook));
    json_decref(outlook);
    arena_release(&scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trend_meets_limit_and_request),
        cmocka_unit_test(a_limit_within_the_next_hours),
        cmocka_unit_test(a_quota_fills_with_all_replicas),
        cmocka_unit_test(nothing_known_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
