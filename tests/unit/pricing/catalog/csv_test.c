#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pricing/catalog/csv.h"

static const char *const names[] = {"a", "b", "c"};

/* Opens a text whose columns a and b must be there and c may be. */
static int open_text(struct csv *csv, struct arena *arena, const char *text, struct err *err)
{
    arena_init(arena);
    return csv_init(csv, "t.csv", text, strlen(text), arena, names, 2, 3, err);
}

static void columns_are_found_by_name(void **state)
{
    (void)state;
    struct csv csv;
    struct arena arena;
    assert_int_equal(open_text(&csv, &arena, "b,a\r\n1,2\n\"x, y\",\"\"\n", NULL), 0);
    assert_int_equal(csv_next(&csv, NULL), 1);
    assert_string_equal(csv.fields[0], "2");
    assert_string_equal(csv.fields[1], "1");
    assert_null(csv.fields[2]);
    assert_int_equal(csv_next(&csv, NULL), 1);
    assert_string_equal(csv.fields[1], "x, y");
    assert_string_equal(csv.fields[0], "");
    assert_int_equal(csv.line, 3);
    assert_int_equal(csv_next(&csv, NULL), 0);
    arena_release(&arena);
}

static void an_optional_column_may_be_there(void **state)
{
    (void)state;
    struct csv csv;
    struct arena arena;
    assert_int_equal(open_text(&csv, &arena, "c,b,a\n3,2,1", NULL), 0);
    assert_int_equal(csv_next(&csv, NULL), 1);
    assert_string_equal(csv.fields[2], "3");
    arena_release(&arena);
}

static void assert_refused(const char *text, const char *sentence)
{
    struct csv csv;
    struct arena arena;
    struct err err = {0};
    int failed = open_text(&csv, &arena, text, &err);
    while (failed == 0 && (failed = csv_next(&csv, &err)) > 0) {
        failed = 0;
    }
    assert_int_equal(failed, -1);
    assert_int_equal(err.class, ERR_CONFIG);
    if (strstr(err.message, sentence) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, sentence);
    }
    arena_release(&arena);
}

static void what_is_no_table_is_refused(void **state)
{
    (void)state;
    assert_refused("", "t.csv: the file is empty");
    assert_refused("a\n", "t.csv:1: there is no column 'b'");
    assert_refused("a,b,d\n", "t.csv:1: column 3, 'd', is not known");
    assert_refused("a,b,a\n", "t.csv:1: column 'a' stands there twice");
    assert_refused("a,b\n1\n", "t.csv:2: 1 fields where the header has 2");
    assert_refused("a,b\n1,\"2\n", "t.csv:2: a quoted field");
    assert_refused("a,b\n1,\"2\"x\n", "t.csv:2: a field is followed by");
    assert_refused("a,b\n1,2\n\x7f,\n", "t.csv:3: not a text file in UTF-8 (byte 0x7f)");
    assert_refused("a,b\n1,\xc3\n", "t.csv:2: not a text file in UTF-8 (byte 0xc3)");
    assert_refused("a,b,c,a,b,c,a,b,c,a,b,c,a,b,c,a,b\n", "more than 16 columns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(an_optional_column_may_be_there),
        cmocka_unit_test(what_is_no_table_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
