#include "reports/past/past.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"

enum { PAST_BYTES_MAX = 4 * 1024 * 1024, PAST_TEXT_MAX = 64 };

/* Sums over PAST_RUNS_MAX of these, and a year of them, fit into 64 bits. */
static const int64_t figure_max = INT64_MAX / 12 / PAST_RUNS_MAX;

static size_t rows_of(const json_t *list)
{
    size_t count = json_array_size(list);
    return count < PAST_RUNS_MAX ? count : PAST_RUNS_MAX;
}

/* A file's reading: what was no figure is noted, so that it is refused as a whole. */
struct reading {
    bool broken;
};

/* Any amount of money; absent is 0, as of a run without prices. */
static int64_t money(struct reading *reading, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    int64_t figure = json_is_integer(value) ? json_integer_value(value) : 0;
    bool absent = value == NULL || json_is_null(value);
    reading->broken |= (!absent && !json_is_integer(value)) || figure > figure_max || figure < -figure_max;
    return figure;
}

static int64_t count(struct reading *reading, const json_t *object, const char *key)
{
    int64_t figure = money(reading, object, key);
    reading->broken |= figure < 0;
    return figure;
}

static char *text(struct reading *reading, const json_t *object, const char *key)
{
    const char *value = json_string_or_null(object, key);
    reading->broken |= value != NULL && strlen(value) > PAST_TEXT_MAX;
    return xstrdup_null(value);
}

static void read_trend(struct reading *reading, const json_t *list, struct report_past *past)
{
    past->trend_count = rows_of(list);
    past->trend = xcalloc((past->trend_count + 1) * sizeof *past->trend);
    for (size_t i = 0; i < past->trend_count; i++) {
        const json_t *row = json_array_get(list, i);
        reading->broken |= !json_is_object(row);
        past->trend[i] = (struct past_run){.run = count(reading, row, "run"),
                                           .created = text(reading, row, "created"),
                                           .state = text(reading, row, "state"),
                                           .workloads = count(reading, row, "workloads"),
                                           .changes = count(reading, row, "changes"),
                                           .before = money(reading, row, "monthly_before_microusd"),
                                           .after = money(reading, row, "monthly_after_microusd"),
                                           .saving = money(reading, row, "monthly_saving_microusd")};
    }
}

static void read_applied(struct reading *reading, const json_t *list, struct report_past *past)
{
    past->applied_count = rows_of(list);
    past->applied = xcalloc((past->applied_count + 1) * sizeof *past->applied);
    for (size_t i = 0; i < past->applied_count; i++) {
        const json_t *row = json_array_get(list, i);
        reading->broken |= !json_is_object(row);
        past->applied[i] = (struct past_applied){.run = count(reading, row, "run"),
                                                 .applied = text(reading, row, "applied"),
                                                 .workloads = count(reading, row, "workloads"),
                                                 .expected = money(reading, row, "expected_microusd"),
                                                 .measured = count(reading, row, "measured"),
                                                 .predicted = money(reading, row, "predicted_microusd"),
                                                 .realized = money(reading, row, "realized_microusd"),
                                                 .measured_by = count(reading, row, "measured_by")};
    }
}

static struct report_past *past_from(struct reading *reading, const json_t *json)
{
    const json_t *llm = json_object_get(json, "llm");
    struct report_past *past = xcalloc(sizeof *past);
    past->run = count(reading, json, "run");
    past->narrowed = json_bool_or(json, "narrowed", false);
    past->exchanges = count(reading, llm, "exchanges");
    past->failed = count(reading, llm, "failed");
    past->unpriced = count(reading, llm, "unpriced");
    past->cache_read_tokens = count(reading, llm, "cache_read_tokens");
    past->input_tokens = count(reading, llm, "input_tokens");
    past->output_tokens = count(reading, llm, "output_tokens");
    past->llm_microusd = count(reading, llm, "cost_microusd");
    read_trend(reading, json_object_get(json, "trend"), past);
    read_applied(reading, json_object_get(json, "applied"), past);
    return past;
}

static int refuse(const char *path, const char *what, struct err *err)
{
    err_set(err, ERR_DATA, "%s %s", path, what);
    return err_hint(err, "tare report RUN hands it over; leave --past out otherwise");
}

static int past_of(const json_t *json, const char *path, struct report_past **out, struct err *err)
{
    if (!str_equal(json_string_or_null(json, "tare"), "past") || json_int_or(json, "version", 0) != 1) {
        return refuse(path, "is not what a ledger knows of a run, as this program reads it", err);
    }
    struct reading reading = {0};
    struct report_past *past = past_from(&reading, json);
    if (reading.broken) {
        past_free(past);
        return refuse(path, "has a count, a text or an amount of money that is none", err);
    }
    *out = past;
    return 0;
}

int past_read(const char *path, struct report_past **out, struct err *err)
{
    struct buf text;
    buf_init(&text, PAST_BYTES_MAX);
    int failed = fs_read(path, &text, err);
    json_t *json = failed ? NULL : json_read(buf_str(&text), text.length, path, err);
    buf_release(&text);
    if (json == NULL) {
        return -1;
    }
    failed = past_of(json, path, out, err);
    json_decref(json);
    return failed;
}

struct past_sums past_sum(const struct report_past *past)
{
    struct past_sums sums = {0};
    for (size_t i = 0; i < past->applied_count; i++) {
        const struct past_applied *plan = &past->applied[i];
        sums.plans += plan->measured > 0;
        sums.waiting += plan->measured == 0;
        sums.workloads += plan->measured;
        sums.predicted += plan->predicted;
        sums.realized += plan->realized;
    }
    return sums;
}

void past_free(struct report_past *past)
{
    if (past == NULL) {
        return;
    }
    for (size_t i = 0; i < past->trend_count; i++) {
        free(past->trend[i].created);
        free(past->trend[i].state);
    }
    for (size_t i = 0; i < past->applied_count; i++) {
        free(past->applied[i].applied);
    }
    free(past->trend);
    free(past->applied);
    free(past);
}
