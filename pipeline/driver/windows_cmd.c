#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/table.h"
#include "pipeline/io/json.h"
#include "pipeline/run/window.h"

static void print_window(struct table *table, const json_t *window)
{
    const char *zone = json_string_or_null(window, "timezone");
    table_cell(table, json_string_or_null(window, "name"));
    table_cell(table, json_string_or_null(window, "kind"));
    table_cell(table, json_bool_or(window, "active", false) ? "open" : "closed");
    table_cell(table, json_string_or_null(window, "opens"));
    table_cell(table, json_string_or_null(window, "closes"));
    table_cell(table, zone == NULL ? "UTC" : zone);
    table_cell(table, json_bool_or(window, "override", false) ? "may be overridden" : "-");
}

static void print_report(const json_t *report)
{
    static const char *const heads[] = {"WINDOW", "KIND", "NOW", "OPENS", "CLOSES", "ZONE", "OVERRIDE"};
    const char *reason = json_string_or_null(report, "reason");
    const char *next = json_string_or_null(report, "next_opening");
    printf("%s at %s%s%s\n", json_string_or_null(report, "verdict"), json_string_or_null(report, "at"),
           reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
    if (next != NULL) {
        printf("next opening %s\n", next);
    }
    const json_t *windows = json_object_get(report, "windows");
    if (json_array_size(windows) == 0) {
        return;
    }
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    json_t *window;
    json_array_foreach(windows, index, window)
    {
        print_window(table, window);
    }
    table_print(table, stdout);
    table_free(table);
}

int command_windows(struct session *session, struct err *err)
{
    bool json;
    bool given;
    if (session_operands(session, 0, 0, "tare windows [--at TIME] [--next 30d]", err) || session_json(session, &json, err)) {
        return -1;
    }
    /* Those of the policy in force and the file's own: each group must allow. */
    struct inforce inforce = {0};
    if (inforce_load(session->ledger, session->config, &inforce, err)) {
        inforce_release(&inforce);
        return -1;
    }
    int64_t at = options_integer(session->options, OPT_AT, &given);
    at = given ? at : clock_now();
    int64_t ahead = options_integer(session->options, OPT_NEXT, NULL);
    json_t *report = window_report(inforce.windows, NULL, at, at + ahead);
    if (json) {
        char *text = json_text(report);
        puts(text);
        free(text);
    } else {
        print_report(report);
    }
    json_decref(report);
    inforce_release(&inforce);
    return 0;
}
