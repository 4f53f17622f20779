/* What help and README share: the table of exit codes in both forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/cli/help.h"

static char *table(bool markdown)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    help_exit_codes(out, markdown);
    fclose(out);
    return text;
}

static void test_exit_codes(void **state)
{
    (void)state;
    size_t count;
    const struct err_row *rows = err_table(&count);
    for (int markdown = 0; markdown < 2; markdown++) {
        char *text = table(markdown);
        size_t lines = 0;
        for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++) {
            lines++;
        }
        assert_int_equal(lines, count + 1 + (markdown ? 2 : 0));
        for (size_t i = 0; i < count; i++) {
            char line[200];
            snprintf(line, sizeof line, markdown ? "| %u | %s |\n" : "  %-3u %s\n", (unsigned)rows[i].class, rows[i].meaning);
            assert_non_null(strstr(text, line));
        }
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exit_codes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
