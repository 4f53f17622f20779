#include "stages/analyze/advice/chain.h"

#include <math.h>

#include "pipeline/base/mem.h"

static const double half_life_seconds = 3 * 86400.0;

enum { FOR_CPU_REQUEST = 1, FOR_MEMORY_REQUEST = 2, FOR_CPU_LIMIT = 4, FOR_MEMORY_LIMIT = 8 };

static const unsigned field_bits[FIELDS] = {
    [CPU_REQUEST] = FOR_CPU_REQUEST,
    [MEMORY_REQUEST] = FOR_MEMORY_REQUEST,
    [CPU_LIMIT] = FOR_CPU_LIMIT,
    [MEMORY_LIMIT] = FOR_MEMORY_LIMIT,
};

/* Figures of use that rules look at, under the names of the usage. */
static const struct figure_row {
    const char *name;
    size_t offset; /* of a double in struct figures */
    unsigned fields;
} figure_rows[] = {
    {"samples", offsetof(struct figures, samples), 15},
    {"pods", offsetof(struct figures, pods), 15},
    {"wp50", offsetof(struct figures, weighted_p50), FOR_CPU_REQUEST},
    {"wp95", offsetof(struct figures, weighted_p95), FOR_CPU_REQUEST},
    {"wp98", offsetof(struct figures, weighted_p98), FOR_CPU_REQUEST},
    {"bh90", offsetof(struct figures, busy_hour_p90), FOR_CPU_REQUEST},
    {"pod_wp95_max", offsetof(struct figures, pod_p95_max), FOR_CPU_REQUEST},
    {"pod_wp95_p95", offsetof(struct figures, pod_p95_p95), FOR_CPU_REQUEST},
    {"wp99", offsetof(struct figures, weighted_p99), FOR_CPU_REQUEST | FOR_MEMORY_REQUEST},
    {"day_p99_second", offsetof(struct figures, day_p99_second), FOR_CPU_REQUEST},
    {"recent_p50", offsetof(struct figures, recent_p50), FOR_CPU_REQUEST},
    {"recent_p90", offsetof(struct figures, recent_p90), FOR_CPU_REQUEST},
    {"startup_p99", offsetof(struct figures, startup_p99), FOR_CPU_LIMIT},
    {"p90", offsetof(struct figures, p90), FOR_CPU_REQUEST},
    {"p99", offsetof(struct figures, p99), FOR_CPU_REQUEST | FOR_MEMORY_REQUEST},
    {"p99_5", offsetof(struct figures, p995), FOR_CPU_LIMIT},
    {"max", offsetof(struct figures, max), 15},
};

static void add(json_t *inputs, const char *name, double value)
{
    if (isfinite(value)) {
        json_object_set_new(inputs, name, json_real(value));
    }
}

/* A limit is often made of the request. */
static void add_of_limit(const struct container_plan *container, const struct field_plan *limit, enum resource resource,
                         json_t *inputs)
{
    const struct field_plan *request = &container->fields[FIELD_OF(resource, false)];
    if (limit->factor > 0) {
        add(inputs, "base", limit->base);
        add(inputs, "factor", limit->factor);
        add(inputs, "request", (double)field_after(request));
    }
}

/* What was measured at the limit. */
static void add_pressure(const struct container *container, enum resource resource, json_t *inputs)
{
    if (resource == CPU && container->limit[CPU] > 0) {
        add(inputs, "throttled", container->throttled);
        add(inputs, "throttled_worst_hour", container->throttled_worst_hour);
    } else if (resource == MEMORY && container->oom_kills >= 0.5) {
        add(inputs, "oom_kills", container->oom_kills);
        if (container->oom_limit > 0) {
            add(inputs, "oom_limit", container->oom_limit);
        }
    }
}

json_t *chain_formula_new(const struct scene *scene, const struct container_plan *container, enum field field)
{
    enum resource resource = FIELD_RESOURCE(field);
    const struct figures *use = &container->container->use[resource];
    struct arena scratch;
    if (!use->known || FIELD_IS_LIMIT(field)) {
        return json_null();
    }
    arena_init(&scratch);
    json_t *text = json_string_safe(resource == CPU ? rule_cpu_formula(use, scene, &scratch)
                                                    : rule_memory_formula(scene, &scratch));
    arena_release(&scratch);
    return text;
}

json_t *chain_inputs_new(const struct container_plan *container, enum field field)
{
    enum resource resource = FIELD_RESOURCE(field);
    const struct field_plan *plan = &container->fields[field];
    const struct figures *use = &container->container->use[resource];
    json_t *inputs = json_object();
    if (!use->known) {
        return inputs;
    }
    for (size_t i = 0; i < ARRAY_COUNT(figure_rows); i++) {
        const struct figure_row *row = &figure_rows[i];
        if (row->fields & field_bits[field]) {
            const void *figure = (const char *)use + row->offset;
            add(inputs, row->name, *(const double *)figure);
        }
    }
    if (FIELD_IS_LIMIT(field)) {
        add_of_limit(container, plan, resource, inputs);
    }
    add_pressure(container->container, resource, inputs);
    if (plan->effective >= 0) {
        add(inputs, "today", (double)plan->effective);
    }
    return inputs;
}

json_t *chain_caps_new(const struct field_plan *field)
{
    json_t *caps = json_array();
    if (!field->movable) {
        return caps;
    }
    json_t *low = json_object();
    json_object_set_new(low, "by", json_string_safe(field->min_by));
    json_object_set_new(low, "min", json_integer(field->min));
    json_array_append_new(caps, low);
    json_t *high = json_object();
    json_object_set_new(high, "by", json_string_safe(field->max_by));
    json_object_set_new(high, "max", json_integer(field->max));
    json_array_append_new(caps, high);
    return caps;
}

/* As how many samples of equal weight those of a row count: (Σw)² ÷ Σw² of the steps that hold data, as a share of
 * them. Source: Kish, effective sample size. */
static double effective_share(const struct steps *steps, size_t *known)
{
    double fade = exp2(-(double)steps->step_seconds / half_life_seconds);
    double weight = 1;
    double sum = 0;
    double squares = 0;
    *known = 0;
    for (size_t i = steps->count; i-- > 0; weight *= fade) {
        if (isfinite(steps->mean[i])) {
            sum += weight;
            squares += weight * weight;
            (*known)++;
        }
    }
    return *known > 0 ? sum * sum / squares / (double)*known : NAN;
}

static json_t *seen_new(const struct figures *use)
{
    size_t steps = 0;
    json_t *seen = json_object();
    double share = effective_share(&use->steps, &steps);
    json_object_set_new(seen, "n", json_real_or_null(use->samples));
    json_object_set_new(seen, "effective", json_real_or_null(use->samples * share));
    json_object_set_new(seen, "steps", json_integer((json_int_t)steps));
    json_object_set_new(seen, "pods", json_real_or_null(use->pods));
    return seen;
}

json_t *chain_samples_new(const struct subject *subject, const struct container *container)
{
    json_t *out = json_object();
    for (int r = 0; r < RESOURCES; r++) {
        json_object_set_new(out, resource_key((enum resource)r),
                            container->use[r].known ? seen_new(&container->use[r]) : json_null());
    }
    json_object_set_new(out, "window_seconds", json_integer(subject->window_seconds));
    json_object_set_new(out, "coverage", json_real_or_null(subject_coverage(subject)));
    json_object_set_new(out, "half_life_seconds", json_real(half_life_seconds));
    return out;
}

json_t *chain_confidence_new(const struct confidence *parts)
{
    json_t *out = json_object();
    json_object_set_new(out, "coverage", json_real_or_null(parts->coverage));
    json_object_set_new(out, "age", json_real_or_null(parts->age));
    json_object_set_new(out, "stability", json_real_or_null(parts->stability));
    json_object_set_new(out, "backtest", json_real_or_null(parts->backtest));
    json_object_set_new(out, "ceiling", json_real_or_null(parts->ceiling));
    return out;
}
