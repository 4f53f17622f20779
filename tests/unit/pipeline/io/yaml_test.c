#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/yaml_text.h"
#include "tests/unit/pipeline/io/yaml_reading.h"

/* The bytes of a node, as they stand. */
static const char *slice(struct text *text, const struct yaml_node *node)
{
    assert_non_null(node);
    return arena_strndup(&text->arena, text->bytes + node->value, node->end - node->value);
}

static void test_offsets_are_bytes(void **state)
{
    static const char *const texts[] = {
        "a: \"\xc3\xa9\"\nb: {c: d} # e\n",
        ("\xef\xbb\xbf"
         "a: 1\nb: {c: d}"),
        "a: 1\r\nb: {c: d}\r\n",
        "a: \"x\xc2\x85y\xe2\x80\xa8z\"\nb: {c: d}\n",
        ("# one file\n---\r\n\xef\xbb\xbf"
         "a: \xef\xbb\xbf # in the middle\n\xef\xbb\xbf"
         "b: {c: d}\n"),
        "# \xf0\x9f\x9a\x80 \xe6\x97\xa5\na: \xe6\x97\xa5\nb: {c: d}\n",
        "%YAML 1.1\n--- # \xc3\xbc\na: 1\nb: {c: d}\n...\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct text *text = text_open(texts[i]);
        assert_int_equal(text_next(text), 1);
        assert_string_equal(slice(text, get(text, "b")), "{c: d}");
        assert_string_equal(slice(text, yaml_get(text->stream, get(text, "b"), "c")), "d");
        text_free(text);
    }
}

static void test_ends_have_no_blanks(void **state)
{
    struct text *text =
        text_open("a:\n  b: 1   # c\n\n# d\ne: |\n  x\n  y\n\n\nf: &n !!str  g  \nh:\n- i\n-\n");
    (void)state;
    assert_int_equal(text_next(text), 1);
    assert_string_equal(slice(text, get(text, "a")), "b: 1");
    assert_string_equal(slice(text, get(text, "e")), "|\n  x\n  y");
    assert_string_equal(slice(text, get(text, "f")), "g");
    assert_string_equal(get(text, "f")->anchor, "n");
    assert_string_equal(slice(text, get(text, "h")), "- i\n-");
    text_free(text);
}

/* Each line break that libyaml knows ends a comment or a tag before the value. */
static void test_properties_end_at_any_break(void **state)
{
    static const char *const breaks[] = {"\n", "\r\n", "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(breaks); i++) {
        char bytes[80];
        snprintf(bytes, sizeof bytes, "a: &n # c%s  {}\nb: !t%s  {b: 1}\n", breaks[i], breaks[i]);
        struct text *text = text_open(bytes);
        assert_int_equal(text_next(text), 1);
        assert_string_equal(slice(text, get(text, "a")), "{}");
        assert_string_equal(slice(text, get(text, "b")), "{b: 1}");
        text_free(text);
    }
}

static void test_styles_and_values(void **state)
{
    struct text *text = text_open("{a: 'it''s', \"b\": \"t\\tb\", c: x y, d: >-\n  , e: [], f: *g}\n");
    (void)state;
    assert_int_equal(text_next(text), -1);
    text_free(text);
    text = text_open("a: 'it''s'\nb: \"t\\tb\"\nc: x y\nd: >-\n  f\n  g\ne: []\n");
    assert_int_equal(text_next(text), 1);
    assert_int_equal(get(text, "a")->style, YAML_STYLE_SINGLE);
    assert_true(yaml_text_is(get(text, "a"), "it's"));
    assert_int_equal(get(text, "b")->style, YAML_STYLE_DOUBLE);
    assert_true(yaml_text_is(get(text, "b"), "t\tb"));
    assert_int_equal(get(text, "d")->style, YAML_STYLE_FOLDED);
    assert_true(yaml_text_is(get(text, "d"), "f g"));
    assert_int_equal(get(text, "e")->style, YAML_STYLE_FLOW);
    text_free(text);
}

static void test_types(void **state)
{
    static const struct {
        const char *text;
        enum yaml_type type;
    } rows[] = {
        {"~", YAML_TYPE_NULL},       {"null", YAML_TYPE_NULL},       {"", YAML_TYPE_NULL},
        {"yes", YAML_TYPE_BOOL},     {"Off", YAML_TYPE_BOOL},        {"true", YAML_TYPE_BOOL},
        {"1", YAML_TYPE_INT},        {"-0x1F", YAML_TYPE_INT},       {"0b11", YAML_TYPE_INT},
        {"017", YAML_TYPE_INT},      {"1_000", YAML_TYPE_INT},       {"1.", YAML_TYPE_FLOAT},
        {".5", YAML_TYPE_FLOAT},     {"1e3", YAML_TYPE_FLOAT},       {".nan", YAML_TYPE_FLOAT},
        {"100m", YAML_TYPE_TEXT},    {"\"1\"", YAML_TYPE_TEXT},      {"'yes'", YAML_TYPE_TEXT},
        {"0x", YAML_TYPE_TEXT},      {"0o", YAML_TYPE_TEXT},        {"08", YAML_TYPE_FLOAT},        {"1.2.3", YAML_TYPE_TEXT},
        {"!!str 1", YAML_TYPE_TEXT}, {"!!int \"2\"", YAML_TYPE_INT}, {"-", YAML_TYPE_TEXT},
        {"[a]", YAML_TYPE_SEQUENCE}, {"{a: b}", YAML_TYPE_MAPPING},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char bytes[64];
        snprintf(bytes, sizeof bytes, "{k: %s}", rows[i].text);
        struct text *text = text_open(bytes);
        if (strcmp(rows[i].text, "-") != 0) {
            assert_int_equal(text_next(text), 1);
            if (yaml_type_of(get(text, "k")) != rows[i].type) {
                fail_msg("%s has the type %d", rows[i].text, (int)yaml_type_of(get(text, "k")));
            }
        }
        text_free(text);
    }
}

static void test_integers(void **state)
{
    struct text *text =
        text_open("[0x10, 010, 0o17, 0b101, 1_000, -5, 9223372036854775807, 9223372036854775808, 1.0]");
    static const int64_t values[] = {16, 8, 15, 5, 1000, -5, INT64_MAX};
    int64_t value;
    (void)state;
    assert_int_equal(text_next(text), 1);
    struct yaml_node *item = text->document.root->first;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++, item = item->next) {
        assert_true(yaml_int(item, &value));
        assert_int_equal(value, values[i]);
    }
    assert_false(yaml_int(item, &value));
    assert_false(yaml_int(item->next, &value));
    text_free(text);
}

static void test_documents(void **state)
{
    struct text *text = text_open("# c\na: 1\n---\n---\n# only this\n---\n- x\n...\n%YAML 1.1\n---\nb: 2\n");
    static const bool there[] = {true, false, false, true, true};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(there); i++) {
        assert_int_equal(text_next(text), 1);
        assert_int_equal(text->document.number, (long)i + 1);
        assert_int_equal(text->document.root != NULL, there[i]);
    }
    assert_int_equal(text_next(text), 0);
    assert_int_equal(text_next(text), 0);
    text_free(text);
}

/* What is kept of a text that breaks in the middle: all documents but the broken one. */
static void test_goes_on_after_a_broken_document(void **state)
{
    static const char *const broken[] = {
        "a: \"unterminated\nb: c\n",
        "a: [1, 2\nb: c\n",
        "a: b: c\n",
        "- a\nb\n",
        "a: *nothing\n",
        "\ta: 1\n",
        "a: !x!y z\n",
        "}\n",
        "a: 'x\n",
        "? [\n",
        "%BAD\n---\n%\n",
        "a:\n  b\n c: d\n",
        "key: @at\n",
        "a: |3x\n  b\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
        char bytes[256];
        snprintf(bytes, sizeof bytes, "first: 1\n---\n%s---\nlast: 1\n", broken[i]);
        struct text *text = text_open(bytes);
        assert_int_equal(text_next(text), 1);
        assert_non_null(get(text, "first"));
        int faults = 0;
        int got;
        while ((got = text_next(text)) < 0) {
            faults++;
            assert_in_range(text->fault.line, 3, 6);
        }
        if (got != 1 || faults == 0 || get(text, "last") == NULL) {
            fail_msg("after \"%s\": %d after %d faults", broken[i], got, faults);
        }
        assert_int_equal(text_next(text), 0);
        text_free(text);
    }
}

static void test_a_marker_inside_a_block_scalar_splits_nothing(void **state)
{
    struct text *text = text_open("a: |\n  ---\n  b: c\nd: [\n---\ne: 1\n");
    (void)state;
    assert_int_equal(text_next(text), -1);
    assert_int_equal(text->fault.line, 5);
    assert_int_equal(text_next(text), 1);
    assert_non_null(get(text, "e"));
    text_free(text);
}

static void test_aliases(void **state)
{
    struct text *text = text_open("a: &x {k: 1}\nb: *x\nc: &x {k: 2}\nd: *x\ne: [*x]\n");
    (void)state;
    assert_int_equal(text_next(text), 1);
    assert_true(yaml_text_is(yaml_get(text->stream, get(text, "b"), "k"), "1"));
    assert_true(yaml_text_is(yaml_get(text->stream, get(text, "d"), "k"), "2"));
    assert_int_equal(get(text, "a")->aliases, 1);
    assert_int_equal(get(text, "c")->aliases, 2);
    text_free(text);
    text = text_open("a: &x [*x]\n---\nb: *x\n");
    assert_int_equal(text_next(text), -1);
    assert_string_equal(text->fault.code, "alias-limit");
    assert_int_equal(text_next(text), -1); /* anchors end with their document */
    assert_string_equal(text->fault.code, "yaml-syntax");
    text_free(text);
}

static void test_merge_keys(void **state)
{
    struct text *text =
        text_open("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*b, *a], z: 3}\nd: {'<<': *a}\n"
                  "e: {x: 0, <<: *a}\n");
    struct yaml_pair pair;
    (void)state;
    assert_int_equal(text_next(text), 1);
    struct yaml_node *c = get(text, "c");
    assert_true(yaml_find(text->stream, c, "x", &pair) && pair.merged && yaml_text_is(pair.value, "1"));
    assert_true(yaml_find(text->stream, c, "y", &pair) && pair.merged && yaml_text_is(pair.value, "2"));
    assert_true(yaml_find(text->stream, c, "z", &pair) && !pair.merged && yaml_text_is(pair.value, "3"));
    assert_false(yaml_find(text->stream, get(text, "d"), "x", &pair));
    assert_true(yaml_text_is(yaml_get(text->stream, get(text, "e"), "x"), "0"));
    text_free(text);
}

/* Collects "key=value " until there is no room for more. */
static bool collect(void *context, struct yaml_node *key, struct yaml_node *value)
{
    struct buf *seen = context;
    buf_add(seen, key->text, key->length);
    buf_add_char(seen, '=');
    buf_add(seen, yaml_resolve(value)->text, yaml_resolve(value)->length);
    buf_add_char(seen, ' ');
    return seen->length < 16;
}

static void test_each_pair(void **state)
{
    struct text *text = text_open("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: &z 2}\nc: &c {<<: [*b, *a], z: 3}\nd: {<<: *c, v: *z}\nf: [x]\n");
    struct buf seen;
    (void)state;
    buf_init(&seen, 1000);
    assert_int_equal(text_next(text), 1);
    assert_false(yaml_each(text->stream, get(text, "c"), collect, &seen));
    assert_string_equal(buf_str(&seen), "z=3 y=2 z=2 x=1 ");
    buf_clear(&seen);
    assert_false(yaml_each(text->stream, get(text, "d"), collect, &seen));
    assert_string_equal(buf_str(&seen), "v=2 z=3 y=2 z=2 ");
    buf_clear(&seen);
    assert_true(yaml_each(text->stream, get(text, "a"), collect, &seen));
    assert_true(yaml_each(text->stream, get(text, "f"), collect, &seen));
    assert_true(yaml_each(text->stream, NULL, collect, &seen));
    assert_string_equal(buf_str(&seen), "x=1 y=1 ");
    buf_release(&seen);
    text_free(text);
}

static void test_duplicate_and_odd_keys(void **state)
{
    struct text *text =
        text_open("a: {x: 1, y: 2, x: 3}\n---\na: {<<: {}, <<: {}}\nb: [{c: {'d': 1, \"d\": 2}}]\n---\n"
                  "a: {{b: c}: d}\n---\na: {? [x] : y, ? {} : z}\n---\n~: x\n---\na: {<<: [{b: c}, d]}\n---\na: {<<: ~}\n---\n"
                  "a: {b: [c], \"~\": d, <<: [], \"<<\": e}\n");
    struct yaml_pair pair = {0};
    (void)state;
    assert_int_equal(text_next(text), 1);
    assert_int_equal(yaml_duplicate(text->document.root)->start, 16);
    assert_true(yaml_find(text->stream, get(text, "a"), "x", &pair));
    assert_int_equal(pair.again->start, 16);
    assert_int_equal(text_next(text), 1);
    assert_true(yaml_text_is(yaml_duplicate(text->document.root), "d"));
    assert_null(yaml_odd_key(text->document.root));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(text_next(text), 1);
        assert_non_null(yaml_odd_key(text->document.root));
        assert_null(yaml_duplicate(text->document.root));
    }
    assert_int_equal(text_next(text), 1);
    assert_null(yaml_odd_key(text->document.root));
    text_free(text);
}

/* Longer than what libyaml is handed at once, many times over. */
static void test_long_text(void **state)
{
    struct buf bytes;
    long count = 0;
    (void)state;
    buf_init(&bytes, 4 * 1024 * 1024);
    while (buf_printf(&bytes, "{apiVersion: v1, kind: Pod, metadata: {name: \xc3\xbc-%ld}}\n---\n", count) == 0) {
        count++;
    }
    struct text *text = text_open(buf_str(&bytes));
    for (long i = 1; i <= count; i++) {
        arena_clear(&text->arena);
        assert_int_equal(text_next(text), 1);
        assert_int_equal(text->document.number, i);
        assert_int_equal(text->document.root->count, 3);
    }
    text_free(text);
    buf_release(&bytes);
}

/* Places are the same however one comes to them. */
static void test_places_both_ways(void **state)
{
    const char *bytes = "\xef\xbb\xbfk: \xc3\xbc\xc3\xbc\nlong: [1, 2, \xe2\x82\xac, 4]\n\nz: 1\n";
    size_t length = strlen(bytes);
    struct text *text = text_open(bytes);
    size_t lines[64] = {0};
    size_t columns[64] = {0};
    (void)state;
    for (size_t at = 0; at <= length; at++) {
        yaml_position(text->stream, at, &lines[at], &columns[at]);
    }
    assert_int_equal(columns[3], 1);
    for (size_t n = 0; n < 1000; n++) {
        size_t at = n * 37 % (length + 1);
        size_t line;
        size_t column;
        yaml_position(text->stream, at, &line, &column);
        assert_int_equal(line, lines[at]);
        assert_int_equal(column, columns[at]);
    }
    text_free(text);
}

static void expect_refused(const char *bytes, size_t length, size_t offset, size_t line, size_t column)
{
    struct text *text = text_open_length(bytes, length, NULL);
    assert_null(text->stream);
    assert_string_equal(text->fault.code, "encoding");
    assert_int_equal(text->fault.offset, offset);
    assert_int_equal(text->fault.line, line);
    assert_int_equal(text->fault.column, column);
    text_free(text);
}

static void test_encodings(void **state)
{
    (void)state;
    expect_refused("\xff\xfe"
                   "a\0",
                   4, 0, 1, 1);
    expect_refused("a\0:\0", 4, 0, 1, 1);
    expect_refused("a: 1\nb: \xc3\x28\n", 11, 8, 2, 4);
    expect_refused("a: \xc3\xa9 \x01\n", 8, 6, 1, 6);
    expect_refused("ab: \0x\n", 7, 4, 1, 5);
    expect_refused("a: \xed\xa0\x80\n", 7, 3, 1, 4);
    expect_refused("a: \xf0\x80\x80\x80\n", 8, 3, 1, 4);
    expect_refused("a: \xc2\x80\n", 6, 3, 1, 4);
}

static void test_json(void **state)
{
    struct text *text = text_open(
        "\n\t {\t\"a\":\"\\ud83d\\ude00\",\n\t\t\"b\" : [1,2.5e3,true,null],\"c\":{\"\\u0064\":\"\\/\"}} \t\n");
    (void)state;
    assert_int_equal(text_next(text), 1);
    assert_string_equal(slice(text, get(text, "a")), "\"\\ud83d\\ude00\"");
    assert_string_equal(slice(text, get(text, "b")), "[1,2.5e3,true,null]");
    assert_true(yaml_text_is(yaml_get(text->stream, get(text, "c"), "d"), "/"));
    assert_int_equal(text_next(text), 0);
    text_free(text);
}

static void test_json_values_in_a_row(void **state)
{
    struct text *text = text_open("{\"a\":1}\n{\"a\":2}[3] \n {\"a\":}\n{\"a\":4}");
    (void)state;
    for (int i = 1; i < 3; i++) {
        int64_t value;
        assert_int_equal(text_next(text), 1);
        assert_int_equal(text->document.number, i);
        assert_true(yaml_int(get(text, "a"), &value));
        assert_int_equal(value, i);
    }
    assert_int_equal(text->document.root->start, 8);
    assert_int_equal(text_next(text), 1);
    assert_int_equal(text->document.root->kind, YAML_KIND_SEQUENCE);
    assert_int_equal(text_next(text), 1);
    assert_int_equal(text_next(text), 1);
    assert_int_equal(text->document.number, 5);
    assert_int_equal(text_next(text), 0);
    text_free(text);
    text = text_open("a: 1\n{b: 2}\n");
    assert_int_equal(text_next(text), -1);
    text_free(text);
    text = text_open("{a: 1}\nb: 2\n");
    assert_int_equal(text_next(text), 1);
    assert_int_equal(text_next(text), -1);
    text_free(text);
}

static void test_positions(void **state)
{
    struct text *text = text_open("a: 1\r\n\xc3\xa9: \xe2\x80\xa8 x\nlast");
    size_t line;
    size_t column;
    (void)state;
    yaml_position(text->stream, 16, &line, &column);
    assert_int_equal(line, 3);
    assert_int_equal(column, 1);
    yaml_position(text->stream, 13, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 5);
    yaml_position(text->stream, 0, &line, &column);
    assert_int_equal(line, 1);
    assert_int_equal(column, 1);
    text_free(text);
}

static void test_the_cursor_goes_both_ways(void **state)
{
    static const char bytes[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x80z";
    static const size_t offsets[] = {0, 1, 3, 6, 10, 11};
    struct yaml_cursor cursor = {0, 0};
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        size_t character = (i * 7) % ARRAY_COUNT(offsets);
        assert_int_equal(yaml_cursor_seek(&cursor, bytes, sizeof bytes - 1, character), offsets[character]);
    }
    assert_int_equal(yaml_cursor_seek(&cursor, bytes, sizeof bytes - 1, 99), sizeof bytes - 1);

    /* Runs of ASCII of every length around and between wide characters. */
    char text[1024] = "";
    size_t at[512];
    size_t length = 0;
    size_t count = 0;
    for (size_t run = 0; run < 20; run++) {
        for (size_t i = 0; i < run; i++) {
            at[count++] = length;
            text[length++] = 'x';
        }
        at[count++] = length;
        memcpy(text + length, "\xe2\x82\xac", 3);
        length += 3;
    }
    cursor = (struct yaml_cursor){0, 0};
    for (size_t i = 0; i < 1000; i++) {
        size_t character = (i * 37) % count;
        assert_int_equal(yaml_cursor_seek(&cursor, text, length, character), at[character]);
    }
}

static void test_empty(void **state)
{
    static const char *const texts[] = {"", "\n", "# only\n", "\xef\xbb\xbf", "   \n\n", "\t\n \t"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct text *text = text_open(texts[i]);
        assert_int_equal(text_next(text), 0);
        text_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets_are_bytes),
        cmocka_unit_test(test_ends_have_no_blanks),
        cmocka_unit_test(test_properties_end_at_any_break),
        cmocka_unit_test(test_styles_and_values),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_goes_on_after_a_broken_document),
        cmocka_unit_test(test_a_marker_inside_a_block_scalar_splits_nothing),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_merge_keys),
        cmocka_unit_test(test_each_pair),
        cmocka_unit_test(test_duplicate_and_odd_keys),
        cmocka_unit_test(test_long_text),
        cmocka_unit_test(test_places_both_ways),
        cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_values_in_a_row),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_the_cursor_goes_both_ways),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
