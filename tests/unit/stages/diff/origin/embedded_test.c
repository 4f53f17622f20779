/* YAML inside of YAML: the text of a block scalar, and edits of it as edits of the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/common/edit/edit_splice.h"
#include "stages/diff/origin/embedded.h"

/* What a test works on: the value of the key "p" of a document. */
struct fixture {
    struct arena arena;
    struct yaml_stream *stream;
    struct yaml_document document;
    const struct embedded *embedded;
};

static void open_fixture(struct fixture *f, const char *yaml)
{
    struct yaml_fault fault;
    struct err err = {0};
    arena_init(&f->arena);
    assert_int_equal(yaml_open(yaml, strlen(yaml), NULL, &f->stream, &fault, &err), 0);
    assert_int_equal(yaml_next(f->stream, &f->arena, &f->document, &fault, &err), 1);
    f->embedded = embedded_of(yaml, yaml_get(f->stream, f->document.root, "p"), &f->arena);
}

static void close_fixture(struct fixture *f)
{
    yaml_close(f->stream);
    arena_release(&f->arena);
}

/* Replaces `old` (once in the text) by `new` and compares the whole file. */
static void replaced(const char *yaml, const char *old, const char *new, const char *wanted)
{
    struct fixture f;
    struct edit_splices inner = {0};
    struct edit_splices outer = {0};
    struct buf out;
    struct err err = {0};
    open_fixture(&f, yaml);
    assert_non_null(f.embedded);
    const char *at = strstr(f.embedded->bytes, old);
    assert_non_null(at);
    size_t start = (size_t)(at - f.embedded->bytes);
    edit_splices_add(&inner, start, start + strlen(old), new, strlen(new));
    embedded_splices(f.embedded, &inner, &f.arena, &outer);
    buf_init(&out, 1000);
    assert_int_equal(edit_splices_apply(yaml, strlen(yaml), &outer, &out, &err), 0);
    assert_string_equal(buf_str(&out), wanted);
    buf_release(&out);
    free(inner.items);
    free(outer.items);
    close_fixture(&f);
}

static void text_is(const char *yaml, const char *wanted)
{
    struct fixture f;
    open_fixture(&f, yaml);
    if (wanted == NULL) {
        assert_null(f.embedded);
    } else {
        assert_non_null(f.embedded);
        assert_int_equal(f.embedded->length, strlen(wanted));
        assert_memory_equal(f.embedded->bytes, wanted, strlen(wanted));
    }
    close_fixture(&f);
}

static void test_text(void **state)
{
    (void)state;
    text_is("p: |-\n  a: 1\n  b:\n    c: 2\nq: 3\n", "a: 1\nb:\n  c: 2");
    text_is("p: |\n    a: 1\n\n    b: 2\n", "a: 1\n\nb: 2");
    text_is("x:\n- 1\np: |- # why\n a: 1\n", "a: 1");
    text_is("p: |-\r\n  a: 1\r\n  b: 2\r\n", "a: 1\r\nb: 2");
    text_is("p: 'a: 1'\n", NULL);
    text_is("p: >-\n  a: 1\n", NULL);
    text_is("p: a\n", NULL);
    text_is("q: 1\np: |-\n", NULL);
}

static void test_edits(void **state)
{
    (void)state;
    static const char yaml[] = "p: |-\n  a: 1\n  b:\n    c: 2\nq: 3\n";
    replaced(yaml, "1", "10", "p: |-\n  a: 10\n  b:\n    c: 2\nq: 3\n");
    replaced(yaml, "c: 2", "c: 2\n  d: 4", "p: |-\n  a: 1\n  b:\n    c: 2\n    d: 4\nq: 3\n");
    replaced(yaml, "b:", "x: 1\ny: 2\nb:", "p: |-\n  a: 1\n  x: 1\n  y: 2\n  b:\n    c: 2\nq: 3\n");
    replaced(yaml, "a: 1\n", "", "p: |-\n  b:\n    c: 2\nq: 3\n");
    /* An empty line has no indentation to lean on, and gets none. */
    replaced("p: |\n    a: 1\n\n    b: 2\n", "\nb", "c: 3\n\nb", "p: |\n    a: 1\n    c: 3\n\n    b: 2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
