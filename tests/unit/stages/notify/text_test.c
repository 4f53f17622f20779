/* Text for receivers: what is hidden becomes visible, limits are kept in their units, no markup begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/notify/text.h"

static void visible_is(const char *text, const char *wanted)
{
    struct buf out;
    buf_init(&out, 4096);
    text_visible(text, &out);
    assert_string_equal(buf_str(&out), wanted);
    buf_release(&out);
}

static void test_visible(void **state)
{
    (void)state;
    visible_is(NULL, "");
    visible_is("plain, caf\xc3\xa9 \xf0\x9f\x98\x80", "plain, caf\xc3\xa9 \xf0\x9f\x98\x80");
    visible_is("a\x1b[31mb", "a\xe2\x90\x9b[31mb");
    visible_is("a\nb\tc\x7f", "a\xe2\x90\x8a" "b\xe2\x90\x89" "c\xe2\x90\xa1");
    visible_is("a\xe2\x80\xae" "b", "a[U+202E]b");
    visible_is("\xe2\x81\xa6x\xe2\x80\x8b", "[U+2066]x[U+200B]");
    visible_is("\xc2\x9b", "[U+009B]");
    visible_is("\xf3\xa0\x81\x81", "[U+E0041]");
    visible_is("bad \xff\xc3", "bad \xef\xbf\xbd\xef\xbf\xbd");
}

static void clip_is(const char *text, size_t most, const char *wanted, size_t units)
{
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(text_clip(text, most, &out), units);
    assert_string_equal(buf_str(&out), wanted);
    assert_true(text_units(buf_str(&out)) <= most);
    buf_release(&out);
}

static void test_clip(void **state)
{
    (void)state;
    clip_is("abc", 3, "abc", 3);
    clip_is("abcd", 3, "ab\xe2\x80\xa6", 3);
    clip_is("abcd", 1, "\xe2\x80\xa6", 1);
    clip_is("abcd", 0, "", 0);
    clip_is("", 0, "", 0);
    /* A face is two units of UTF-16: it is taken whole or not at all. */
    clip_is("\xf0\x9f\x98\x80x", 3, "\xf0\x9f\x98\x80x", 3);
    clip_is("\xf0\x9f\x98\x80xy", 3, "\xf0\x9f\x98\x80\xe2\x80\xa6", 3);
    clip_is("\xf0\x9f\x98\x80xy", 2, "\xe2\x80\xa6", 1);
}

static void escapes_to(text_escape *escape, const char *text, const char *wanted)
{
    struct buf out;
    buf_init(&out, 4096);
    escape(text, &out);
    assert_string_equal(buf_str(&out), wanted);
    buf_release(&out);
}

static void test_escapes(void **state)
{
    (void)state;
    escapes_to(text_plain, "<a&b>*", "<a&b>*");
    escapes_to(text_slack, "<!channel> & <@U1|x>", "&lt;!channel&gt; &amp; &lt;@U1|x&gt;");
    escapes_to(text_discord, "@everyone <@1> [x](y) **b** `c` ||d||",
               "@\xe2\x80\x8b" "everyone \\<@\xe2\x80\x8b" "1\\> \\[x\\]\\(y\\) \\*\\*b\\*\\* \\`c\\` \\|\\|d\\|\\|");
    escapes_to(text_discord, "# a - b\n- c\n  + d", "\\# a - b\n\\- c\n  \\+ d");
    escapes_to(text_discord, "prod-eu/cart\\", "prod-eu/cart\\\\");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_visible), cmocka_unit_test(test_clip), cmocka_unit_test(test_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
