/* Recurrence rules before they are expanded: what they are made of, and that their UNTIL is told apart. What is refused of them
 * stands in tests/cli/windows_bad.t. */
#include "pipeline/run/ics_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_rule(void **state)
{
    struct arena arena;
    struct ics_rule rule;
    (void)state;
    arena_init(&arena);
    assert_int_equal(ics_read_rule("until=20261231T000000Z;freq=weekly;BYDAY=MO,TU;INTERVAL=2", false, &arena, &rule, NULL), 0);
    assert_string_equal(rule.text, "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU");
    assert_true(rule.has_until && rule.until.form == ICS_UTC && rule.count == 0);
    assert_int_equal(ics_read_rule("FREQ=YEARLY;COUNT=7;BYDAY=-1SU,20MO", true, &arena, &rule, NULL), 0);
    assert_true(!rule.has_until && rule.count == 7);
    assert_int_equal(ics_read_rule("FREQ=DAILY;BYHOUR=1,2,3,4,5,6;BYMINUTE=0,15,30,45", false, &arena, &rule, NULL), 0);
    assert_int_equal(ics_read_rule("FREQ=DAILY;BYHOUR=1,2,3,4,5,6,7;BYMINUTE=0,15,30,45", false, &arena, &rule, NULL), -1);
    assert_int_equal(ics_read_rule("FREQ=MONTHLY;BYMONTHDAY=0", false, &arena, &rule, NULL), -1);
    arena_release(&arena);
}

/* The order of a list means nothing, and a value is counted once. */
static void test_lists(void **state)
{
    struct arena arena;
    struct ics_rule rule;
    (void)state;
    arena_init(&arena);
    assert_int_equal(ics_read_rule("FREQ=DAILY;BYHOUR=15,3,09;BYMINUTE=30,0;BYSECOND=59,0", false, &arena, &rule, NULL), 0);
    assert_string_equal(rule.text, "FREQ=DAILY;BYSECOND=0,59;BYMINUTE=0,30;BYHOUR=3,9,15");
    assert_int_equal(ics_read_rule("FREQ=WEEKLY;COUNT=4;BYDAY=WE,FR,WE,WE", false, &arena, &rule, NULL), 0);
    assert_string_equal(rule.text, "FREQ=WEEKLY;COUNT=4;BYDAY=WE,FR");
    assert_int_equal(ics_read_rule("FREQ=MONTHLY;BYMONTHDAY=1,11,-1,1", false, &arena, &rule, NULL), 0);
    assert_string_equal(rule.text, "FREQ=MONTHLY;BYMONTHDAY=1,11,-1");
    arena_release(&arena);
}

/* What libical would read in its own way is said so that it cannot, or refused. */
static void test_months_and_positions(void **state)
{
    static const char *const refused[] = {
        "FREQ=WEEKLY;BYDAY=MO,TU,WE;BYSETPOS=1", "FREQ=DAILY;BYHOUR=9,17;BYSETPOS=-1", "FREQ=DAILY;BYMONTH=5;BYSETPOS=1",
        "FREQ=MONTHLY;BYDAY=MO,TU;BYHOUR=9,17;BYSETPOS=-1", "FREQ=YEARLY;BYMONTH=6;BYDAY=MO;BYMINUTE=0,30;BYSETPOS=1"};
    struct arena arena;
    struct ics_rule rule;
    (void)state;
    arena_init(&arena);
    assert_int_equal(ics_read_rule("FREQ=YEARLY;BYMONTHDAY=15,-1", false, &arena, &rule, NULL), 0);
    assert_string_equal(rule.text, "FREQ=YEARLY;BYMONTHDAY=15,-1;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12");
    assert_int_equal(ics_read_rule("FREQ=YEARLY;BYMONTHDAY=15;BYMONTH=3", false, &arena, &rule, NULL), 0);
    assert_string_equal(rule.text, "FREQ=YEARLY;BYMONTHDAY=15;BYMONTH=3");
    assert_int_equal(ics_read_rule("FREQ=MONTHLY;BYDAY=MO,TU;BYHOUR=9;BYSETPOS=-1", false, &arena, &rule, NULL), 0);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct err err = {0};
        assert_int_equal(ics_read_rule(refused[i], false, &arena, &rule, &err), -1);
        assert_int_equal(err.class, ERR_CONFIG);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rule), cmocka_unit_test(test_lists),
                                       cmocka_unit_test(test_months_and_positions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
