#include "stages/analyze/forecast/forecast.h"

#include "pipeline/base/clock.h"

static const double nominal = 0.95;

void forecasts_make(const struct subject *subject, struct arena *arena, struct forecasts *out)
{
    struct forecaster *forecaster = forecaster_new(arena);
    out->count = subject->container_count;
    for (int r = 0; r < RESOURCES; r++) {
        out->of[r] = arena_alloc_array(arena, out->count + 1, sizeof *out->of[r]);
        for (size_t i = 0; i < out->count; i++) {
            const struct steps *steps = &subject->containers[i].use[r].steps;
            forecast_make(forecaster, steps->mean, steps->count, steps->step_seconds,
                          steps->start + (int64_t)steps->count * steps->step_seconds, &out->of[r][i]);
        }
    }
}

/* New array; NaN becomes null. */
static json_t *row(const double *values, size_t count)
{
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(out, json_real_or_null(values[i]));
    }
    return out;
}

static json_t *forecast_json(const struct forecast *forecast)
{
    char start[RFC3339_MAX];
    json_t *out = json_object();
    json_object_set_new(out, "start", json_string(time_format(forecast->start, start)));
    json_object_set_new(out, "step_seconds", json_integer(forecast->step_seconds));
    json_object_set_new(out, "values", row(forecast->values, forecast->count));
    json_object_set_new(out, "lower", row(forecast->lower, forecast->count));
    json_object_set_new(out, "upper", row(forecast->upper, forecast->count));
    json_object_set_new(out, "method", json_string(forecast->method));
    json_object_set_new(out, "mase", json_real_or_null(forecast->mase));
    json_object_set_new(out, "rmae", json_real_or_null(forecast->rmae));
    json_object_set_new(out, "coverage", json_real_or_null(forecast->coverage));
    json_object_set_new(out, "nominal", json_real(nominal));
    json_object_set_new(out, "origins", json_integer((json_int_t)forecast->origins));
    return out;
}

json_t *forecasts_json(const struct subject *subject, const struct forecasts *forecasts)
{
    json_t *containers = json_object();
    for (size_t i = 0; i < forecasts->count; i++) {
        json_t *entry = json_object();
        for (int r = 0; r < RESOURCES; r++) {
            if (forecasts->of[r][i].known) {
                json_object_set_new(entry, resource_key((enum resource)r), forecast_json(&forecasts->of[r][i]));
            }
        }
        if (json_object_size(entry) > 0) {
            json_object_set_new(containers, subject->containers[i].name, entry);
        } else {
            json_decref(entry);
        }
    }
    if (json_object_size(containers) == 0) {
        json_decref(containers);
        return json_null();
    }
    json_t *out = json_object();
    json_object_set_new(out, "containers", containers);
    return out;
}
