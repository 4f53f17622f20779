#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"

struct row {
    const char *text;
    int64_t value;
};

static void test_cpu(void **state)
{
    static const struct row rows[] = {
        {"0", 0},
        {"1", 1000},
        {"0.1", 100},
        {"100m", 100},
        {".5", 500},
        {"1.", 1000},
        {"+1", 1000},
        {"0.0001", 1},
        {"1u", 1},
        {"1n", 1},
        {"123456789n", 124},
        {"1E-3", 1},
        {"1e3", 1000000},
        {"2k", 2000000},
        {"1.5", 1500},
        {"0.0005", 1},
        {"1500000u", 1500},
        {"-0", 0},
        {"007", 7000},
        {"1Ki", 1024000},
        {"1e-30", 1},
        {"0e99", 0},
        {"9223372036854775807m", INT64_MAX},
        {"9223372036854775.807", INT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t value = -1;
        struct err err = {0};
        assert_int_equal(quantity_cpu(rows[i].text, strlen(rows[i].text), &value, &err), 0);
        if (value != rows[i].value) {
            fail_msg("%s cores are %lld millicores, not %lld", rows[i].text, (long long)value,
                     (long long)rows[i].value);
        }
    }
}

static void test_memory(void **state)
{
    static const struct row rows[] = {
        {"0", 0},
        {"128974848", 128974848},
        {"129e6", 129000000},
        {"129M", 129000000},
        {"128974848000m", 128974848},
        {"123Mi", 128974848},
        {"0.5", 1},
        {"1.1", 2},
        {"1e-3", 1},
        {"1E3", 1000},
        {"1E", 1000000000000000000},
        {"1Ei", 1152921504606846976},
        {"1.5Gi", 1610612736},
        {"0.1Ki", 103},
        {"1100m", 2},
        {"1Pi", 1125899906842624},
        {"7.999999999999999999Ei", INT64_MAX},
        {"9223372036854775807", INT64_MAX},
        {"1000k", 1000000},
        {"0.00000000000000000000000000000000000000001Ei", 1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t value = -1;
        struct err err = {0};
        assert_int_equal(quantity_memory(rows[i].text, strlen(rows[i].text), &value, &err), 0);
        if (value != rows[i].value) {
            fail_msg("%s is %lld bytes, not %lld", rows[i].text, (long long)value, (long long)rows[i].value);
        }
    }
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "m",
        ".",
        "+",
        "1..2",
        "1.2.3",
        "1 ",
        " 1",
        "1mi",
        "1KI",
        "1K",
        "1g",
        "one",
        "1e",
        "1e+",
        "1e3x",
        "1Mim",
        "--1",
        "1-",
        "-1",
        "-1m",
        "16Ei",
        "1e30",
        "8Ei",
        "1_0",
        "0x1",
        "1m1",
        "\x01",
        "9223372036854775808",
        "9223372036854775807.1",
        "1e999999999999999999999",
        "NaN",
        "inf",
        "1Zi",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        int64_t value = 77;
        struct err err = {0};
        if (quantity_memory(texts[i], strlen(texts[i]), &value, &err) == 0) {
            fail_msg("\"%s\" was read as %lld", texts[i], (long long)value);
        }
        assert_int_equal(err.class, ERR_DATA);
        assert_int_equal(value, 77);
    }
}

static void test_no_length_wraps(void **state)
{
    char text[2000];
    int64_t value;
    struct err err;
    (void)state;
    memset(text, '9', sizeof text);
    for (size_t length = 19; length < sizeof text; length += 13) {
        assert_int_equal(quantity_memory(text, length, &value, &err), -1);
    }
    memset(text, '0', sizeof text);
    text[1] = '.';
    assert_int_equal(quantity_memory(text, 1000, &value, &err), 0);
    assert_int_equal(value, 0);
    text[999] = '1';
    assert_int_equal(quantity_memory(text, 1000, &value, &err), 0);
    assert_int_equal(value, 1);
}

static void test_the_length_counts(void **state)
{
    int64_t value;
    struct err err;
    (void)state;
    assert_int_equal(quantity_cpu("250m, more", 4, &value, &err), 0);
    assert_int_equal(value, 250);
}

static void test_format(void **state)
{
    char text[QUANTITY_MAX];
    (void)state;
    assert_string_equal(quantity_cpu_format(250, text), "250m");
    assert_string_equal(quantity_cpu_format(2000, text), "2");
    assert_string_equal(quantity_cpu_format(0, text), "0");
    assert_string_equal(quantity_memory_format(0, text), "0");
    assert_string_equal(quantity_memory_format(512LL << 20, text), "512Mi");
    assert_string_equal(quantity_memory_format(1536LL << 20, text), "1536Mi");
    assert_string_equal(quantity_memory_format(2LL << 30, text), "2Gi");
    assert_string_equal(quantity_memory_format(1001, text), "1001");
    assert_string_equal(quantity_memory_format(INT64_MAX, text), "9223372036854775807");
}

/* What is written is read back. */
static void test_round_trip(void **state)
{
    char text[QUANTITY_MAX];
    struct err err;
    (void)state;
    for (int64_t value = 1; value > 0 && value < INT64_MAX / 3; value = value * 3 - (value % 2)) {
        int64_t back;
        quantity_memory_format(value, text);
        assert_int_equal(quantity_memory(text, strlen(text), &back, &err), 0);
        assert_int_equal(back, value);
        quantity_cpu_format(value, text);
        assert_int_equal(quantity_cpu(text, strlen(text), &back, &err), 0);
        assert_int_equal(back, value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_length_wraps),
        cmocka_unit_test(test_the_length_counts),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
