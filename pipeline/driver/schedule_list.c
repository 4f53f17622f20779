#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/rows.h"
#include "pipeline/driver/schedule.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/ledger_schedule.h"

enum { TEXT_MAX = 4 * 1024 * 1024, SHOWN_INSTANTS = 5 };

/* How a schedule stands. */
struct standing {
    const json_t *row;
    const char *name;
    struct schedule_rule rule;
    bool readable; /* the rule, that is */
    bool paused;
    bool overdue;
    int64_t next; /* first instant that is not dealt with; it lies in the past where the timer has not come yet */
};

int schedule_row_rule(const json_t *row, struct schedule_rule *rule, struct err *err)
{
    const char *cron = json_string_or_null(row, "cron");
    const char *zone = json_string_or_null(row, "timezone");
    if (schedule_rule_read(cron == NULL ? "" : cron, zone == NULL ? "" : zone, rule, err)) {
        return err_prefix(err, "the schedule %s", json_string_or_null(row, "name"));
    }
    return 0;
}

int64_t schedule_row_handled(const json_t *row)
{
    const char *firing = json_string_or_null(row, "firing");
    int64_t handled = json_int_or(row, "handled", 0);
    int64_t due;
    bool dead = str_equal(firing, "unstarted") || str_equal(firing, "interrupted");
    return dead && json_get_int(row, "firing_due", &due) && due - 1 < handled ? due - 1 : handled;
}

static void standing_read(const json_t *row, struct standing *out)
{
    struct err ignored = {0};
    *out = (struct standing){.row = row, .name = json_string_or_null(row, "name")};
    out->readable = schedule_row_rule(row, &out->rule, &ignored) == 0;
    out->paused = json_string_or_null(row, "paused") != NULL;
    if (out->readable) {
        int64_t now = json_int_or(row, "now", 0);
        out->next = schedule_next(&out->rule, schedule_row_handled(row));
        out->overdue = !out->paused && !str_equal(json_string_or_null(row, "firing"), "alive") &&
                       now > out->next + json_int_or(row, "grace_seconds", 0);
    }
}

void schedule_instant(const struct schedule_rule *rule, const char *zone, int64_t at, struct buf *out)
{
    char utc[RFC3339_MAX];
    char local[RFC3339_MAX];
    time_format(at, utc);
    time_format(tz_wall_reached(rule->tz, at), local);
    buf_add_str(out, utc);
    if (!str_equal(zone, "UTC")) {
        buf_printf(out, " (%.10s %.5s %s)", local, local + strlen("2026-11-23T"), zone);
    }
}

/* ---- Metrics ---- */

static const struct metric {
    const char *name;
    const char *type;
    const char *help;
    const char *member; /* of the row; NULL: of the standing */
} metrics[] = {
    {"tare_schedule_last_start_timestamp_seconds", "gauge", "When the last run of the schedule started.", "last_start"},
    {"tare_schedule_last_success_timestamp_seconds", "gauge", "When a run of the schedule last ended with exit code 0.", "last_success"},
    {"tare_schedule_last_exit_code", "gauge", "Exit code of the last run of the schedule.", "last_exit"},
    {"tare_schedule_next_due_timestamp_seconds", "gauge", "First instant of the schedule that is not dealt with.", NULL},
    {"tare_schedule_missed_total", "counter", "Instants that passed without a run of their own.", "missed_total"},
    {"tare_schedule_skipped_total", "counter", "Instants that were left out because a run was under way.", "skipped_total"},
    {"tare_schedule_overdue", "gauge", "1 where an instant and its grace are past and nothing fired.", NULL},
};

static bool value_of(const struct metric *metric, const struct standing *standing, int64_t *value)
{
    if (metric->member != NULL) {
        return json_get_int(standing->row, metric->member, value);
    }
    bool next = strstr(metric->name, "next_due") != NULL;
    *value = next ? standing->next : standing->overdue;
    return standing->readable && !(next && standing->paused);
}

/* A label's value as the text format has it. */
static void add_label(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"') {
            buf_add_char(out, '\\');
        }
        if (*text == '\n') {
            buf_add_str(out, "\\n");
        } else {
            buf_add_char(out, *text);
        }
    }
}

static void add_metrics(const json_t *rows, struct buf *out)
{
    size_t count = json_array_size(rows);
    struct standing *standings = xcalloc_array(count, sizeof *standings);
    for (size_t i = 0; i < count; i++) {
        standing_read(json_array_get(rows, i), &standings[i]);
    }
    for (size_t m = 0; m < ARRAY_COUNT(metrics); m++) {
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[m].name, metrics[m].help, metrics[m].name, metrics[m].type);
        for (size_t i = 0; i < count; i++) {
            int64_t value;
            if (value_of(&metrics[m], &standings[i], &value)) {
                buf_printf(out, "%s{schedule=\"%s\",cluster=\"", metrics[m].name, standings[i].name);
                add_label(out, json_string_or_null(standings[i].row, "cluster"));
                buf_printf(out, "\"} %" PRId64 "\n", value);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        schedule_rule_release(&standings[i].rule);
    }
    free(standings);
}

static int write_heartbeat(struct session *session, const char *path, struct err *err)
{
    json_t *rows;
    struct buf text;
    if (ledger_schedules(session->ledger, NULL, &rows, err)) {
        return -1;
    }
    buf_init(&text, TEXT_MAX);
    add_metrics(rows, &text);
    json_decref(rows);
    int failed = text.overflow ? err_set(err, ERR_DATA, "there are too many schedules for one file of metrics")
                               : fs_replace(path, buf_str(&text), text.length, 0644, err);
    buf_release(&text);
    return failed;
}

void schedule_heartbeat(struct session *session)
{
    const char *path = config_string(session->config, "heartbeat.file");
    struct err err = {0};
    if (path != NULL && write_heartbeat(session, path, &err)) {
        log_warn("no heartbeat is written to %s: %s", path, err.message);
    }
}

int schedule_overdue(struct ledger *ledger, struct buf *names, size_t *overdue, size_t *all, struct err *err)
{
    json_t *rows;
    if (ledger_schedules(ledger, NULL, &rows, err)) {
        return -1;
    }
    *all = json_array_size(rows);
    *overdue = 0;
    for (size_t i = 0; i < *all; i++) {
        char due[RFC3339_MAX];
        struct standing standing;
        standing_read(json_array_get(rows, i), &standing);
        if (standing.overdue) {
            buf_printf(names, "%s%s (due %s)", *overdue == 0 ? "" : ", ", standing.name, time_format(standing.next, due));
            (*overdue)++;
        }
        schedule_rule_release(&standing.rule);
    }
    json_decref(rows);
    return 0;
}

/* ---- Lists ---- */

/* The row with what was reckoned from it; instants as people write them. New. */
static json_t *told(const struct standing *standing)
{
    static const char *const instants[] = {"last_start", "last_success", "last_end", "handled", "firing_due"};
    json_t *out = json_deep_copy(standing->row);
    char text[RFC3339_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(instants); i++) {
        int64_t at;
        if (json_get_int(standing->row, instants[i], &at)) {
            json_object_set_new(out, instants[i], json_string(time_format(at, text)));
        }
    }
    bool next = standing->readable && !standing->paused;
    struct buf local;
    buf_init(&local, 200);
    if (next) {
        time_format(tz_wall_reached(standing->rule.tz, standing->next), text);
        buf_printf(&local, "%.10s %.5s", text, text + strlen("2026-11-23T"));
    }
    json_object_set_new(out, "next_due", next ? json_string(time_format(standing->next, text)) : json_null());
    json_object_set_new(out, "next_due_local", next ? json_string(buf_str(&local)) : json_null());
    json_object_set_new(out, "overdue", json_boolean(standing->overdue));
    json_object_set_new(out, "readable", json_boolean(standing->readable));
    json_object_del(out, "revision");
    json_object_del(out, "now");
    buf_release(&local);
    return out;
}

static json_t *told_all(const json_t *rows)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        struct standing standing;
        standing_read(json_array_get(rows, i), &standing);
        json_array_append_new(out, told(&standing));
        schedule_rule_release(&standing.rule);
    }
    return out;
}

static const char *word_for(const json_t *row)
{
    const char *firing = json_string_or_null(row, "firing");
    if (json_string_or_null(row, "paused") != NULL) {
        return "paused";
    }
    if (!json_bool_or(row, "readable", true)) {
        return "rule unreadable here";
    }
    if (str_equal(firing, "alive")) {
        return "under way";
    }
    return json_bool_or(row, "overdue", false) ? "overdue" : "-";
}

static void list_cells(struct table *table, const json_t *row)
{
    table_cell(table, json_string_or_null(row, "name"));
    table_cell(table, json_string_or_null(row, "cluster"));
    table_cell(table, json_string_or_null(row, "cron"));
    table_cell(table, json_string_or_null(row, "timezone"));
    table_cell(table, json_string_or_null(row, "next_due"));
    table_cell(table, json_string_or_null(row, "next_due_local"));
    rows_int_cell(table, row, "last_run");
    table_cell(table, json_string_or_null(row, "last_state"));
    rows_int_cell(table, row, "last_exit");
    rows_int_cell(table, row, "missed_total");
    rows_int_cell(table, row, "skipped_total");
    table_cell(table, word_for(row));
}

static int print_metrics(const json_t *rows, struct err *err)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    add_metrics(rows, &text);
    int failed = text.overflow ? err_set(err, ERR_DATA, "there are too many schedules for one page of metrics") : 0;
    if (!failed) {
        fwrite(buf_str(&text), 1, text.length, stdout);
    }
    buf_release(&text);
    return failed;
}

int schedule_list(struct session *session, struct err *err)
{
    static const char *const heads[] = {"SCHEDULE", "CLUSTER", "CRON", "ZONE", "NEXT DUE", "LOCAL", ">LAST RUN", "STATE", ">EXIT",
                                        ">MISSED", ">SKIPPED", "NOW"};
    json_t *rows;
    const char *format = options_string(session->options, OPT_FORMAT);
    if (format != NULL && !str_equal(format, "table") && !str_equal(format, "json") && !str_equal(format, "prometheus")) {
        err_set(err, ERR_USAGE, "--format is \"%s\", it must be table, json or prometheus here", format);
        return err_hint(err, "tare schedule list --format prometheus is for the textfile collector");
    }
    if (ledger_schedules(session->ledger, NULL, &rows, err)) {
        return -1;
    }
    int failed = 0;
    if (str_equal(format, "prometheus")) {
        failed = print_metrics(rows, err);
    } else if (str_equal(format, "json")) {
        rows_json(told_all(rows));
    } else {
        rows_print(told_all(rows), heads, ARRAY_COUNT(heads), list_cells,
                   "there are no schedules yet: tare schedule set NAME --daily 03:00 -- what tare run is given");
    }
    json_decref(rows);
    return failed;
}

static void print_request(const json_t *request)
{
    const char *config = json_string_or_null(request, "config");
    size_t index;
    json_t *word;
    printf("runs       tare run");
    json_array_foreach(json_object_get(request, "words"), index, word)
    {
        printf(" %s", json_string_value(word));
    }
    json_array_foreach(json_object_get(request, "paths"), index, word)
    {
        printf(" %s", json_string_value(word));
    }
    printf("\n           in %s, %s\n", json_string_or_null(request, "directory"), config == NULL ? "no configuration" : config);
}

static void print_instants(const struct standing *standing)
{
    struct buf line;
    int64_t at = standing->next;
    buf_init(&line, 200);
    for (int i = 0; i < SHOWN_INSTANTS; i++) {
        buf_clear(&line);
        schedule_instant(&standing->rule, json_string_or_null(standing->row, "timezone"), at, &line);
        printf("%s %s\n", i == 0 ? "due       " : "          ", buf_str(&line));
        at = schedule_next(&standing->rule, at);
    }
    buf_release(&line);
}

static void print_one(const struct standing *standing)
{
    const json_t *row = standing->row;
    char text[RFC3339_MAX];
    int64_t number;
    json_t *now = told(standing);
    printf("%s: %s %s, cluster %s, %s\n", standing->name, json_string_or_null(row, "cron"), json_string_or_null(row, "timezone"),
           json_string_or_null(row, "cluster"), strcmp(word_for(now), "-") == 0 ? "waits for its next instant" : word_for(now));
    json_decref(now);
    print_request(json_object_get(row, "request"));
    if (standing->readable && !standing->paused) {
        print_instants(standing);
    }
    printf("overlap    %s\nmissed     %s, grace %s\n", json_string_or_null(row, "overlap"), json_string_or_null(row, "missed"),
           duration_format(json_int_or(row, "grace_seconds", 0), text));
    printf("made       by %s at %s\n", json_string_or_null(row, "made_by"), json_string_or_null(row, "made"));
    printf("changed    by %s at %s\n", json_string_or_null(row, "changed_by"), json_string_or_null(row, "changed"));
    if (standing->paused) {
        printf("paused     by %s at %s\n", json_string_or_null(row, "paused_by"), json_string_or_null(row, "paused"));
    }
    if (json_get_int(row, "last_run", &number)) {
        printf("last run   %" PRId64 ", %s\n", number, json_string_or_null(row, "last_state"));
    }
    if (json_get_int(row, "last_exit", &number)) {
        printf("last exit  %" PRId64 " at %s\n", number, time_format(json_int_or(row, "last_end", 0), text));
    }
    printf("counted    %" PRId64 " missed, %" PRId64 " skipped\n", json_int_or(row, "missed_total", 0),
           json_int_or(row, "skipped_total", 0));
}

int schedule_show(struct session *session, const char *name, struct err *err)
{
    bool json;
    json_t *row;
    struct standing standing;
    if (session_json(session, &json, err) || ledger_schedule_get(session->ledger, name, &row, err)) {
        return -1;
    }
    standing_read(row, &standing);
    if (json) {
        rows_json(told(&standing));
    } else {
        print_one(&standing);
    }
    schedule_rule_release(&standing.rule);
    json_decref(row);
    return 0;
}
