/* Templates: known placeholders only, values escaped, the template's own text as written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/notify/message.h"
#include "stages/notify/template.h"

static void test_check(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(template_check("", "t", &err), 0);
    assert_int_equal(template_check("{{title}} {{ run }}{{\treason}} } { }} {x}", "t", &err), 0);
    assert_int_equal(template_check("a\nb {{runn}}", "t.txt", &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    assert_string_equal(err.message, "t.txt, line 2: there is no placeholder {{runn}}");
    assert_non_null(strstr(err.hint, "did you mean run?"));
    assert_non_null(strstr(err.hint, "commands"));
    assert_int_equal(template_check("{{}}", "t", &err), -1);
    assert_int_equal(template_check("x {{title\n}}", "t.txt", &err), -1);
    assert_string_equal(err.message, "t.txt, line 1: {{ has no }} on its line");
    assert_int_equal(template_check("{{", "t", &err), -1);
    assert_int_equal(template_check("{{{title}}}", "t", &err), -1);
}

/* Every name that a hint offers can be used. */
static void test_every_name(void **state)
{
    (void)state;
    size_t count;
    const char *const *names = message_names(&count);
    for (size_t i = 0; i < count; i++) {
        struct err err = {0};
        char *text = xasprintf("{{%s}}", names[i]);
        assert_int_equal(template_check(text, "t", &err), 0);
        free(text);
    }
}

static void test_fill(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    json_t *values = json_pack("{s:s, s:s}", "title", "<b> {{run}}", "run", "7");
    template_fill("*{{title}}* <x> {{ run }}/{{reason}}", values, text_slack, &out);
    assert_string_equal(buf_str(&out), "*&lt;b&gt; {{run}}* <x> 7/");
    buf_release(&out);
    json_decref(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check), cmocka_unit_test(test_every_name), cmocka_unit_test(test_fill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
