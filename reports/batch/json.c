#include <stdlib.h>

#include "pipeline/io/json.h"
#include "reports/batch/render.h"
#include "reports/batch/words.h"

enum { SENTENCE_MAX = 16 * 1024 };

static void set_int(json_t *object, const char *key, bool present, int64_t value)
{
    json_object_set_new(object, key, json_int_or_null(present, value));
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, text == NULL ? json_null() : json_string_safe(text));
}

static void add_line(const char *text, void *context)
{
    json_array_append_new(context, json_string_safe(text));
}

static void set_sums(json_t *object, bool present, const struct report_sums *s, int64_t problems)
{
    set_int(object, "workloads", present, s->workloads);
    set_int(object, "changed", present, s->changed);
    set_int(object, "held_back", present, s->held);
    set_int(object, "blocked", present, s->blocked);
    set_int(object, "trifles", present, s->trifles);
    set_int(object, "new_objects", present, s->objects);
    set_int(object, "unpriced", present, s->unpriced);
    set_int(object, "no_data", present, s->no_data);
    set_int(object, "problems", present, problems);
    set_int(object, "monthly_before_microusd", present, s->before);
    set_int(object, "monthly_after_microusd", present, s->after);
    set_int(object, "monthly_saving_microusd", present, s->before - s->after);
    set_int(object, "proposed_after_microusd", present, s->proposed);
    set_int(object, "annual_saving_microusd", present, 12 * (s->before - s->after));
}

static json_t *run_json(const struct batch_run *run)
{
    json_t *object = json_object();
    set_int(object, "run", true, run->run);
    set_text(object, "cluster", run->cluster);
    set_text(object, "state", run->state);
    set_text(object, "created", run->created);
    set_text(object, "plan", run->plan);
    set_text(object, "reason", run->reason);
    json_object_set_new(object, "counted", json_boolean(run->counted));
    set_int(object, "superseded_by", run->later > 0, run->later);
    set_int(object, "approvals_missing", run->missing >= 0, run->missing);
    set_sums(object, run->counted, &run->sums, run->problems);
    set_text(object, "prices", run->prices);
    set_text(object, "saving_in_currency", run->saving[0] == '\0' ? NULL : run->saving);
    return object;
}

static json_t *items_json(const struct batch_report *batch, const struct batch_item *items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        set_int(object, "run", true, batch->runs[items[i].run].run);
        set_text(object, "cluster", batch->runs[items[i].run].cluster);
        set_text(object, "workload", items[i].workload);
        if (items[i].message != NULL) {
            set_text(object, "message", items[i].message);
        } else {
            set_int(object, "monthly_before_microusd", true, items[i].before);
            set_int(object, "monthly_after_microusd", true, items[i].after);
            set_int(object, "monthly_saving_microusd", true, items[i].before - items[i].after);
        }
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *whole(const struct batch_report *batch)
{
    json_t *out = json_object();
    json_t *totals = json_object();
    json_t *runs = json_array();
    json_t *gaps = json_array();
    struct buf text;
    set_text(out, "tare", "batch-report");
    set_int(out, "version", true, 1);
    set_text(out, "batch", batch->name);
    set_text(out, "created", batch->created);
    set_text(out, "started_by", batch->started_by);
    json_object_set_new(out, "narrowed", json_boolean(batch->narrowed));
    set_int(totals, "runs", true, (int64_t)batch->counted);
    set_int(totals, "critical", true, batch->critical_total);
    set_sums(totals, true, &batch->totals, batch->problems);
    json_object_set_new(out, "totals", totals);
    for (size_t i = 0; i < batch->run_count; i++) {
        json_array_append_new(runs, run_json(&batch->runs[i]));
    }
    json_object_set_new(out, "runs", runs);
    json_object_set_new(out, "largest_savings", items_json(batch, batch->top, batch->top_count));
    json_object_set_new(out, "critical", items_json(batch, batch->critical, batch->critical_count));
    batch_gaps(batch, add_line, gaps);
    json_object_set_new(out, "gaps", gaps);
    buf_init(&text, SENTENCE_MAX);
    batch_total(batch, &text);
    set_text(out, "summary", buf_str(&text));
    buf_release(&text);
    return out;
}

int batch_json(const struct batch_report *batch, struct report_sink *sink, struct err *err)
{
    json_t *object = whole(batch);
    int failed = json_write(object, &sink->out, err);
    json_decref(object);
    buf_add_char(&sink->out, '\n');
    return failed || sink_finish(sink, err) ? -1 : 0;
}
