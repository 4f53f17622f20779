#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "pricing/money/money.h"

struct product {
    double amount;
    double factor;
    uint64_t price;
    uint64_t divisor;
    int64_t result;
};

/* Computed apart from this program with exact fractions: floor(amount × factor × price ÷ divisor + 1/2). */
static const struct product products[] = {
    {0x1.3f00000000000p+11, 0x1.1000000000000p+4, 36217490U, 1000U, INT64_C(1571259586)},
    {0x1.6f40000000000p+10, 0x1.1000000000000p+5, 2117000U, 1000U, INT64_C(105735682)},
    {0x1.ae60000000000p+11, 0x1.e000000000000p+4, 37852690U, 1000U, INT64_C(3909804350)},
    {0x1.e300000000000p+11, 0x1.0000000000000p+4, 31777630U, 1000U, INT64_C(1964620197)},
    {0x1.aa00000000000p+7, 0x1.6000000000000p+3, 6145870U, 1000U, INT64_C(14399773)},
    {0x1.73cb1959a2358p+8, 0x1.37eab9047b2a2p-5, 28187490U, 1000U, INT64_C(399031)},
    {0x1.f2a95367474edp+7, 0x1.a1f259a3c6140p-2, 42229770U, 1000U, INT64_C(4297495)},
    {0x1.324a494778cc2p+6, 0x1.3815abf59d2a4p-4, 7368620U, 1000U, INT64_C(42990)},
    {0x1.7926f766059e9p+22, 0x1.9f2b0502f7420p-7, 42418840U, 1073741824U, INT64_C(3093)},
    {0x1.540a70cba6a4fp+2, 0x1.eb95c77edffccp-1, 42467020U, 1000U, INT64_C(216636)},
    {0x1.0421ca7981422p+14, 0x1.ec46d7ccba9a4p-1, 9420650U, 1000U, INT64_C(150797438)},
    {0x1.d67ced9a88e88p+9, 0x1.82a02f82413bdp+6, 15024130U, 1000U, INT64_C(1366465389)},
    {0x1.5108d56172f74p+14, 0x1.53e0c4ef901b8p-3, 13350970U, 1000U, INT64_C(47792557)},
    {0x1.45b2d54768b76p+9, 0x1.4ecea285477bcp-4, 29242340U, 1000U, INT64_C(1557015)},
    /* By hand: 0.5 rounds up, just below it does not; a half that only shows after the shift. */
    {1, 1, 1, 2, 1},
    {1, 1, 1, 3, 0},
    {0.5, 1, 1, 1, 1},
    {0.25, 1, 1, 1, 0},
    {0.75, 2, 1, 1, 2},
    {0, 5, 7, 1, 0},
    {0x1p-40, 1, 1U << 20, 1, 0},
    {0x1p40, 0x1p-3, 1, 1, INT64_C(137438953472)},
};

static void products_are_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
        const struct product *p = &products[i];
        int64_t result = -1;
        assert_true(money_product(p->amount, p->factor, p->price, p->divisor, &result));
        assert_int_equal(result, p->result);
    }
}

struct difference {
    double amount;
    double less;
    double factor;
    uint64_t price;
    uint64_t divisor;
    int64_t result;
};

/* Computed apart from this program with exact fractions. */
static const struct difference differences[] = {
    {0x1.e15374c0ada1fp+9, 0x1.98aa0c12102bep+8, 0x1.2800000000000p+5, 60340340U, 1000U, INT64_C(1236828949)},
    {0x1.2780000000000p+11, 0x1.b87c5f37fa573p+6, 0x1.2000000000000p+3, 51734370U, 1000U, INT64_C(1049426878)},
    {0x1.22ccd229b3452p+11, 0x1.22ccd2293994ep+11, 0x1.7000000000000p+5, 59228550U, 1000U, INT64_C(1)},
    {0x1.dca0d7e5e0000p+39, 0x1.58ae467e813d4p+38, 0x1.0000000000000p+4, 7832170U, 1073741824U, INT64_C(76263509175)},
    {0x1.0d00000000000p+11, 0x1.fc27b5436b7bcp+7, 0x1.0812ae493689ep+4, 14542330U, 1073741824U, INT64_C(424)},
    {0x1.7eb84107f8000p+37, 0x1.0ac59219c1852p+37, 0x1.84e2b0aa2622fp+2, 61919330U, 1073741824U, INT64_C(21812288419)},
    /* A difference of reals would be rounded to 2^53 here, and lose the half that decides. */
    {0x1p53, 0, 0x1p-22, 1, UINT64_C(1) << 32, 1},
    {0x1p53, 0.5, 0x1p-22, 1, UINT64_C(1) << 32, 0},
    {0x1p53, 0x1p-30, 0x1p-22, 1, UINT64_C(1) << 32, 0},
    {1, 0x1p-30, 0.5, 1, 1, 0},
    /* What is below 2^-30 counts as nothing. */
    {1, 0x1p-40, 0.5, 1, 1, 1},
    {0x1p62, 0x1p62, 0x1p31, UINT64_C(1) << 50, 1, 0},
    {0x1p62, 0, 0x1p31, 1, UINT64_C(1) << 32, 0},
};

static void differences_are_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        const struct difference *d = &differences[i];
        int64_t result = -1;
        bool made = money_of_difference(d->amount, d->less, d->factor, d->price, d->divisor, &result);
        assert_int_equal(made, d->amount < 0x1p62 || d->less > 0);
        assert_int_equal(result, made ? d->result : -1);
    }
    int64_t result = 0;
    assert_false(money_of_difference(1, 2, 1, 1, 1, &result));
    assert_false(money_of_difference(1, -1, 1, 1, 1, &result));
    assert_false(money_of_difference(1, (double)NAN, 1, 1, 1, &result));
}

static void products_out_of_range_are_refused(void **state)
{
    (void)state;
    int64_t result = 0;
    assert_false(money_product(-1, 1, 1, 1, &result));
    assert_false(money_product((double)NAN, 1, 1, 1, &result));
    assert_false(money_product(1, (double)INFINITY, 1, 1, &result));
    assert_false(money_product(1, 1, 1, 0, &result));
    assert_false(money_product(0x1p62, 0x1p31, UINT64_C(1) << 50, 1, &result));
    assert_false(money_product(1e10, 1, 1000000, 1, &result));
}

static void dollars_are_read_exactly(void **state)
{
    (void)state;
    int64_t value = 0;
    assert_int_equal(money_parse("0.096", &value, NULL), 0);
    assert_int_equal(value, 96000);
    assert_int_equal(money_parse("12", &value, NULL), 0);
    assert_int_equal(value, 12000000);
    assert_int_equal(money_parse("0.0000005", &value, NULL), 0);
    assert_int_equal(value, 1);
    assert_int_equal(money_parse("0.00000049", &value, NULL), 0);
    assert_int_equal(value, 0);
    assert_int_equal(money_parse("0.9999999", &value, NULL), 0);
    assert_int_equal(value, 1000000);
}

static void what_is_no_money_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",   ".",   "-1",  "+1",         "1.",
                                        ".5", "1e3", "nan", "inf",        "1,5",
                                        " 1", "1 ",  "0x1", "1000000001", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t value = 7;
        struct err err = {0};
        assert_int_equal(money_parse(wrong[i], &value, &err), -1);
        assert_int_equal(err.class, ERR_DATA);
        assert_int_equal(value, 7);
    }
    int64_t value = 7;
    assert_int_equal(money_from_real(-0.5, &value, NULL), -1);
    assert_int_equal(money_from_real((double)NAN, &value, NULL), -1);
    assert_int_equal(money_from_real(0.0345225, &value, NULL), 0);
    assert_int_equal(value, 34523);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_exact),
        cmocka_unit_test(differences_are_exact),
        cmocka_unit_test(products_out_of_range_are_refused),
        cmocka_unit_test(dollars_are_read_exactly),
        cmocka_unit_test(what_is_no_money_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
