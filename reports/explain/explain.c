#include "reports/explain/explain.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "reports/explain/page.h"
#include "reports/explain/sections.h"
#include "reports/text/opinion.h"

enum { OPINION_BYTES_MAX = 16384 };

static void source_line(const struct explain *explain, struct buf *out)
{
    const json_t *source = json_at(explain->row.record, "workload.source");
    const char *file = json_string_or_null(source, "file");
    const char *object = json_string_or_null(source, "object");
    if (file != NULL) {
        page_line(out, 2, "from", "%s:%" PRId64, file, json_int_or(source, "line", 1));
    } else if (object != NULL) {
        page_line(out, 2, "from", "the cluster's %s", object);
    }
}

/* Who was not used, how far it is from the rules, and what was moved. */
static void opinion(const json_t *record, struct buf *out)
{
    struct buf lines;
    struct buf line;
    const char *label = "beside";
    buf_init(&lines, OPINION_BYTES_MAX);
    buf_init(&line, OPINION_BYTES_MAX);
    opinion_lines(record, &lines);
    for (const char *text = buf_str(&lines); *text != '\0';) {
        size_t length = strcspn(text, "\n");
        buf_clear(&line);
        buf_add(&line, text, length);
        page_line(out, 2, label, "%s", buf_str(&line));
        label = " ";
        text += length + (text[length] == '\n');
    }
    buf_release(&line);
    buf_release(&lines);
}

/* What came of it, before why. */
static void head(const struct explain *explain, struct buf *out)
{
    const struct report_row *row = &explain->row;
    const json_t *recommendation = explain->recommendation;
    page_line(out, 0, "", "%s/%s/%s%s%s", explain->namespace, row->kind, row->name,
              row->cluster == NULL ? "" : " of ", row->cluster == NULL ? "" : row->cluster);
    source_line(explain, out);
    if (explain->count > 1) {
        page_line(out, 2, "twice", "%zu records have this identity; this is the first", explain->count);
    }
    const char *reason = json_string_or_null(recommendation, "class_reason");
    page_line(out, 2, "class", "%s%s%s%s", page_string(recommendation, "class"), reason == NULL ? "" : " (",
              reason == NULL ? "" : reason, reason == NULL ? "" : ")");
    page_line(out, 2, "QoS class", "%s", page_string(recommendation, "qos_class"));
    char who[OPINION_WHO_MAX];
    page_line(out, 2, "action", "%s, decided by %s", page_string(recommendation, "action"), opinion_who(row->record, who));
    opinion(row->record, out);
    page_line(out, 2, "in words", "%s", page_string(recommendation, "reasoning"));
}

static void foot(const struct explain *explain, struct buf *out)
{
    buf_add_char(out, '\n');
    page_line(out, 0, "", "From %s %s, run started %s.", artifact_kind_name(explain->kind), explain->digest,
              page_string(explain->header, "created"));
    if (explain->run > 0) {
        page_line(out, 0, "", "All of it as JSON: tare explain %" PRId64 " %s/%s/%s --format json",
                  explain->run, explain->namespace, explain->row.kind, explain->row.name);
    }
}

int explain_text(const struct explain *explain, struct report_sink *sink, struct err *err)
{
    struct buf *out = &sink->out;
    head(explain, out);
    explain_samples(explain, out);
    explain_sizing(explain, out);
    explain_proof(explain, out);
    explain_findings(explain, out);
    explain_outlook(explain, out);
    explain_scaling(explain, out);
    explain_price(explain, out);
    explain_after(explain, out);
    foot(explain, out);
    return sink_finish(sink, err);
}

int explain_json(const struct explain *explain, struct report_sink *sink, struct err *err)
{
    static const char *const members[] = {"workload", "usage", "recommendation", "cost",
                                          "change",   "gate",  "outcome",        "problems"};
    json_t *artifact = json_object();
    json_object_set_new(artifact, "kind", json_string(artifact_kind_name(explain->kind)));
    json_object_set_new(artifact, "sha256", json_string(explain->digest));
    json_object_set_new(artifact, "created", json_string_safe(page_string(explain->header, "created")));
    json_object_set_new(artifact, "run", json_int_or_null(explain->run > 0, explain->run));
    json_t *settings = json_object_get(explain->header, "settings");
    json_object_set(artifact, "settings", settings == NULL ? json_null() : settings);
    json_t *object = json_object();
    json_object_set_new(object, "artifact", artifact);
    json_object_set_new(object, "namespace", json_string_safe(explain->namespace));
    json_object_set_new(object, "kind", json_string_safe(explain->row.kind));
    json_object_set_new(object, "name", json_string_safe(explain->row.name));
    json_object_set_new(object, "records", json_integer((json_int_t)explain->count));
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        json_t *member = json_object_get(explain->row.record, members[i]);
        json_object_set(object, members[i], member == NULL ? json_null() : member);
    }
    int failed = json_write(object, &sink->out, err);
    buf_add_char(&sink->out, '\n');
    json_decref(object);
    return failed || sink_finish(sink, err) ? -1 : 0;
}
