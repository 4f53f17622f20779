#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "reports/text/escape.h"

typedef void escaper(struct buf *out, const char *text);

static void assert_escaped(escaper *escape, const char *text, const char *wanted)
{
    struct buf out;
    buf_init(&out, 4096);
    escape(&out, text);
    assert_string_equal(buf_str(&out), wanted);
    buf_release(&out);
}

static void html_is_text(void **state)
{
    (void)state;
    assert_escaped(escape_html, "<script>alert('x\"&')</script>",
                   "&lt;script&gt;alert(&#39;x&quot;&amp;&#39;)&lt;/script&gt;");
    assert_escaped(escape_html, "a\n\tb", "a\n\tb");
    assert_escaped(escape_html,
                   "\xe2\x80\xae"
                   "evil",
                   "\\u202eevil");
    assert_escaped(escape_html, "z\xe2\x80\x8bw\x1b[31m\x7f", "z\\u200bw\\u001b[31m\\u007f");
    assert_escaped(escape_html, "caf\xc3\xa9 \xff", "caf\xc3\xa9 \xef\xbf\xbd");
    assert_escaped(escape_html,
                   "\xc2\x9b"
                   "2J",
                   "\\u009b2J");
}

static void markdown_is_text(void **state)
{
    (void)state;
    assert_escaped(escape_markdown, "a|b\nc", "a&#124;b c");
    assert_escaped(escape_markdown, "**x** _y_ `z`", "\\*\\*x\\*\\* \\_y\\_ \\`z\\`");
    assert_escaped(escape_markdown, "[a](b) ![c](d)", "\\[a\\](b) !\\[c\\](d)");
    assert_escaped(escape_markdown, "<img src=x>", "&#60;img src=x&#62;");
    assert_escaped(escape_markdown, "@team #12", "<span>@</span>team <span>#</span>12");
    assert_escaped(escape_markdown, "https://x www.y", "https<span>:</span>//x www<span>.</span>y");
    assert_escaped(escape_markdown, "$1,234 but $x$", "$1,234 but \\$x\\$");
    assert_escaped(escape_markdown, "10:30", "10:30");
    assert_escaped(escape_markdown, "at 10:30:00", "at 10:30:00");
    assert_escaped(escape_markdown, ":smile: :100:", "<span>:</span>smile: <span>:</span>100:");
    assert_escaped(escape_markdown, "GH-12 gh-x WWW.a", "GH<span>-</span>12 gh-x WWW<span>.</span>a");
    assert_escaped(escape_markdown, "at 0123456, not x0123456", "at <span>0</span>12345<span>6</span>, not x0123456");
    assert_escaped(escape_markdown, "- - x", "\\- - x");
    assert_escaped(escape_markdown, "1. one", "&#49;. one");
    assert_escaped(escape_markdown, "    code", "&#32;   code");
    assert_escaped(escape_markdown, "", "");
}

static void markdown_in_html_is_text(void **state)
{
    (void)state;
    assert_escaped(escape_markdown_html, "</summary>\n*a* @b #1 $x$", "&#60;/summary&#62; *a* <span>@</span>b <span>#</span>1 &#36;x&#36;");
}

static void labels_end_where_they_end(void **state)
{
    (void)state;
    assert_escaped(escape_label, "a\"b\\c\nd\x1b\xff", "a\\\"b\\\\c\\nd\\\\u001b\xef\xbf\xbd");
}

static void spreadsheets_see_no_formula(void **state)
{
    (void)state;
    assert_escaped(escape_csv, "plain", "\"plain\"");
    assert_escaped(escape_csv, "=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"");
    assert_escaped(escape_csv, "+1", "\"'+1\"");
    assert_escaped(escape_csv, "-1", "\"'-1\"");
    assert_escaped(escape_csv, "@SUM(A1)", "\"'@SUM(A1)\"");
    assert_escaped(escape_csv, "\t=1", "\"' =1\"");
    assert_escaped(escape_csv, "  =1", "\"'  =1\"");
    assert_escaped(escape_csv, "\xef\xbc\x9d" "1", "\"'\xef\xbc\x9d" "1\"");
    assert_escaped(escape_csv, "a\"b,c\nd\re", "\"a\"\"b,c d\\u000de\"");
}

static void terminals_are_not_steered(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(escape_terminal(&out, "a\x1b[2J", 80), 10);
    assert_string_equal(buf_str(&out), "a\\u001b[2J");
    buf_clear(&out);
    assert_int_equal(escape_terminal(&out, "abcdefghij", 5), 5);
    assert_string_equal(buf_str(&out), "abcd\xe2\x80\xa6");
    buf_clear(&out);
    assert_int_equal(escape_terminal(&out, "abcde", 5), 5);
    assert_string_equal(buf_str(&out), "abcde");
    buf_clear(&out);
    assert_true(escape_terminal(&out,
                                "abc\xe2\x80\xae"
                                "de",
                                6) <= 6);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_is_text),
        cmocka_unit_test(markdown_is_text),
        cmocka_unit_test(markdown_in_html_is_text),
        cmocka_unit_test(labels_end_where_they_end),
        cmocka_unit_test(spreadsheets_see_no_formula),
        cmocka_unit_test(terminals_are_not_steered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
