/* Amounts as people write them, and what is done where a range leaves no room for it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "stages/analyze/rules/rounding.h"

#define MI(n) ((int64_t)(n)*1048576)

static void amounts_go_up_to_their_unit(void **state)
{
    (void)state;
    static const struct {
        enum resource resource;
        int64_t amount, up;
    } rows[] = {
        {CPU, 0, 0},         {CPU, 1, 5},           {CPU, 5, 5},           {CPU, 171, 175},         {CPU, 1001, 1010},
        {CPU, 5001, 5050},   {CPU, 12345, 12400},   {CPU, INT64_MAX, INT64_MAX}, {MEMORY, 1, MI(4)}, {MEMORY, MI(200), MI(200)},
        {MEMORY, MI(200) + 1, MI(204)},             {MEMORY, MI(1025), MI(1032)}, {MEMORY, MI(4097), MI(4128)},
        {MEMORY, MI(16385), MI(16512)},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_int_equal(rounded_up(rows[i].resource, rows[i].amount), rows[i].up);
    }
}

/* Up, else down, else with a finer unit, else as it is; never out of the range. */
static void ranges_are_kept(void **state)
{
    (void)state;
    assert_int_equal(rounded_within(CPU, 171, 100, 200), 175);
    assert_int_equal(rounded_within(CPU, 171, 100, 174), 170);
    assert_int_equal(rounded_within(CPU, 171, 171, 174), 171);
    assert_int_equal(rounded_within(CPU, 1001, 1001, 1006), 1005);
    rng_seed(4);
    for (int round = 0; round < 20000; round++) {
        enum resource resource = round % 2 ? CPU : MEMORY;
        int64_t min = (int64_t)(rng_unit() * (resource == CPU ? 2e4 : 4e10));
        int64_t max = min + (int64_t)(rng_unit() * rng_unit() * (resource == CPU ? 300 : 4e8));
        int64_t value = min + (int64_t)(rng_unit() * (double)(max - min));
        int64_t rounded = rounded_within(resource, value, min, max);
        assert_true(rounded >= min && rounded <= max);
        assert_true(rounded_up(resource, value) >= value && rounded_up(resource, value) - value < rounding_unit(resource, value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_go_up_to_their_unit),
        cmocka_unit_test(ranges_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
