/* Label selectors as Kubernetes defines them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "stages/parse/labels.h"

/* A YAML text open at its first document. */
struct text {
    struct arena arena;
    struct yaml_stream *stream;
    struct manifest_reader reader;
    struct yaml_node *root;
};

static void open_text(struct text *text, const char *bytes)
{
    struct yaml_document document;
    struct yaml_fault fault;
    struct err err = {0};
    arena_init(&text->arena);
    assert_int_equal(yaml_open(bytes, strlen(bytes), NULL, &text->stream, &fault, &err), 0);
    if (yaml_next(text->stream, &text->arena, &document, &fault, &err) != 1) {
        fail_msg("%s: %s", bytes, err.message);
    }
    text->root = document.root;
    manifest_reader_init(&text->reader, text->stream, &text->arena);
}

static void close_text(struct text *text)
{
    yaml_close(text->stream);
    arena_release(&text->arena);
}

static json_t *labels_of(const char *bytes)
{
    struct text text;
    open_text(&text, bytes);
    json_t *labels = labels_read(&text.reader, text.root);
    close_text(&text);
    return labels;
}

/* Whether the selector is one and selects pods with these labels. */
static bool selects(const char *selector_text, const char *labels_text)
{
    struct text text;
    struct labels labels;
    struct selector selector;
    open_text(&text, selector_text);
    json_t *array = selector_read(&text.reader, text.root, "spec.selector");
    if (array == NULL) {
        fail_msg("%s is refused: %s", selector_text, text.reader.faults[0].message);
    }
    json_t *object = labels_of(labels_text);
    labels_set(&labels, object);
    selector_set(&selector, array, &text.arena);
    bool found = selector_matches(&selector, &labels);
    json_decref(array);
    json_decref(object);
    close_text(&text);
    return found;
}

static void refused(const char *selector_text, size_t offset)
{
    struct text text;
    open_text(&text, selector_text);
    json_t *array = selector_read(&text.reader, text.root, "spec.selector");
    if (array != NULL) {
        fail_msg("%s is taken", selector_text);
    }
    assert_true(text.reader.fatal);
    assert_string_equal(text.reader.faults[0].code, "bad-value");
    assert_int_equal(text.reader.faults[0].offset, offset);
    close_text(&text);
}

static void labels_are_read(void **state)
{
    (void)state;
    json_t *labels = labels_of("{a: x, n: 1.0, yes: 'true', empty: , quoted: \"\", list: [1], a: second}");
    assert_int_equal(json_object_size(labels), 5);
    assert_string_equal(json_string_or_null(labels, "a"), "x");
    assert_string_equal(json_string_or_null(labels, "n"), "1.0");
    assert_string_equal(json_string_or_null(labels, "yes"), "true");
    assert_string_equal(json_string_or_null(labels, "empty"), "");
    assert_string_equal(json_string_or_null(labels, "quoted"), "");
    json_decref(labels);
    assert_null(labels_of("{}"));
    assert_null(labels_of("[a, b]"));
    assert_null(labels_of("text"));
}

static void merge_keys_count(void **state)
{
    struct text text;
    (void)state;
    open_text(&text, "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nof: {<<: [*one, *two], c: 3, d: 3}\n"
                     "nested: {<<: {<<: *two, e: 4}}\n");
    json_t *labels = labels_read(&text.reader, yaml_get(text.stream, text.root, "of"));
    assert_int_equal(json_object_size(labels), 4);
    assert_string_equal(json_string_or_null(labels, "a"), "1");
    assert_string_equal(json_string_or_null(labels, "b"), "1");
    assert_string_equal(json_string_or_null(labels, "c"), "3");
    assert_string_equal(json_string_or_null(labels, "d"), "3");
    json_decref(labels);
    labels = labels_read(&text.reader, yaml_get(text.stream, text.root, "nested"));
    assert_int_equal(json_object_size(labels), 3);
    json_decref(labels);
    close_text(&text);
}

static void all_have_to_be_met(void **state)
{
    (void)state;
    assert_true(selects("{}", "{}"));
    assert_true(selects("{}", "{a: b}"));
    assert_true(selects("{matchLabels: {a: b}}", "{a: b, c: d}"));
    assert_true(selects("{matchLabels: {a: b, c: d}}", "{a: b, c: d}"));
    assert_false(selects("{matchLabels: {a: b, c: d}}", "{a: b}"));
    assert_false(selects("{matchLabels: {a: b}}", "{a: c}"));
    assert_false(selects("{matchLabels: {a: b}}", "{}"));
    assert_false(selects("{matchLabels: {a: b}}", "{A: b}"));
    assert_true(selects("{matchLabels: {a: ''}}", "{a: ''}"));
    assert_false(selects("{matchLabels: {a: ''}}", "{b: ''}"));
    assert_true(selects("{matchLabels: null, matchExpressions: []}", "{a: b}"));
    assert_false(selects("{matchLabels: {a: b}, matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{a: b}"));
}

static void operators(void **state)
{
    (void)state;
    assert_true(selects("{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", "{a: y}"));
    assert_false(selects("{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", "{a: z}"));
    assert_false(selects("{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", "{b: x}"));
    assert_false(selects("{matchExpressions: [{key: a, operator: NotIn, values: [x, y]}]}", "{a: y}"));
    assert_true(selects("{matchExpressions: [{key: a, operator: NotIn, values: [x, y]}]}", "{a: z}"));
    assert_true(selects("{matchExpressions: [{key: a, operator: NotIn, values: [x, y]}]}", "{b: x}"));
    assert_true(selects("{matchExpressions: [{key: a, operator: Exists}]}", "{a: ''}"));
    assert_false(selects("{matchExpressions: [{key: a, operator: Exists, values: []}]}", "{b: a}"));
    assert_false(selects("{matchExpressions: [{key: a, operator: DoesNotExist}]}", "{a: x}"));
    assert_true(selects("{matchExpressions: [{key: a, operator: DoesNotExist, values: null}]}", "{b: x}"));
    assert_false(selects("{matchExpressions: [{key: a, operator: Exists}, {key: b, operator: Exists}]}", "{a: x}"));
}

static void what_the_api_refuses(void **state)
{
    (void)state;
    refused("[a]", 0);
    refused("{matchLabels: [a]}", 14);
    refused("{matchExpressions: {key: a}}", 19);
    refused("{matchExpressions: [{operator: Exists}]}", 20);
    refused("{matchExpressions: [{key: a}]}", 20);
    refused("{matchExpressions: [{key: a, operator: Gt, values: ['1']}]}", 20);
    refused("{matchExpressions: [{key: a, operator: exists}]}", 20);
    refused("{matchExpressions: [{key: a, operator: In}]}", 20);
    refused("{matchExpressions: [{key: a, operator: NotIn, values: []}]}", 54);
    refused("{matchExpressions: [{key: a, operator: Exists, values: [x]}]}", 55);
    refused("{matchExpressions: [{key: a, operator: In, values: x}]}", 51);
}

/* As many labels as there may be, found by halving; those past the limit are not there. */
static void many_labels(void **state)
{
    struct buf text;
    char selector[64];
    (void)state;
    buf_init(&text, 64 * 1024);
    buf_add_char(&text, '{');
    for (int i = 0; i < LABELS_MAX + 1; i++) {
        buf_printf(&text, "key-%d: v%d, ", i, i);
    }
    buf_add_char(&text, '}');
    for (int i = 0; i <= LABELS_MAX; i += LABELS_MAX / 10) {
        snprintf(selector, sizeof selector, "{matchLabels: {key-%d: v%d}}", i, i);
        assert_int_equal(selects(selector, buf_str(&text)), i < LABELS_MAX);
        snprintf(selector, sizeof selector, "{matchLabels: {key-%d: v%d}}", i, i + 1);
        assert_false(selects(selector, buf_str(&text)));
    }
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_read),   cmocka_unit_test(merge_keys_count),
        cmocka_unit_test(all_have_to_be_met), cmocka_unit_test(operators),
        cmocka_unit_test(what_the_api_refuses), cmocka_unit_test(many_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
