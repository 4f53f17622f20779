#include "stages/analyze/scaling/scaling.h"

#include <math.h>

#include "pipeline/base/clock.h"
#include "stages/analyze/sizing/conflict_words.h"
#include "stages/analyze/scaling/horizontal.h"
#include "stages/analyze/scaling/policies.h"
#include "stages/analyze/scaling/replicas.h"
#include "stages/analyze/scaling/schedule.h"
#include "stages/analyze/scaling/vertical.h"

static json_t *spikes_new(const struct shape *shape)
{
    json_t *out = json_array();
    for (size_t i = 0; i < shape->spike_count; i++) {
        char text[RFC3339_MAX];
        json_t *entry = json_object();
        json_object_set_new(entry, "start", json_string(time_format(shape->spikes[i].start, text)));
        json_object_set_new(entry, "seconds", json_integer(shape->spikes[i].seconds));
        json_object_set_new(entry, "times", json_real_or_null(shape->spikes[i].times));
        json_array_append_new(out, entry);
    }
    return out;
}

/* New member `load`, null where it is not known. */
static json_t *load_new(const struct situation *situation)
{
    const struct load *load = &situation->load;
    const struct shape *shape = &situation->shape;
    if (!load->known) {
        return json_null();
    }
    json_t *out = json_object();
    json_object_set_new(out, "unit", json_string("cpu_millicores"));
    json_object_set_new(out, "container", json_string_safe(situation->container->container->name));
    json_object_set_new(out, "mean", json_real_or_null(load->mean));
    json_object_set_new(out, "trough", json_real_or_null(load->trough));
    json_object_set_new(out, "peak", json_real_or_null(load->peak));
    json_object_set_new(out, "usual_peak", json_real_or_null(shape->usual_peak));
    json_object_set_new(out, "top", json_real_or_null(load->top));
    json_object_set_new(out, "ratio", json_real_or_null(load->trough > 0 ? load->peak / load->trough : NAN));
    json_object_set_new(out, "rise", json_real_or_null(load->rise));
    json_object_set_new(out, "days", json_integer((json_int_t)shape->days));
    json_object_set_new(out, "agreement", json_real_or_null(shape->agreement));
    json_object_set_new(out, "weekend_ratio", json_real_or_null(shape->weekend_ratio));
    json_object_set_new(out, "growth_per_day", json_real_or_null(shape->growth_per_day));
    json_object_set_new(out, "spikes", spikes_new(shape));
    return out;
}

static json_t *patterns_new(const struct shape *shape)
{
    json_t *out = json_array();
    for (int i = 0; i < PATTERNS; i++) {
        if (shape->shows[i]) {
            json_array_append_new(out, json_string(pattern_name((enum pattern)i)));
        }
    }
    return out;
}

/* A sentence for each conflict, for people who read the advice only. */
static void advise_conflicts(struct situation *situation, const json_t *conflicts)
{
    size_t index;
    json_t *conflict;
    json_array_foreach(conflicts, index, conflict)
    {
        advise(situation, "conflict", NULL, "%s", json_string_or_null(conflict, "message"));
    }
}

json_t *scaling_new(const struct plan *plan, const struct class *class, const struct scaling_setup *setup, struct arena *arena)
{
    struct situation situation;
    struct horizontal horizontal;
    situation_make(plan, class, setup, arena, &situation);
    json_t *conflicts = conflicts_new(plan);
    advise_conflicts(&situation, conflicts);
    json_t *autoscaler = horizontal_new(&situation, &horizontal);
    bool autoscaled = situation.horizontal || horizontal.create;
    json_t *replicas = replicas_new(&situation, autoscaled);
    json_t *schedule = schedule_new(&situation, &horizontal);
    json_t *vertical = vertical_new(&situation, autoscaled);
    json_t *policies = policies_new(&situation, situation.horizontal != NULL);
    json_t *out = json_object();
    json_object_set_new(out, "kind_of_load", json_string(shape_kind(&situation.shape)));
    json_object_set_new(out, "patterns", patterns_new(&situation.shape));
    json_object_set_new(out, "load", load_new(&situation));
    json_object_set_new(out, "replicas", replicas);
    json_object_set_new(out, "autoscaler", autoscaler);
    json_object_set_new(out, "vertical", vertical);
    json_object_set_new(out, "schedule", schedule);
    json_object_set_new(out, "policies", policies);
    json_object_set_new(out, "conflicts", conflicts);
    json_object_set_new(out, "advice", situation.advice);
    json_object_set_new(out, "manifests", situation.manifests);
    bool silent = !situation.load.known && json_array_size(conflicts) == 0 && json_array_size(policies) == 0;
    if (silent) {
        json_decref(out);
        return json_null();
    }
    return out;
}
