#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/edit/edit_style.h"

static void test_units_that_are_there(void **state)
{
    static const struct {
        const char *old;
        bool cpu;
        int64_t value;
        const char *wanted;
    } rows[] = {
        {NULL, true, 250, "250m"},
        {NULL, true, 2000, "2"},
        {"500m", true, 1000, "1000m"},
        {"1", true, 250, "250m"},
        {"1", true, 3000, "3"},
        {"0.5", true, 250, "0.25"},
        {"0.5", true, 1000, "1"},
        {".5", true, 333, "0.333"},
        {"1.5", true, 2100, "2.1"},
        {"1e3", true, 1500, "1500m"},
        {"100000u", true, 50, "50m"},
        {NULL, false, 512 << 20, "512Mi"},
        {"1Gi", false, 1536 << 20, "1536Mi"},
        {"1Gi", false, 2LL << 30, "2Gi"},
        {"512Mi", false, 1LL << 30, "1024Mi"},
        {"1.5Gi", false, 1280 << 20, "1.25Gi"},
        {"1.5Gi", false, 200 << 20, "200Mi"},
        {"500M", false, 400000000, "400M"},
        {"1G", false, 1500000000, "1500M"},
        {"1G", false, 1 << 30, "1Gi"},
        {"536870912", false, 402653184, "402653184"},
        {"129e6", false, 128 << 20, "128Mi"},
        {"128974848000m", false, 100 << 20, "100Mi"},
        {"1000Ki", false, 2048, "2Ki"},
        {"1000Ki", false, 1001, "1001"},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        size_t length = rows[i].old == NULL ? 0 : strlen(rows[i].old);
        assert_string_equal(edit_quantity_text(&arena, rows[i].old, length, rows[i].cpu, rows[i].value),
                            rows[i].wanted);
    }
    arena_release(&arena);
}

static void test_quotes(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena);
    assert_string_equal(edit_quote(&arena, "1", YAML_STYLE_PLAIN, false), "1");
    assert_string_equal(edit_quote(&arena, "1", YAML_STYLE_SINGLE, false), "'1'");
    assert_string_equal(edit_quote(&arena, "1", YAML_STYLE_DOUBLE, false), "\"1\"");
    assert_string_equal(edit_quote(&arena, "1", YAML_STYLE_FOLDED, false), "1");
    assert_string_equal(edit_quote(&arena, "1", YAML_STYLE_PLAIN, true), "1");
    assert_string_equal(edit_quote(&arena, "0.25", YAML_STYLE_PLAIN, true), "0.25");
    assert_string_equal(edit_quote(&arena, "250m", YAML_STYLE_PLAIN, true), "\"250m\"");
    assert_string_equal(edit_quote(&arena, "1", YAML_STYLE_SINGLE, true), "1");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_that_are_there),
        cmocka_unit_test(test_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
