#include "stages/analyze/advice/clamps.h"

#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* What sort of thing a code is; what is in no row is a statistic. */
static const char *kind_of(const char *by)
{
    static const struct {
        const char *start, *kind;
    } kinds[] = {
        {"limit-range:", "limit-range"}, {"quota:", "quota"},       {"max_", "guardrail"},  {"min_", "guardrail"},
        {"limit-keep", "policy"},        {"limit-remove", "policy"}, {"limit-ratio", "policy"}, {"limit-headroom", "policy"},
        {"autoscaled", "autoscaler"},    {"vpa", "autoscaler"},     {"qos-class", "pod"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_starts(by, kinds[i].start)) {
            return kinds[i].kind;
        }
    }
    return str_equal(by, "limit") || str_equal(by, "request") ? "pod" : "statistics";
}

/* What kept an amount that somebody asked for from coming through; NULL where it did, or was only rounded or too little to act on. */
static const char *held_by(const struct field_plan *field)
{
    int64_t after = field_after(field);
    if (after >= 0 && (double)after >= field->asked && (double)after <= field->asked) {
        return NULL;
    }
    if (field->moved_by || (field->movable && !field->fixed && !field->exact)) {
        return field->moved_by;
    }
    return field->rule ? field->rule : "no-usage";
}

/* The end of the range that moved it, null where something else did. */
static json_t *bound_new(const struct field_plan *field, double proposed, const char *by)
{
    if (str_equal(by, field->min_by) && proposed < (double)field->min) {
        return json_integer(field->min);
    }
    bool high = str_equal(by, field->max_by) && proposed > (double)field->max;
    return high ? json_integer(field->max) : json_null();
}

static json_t *clamp_new(const struct container_plan *container, enum field f, const char *by)
{
    const struct field_plan *field = &container->fields[f];
    double proposed = field->asked > 0 ? field->asked : field->proposal;
    int64_t after = field_after(field);
    json_t *clamp = json_object();
    json_object_set_new(clamp, "container", json_string_safe(container->container->name));
    json_object_set_new(clamp, "field", json_string(field_name(f)));
    json_object_set_new(clamp, "proposed", json_real_or_null(proposed));
    json_object_set_new(clamp, "value", json_int_or_null(field->value >= 0, field->value));
    json_object_set_new(clamp, "after", json_int_or_null(after >= 0, after));
    json_object_set_new(clamp, "bound", bound_new(field, proposed, by));
    json_object_set_new(clamp, "by", json_string(by));
    json_object_set_new(clamp, "kind", json_string(kind_of(by)));
    return clamp;
}

json_t *clamps_new(const struct plan *plan)
{
    json_t *clamps = json_array();
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++) {
            const struct field_plan *field = &plan->containers[i].fields[f];
            const char *by = field->asked > 0 ? held_by(field) : field->moved_by;
            if (by) {
                json_array_append_new(clamps, clamp_new(&plan->containers[i], (enum field)f, by));
            }
        }
    }
    return clamps;
}
