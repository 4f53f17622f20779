#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/table.h"
#include "pipeline/io/json.h"
#include "pipeline/run/window.h"

static const char usage[] = "tare windows [--at TIME] [--next 30d] [--cluster C] [--namespace N] [--label K=V] [--name WINDOW]";

/* Words of a list or map with commas between, `none` where it is empty. New. */
static char *words(const json_t *value, const char *none)
{
    struct buf text;
    size_t index = 0;
    const json_t *item = NULL;
    const char *key = NULL;
    buf_init(&text, 4096);
    json_array_foreach(value, index, item)
    {
        buf_printf(&text, "%s%s", text.length > 0 ? "," : "", json_string_value(item));
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        buf_printf(&text, "%s%s=%s", text.length > 0 ? "," : "", key, json_string_value(item));
    }
    return text.length == 0 ? (buf_release(&text), xstrdup(none)) : buf_steal(&text);
}

static void print_verdict(const json_t *report, const struct window_subject *subject)
{
    const char *reason = json_string_or_null(report, "reason");
    const char *next = json_string_or_null(report, "next_opening");
    char *labels = words(subject == NULL ? NULL : subject->labels, "");
    printf("%s at %s", json_string_or_null(report, "verdict"), json_string_or_null(report, "at"));
    if (subject != NULL) {
        printf(" for namespace %s of cluster %s%s%s", subject->namespace, subject->cluster == NULL ? "?" : subject->cluster,
               labels[0] == '\0' ? "" : " with ", labels);
    }
    printf("%s%s\n", reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
    if (next != NULL) {
        printf("next opening %s\n", next);
    }
    free(labels);
}

static void print_windows(const json_t *windows)
{
    static const char *const heads[] = {"WINDOW", "KIND", "NOW", "OPENS", "CLOSES", "ZONE", "NAMESPACES", "CLUSTERS", "LABELS", "OVERRIDE"};
    static const char *const selectors[] = {"namespaces", "clusters", "labels"};
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    const json_t *window;
    json_array_foreach(windows, index, window)
    {
        table_cell(table, json_string_or_null(window, "name"));
        table_cell(table, json_string_or_null(window, "kind"));
        table_cell(table, json_bool_or(window, "active", false) ? "open" : "closed");
        table_cell(table, json_string_or_null(window, "opens"));
        table_cell(table, json_string_or_null(window, "closes"));
        table_cell(table, json_string_or_null(window, "timezone"));
        for (size_t i = 0; i < ARRAY_COUNT(selectors); i++) {
            char *text = words(json_object_get(window, selectors[i]), "all");
            table_cell(table, text);
            free(text);
        }
        table_cell(table, json_bool_or(window, "override", false) ? "may be overridden" : "-");
    }
    table_print(table, stdout);
    table_free(table);
}

/* Verdicts by selectors: told where windows differ in what they are about. */
static void print_selectors(const json_t *selectors)
{
    static const char *const heads[] = {"NAMESPACES", "CLUSTERS", "LABELS", "VERDICT", "NEXT OPENING", "WINDOWS"};
    static const char *const keys[] = {"namespaces", "clusters", "labels"};
    if (json_array_size(selectors) < 2) {
        return;
    }
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    const json_t *entry;
    json_array_foreach(selectors, index, entry)
    {
        for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
            char *text = words(json_object_get(entry, keys[i]), "all others");
            table_cell(table, i > 0 && strcmp(text, "all others") == 0 ? "all" : text);
            free(text);
        }
        table_cell(table, json_string_or_null(entry, "verdict"));
        table_cell(table, json_string_or_null(entry, "next_opening"));
        char *names = words(json_object_get(entry, "windows"), "-");
        table_cell(table, names);
        free(names);
    }
    puts("");
    table_print(table, stdout);
    table_free(table);
    puts("(by the selectors of windows; a workload that several of them fit is asked for with --namespace, --cluster and --label)");
}

static void print_openings(const json_t *report)
{
    static const char *const heads[] = {"START", "END", "WINDOW", "KIND", "LOCAL START", "LOCAL END", "ZONE"};
    static const char *const keys[] = {"start", "end", "window", "kind", "local_start", "local_end", "timezone"};
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(report, "openings"), index, item)
    {
        for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
            table_cell(table, json_string_or_null(item, keys[i]));
        }
    }
    printf("\nopenings until %s\n", json_string_or_null(report, "until"));
    table_print(table, stdout);
    table_free(table);
    puts("");
    const char *what = json_array_size(json_object_get(report, "selectors")) > 1 ? "every workload is allowed" : "allowed";
    json_array_foreach(json_object_get(report, "allowed"), index, item)
    {
        printf("%s from %s to %s\n", what, json_string_or_null(item, "from"), json_string_or_null(item, "to"));
    }
    if (index == 0) {
        printf("not allowed until %s\n", json_string_or_null(report, "until"));
    }
    if (json_bool_or(report, "cut", false)) {
        puts("(there are more openings than are listed: ask for a shorter time with --next, or one window with --name)");
    }
}

static void print_report(const json_t *report, const struct window_subject *subject)
{
    print_verdict(report, subject);
    if (json_array_size(json_object_get(report, "windows")) > 0) {
        print_windows(json_object_get(report, "windows"));
        print_selectors(json_object_get(report, "selectors"));
        print_openings(report);
    }
}

/* The labels that were given, as an object. New; NULL after a failure. */
static json_t *read_labels(const struct options *options, struct err *err)
{
    json_t *labels = json_object();
    for (size_t i = 0; i < options_list_count(options, OPT_LABEL); i++) {
        const char *text = options_list_item(options, OPT_LABEL, i);
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            err_set(err, ERR_USAGE, "\"%s\" is not a label: write NAME=VALUE", text);
            err_hint(err, "as in: tare windows --label tier=web");
            json_decref(labels);
            return NULL;
        }
        char *name = xstrndup(text, (size_t)(equals - text));
        json_object_set_new(labels, name, json_string_safe(equals + 1));
        free(name);
    }
    return labels;
}

static int check_options(struct session *session, bool *json, struct err *err)
{
    if (session_operands(session, 0, 0, usage, err) || session_json(session, json, err)) {
        return -1;
    }
    if (options_list_count(session->options, OPT_NAMESPACE) > 1) {
        err_set(err, ERR_USAGE, "tare windows is asked about one namespace at a time");
        return err_hint(err, "usage: %s", usage);
    }
    return options_typed(session->options, OPT_CLUSTER)
               ? session_take_cluster(session, options_string(session->options, OPT_CLUSTER), err)
               : 0;
}

static int check_name(const struct inforce *inforce, const char *name, struct err *err)
{
    if (name == NULL || window_set_has(inforce->windows, name)) {
        return 0;
    }
    err_set(err, ERR_USAGE, "there is no window \"%s\"", name);
    return err_hint(err, "tare windows lists all of them");
}

static void show(struct session *session, const struct inforce *inforce, const json_t *labels, bool json)
{
    bool given = false;
    const struct options *options = session->options;
    const char *namespace = options_string(options, OPT_NAMESPACE);
    struct window_subject about = {options_string(options, OPT_CLUSTER), namespace == NULL ? "default" : namespace, labels};
    bool asked = namespace != NULL || json_object_size(labels) > 0 || options_typed(options, OPT_CLUSTER);
    int64_t at = options_integer(options, OPT_AT, &given);
    at = given ? at : clock_now();
    json_t *report = window_report(inforce->windows, asked ? &about : NULL, options_string(options, OPT_WINDOW_NAME), at,
                                   at + options_integer(options, OPT_NEXT, NULL));
    if (json) {
        char *text = json_text(report);
        puts(text);
        free(text);
    } else {
        print_report(report, asked ? &about : NULL);
    }
    json_decref(report);
}

int command_windows(struct session *session, struct err *err)
{
    bool json;
    if (check_options(session, &json, err)) {
        return -1;
    }
    json_t *labels = read_labels(session->options, err);
    if (labels == NULL) {
        return -1;
    }
    /* Those of the policy in force and the file's own: each group must allow. */
    struct inforce inforce = {0};
    int failed = inforce_load(session->ledger, session->config, &inforce, err) ||
                 check_name(&inforce, options_string(session->options, OPT_WINDOW_NAME), err);
    if (!failed) {
        show(session, &inforce, labels, json);
    }
    inforce_release(&inforce);
    json_decref(labels);
    return failed ? -1 : 0;
}
