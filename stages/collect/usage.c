#include "stages/collect/usage.h"

#include "pipeline/base/clock.h"

static json_t *time_json(int64_t time)
{
    char text[RFC3339_MAX];
    return json_string(time_format(time, text));
}

static json_t *take(json_t **figures)
{
    json_t *out = *figures == NULL ? json_null() : *figures;
    *figures = NULL;
    return out;
}

static bool has_figures(const json_t *figures)
{
    return figures != NULL && !json_is_null(figures);
}

static json_t *container_json(struct use *use, const struct window *window)
{
    json_t *out = json_object();
    json_object_set_new(out, "declared", json_boolean(use->declared));
    json_object_set_new(out, "cpu_millicores", take(&use->cpu));
    json_object_set_new(out, "memory_bytes", take(&use->memory));
    throttling_json(&use->throttling, window, out);
    events_json(&use->events, out);
    return out;
}

/* A container that is not in the manifest is told of only where it used something. */
static void set_containers(struct target *target, const struct window *window, json_t *out)
{
    json_t *main = json_object();
    json_t *init = json_object();
    for (size_t i = 0; i < target->use_count; i++) {
        struct use *use = &target->uses[i];
        if (use->declared || has_figures(use->cpu) || has_figures(use->memory)) {
            json_object_set_new(use->init ? init : main, use->name, container_json(use, window));
        }
    }
    json_object_set_new(out, "containers", main);
    json_object_set_new(out, "init_containers", init);
}

json_t *usage_json(struct target *target, const struct window *window, struct runs *runs, const char *source)
{
    json_t *usage = json_object();
    if (!runs_json(runs, usage)) {
        json_decref(usage);
        return json_null();
    }
    int64_t interval = (runs->interval_ms + 500) / 1000;
    int64_t range = 4 * interval;
    json_t *times = json_object();
    json_object_set_new(times, "start", time_json(window->start));
    json_object_set_new(times, "end", time_json(window->end));
    json_object_set_new(times, "seconds", json_integer(window->end - window->start));
    json_object_set_new(usage, "window", times);
    json_object_set_new(usage, "source", json_string(source));
    json_object_set_new(usage, "interval_seconds", json_integer(interval < 1 ? 1 : interval));
    json_object_set_new(usage, "rate_window_seconds", json_integer(range < 120 ? 120 : range));
    json_object_set_new(usage, "matched_by", json_string(target->by_owner ? "owners" : "names"));
    set_containers(target, window, usage);
    return usage;
}
