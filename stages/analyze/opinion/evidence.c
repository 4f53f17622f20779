#include "stages/analyze/opinion/evidence.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/opinion/answer.h"
#include "stages/analyze/opinion/schema.h"
#include "stages/analyze/opinion/sealed.h"

enum { TEXT_MAX = 100, IMAGE_MAX = 160, LABELS_SENT = 8, ANNOTATIONS_SENT = 6, FINDINGS_SENT = 12, TEXT_CAP = 1024 * 1024 };

/* New string of at most `most` bytes without control bytes; null for NULL. */
static json_t *text_new(const char *text, size_t most)
{
    char copy[512];
    if (!text)
        return json_null();
    (void)snprintf(copy, sizeof copy, "%.*s", (int)(most < sizeof copy ? most : sizeof copy - 1), text);
    str_trim_utf8(copy);
    str_mask_controls(copy);
    return json_string_safe(copy);
}

/* New object with the first `most` entries whose values are strings, by key. */
static json_t *texts_new(const json_t *from, size_t most)
{
    json_t *out = json_object();
    const char *key;
    const json_t *value;
    char name[TEXT_MAX + 1];
    json_object_foreach((json_t *)(uintptr_t)from, key, value)
    {
        if (json_object_size(out) >= most)
            break;
        (void)snprintf(name, sizeof name, "%s", key);
        str_trim_utf8(name);
        str_mask_controls(name);
        if (json_is_string(value) && !str_starts(key, "kubectl.kubernetes.io/"))
            json_object_set_new(out, name, text_new(json_string_value(value), TEXT_MAX));
    }
    return out;
}

static bool redacted(const json_t *redact, const char *field)
{
    size_t index;
    json_t *item;
    json_array_foreach(redact, index, item)
    {
        if (str_equal(json_string_value(item), field))
            return true;
    }
    return false;
}

/* Sets a figure rounded to a whole unit: enough to judge, and short. Leaves it out where it is unknown. */
static void put_figure(json_t *out, const char *key, double value)
{
    if (isfinite(value) && value < 9e15)
        json_object_set_new(out, key, json_integer((json_int_t)(value + 0.5)));
}

/* Sets a share with three decimals. */
static void put_share(json_t *out, const char *key, double value)
{
    if (isfinite(value))
        json_object_set_new(out, key, json_real(floor(value * 1000 + 0.5) / 1000));
}

static json_t *figures_new(const struct figures *use)
{
    json_t *out = json_object();
    put_figure(out, "mean", use->mean);
    put_figure(out, "p50", use->p50);
    put_figure(out, "p90", use->p90);
    put_figure(out, "p95", use->p95);
    put_figure(out, "p99", use->p99);
    put_figure(out, "max", use->max);
    put_figure(out, "weighted_p95", use->weighted_p95);
    put_figure(out, "busy_hour_p90", use->busy_hour_p90);
    put_figure(out, "highest_pod_p95", use->pod_p95_max);
    put_figure(out, "p95_last_2_days", use->p95_recent);
    put_figure(out, "p95_before", use->p95_before);
    return out;
}

/* Sets the four amounts of today, the rules' choice and the ranges. */
static void put_amounts(json_t *out, const struct container_plan *container)
{
    json_t *today = json_object();
    json_t *rules = json_object();
    json_t *bounds = json_object();
    for (int f = 0; f < FIELDS; f++) {
        const struct field_plan *field = &container->fields[f];
        if (field->old >= 0)
            json_object_set_new(today, schema_field((enum field)f), json_integer(field->old));
        if (field_after(field) >= 0)
            json_object_set_new(rules, schema_field((enum field)f), json_integer(field_after(field)));
        if (!answer_may_set(field))
            continue;
        json_t *range = json_object();
        json_object_set_new(range, "min", json_integer(field->min));
        json_object_set_new(range, "max", json_integer(field->max));
        json_object_set_new(bounds, schema_field((enum field)f), range);
    }
    json_object_set_new(out, "today", today);
    json_object_set_new(out, "rules", rules);
    json_object_set_new(out, "bounds", bounds);
}

static json_t *container_new(const struct container_plan *container, const json_t *redact)
{
    const struct container *of = container->container;
    json_t *out = json_object();
    json_object_set_new(out, "name", json_string_safe(of->name));
    json_object_set_new(out, "role", json_string(of->role == ROLE_SIDECAR ? "sidecar" : of->role == ROLE_INIT ? "init" : "container"));
    if (!redacted(redact, "image"))
        json_object_set_new(out, "image", text_new(of->image, IMAGE_MAX));
    json_object_set_new(out, "cpu_millicores", figures_new(&of->use[CPU]));
    json_object_set_new(out, "memory_bytes", figures_new(&of->use[MEMORY]));
    put_share(out, "throttled_ratio", of->throttled);
    put_figure(out, "oom_kills", of->oom_kills);
    put_figure(out, "restarts", of->restarts);
    put_amounts(out, container);
    return out;
}

/* New array of the findings' codes and severities. */
static json_t *findings_brief(const json_t *all)
{
    json_t *out = json_array();
    size_t index;
    json_t *finding;
    json_array_foreach(all, index, finding)
    {
        if (json_array_size(out) >= FINDINGS_SENT)
            break;
        char text[160];
        (void)snprintf(text, sizeof text, "%s %s %.80s", json_string_or_null(finding, "severity"),
                       json_string_or_null(finding, "code"),
                       json_is_string(json_object_get(finding, "container"))
                           ? json_string_or_null(finding, "container")
                           : "");
        str_trim_utf8(text);
        json_array_append_new(out, json_string_safe(text));
    }
    return out;
}

char *evidence_name(const struct subject *subject, char out[EVIDENCE_NAME_MAX])
{
    (void)snprintf(out, EVIDENCE_NAME_MAX, "%.120s/%.80s/%.300s",
                   subject->namespace ? subject->namespace : "default", subject->kind, subject->name);
    str_trim_utf8(out);
    str_mask_controls(out);
    return out;
}

json_t *evidence_new(const struct plan *plan, const struct class *class, const json_t *findings,
                     const json_t *redact)
{
    const struct subject *subject = plan->subject;
    char name[EVIDENCE_NAME_MAX];
    json_t *out = json_object();
    json_object_set_new(out, "workload", json_string_safe(evidence_name(subject, name)));
    json_object_set_new(out, "class_hint", json_string(class->name));
    json_object_set_new(out, "qos_class", json_string(qos_name(subject->qos)));
    put_figure(out, "replicas", subject_replicas(subject));
    put_figure(out, "history_hours", subject_history_seconds(subject) / 3600);
    put_share(out, "confidence_of_figures", plan->confidence);
    if (json_is_object(subject->autoscaler))
        json_object_set_new(out, "autoscaler",
                            text_new(json_string_or_null(subject->autoscaler, "kind"), TEXT_MAX));
    if (!redacted(redact, "labels"))
        json_object_set_new(out, "labels",
                            texts_new(json_object_get(subject->workload, "labels"), LABELS_SENT));
    if (!redacted(redact, "annotations"))
        json_object_set_new(out, "annotations",
                            texts_new(json_object_get(subject->workload, "annotations"), ANNOTATIONS_SENT));
    json_object_set_new(out, "findings", findings_brief(findings));
    json_t *containers = json_array();
    for (size_t i = 0; i < subject->container_count; i++) {
        if (plan->containers[i].judged)
            json_array_append_new(containers, container_new(&plan->containers[i], redact));
    }
    json_object_set_new(out, "containers", containers);
    return out;
}


char *evidence_text_new(const json_t *evidence)
{
    struct buf out;
    buf_init(&out, TEXT_CAP);
    sealed_write(evidence, &out);
    return buf_steal(&out);
}
