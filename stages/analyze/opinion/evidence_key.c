#include "stages/analyze/opinion/evidence_key.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/opinion/question.h"
#include "stages/analyze/opinion/schema.h"

enum { PATH_MAX_BYTES = 256 };

enum how {
    EXACT, /* as it is */
    CODE,  /* a text up to its colon: what follows holds figures */
    STEP   /* a number: which step of a geometric scale it is nearest to */
};

/* What of the evidence counts, by path (an entry of a list has the path of its list; '*': any run). What no row names does not count:
 * figures that follow from others, reasons, what is used of quotas, the course of memory. */
static const struct row {
    const char *path;
    enum how how;
    double step;
    double least; /* what is smaller counts as this: noise */
} rows[] = {
    {"workload", EXACT, 0, 0},
    {"class_hint", EXACT, 0, 0},
    {"schedule", EXACT, 0, 0},
    {"qos_class", EXACT, 0, 0},
    {"labels.*", EXACT, 0, 0},
    {"annotations.*", EXACT, 0, 0},
    {"autoscalers", EXACT, 0, 0},
    {"limit_ranges", EXACT, 0, 0},
    {"findings", CODE, 0, 0},
    {"replicas", STEP, 1.5, 1},
    {"history_hours", STEP, 2, 1},
    {"confidence_of_rules", STEP, 1.5, 0.1},
    {"containers.name", EXACT, 0, 0},
    {"containers.role", EXACT, 0, 0},
    {"containers.image", EXACT, 0, 0},
    {"containers.today.*", EXACT, 0, 0},
    {"containers.cpu.p50", STEP, 1.25, 5},
    {"containers.cpu.p95", STEP, 1.25, 5},
    {"containers.cpu.p99", STEP, 1.25, 5},
    {"containers.cpu.max", STEP, 1.25, 5},
    {"containers.memory.p50", STEP, 1.05, 4194304},
    {"containers.memory.max", STEP, 1.05, 4194304},
    {"containers.rules.cpu_*", STEP, 1.25, 5},
    {"containers.rules.memory_*", STEP, 1.05, 4194304},
    {"containers.bounds.*", STEP, 1.25, 0.01}, /* in the form that relative_bounds gives */
    {"containers.cpu_by_hour", STEP, 2.5, 10},
    {"containers.cpu_by_weekday", STEP, 2.5, 10},
    {"containers.throttled", STEP, 2, 0.01},
    {"containers.oom_kills", STEP, 2, 1},
    {"containers.restarts", STEP, 4, 1},
};

static const struct row *row_of(const char *path)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (str_glob(rows[i].path, path)) {
            return &rows[i];
        }
    }
    return NULL;
}

/* New value of what a leaf counts as. */
static json_t *coarse_leaf(const json_t *value, const struct row *row)
{
    if (row->how == STEP && json_is_number(value)) {
        return json_integer((json_int_t)floor(log(fmax(json_number_value(value), row->least)) / log(row->step) + 0.5));
    }
    if (row->how == CODE && json_is_string(value)) {
        return json_stringn(json_string_value(value), strcspn(json_string_value(value), ":"));
    }
    return json_deep_copy(value);
}

static json_t *coarse_new(const json_t *value, const char *path);

/* The value, or NULL (and it is freed) where nothing is in it: nothing counts the same as a member that is not there. */
static json_t *unless_empty(json_t *value)
{
    if (json_object_size(value) + json_array_size(value) > 0) {
        return value;
    }
    json_decref(value);
    return NULL;
}

static json_t *coarse_object(const json_t *object, const char *path)
{
    const char *key;
    json_t *value;
    json_t *out = json_object();
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char inside[PATH_MAX_BYTES];
        (void)snprintf(inside, sizeof inside, "%s%s%s", path, *path ? "." : "", key);
        json_t *coarse = coarse_new(value, inside);
        if (coarse) {
            json_object_set_new(out, key, coarse);
        }
    }
    return unless_empty(out);
}

/* New value of what counts of a value at a path, NULL where nothing does. */
static json_t *coarse_new(const json_t *value, const char *path)
{
    size_t index;
    json_t *item;
    if (json_is_object(value)) {
        return coarse_object(value, path);
    }
    if (!json_is_array(value)) {
        const struct row *row = row_of(path);
        return row ? coarse_leaf(value, row) : NULL;
    }
    json_t *out = json_array();
    json_array_foreach(value, index, item)
    {
        json_t *coarse = coarse_new(item, path);
        if (coarse) {
            json_array_append_new(out, coarse);
        }
    }
    return unless_empty(out);
}

/* New object: each end of each range as a multiple of the rules' number, or of today's. The numbers move with the figures, which count
 * already; how much room there is about them is what limits, guardrails and policy make of it. */
static json_t *relative_bounds(const json_t *container)
{
    const char *key;
    json_t *range;
    json_t *out = json_object();
    json_object_foreach(json_object_get(container, "bounds"), key, range)
    {
        double base = json_number_value(json_object_get(json_object_get(container, "rules"), key));
        if (!(base > 0)) {
            base = json_number_value(json_object_get(json_object_get(container, "today"), key));
        }
        json_t *ends = json_object();
        double min = json_number_value(json_object_get(range, "min"));
        double max = json_number_value(json_object_get(range, "max"));
        json_object_set_new(ends, "min", json_real(base > 0 ? min / base : min));
        json_object_set_new(ends, "max", json_real(base > 0 ? max / base : max));
        json_object_set_new(out, key, ends);
    }
    return out;
}

/* New text of what counts. */
static char *coarse_text(const json_t *evidence)
{
    size_t index;
    json_t *container;
    json_t *copy = json_deep_copy(evidence);
    json_array_foreach(json_object_get(copy, "containers"), index, container)
        json_object_set_new(container, "bounds", relative_bounds(container));
    json_t *coarse = coarse_new(copy, "");
    char *text = coarse ? json_text(coarse) : xstrdup("");
    json_decref(coarse);
    json_decref(copy);
    return text;
}

/* Adds a text with its end, so that two texts are not one. */
static void add_text(struct hash *hash, const char *text)
{
    hash_add(hash, text, strlen(text) + 1);
}

char *evidence_key(const json_t *evidence, const char *provider, const char *model, char out[DIGEST_HEX])
{
    struct hash *hash = hash_new();
    json_t *schema = schema_new();
    char *schema_text = json_text(schema);
    char *text = coarse_text(evidence);
    add_text(hash, question_system());
    add_text(hash, schema_text);
    add_text(hash, provider);
    add_text(hash, model);
    add_text(hash, text);
    (void)hash_hex(hash, out);
    free(text);
    free(schema_text);
    json_decref(schema);
    hash_free(hash);
    return out;
}
