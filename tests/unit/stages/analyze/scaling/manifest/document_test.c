/* YAML text, whatever the strings are, and names. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/io/json.h"
#include "stages/analyze/scaling/manifest/document.h"
#include "stages/analyze/scaling/manifest/names.h"

static char written[4096];

static const char *line_of(const char *value)
{
    struct buf text;
    struct document document;
    buf_init(&text, sizeof written - 1);
    document_begin(&document, &text);
    document_string(&document, "k", value);
    (void)snprintf(written, sizeof written, "%s", buf_str(&text));
    buf_release(&text);
    return written;
}

static void test_scalars(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"web", "k: web\n"},
        {"a.b-c/d", "k: a.b-c/d\n"},
        {"", "k: \"\"\n"},
        {"true", "k: \"true\"\n"},
        {"Yes", "k: \"Yes\"\n"},
        {"null", "k: \"null\"\n"},
        {"12", "k: \"12\"\n"},
        {"1e3", "k: \"1e3\"\n"},
        {"~", "k: \"~\"\n"},
        {"a: b", "k: \"a: b\"\n"},
        {"a #b", "k: \"a #b\"\n"},
        {"a--b", "k: \"a--b\"\n"},
        {"a-", "k: \"a-\"\n"},
        {"- a", "k: \"- a\"\n"},
        {"*a", "k: \"*a\"\n"},
        {"a\nb", "k: \"a\\u000ab\"\n"},
        {"a\"b\\c", "k: \"a\\\"b\\\\c\"\n"},
        {"\xc3\xa4", "k: \"\\u00e4\"\n"},
        {"\xf0\x9f\x98\x80", "k: \"\\U0001f600\"\n"},
        {"\xff", "k: \"?\"\n"},
        {"\x7f", "k: \"\\u007f\"\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(line_of(rows[i][0]), rows[i][1]);
    }
}

static void test_structure(void **state)
{
    (void)state;
    struct buf text;
    struct document d;
    buf_init(&text, 4096);
    document_begin(&d, &text);
    document_open(&d, "spec");
    document_integer(&d, "n", -3);
    document_open(&d, "list");
    document_item(&d);
    document_string(&d, "a", "x");
    document_open(&d, "b");
    document_entry(&d, "1");
    document_entry(&d, "y");
    document_close(&d);
    document_string(&d, "c", "z");
    document_item_end(&d);
    document_item(&d);
    document_open(&d, "m");
    document_string(&d, "q", "r");
    document_close(&d);
    document_item_end(&d);
    document_close(&d);
    document_string(&d, "end", "w");
    assert_string_equal(buf_str(&text), "spec:\n  n: -3\n  list:\n    - a: x\n      b:\n        - \"1\"\n        - \"y\"\n      c: z\n    - m:\n        q: r\n  end: w\n");
    buf_release(&text);
}

static void test_names(void **state)
{
    (void)state;
    char out[NAME_SUBDOMAIN_MAX + 1], again[NAME_SUBDOMAIN_MAX + 1], label[65], domain[256];
    assert_true(name_is_label("a-1"));
    assert_true(name_is_label("1"));
    assert_false(name_is_label("a.b"));
    assert_false(name_is_label("-a"));
    assert_false(name_is_label("a-"));
    assert_false(name_is_label(""));
    assert_false(name_is_label(NULL));
    assert_false(name_is_label("A"));
    memset(label, 'a', 64);
    label[64] = '\0';
    assert_false(name_is_label(label));
    assert_true(name_is_label(label + 1));
    assert_true(name_is_subdomain("a.b-c.1"));
    assert_false(name_is_subdomain("a..b"));
    assert_false(name_is_subdomain("a."));
    assert_false(name_is_subdomain(".a"));
    assert_false(name_is_subdomain("a-.b"));
    assert_false(name_is_subdomain("a\nb"));
    memset(domain, 'a', 254);
    domain[254] = '\0';
    assert_false(name_is_subdomain(domain));
    assert_string_equal(name_make("web", "-up", 52, out), "web-up");
    assert_int_equal(strlen(name_make(domain, "-up", 52, out)), 52);
    assert_true(name_is_subdomain(out));
    domain[200] = 'b';
    assert_string_not_equal(name_make(domain, "-up", 52, again), out);
    /* A cut never ends in a mark. */
    memset(domain, '.', 60);
    domain[0] = 'a';
    assert_true(name_is_subdomain(name_make(domain, "", 52, out)));
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scalars), cmocka_unit_test(test_structure), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
