/* Calendars that windows name: a digest depends on their bytes and not on where they lie; one that is missing is told by its window. */
#include "pipeline/cli/calendars.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_digest(void **state)
{
    (void)state;
    json_t *files = json_pack("{s:s,s:s,s:s}", "a/x.ics", "one", "/b/x.ics", "one", "c.ics", "two");
    json_t *windows = json_pack("[{s:s},{s:s},{s:s},{s:s}]", "calendar", "a/x.ics", "calendar", "/b/x.ics", "calendar", "c.ics", "name", "n");
    calendars_digest(windows, files);
    const char *first = json_string_or_null(json_array_get(windows, 0), "calendar");
    assert_non_null(strstr(first, "x.ics (sha256 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed)"));
    assert_string_equal(first, json_string_or_null(json_array_get(windows, 1), "calendar"));
    assert_string_not_equal(first, json_string_or_null(json_array_get(windows, 2), "calendar"));
    json_decref(files);
    json_decref(windows);
}

static void test_missing(void **state)
{
    static const char text[] = "windows:\n- {name: a, kind: deny, calendar: no-such-file.ics}\n";
    struct config *config = NULL;
    struct err err = {0};
    json_t *files = NULL;
    (void)state;
    assert_int_equal(config_parse(text, sizeof text - 1, "own.yaml", &config, &err), 0);
    assert_int_equal(config_calendars(config, "/nowhere", &files, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    assert_non_null(strstr(err.message, "own.yaml, line 2: windows[0].calendar: "));
    assert_non_null(strstr(err.message, "/nowhere/no-such-file.ics"));
    config_free(config);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_digest), cmocka_unit_test(test_missing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
