/* Sets of weekdays, as cron writes them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "stages/analyze/scaling/load/weekdays.h"

static void test_weekdays(void **state)
{
    (void)state;
    char text[WEEKDAYS_TEXT];
    assert_string_equal(weekdays_text(ALL_DAYS, text), "*");
    assert_string_equal(weekdays_text(WEEKEND_DAYS, text), "0,6");
    assert_string_equal(weekdays_text(ALL_DAYS & ~(unsigned)WEEKEND_DAYS, text), "1-5");
    assert_string_equal(weekdays_text(0x2a, text), "1,3,5");
    assert_string_equal(weekdays_text(weekdays_before(0x3e), text), "0-4");
    assert_string_equal(weekdays_text(weekdays_after(0x3e), text), "2-6");
    assert_int_equal(weekdays_after(0x40), 1);
    assert_int_equal(weekdays_before(1), 0x40);
    assert_int_equal(weekdays_count(0x3e), 5);
    for (unsigned days = 1; days <= ALL_DAYS; days++) {
        assert_int_equal(weekdays_before(weekdays_after(days)), days);
        assert_true(strlen(weekdays_text(days, text)) < WEEKDAYS_TEXT - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_weekdays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
