/* Text of others as one line of visible characters, and as strings that cannot be taken for anything else. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/str.h"
#include "stages/analyze/opinion/clean.h"
#include "stages/analyze/opinion/names.h"
#include "stages/analyze/opinion/sealed.h"
#include "tests/unit/stages/analyze/opinion/hostile.h"

static const struct pair {
    const char *from, *to;
} pairs[] = {
    {"plain words, 100 %", "plain words, 100 %"},
    {"two\nlines\tand\r\n more", "two lines and   more"},
    {"\x1b[2J\x07", "?[2J?"},
    {"caf\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x92\xa9", "caf\xc3\xa9 \xe4\xb8\xad \xf0\x9f\x92\xa9"},
    {"\xe2\x80\xae" "gnp.exe", "?gnp.exe"},                           /* right to left */
    {"a\xe2\x80\x8bz\xef\xbb\xbfz\xc2\xadz\xe2\x81\xa0", "a?z?z?z?"}, /* zero width, byte order mark, soft hyphen, word joiner */
    {"\xf3\xa0\x81\x81\xf3\xa0\x81\x82", "??"},                       /* tags: letters that nobody sees */
    {"\xc2\x9b" "31m", "?31m"},                                       /* C1 */
    {"\xff\xfe.", "??."},
    {"", ""},
};

static void what_cannot_be_seen_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        char text[100];
        assert_string_equal(clean_copy(pairs[i].from, text, sizeof text), pairs[i].to);
        clean_text(text); /* once is enough */
        assert_string_equal(text, pairs[i].to);
    }
    char *none = clean_copy(NULL, (char[4]){0}, 4);
    assert_string_equal(none, "");
}

static void cuts_are_between_characters(void **state)
{
    (void)state;
    for (size_t size = 1; size < 20; size++) {
        char text[20];
        clean_copy("\xf0\x9f\x92\xa9\xf0\x9f\x92\xa9\xc3\xa9\xe4\xb8\xad!", text, size);
        assert_true(strlen(text) < size);
        assert_true(str_utf8_valid(text, strlen(text), NULL));
        assert_null(strchr(text, '?'));
    }
}

/* Sealed text is the same JSON, in which a quote ends a string and a bracket is one. */
static void sealed_text_is_the_same_json(void **state)
{
    (void)state;
    rng_seed(5);
    for (int i = 0; i < 300; i++) {
        struct buf out;
        json_t *value = json_pack("{s:o,s:[o,i,b]}", "a", hostile_texts(5, 500), "b", hostile_new(500), 7, 1);
        buf_init(&out, 1000000);
        sealed_write(value, &out);
        json_t *again = json_loads(buf_str(&out), JSON_REJECT_DUPLICATES, NULL);
        assert_true(json_equal(value, again));
        bool inside = false;
        for (const char *at = buf_str(&out); *at; at++) {
            inside = *at == '"' ? !inside : inside;
            assert_false(inside && strchr("<>[]{}`", *at));
        }
        json_decref(value);
        json_decref(again);
        buf_release(&out);
    }
}

static void names_are_written_as_they_are(void **state)
{
    (void)state;
    char name[EVIDENCE_NAME_MAX];
    char own[CONTAINER_NAME_MAX];
    char longest[2000];
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    struct subject subject = {.namespace = "a\"b", .kind = "Deployment", .name = "x{y}\n<z>"};
    assert_string_equal(evidence_name(&subject, name), "a?b/Deployment/x?y? ?z?");
    subject = (struct subject){.namespace = NULL, .kind = longest, .name = longest};
    assert_true(strlen(evidence_name(&subject, name)) < EVIDENCE_NAME_MAX);
    assert_true(str_starts(name, "default/nnn"));
    struct container container = {.name = longest};
    assert_int_equal(strlen(container_name(&container, own)), CONTAINER_NAME_MAX - 1);
    container.name = "app";
    assert_string_equal(container_name(&container, own), "app");
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_cannot_be_seen_is_told), cmocka_unit_test(cuts_are_between_characters),
                                       cmocka_unit_test(sealed_text_is_the_same_json), cmocka_unit_test(names_are_written_as_they_are)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
