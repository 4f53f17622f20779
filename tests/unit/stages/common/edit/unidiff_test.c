#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/edit/unidiff.h"

static void expect_diff(const char *path, const char *bytes, const struct edit_splice *items, size_t count,
                        const char *wanted)
{
    struct edit_splices splices = {.count = count, .capacity = count};
    struct err err = {0};
    struct buf out;
    splices.items = xcalloc_array(count + 1, sizeof *splices.items);
    if (count > 0) {
        memcpy(splices.items, items, count * sizeof *items);
    }
    for (size_t i = 0; i < count; i++) {
        splices.items[i].length = strlen(items[i].text);
    }
    buf_init(&out, 64 * 1024);
    assert_int_equal(unidiff_write(path, bytes, strlen(bytes), &splices, &out, &err), 0);
    assert_string_equal(buf_str(&out), wanted);
    buf_release(&out);
    free(splices.items);
}

#define DIFF(path, bytes, wanted, ...) \
    do { \
        const struct edit_splice items_[] = {__VA_ARGS__}; \
        expect_diff(path, bytes, items_, ARRAY_COUNT(items_), wanted); \
    } while (0)

static void test_replace(void **state)
{
    (void)state;
    DIFF("x.yaml", "a\nb\nc\nd\ne\nf\ng\nh\ni\n",
         "--- a/x.yaml\n+++ b/x.yaml\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E!\n f\n g\n h\n", {8, 9, "E!", 0});
}

static void test_insert_and_remove(void **state)
{
    (void)state;
    DIFF("x", "a\nb\n", "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n+new\n b\n", {2, 2, "new\n", 0});
    DIFF("x", "a\nb\n", "--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n a\n-b\n", {2, 4, "", 0});
    DIFF("x", "", "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+a\n", {0, 0, "a\n", 0});
}

static void test_no_final_newline(void **state)
{
    (void)state;
    DIFF("x", "a\nb",
         "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n\\ No newline at "
         "end of file\n",
         {3, 3, "\nc", 0});
    DIFF("x", "a\nb # c",
         "--- a/x\n+++ b/x\n@@ -1,2 +1,4 @@\n a\n-b # c\n\\ No newline at end of file\n+B # c\n+d\n+e\n\\ No "
         "newline at end of file\n",
         {2, 3, "B", 0}, {7, 7, "\nd", 0}, {7, 7, "\ne", 0});
    DIFF("x", "a\nb\nc", "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n\\ No newline at end of file\n",
         {2, 3, "B", 0});
}

static void test_carriage_returns_stay(void **state)
{
    (void)state;
    DIFF("x", "a\r\nb\r\n", "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\r\n-b\r\n+B\r\n+c\r\n", {3, 4, "B", 0},
         {6, 6, "c\r\n", 0});
}

static void test_hunks_join_and_part(void **state)
{
    (void)state;
    DIFF("x", "1\n2\n3\n4\n5\n6\n7\n8\n",
         "--- a/x\n+++ b/x\n@@ -1,8 +1,8 @@\n-1\n+A\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+B\n", {0, 1, "A", 0},
         {14, 15, "B", 0});
    DIFF("x", "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
         "--- a/x\n+++ b/x\n@@ -1,4 +1,5 @@\n-1\n+A\n+B\n 2\n 3\n 4\n@@ -6,4 +7,4 @@\n 6\n 7\n 8\n-9\n+C\n",
         {0, 1, "A\nB", 0}, {16, 17, "C", 0});
    DIFF("x", "a\nb\nc\n", "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n-a\n-b\n+A\n+B\n c\n", {0, 1, "A", 0},
         {2, 3, "B", 0});
}

/* A change that gives the same text is none. */
static void test_nothing(void **state)
{
    (void)state;
    DIFF("x", "a\nb\n", "", {0, 1, "a", 0});
    expect_diff("x", "a\n", NULL, 0, "");
}

static void test_names(void **state)
{
    (void)state;
    DIFF("a b", "a\n", "--- a/a b\t\n+++ b/a b\t\n@@ -1 +1 @@\n-a\n+b\n", {0, 1, "b", 0});
    DIFF("q\"\n", "a\n", "--- \"a/q\\\"\\012\"\n+++ \"b/q\\\"\\012\"\n@@ -1 +1 @@\n-a\n+b\n", {0, 1, "b", 0});
}

static void test_new_file(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *diff;
    } rows[] = {
        {"a\nb\n", "--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n"},
        {"a\n", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"},
        {"a", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        struct err err = {0};
        buf_init(&out, 1000);
        assert_int_equal(unidiff_new("x", rows[i].bytes, strlen(rows[i].bytes), &out, &err), 0);
        assert_string_equal(buf_str(&out), rows[i].diff);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_insert_and_remove),
        cmocka_unit_test(test_no_final_newline),
        cmocka_unit_test(test_carriage_returns_stay),
        cmocka_unit_test(test_hunks_join_and_part),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_new_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
