#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "reports/text/figures.h"

static char out[FIGURE_MAX];

static void changes_of_money(void **state)
{
    (void)state;
    assert_string_equal(figure_change(20000000, 8000000, "-", out), "-$12");
    assert_string_equal(figure_change(8000000, 20000000, "-", out), "+$12");
    assert_string_equal(figure_change(500000, 80000, "-", out), "-$0.42");
    assert_string_equal(figure_change(5, 5, "-", out), "$0");
    assert_string_equal(figure_change(0, 4000, "-", out), "$0");
    assert_string_equal(figure_change(0, INT64_C(1234567890000), "-", out), "+$1,234,568");
}

static void percentages_only_where_both_sides_are(void **state)
{
    (void)state;
    assert_string_equal(figure_percent(100, 58, "-", out), "-42%");
    assert_string_equal(figure_percent(100, 250, "-", out), "+150%");
    assert_string_equal(figure_percent(1000, 996, "-", out), "-0.4%");
    assert_string_equal(figure_percent(0, 5, "-", out), "");
    assert_string_equal(figure_percent(5, 0, "-", out), "");
    assert_string_equal(figure_percent(5, 5, "-", out), "");
}

static void amounts_as_in_manifests(void **state)
{
    (void)state;
    assert_string_equal(figure_amount(CPU_REQUEST, 250, out), "250m");
    assert_string_equal(figure_amount(MEMORY_LIMIT, 536870912, out), "512Mi");
    assert_string_equal(figure_amount(MEMORY_LIMIT, 200000000, out), "200M");
    assert_string_equal(figure_amount(CPU_LIMIT, REPORT_ABSENT, out), "–");
    assert_string_equal(figure_pair(CPU_REQUEST, 500, 250, " → ", out), "500m → 250m");
    assert_string_equal(figure_pair(CPU_REQUEST, 500, 500, " → ", out), "500m");
    assert_string_equal(figure_pair(MEMORY_REQUEST, REPORT_ABSENT, 1 << 20, " → ", out), "– → 1Mi");
}

static void measured_amounts_are_short(void **state)
{
    (void)state;
    assert_string_equal(figure_measured(CPU_REQUEST, 184.2, out), "184m");
    assert_string_equal(figure_measured(CPU_REQUEST, 0, out), "0");
    assert_string_equal(figure_measured(CPU_REQUEST, 1250, out), "1.25");
    assert_string_equal(figure_measured(CPU_REQUEST, 2000, out), "2");
    assert_string_equal(figure_measured(MEMORY_REQUEST, 326107136, out), "311Mi");
    assert_string_equal(figure_measured(MEMORY_REQUEST, 1.5 * 1073741824, out), "1.5Gi");
}

static void dollars_are_exact(void **state)
{
    (void)state;
    assert_string_equal(figure_dollars(34522, out), "0.034522");
    assert_string_equal(figure_dollars(-1500000, out), "-1.5");
    assert_string_equal(figure_dollars(0, out), "0");
    assert_string_equal(figure_dollars(2000000, out), "2");
}

static void shares_and_durations(void **state)
{
    (void)state;
    assert_string_equal(figure_share(0.0231, out), "2.3%");
    assert_string_equal(figure_share(0, out), "0%");
    assert_string_equal(figure_share(1, out), "100%");
    assert_string_equal(figure_share(0.0004, out), "0.04%");
    assert_string_equal(figure_share(NAN, out), "–");
    assert_string_equal(figure_duration(604800, out), "7 d");
    assert_string_equal(figure_duration(86400 * 4.98, out), "5 d");
    assert_string_equal(figure_duration(36 * 3600, out), "36 h");
    assert_string_equal(figure_duration(5400, out), "90 min");
    assert_string_equal(figure_duration(86400 * 2.5, out), "2.5 d");
    assert_string_equal(figure_duration(30, out), "30 s");
    assert_string_equal(figure_duration(NAN, out), "–");
    assert_string_equal(figure_plain(2.034, out), "2.03");
    assert_string_equal(figure_plain(60480, out), "60480");
    assert_string_equal(figure_plain(INFINITY, out), "–");
}

static void instants_of_both_forms(void **state)
{
    (void)state;
    struct err err = {0};
    static const char text[] = "{\"text\":\"2026-11-22T03:04:05Z\",\"number\":1795316645,\"odd\":\"soon\",\"far\":99999999999999999,\"real\":1.5}";
    json_t *object = json_read(text, sizeof text - 1, "test", &err);
    assert_non_null(object);
    assert_string_equal(figure_instant(object, "text", out), "2026-11-22 03:04");
    assert_string_equal(figure_instant(object, "number", out), "2026-11-22 03:04");
    assert_string_equal(figure_instant(object, "odd", out), "soon");
    assert_string_equal(figure_instant(object, "far", out), "–");
    assert_string_equal(figure_instant(object, "real", out), "–");
    assert_string_equal(figure_instant(object, "none", out), "–");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_of_money),        cmocka_unit_test(percentages_only_where_both_sides_are),
        cmocka_unit_test(amounts_as_in_manifests), cmocka_unit_test(measured_amounts_are_short),
        cmocka_unit_test(dollars_are_exact),       cmocka_unit_test(shares_and_durations),
        cmocka_unit_test(instants_of_both_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
