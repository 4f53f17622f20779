#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "tests/unit/pipeline/io/yaml_reading.h"

/* Levels of nine merges each are refused; where the limit lets them in, a search for what is not there must end. */
static void test_merge_bomb(void **state)
{
    struct yaml_limits wide = yaml_default_limits;
    struct buf bytes;
    struct yaml_pair pair;
    (void)state;
    buf_init(&bytes, 64 * 1024);
    buf_add_str(&bytes, "a0: &a0 {k: v}\n");
    for (int level = 1; level < 9; level++) {
        buf_printf(&bytes, "a%d: &a%d {<<: [", level, level);
        for (int i = 0; i < 9; i++) {
            buf_printf(&bytes, "%s*a%d", i == 0 ? "" : ",", level - 1);
        }
        buf_add_str(&bytes, "]}\n");
    }
    struct text *text = text_open(buf_str(&bytes));
    assert_int_equal(text_next(text), -1);
    assert_string_equal(text->fault.code, "alias-limit");
    text_free(text);
    wide.max_document_bytes = wide.max_nodes = INT32_MAX;
    text = text_open_length(buf_str(&bytes), bytes.length, &wide);
    assert_int_equal(text_next(text), 1);
    assert_false(yaml_exhausted(text->stream));
    assert_false(yaml_find(text->stream, get(text, "a8"), "absent", &pair));
    assert_true(yaml_exhausted(text->stream));
    text_free(text);
    buf_release(&bytes);
}

static void expect_limit(const char *bytes, const struct yaml_limits *limits, const char *code)
{
    struct text *text = text_open_length(bytes, strlen(bytes), limits);
    assert_non_null(text->stream);
    assert_int_equal(text_next(text), -1);
    assert_string_equal(text->fault.code, code);
    assert_int_equal(text_next(text), 1);
    text_free(text);
}

static const struct yaml_limits tight = {.max_documents = 3,
                                         .max_document_bytes = 40,
                                         .max_depth = 3,
                                         .max_nodes = 8,
                                         .max_scalar_bytes = 10,
                                         .max_aliases = 2,
                                         .max_merges = 10};

static void expect_inside(const char *bytes)
{
    struct text *text = text_open_length(bytes, strlen(bytes), &tight);
    assert_non_null(text->stream);
    assert_int_equal(text_next(text), 1);
    text_free(text);
}

static void test_limits(void **state)
{
    (void)state;
    expect_inside("[[[1]]]\n");
    expect_limit("[[[[1]]]]\n---\n[[[1]]]\n", &tight, "alias-limit");
    expect_inside("[1,2,3,4,5,6,7]\n");
    expect_limit("[1,2,3,4,5,6,7,8]\n---\n[1]\n", &tight, "size-limit");
    expect_inside("[&a 1,*a,*a]\n");
    expect_limit("[&a 1,*a,*a,*a]\n---\n[1]\n", &tight, "alias-limit");
    expect_inside("[&a 1,&b 2]\n");
    expect_limit("[&a 1,&b 2,&c 3]\n---\n[1]\n", &tight, "alias-limit");
    expect_inside("\"1234567890\"\n");
    expect_limit("\"12345678901\"\n---\n[1]\n", &tight, "size-limit");
    expect_inside("--- # 34567890123456789012345678901\n[1,2]\n");
    expect_limit("--- # 34567890123456789012345678901\n[1,2,3]\n---\n[1]\n", &tight, "size-limit");
}

/* What aliases name counts as often as they name it. */
static void test_sizes(void **state)
{
    struct text *text = text_open("{a: &a [1, 2], b: [*a, *a], c: 3}");
    (void)state;
    assert_int_equal(text_next(text), 1);
    assert_int_equal(get(text, "a")->size, 9);
    assert_int_equal(get(text, "b")->size, 8 + 2 * 9);
    assert_int_equal(text->document.root->size, 33 + 2 * 9);
    text_free(text);
    expect_inside("{a: &a 1234, b: *a, cc: *a}\n");
    expect_limit("{a: &a 1234, b: *a, ccc: *a}\n---\n[1]\n", &tight, "alias-limit");
}

/* So do the nodes in them, in all documents together: a list of two is three. */
static void test_weights(void **state)
{
    struct text *text = text_open("{a: &a [1, 2], b: &b [*a, *a], c: *b}");
    (void)state;
    assert_int_equal(text_next(text), 1);
    assert_int_equal(get(text, "a")->weight, 3);
    assert_int_equal(get(text, "b")->weight, 1 + 2 * 3);
    assert_int_equal(text->document.root->weight, 1 + 3 + 3 + 7 + 7);
    text_free(text);
    static const char three[] = "[&a [1,2,3,4],*a]\n---\n[&a [1,2,3,4],*a]\n---\n[&a [1,2],*a]\n";
    text = text_open_length(three, sizeof three - 1, &tight);
    assert_int_equal(text_next(text), 1);
    assert_int_equal(text_next(text), 1);
    assert_int_equal(text_next(text), -1);
    assert_string_equal(text->fault.code, "alias-limit");
    text_free(text);
}

static void test_documents_end(void **state)
{
    const char *bytes = "a: 1\n---\n---\n[\n---\nb: 2\n---\nc: 3\n";
    struct text *text = text_open_length(bytes, strlen(bytes), &tight);
    (void)state;
    assert_int_equal(text_next(text), 1);
    assert_int_equal(text_next(text), 1);
    assert_int_equal(text_next(text), -1);
    assert_string_equal(text->fault.code, "yaml-syntax");
    assert_int_equal(text_next(text), -1);
    assert_string_equal(text->fault.code, "size-limit");
    assert_int_equal(text->fault.line, 5);
    assert_int_equal(text->document.number, 4);
    assert_int_equal(text_next(text), 0);
    text_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_bomb),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_documents_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
