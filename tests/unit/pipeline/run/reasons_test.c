#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/run/reasons.h"

static void test_words(void **state)
{
    (void)state;
    assert_non_null(strstr(reason_words("memory-oom"), "killed for memory"));
    assert_non_null(reason_words("step-cap"));
    assert_ptr_equal(reason_words("quota:compute"), reason_words("quota"));
    assert_null(reason_words("no-such-code"));
    assert_null(reason_words("quot:compute"));
    assert_null(reason_words(":"));
    assert_null(reason_words(""));
    assert_null(reason_words(NULL));
}

/* Each code once, each with words. */
static void test_list(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        const char *words;
    } rows[] = {
#define X(code, words) {code, words},
#include "pipeline/run/reasons.def"
#undef X
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_string_equal(reason_words(rows[i].code), rows[i].words);
        assert_true(strlen(rows[i].words) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
