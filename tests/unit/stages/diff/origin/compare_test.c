/* What an edit made of a rendered text: the wanted numbers, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/diff/origin/compare.h"

enum { WIDE = 3 * 1024 * 1024 };

/* A pod with a CPU request, and a map of which one value has `length` bytes. */
static void write_text(struct buf *out, const char *cpu, const char *first, size_t length)
{
    buf_init(out, 2 * WIDE);
    buf_printf(out,
               "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: a\n"
               "    resources: {requests: {cpu: %s}}\n---\napiVersion: v1\nkind: ConfigMap\n"
               "metadata: {name: m}\ndata:\n  text: %s",
               cpu, first);
    for (size_t i = 0; i < length; i++) {
        buf_add_char(out, 'x');
    }
    buf_add_char(out, '\n');
}

static void compared(const char *cpu, const char *first, size_t length, const char *others)
{
    static const struct edit_request request = {
        .document = 1, .container = "a", .field = FIELD_REQUESTS_CPU, .value = 250};
    const struct unstable unstable = {.is = NULL};
    struct comparison seen;
    struct err err = {0};
    struct buf before;
    struct buf after;
    write_text(&before, "500m", "a", length);
    write_text(&after, cpu, first, length);
    if (rendered_compare(&before, &after, &unstable, &request, 1, &seen, &err)) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(seen.clean, others[0] == '\0');
    assert_string_equal(buf_str(&seen.others), others);
    assert_int_equal(seen.got[0], strcmp(cpu, "250m") == 0);
    buf_release(&seen.others);
    buf_release(&before);
    buf_release(&after);
}

static void test_what_changed(void **state)
{
    (void)state;
    compared("500m", "a", 1, "");
    compared("250m", "a", 1, "");
    compared("250m", "b", 1, "ConfigMap/m");
    compared("300m", "a", 1, "other parts of Pod/p");
}

/* tare-parse may be told to read larger values than it does by default. */
static void test_large_values(void **state)
{
    (void)state;
    compared("250m", "a", WIDE, "");
    compared("250m", "b", WIDE, "ConfigMap/m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_changed),
        cmocka_unit_test(test_large_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
