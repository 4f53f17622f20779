/* Numbers with units in text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "stages/ask/numbers.h"

static void found(const char *text, enum number_unit unit, double value)
{
    struct number number;
    const char *at = text;
    if (!number_next(&at, &number)) {
        fail_msg("nothing is found in \"%s\"", text);
    }
    assert_int_equal(number.unit, unit);
    assert_true(number.value > value * 0.999999 - 1e-9 && number.value < value * 1.000001 + 1e-9);
}

static void each_unit_is_read(void **state)
{
    (void)state;
    found("why 300m?", NUMBER_CPU, 300);
    found("1.5 CPU", NUMBER_CPU, 1500);
    found("2 cores", NUMBER_CPU, 2000);
    found("250 millicores.", NUMBER_CPU, 250);
    found("512Mi", NUMBER_MEMORY, 536870912.0);
    found("0.5 GiB", NUMBER_MEMORY, 536870912.0);
    found("512 MB", NUMBER_MEMORY, 512e6);
    found("1,073,741,824 bytes", NUMBER_MEMORY, 1073741824.0);
    found("$1,234", NUMBER_MONEY, 1234);
    found("$0.42 a month", NUMBER_MONEY, 0.42);
    found("12 USD", NUMBER_MONEY, 12);
    found("40%", NUMBER_SHARE, 40);
    found("-40 percent", NUMBER_SHARE, 40);
    found("7 days", NUMBER_TIME, 604800);
    found("(20%)", NUMBER_SHARE, 20);
}

static void names_and_bare_numbers_are_none(void **state)
{
    static const char *const texts[] = {"", "cart", "cart-300m", "v2", "p95", "3 replicas", "300 meters", "a1b2", "20160 samples", "run 12", "x86_64", "1.2.3"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct number number;
        const char *at = texts[i];
        if (number_next(&at, &number)) {
            fail_msg("\"%s\" has a number", texts[i]);
        }
        assert_int_equal(*at, '\0');
    }
}

static bool same(const char *a, const char *b)
{
    struct number left;
    assert_true(number_next(&a, &left));
    return number_in_text(&left, b);
}

static void the_same_amount_may_be_written_otherwise(void **state)
{
    (void)state;
    assert_true(same("0.3 CPU", "250m, 300m"));
    assert_true(same("512 MiB", "was 512Mi"));
    assert_true(same("0.5GiB", "512Mi"));
    assert_true(same("40 %", "-40%"));
    assert_false(same("301m", "300m"));
    assert_false(same("1 CPU", "1400m"));
    assert_false(same("300m", "300Mi"));
    assert_false(same("$12", "12%"));
    assert_false(same("100 CPU", "100m"));
    assert_false(same("$149", "$1,793"));
}

static void a_number_is_found_in_facts_however_deep(void **state)
{
    (void)state;
    json_t *facts = json_pack("{s:[{s:s}], s:i}", "containers", "now", "from 200m to 410m", "record", 300);
    struct number number;
    const char *yes = "410m";
    const char *no = "300m";
    assert_true(number_next(&yes, &number));
    assert_true(number_in(&number, facts));
    assert_true(number_next(&no, &number));
    assert_false(number_in(&number, facts));
    json_decref(facts);
}

static void any_text_is_read_to_its_end(void **state)
{
    static const char alphabet[] = "0123456789.,$%mMiGCPU -/a\xc2\xa0\xe2";
    (void)state;
    rng_seed(7);
    for (int round = 0; round < 20000; round++) {
        char text[40];
        size_t length = (size_t)(rng_next() % (sizeof text - 1));
        for (size_t i = 0; i < length; i++) {
            text[i] = alphabet[rng_next() % (sizeof alphabet - 1)];
        }
        text[length] = '\0';
        const char *at = text;
        struct number number;
        int count = 0;
        while (number_next(&at, &number)) {
            assert_true(number.at >= text && number.at + number.length <= text + length);
            assert_true(++count <= (int)length);
        }
        assert_ptr_equal(at, text + length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_unit_is_read),
        cmocka_unit_test(names_and_bare_numbers_are_none),
        cmocka_unit_test(the_same_amount_may_be_written_otherwise),
        cmocka_unit_test(a_number_is_found_in_facts_however_deep),
        cmocka_unit_test(any_text_is_read_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
