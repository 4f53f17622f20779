#include <stdlib.h>
#include <string.h>

#include "reports/compare/differ.h"
#include "reports/compare/render.h"
#include "reports/compare/words.h"

enum { SENTENCE_MAX = 64 * 1024 };

static void set_int(json_t *object, const char *key, bool present, int64_t value)
{
    json_object_set_new(object, key, json_int_or_null(present, value));
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_string_safe(text));
}

static void set_money(json_t *object, bool priced, int64_t before, int64_t after, int64_t proposed)
{
    set_int(object, "monthly_before_microusd", priced, before);
    set_int(object, "monthly_after_microusd", priced, after);
    set_int(object, "monthly_saving_microusd", priced, before - after);
    set_int(object, "proposed_after_microusd", priced, proposed);
}

static json_t *sums_json(const struct report_sums *sums)
{
    static const struct report_sums nothing;
    const struct report_sums *s = sums == NULL ? &nothing : sums;
    json_t *object = json_object();
    set_int(object, "workloads", true, s->workloads);
    set_int(object, "changed", true, s->changed);
    set_int(object, "held_back", true, s->held);
    set_int(object, "unpriced", true, s->unpriced);
    set_money(object, true, s->before, s->after, s->proposed);
    set_int(object, "waste_before_microusd", true, s->waste_before);
    set_int(object, "waste_after_microusd", true, s->waste_after);
    return object;
}

static json_t *side_json(const struct report *report)
{
    json_t *object = json_object();
    set_int(object, "run", report->meta.run > 0, report->meta.run);
    set_text(object, "created", report->meta.created);
    set_text(object, "digest", report->meta.digest);
    set_text(object, "kind", artifact_kind_name(report->meta.kind));
    json_object_set_new(object, "totals", sums_json(&report->totals));
    return object;
}

static json_t *fields_json(const int64_t *values)
{
    static const char *const names[REPORT_FIELDS] = {"cpu_request_millicores", "memory_request_bytes", "cpu_limit_millicores",
                                                     "memory_limit_bytes"};
    json_t *object = json_object();
    for (int field = 0; field < REPORT_FIELDS; field++) {
        set_int(object, names[field], values[field] != REPORT_ABSENT, values[field]);
    }
    return object;
}

static json_t *containers_json(const struct report_row *row)
{
    json_t *containers = json_array();
    for (size_t i = 0; i < row->container_count; i++) {
        const struct report_container *c = &row->containers[i];
        json_array_append_new(containers, json_pack("{s:o, s:o, s:o}", "name", json_string_safe(c->name), "now", fields_json(c->now), "new",
                                                    fields_json(c->next)));
    }
    return containers;
}

static json_t *row_json(const struct report_row *row)
{
    if (row == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    set_money(object, row->priced, row->before, row->after, row->proposed);
    set_text(object, "risk", row->risk == RISK_UNKNOWN ? NULL : report_risk_name(row->risk));
    set_text(object, "verdict", row->verdict);
    json_object_set_new(object, "held_back", json_boolean(row->group == REPORT_HELD));
    json_object_set_new(object, "confidence", row->has_confidence ? json_real_or_null(row->confidence) : json_null());
    json_object_set_new(object, "containers", containers_json(row));
    return object;
}

/* Findings of `row` that `other` does not have. */
static json_t *findings_json(const struct report_row *row, const struct report_row *other)
{
    json_t *found = json_array();
    json_t *list = row == NULL || other == NULL ? NULL : json_at(row->record, "recommendation.findings");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!compare_has_finding(other, json_array_get(list, i))) {
            json_array_append(found, json_array_get(list, i));
        }
    }
    return found;
}

static json_t *pair_json(const struct compare_pair *pair)
{
    const struct report_row *any = pair->now != NULL ? pair->now : pair->then;
    json_t *object = json_object();
    set_text(object, "cluster", any->cluster);
    set_text(object, "namespace", any->namespace);
    set_text(object, "kind", any->kind);
    set_text(object, "name", any->name);
    set_text(object, "change", compare_kind_name(pair->entry->kind));
    json_t *differs = json_array();
    for (int i = 0; i < COMPARE_PARTS; i++) {
        if ((pair->entry->parts >> (unsigned)i & 1U) != 0) {
            json_array_append_new(differs, json_string(compare_part_name((enum compare_part)i)));
        }
    }
    json_object_set_new(object, "differs", differs);
    json_object_set_new(object, "then", row_json(pair->then));
    json_object_set_new(object, "now", row_json(pair->now));
    json_object_set_new(object, "findings_new", findings_json(pair->now, pair->then));
    json_object_set_new(object, "findings_gone", findings_json(pair->then, pair->now));
    return object;
}

struct listing {
    struct report_sink *sink;
    bool any;
};

static int add_pair(const struct compare *compare, const struct compare_pair *pair, void *context, struct err *err)
{
    (void)compare;
    struct listing *listing = context;
    json_t *object = pair_json(pair);
    buf_add_str(&listing->sink->out, listing->any ? ",\n" : "\n");
    listing->any = true;
    int failed = json_write(object, &listing->sink->out, err);
    json_decref(object);
    return failed || sink_poll(listing->sink, err) ? -1 : 0;
}

static json_t *counts_json(const struct compare *compare)
{
    json_t *counts = json_object();
    for (int i = 0; i < COMPARE_KINDS; i++) {
        set_int(counts, compare_kind_name((enum compare_kind)i), true, compare->kinds[i]);
    }
    json_t *parts = json_object();
    for (int i = 0; i < COMPARE_PARTS; i++) {
        set_int(parts, compare_part_name((enum compare_part)i), true, compare->parts[i]);
    }
    json_object_set_new(counts, "differs", parts);
    set_int(counts, "findings_new", true, compare->findings_new);
    set_int(counts, "findings_gone", true, compare->findings_gone);
    return counts;
}

static json_t *head_json(const struct compare *compare)
{
    json_t *object = json_object();
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    set_text(object, "tare", "comparison");
    set_int(object, "version", true, 1);
    set_text(object, "cluster", compare->now.meta.cluster != NULL ? compare->now.meta.cluster : compare->then.meta.cluster);
    json_object_set_new(object, "then", side_json(&compare->then));
    json_object_set_new(object, "now", side_json(&compare->now));
    json_object_set_new(object, "workloads_by_change", counts_json(compare));
    compare_total(compare, &text);
    set_text(object, "summary", buf_str(&text));
    buf_clear(&text);
    compare_remarks(compare, &text);
    set_text(object, "remarks", buf_str(&text));
    buf_release(&text);
    json_t *spaces = json_array();
    for (size_t i = 0; i < compare->space_count; i++) {
        json_t *space = json_object();
        set_text(space, "namespace", compare->spaces[i].name);
        json_object_set_new(space, "then", sums_json(compare->spaces[i].then));
        json_object_set_new(space, "now", sums_json(compare->spaces[i].now));
        json_array_append_new(spaces, space);
    }
    json_object_set_new(object, "namespaces", spaces);
    return object;
}

int compare_json(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err)
{
    (void)max_bytes;
    json_t *head = head_json(compare);
    char *text = json_text(head);
    json_decref(head);
    /* The list goes in before the closing brace, so that it need not be in memory. */
    buf_add(&sink->out, text, strlen(text) - 1);
    free(text);
    buf_add_str(&sink->out, ",\"workloads\":[");
    struct listing listing = {.sink = sink};
    if (compare_each(compare, 0, compare_different(compare), add_pair, &listing, err)) {
        return -1;
    }
    buf_add_str(&sink->out, "]}\n");
    return sink_finish(sink, err);
}
