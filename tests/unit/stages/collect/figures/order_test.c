/* Classes and selection against sorting. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "stages/collect/figures/order.h"

static int descending(const void *a, const void *b)
{
    double x = ((const struct portion *)a)->value;
    double y = ((const struct portion *)b)->value;
    return (x < y) - (x > y);
}

/* Whole amounts, so that sums are exact in any order. */
static void check_pick(size_t count, uint64_t values)
{
    struct portion *portions = xcalloc_array(count, sizeof *portions);
    struct portion *sorted = xcalloc_array(count, sizeof *sorted);
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        portions[i] = (struct portion){(double)(rng_next() % values), (double)(1 + rng_next() % 9)};
        total += portions[i].amount;
    }
    memcpy(sorted, portions, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, descending);
    for (size_t round = 0; round < 20; round++) {
        double beyond = floor(total * rng_unit() * 1.1);
        double sum = 0;
        size_t at = 0;
        for (; at < count - 1; at++) {
            sum += sorted[at].amount;
            if (sum > beyond) {
                break;
            }
        }
        double got = order_pick(portions, count, beyond);
        assert_memory_equal(&got, &sorted[at].value, sizeof got);
    }
    free(portions);
    free(sorted);
}

static void test_pick(void **state)
{
    (void)state;
    rng_seed(55);
    for (size_t count = 1; count < 300; count += 7) {
        check_pick(count, 1);
        check_pick(count, 3);
        check_pick(count, 50);
        check_pick(count, 1000000);
    }
}

/* Classes never go against the order of values, single ones hold one value. */
static void check_classes(size_t count, int kind)
{
    struct sample *items = xcalloc_array(count, sizeof *items);
    unsigned char *classes = xcalloc_array(count, 1);
    struct order order;
    double low[ORDER_CLASSES];
    double high[ORDER_CLASSES];
    for (size_t i = 0; i < ORDER_CLASSES; i++) {
        low[i] = INFINITY;
        high[i] = -1;
    }
    for (size_t i = 0; i < count; i++) {
        double unit = rng_unit();
        items[i].value = kind == 0 ? 0 : kind == 1 ? unit : kind == 2 ? floor(unit * 9) : exp(600 * unit - 500);
    }
    order_init(&order, items, count);
    struct order_search search = order_search(&order);
    for (size_t i = 0; i < count; i++) {
        classes[i] = (unsigned char)order_class(&search, items[i].value);
        low[classes[i]] = fmin(low[classes[i]], items[i].value);
        high[classes[i]] = fmax(high[classes[i]], items[i].value);
    }
    double above = -1;
    for (unsigned i = 0; i < ORDER_CLASSES; i++) {
        if (high[i] >= 0) {
            assert_true(low[i] > above);
            above = high[i];
        }
        double value;
        if (high[i] >= 0 && order_single(&order, i, &value)) {
            assert_true(low[i] >= value && high[i] <= value);
        }
    }
    free(items);
    free(classes);
}

static void test_classes(void **state)
{
    (void)state;
    rng_seed(56);
    for (size_t count = 1; count < 3000; count += count / 3 + 1) {
        for (int kind = 0; kind < 4; kind++) {
            check_classes(count, kind);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pick),
        cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
