#include "stages/analyze/sizing/conflict_words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "pipeline/base/str.h"
#include "stages/analyze/subject/scalers.h"

enum { SENTENCE_MAX = 400, OBJECT_MAX = 330 };

/* New "Kind/name" of an autoscaler. */
static json_t *object_of(const struct scaler *scaler)
{
    char text[OBJECT_MAX];
    (void)snprintf(text, sizeof text, "%.60s/%.255s", scaler->kind_name, scaler->name);
    str_mask_controls(text);
    str_trim_utf8(text);
    return json_string_safe(text);
}

/* Adds a conflict of one or two autoscalers (`b` may be NULL). */
static void add(json_t *out, const char *code, const struct scaler *a, const struct scaler *b, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static void add(json_t *out, const char *code, const struct scaler *a, const struct scaler *b, const char *format, ...)
{
    char text[SENTENCE_MAX];
    json_t *entry = json_object();
    json_t *objects = json_array();
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    str_mask_controls(text);
    str_trim_utf8(text);
    json_array_append_new(objects, object_of(a));
    if (b) {
        json_array_append_new(objects, object_of(b));
    }
    json_object_set_new(entry, "code", json_string(code));
    json_object_set_new(entry, "message", json_string_safe(text));
    json_object_set_new(entry, "objects", objects);
    json_array_append_new(out, entry);
}

/* What one of the plan's conflicts means, and what to do. */
static void tell(const struct conflict *conflict, json_t *out)
{
    const struct scaler *a = conflict->scaler;
    const struct scaler *b = conflict->other;
    const char *code = conflict_name(conflict->kind);
    const char *resource = resource_word(conflict->resource);
    const char *container = conflict->container ? conflict->container : "";
    switch (conflict->kind) {
    case CONFLICT_HPA_AND_VPA:
        add(out, code, a, b,
            "%s %.60s counts pods by %s, whose requests VerticalPodAutoscaler %.60s changes: let that look after the other "
            "resource only, or set its updateMode to Off",
            a->kind_name, a->name, resource, b->name);
        break;
    case CONFLICT_NO_REQUEST:
        add(out, code, a, NULL,
            "%s %.60s counts by the utilization of %s, and container %.60s requests none: it cannot scale until it does", a->kind_name,
            a->name, resource, container);
        break;
    case CONFLICT_MIN_ABOVE_MAX:
        add(out, code, a, NULL, "%s %.60s has a minimum of %" PRId64 " above its maximum of %" PRId64, a->kind_name, a->name, a->min,
            a->max);
        break;
    case CONFLICT_TWO_SCALERS:
        add(out, code, a, b, "%s %.60s and %s %.60s both set the replicas, and each undoes what the other does: keep one", b->kind_name,
            b->name, a->kind_name, a->name);
        break;
    case CONFLICT_OUT_OF_REACH:
        add(out, code, a, NULL, "%s %.60s waits for a utilization of %s that the limit does not let happen%s%.60s: it never adds a pod",
            a->kind_name, a->name, resource, *container ? " in container " : "", container);
        break;
    }
}

json_t *conflicts_new(const struct plan *plan)
{
    const struct subject *subject = plan->subject;
    const struct scalers *scalers = subject->scalers;
    json_t *out = json_array();
    bool fixed = subject->batch || str_equal(subject->kind, "DaemonSet");
    for (size_t i = 0; i < plan->conflict_count; i++) {
        tell(&plan->conflicts[i], out);
    }
    for (size_t i = 0; fixed && scalers && i < scalers->count; i++) {
        const struct scaler *scaler = &scalers->items[i];
        if (scaler->kind != SCALER_VPA) {
            add(out, "wrong-kind", scaler, NULL, "%s %.60s has a target of kind %.60s, whose replicas cannot be set", scaler->kind_name,
                scaler->name, subject->kind);
        }
    }
    return out;
}
