/* What moved between the policy of a plan and the one in force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/apply/differ.h"

static const struct {
    const char *then, *now; /* windows of the stored policy */
    size_t count;
    const char *place, *was, *is;
} rows[] = {
    {"[]", "[]", 0, "", "", ""},
    {"[{\"name\":\"a\",\"d\":1}]", "[{\"name\":\"a\",\"d\":2}]", 1, "the stored policy's windows[a].d", "1", "2"},
    /* one that is put in front moves no other */
    {"[{\"name\":\"a\",\"d\":1}]", "[{\"name\":\"b\"},{\"name\":\"a\",\"d\":1}]", 1, "the stored policy's windows[b]", "nothing",
     "{\"name\":\"b\"}"},
    {"[{\"name\":\"b\"},{\"name\":\"a\",\"d\":1}]", "[{\"name\":\"a\",\"d\":1}]", 1, "the stored policy's windows[b]", "{\"name\":\"b\"}",
     "nothing"},
    {"[{\"name\":\"a\",\"d\":1},{\"name\":\"b\"}]", "[{\"name\":\"c\"},{\"name\":\"a\",\"d\":3}]", 3, "the stored policy's windows[a].d", "1",
     "3"},
    /* another order is another policy */
    {"[{\"name\":\"a\"},{\"name\":\"b\"}]", "[{\"name\":\"b\"},{\"name\":\"a\"}]", 1, "the stored policy's windows",
     "[{\"name\":\"a\"},{\"name\":\"b\"}]", "[{\"name\":\"b\"},{\"name\":\"a\"}]"},
    {"[\"x\"]", "[\"x\",\"y\"]", 1, "the stored policy's windows[1]", "nothing", "\"y\""},
};

static void test_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        json_t *then = json_pack("{s:{s:o}}", "stored", "windows", json_loads(rows[i].then, 0, NULL));
        json_t *now = json_pack("{s:{s:o}}", "stored", "windows", json_loads(rows[i].now, 0, NULL));
        struct difference found;
        difference_find(then, now, &found);
        json_decref(then);
        json_decref(now);
        if (found.count != rows[i].count) {
            fail_msg("row %zu: %zu places, not %zu", i, found.count, rows[i].count);
        }
        if (found.count > 0) {
            assert_string_equal(found.place, rows[i].place);
            assert_string_equal(found.then, rows[i].was);
            assert_string_equal(found.now, rows[i].is);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
