#include "stages/analyze/scaling/replicas.h"

#include <inttypes.h>
#include <math.h>

#include "stages/analyze/scaling/budgets.h"

/* CPU requests that must come free, millicores. */
static const double least_freed = 100;

static const char *floor_words(const struct situation *situation)
{
    return situation->floor_by[0] == 'd' ? "a disruption budget must still be able to let a pod go" : "one pod must be able to go";
}

/* Says that spikes need more than the rest of the time. */
static void advise_spikes(struct situation *situation, int64_t for_spikes, int64_t usual)
{
    const struct shape *shape = &situation->shape;
    double times = 0;
    int64_t seconds = 0;
    json_t *why = json_array();
    for (size_t i = 0; i < shape->spike_count; i++) {
        times = fmax(times, shape->spikes[i].times);
        seconds = seconds > shape->spikes[i].seconds ? seconds : shape->spikes[i].seconds;
    }
    why_add(why, "%zu spike%s of up to %.1f times what the days usually reach, the longest of %" PRId64 " minutes", shape->spike_count,
            shape->spike_count == 1 ? "" : "s", times, seconds / 60);
    why_add(why, "requests follow the usual load: at a spike they are used up with fewer than %" PRId64 " replicas", for_spikes);
    if (situation->load.rise > 2) {
        why_add(why, "within ten minutes the load grows to %.1f times: an autoscaler comes too late", situation->load.rise);
    }
    advise(situation, "spike-headroom", why,
           "keep room for spikes: %" PRId64 " replicas carry them, %" PRId64
           " the rest of the time; where their time is known, scale up before",
           for_spikes, usual);
}

/* The request that the rules aim at, where a cap keeps the plan from it: what it will be after further runs. Replicas are not
 * taken away for a request that is about to shrink anyway. */
static double settled_request(const struct situation *situation)
{
    const struct field_plan *field = &situation->container->fields[CPU_REQUEST];
    bool lower = field->movable && isfinite(field->target) && field->target > 0 && field->target < situation->request;
    return lower ? field->target : situation->request;
}

/* Whether fewer replicas free enough to speak of. */
static bool matters(const struct situation *situation, int64_t advised)
{
    int64_t freed = situation->now - advised;
    return freed * 4 >= situation->now && (double)freed * situation->request >= least_freed;
}

/* What is advised in place of the present number. */
static int64_t choose(const struct situation *situation, int64_t full, int64_t ample)
{
    int64_t advised = situation->now;
    if (full > advised) {
        advised = full;
    } else if (ample < advised && situation->shape.known) {
        advised = ample < situation->floor ? situation->floor : ample;
        return advised < situation->now && matters(situation, advised) ? advised : situation->now;
    }
    return advised < situation->floor ? situation->floor : advised;
}

static void advise_count(struct situation *situation, int64_t advised)
{
    char request[32];
    json_t *why = json_array();
    amount_text(CPU, situation->request, request);
    why_add(why, "at its usual peak all replicas together use %.0fm CPU; each requests %s", situation->shape.usual_peak, request);
    if (advised == situation->floor && advised > 1) {
        why_add(why, "fewer than %" PRId64 " are not advised: %s", advised, floor_words(situation));
    }
    if (advised > situation->now) {
        advise(situation, "more-replicas", why,
               "%" PRId64 " replicas instead of %" PRId64 ": at its peak the load is more than a fifth above the requests", advised,
               situation->now);
    } else {
        why_add(why, "told by CPU alone: see that memory and connections of each pod allow it");
        advise(situation, "fewer-replicas", why,
               "%" PRId64 " replicas instead of %" PRId64 " would carry the load at %d %% of their requests", advised, situation->now,
               REPLICAS_AMPLE);
    }
}

json_t *replicas_new(struct situation *situation, bool autoscaled)
{
    if (!situation->scalable || !situation->load.known || situation->now < 1 || !isfinite(situation->request)) {
        return json_null();
    }
    json_t *out = json_object();
    json_t *why = json_array();
    double peak = situation->shape.usual_peak;
    bool spikes = situation->shape.shows[SPIKES];
    int64_t full = replicas_for(situation, peak, REPLICAS_FULL);
    struct situation settled = *situation;
    settled.request = settled_request(situation);
    int64_t ample = replicas_for(&settled, peak, REPLICAS_AMPLE);
    int64_t for_spikes = replicas_for(situation, situation->load.top, REPLICAS_SPIKE);
    const bool *shows = situation->shape.shows;
    if ((shows[SPIKES] || shows[BURSTS] || shows[HOURLY_PATTERN]) && ample < for_spikes) {
        ample = for_spikes;
    }
    int64_t advised = autoscaled ? situation->now : choose(situation, full, ample);
    int64_t allowed = replicas_allowed(situation, advised, why);
    advised = advised > allowed ? allowed : advised;
    if (!autoscaled && advised != situation->now && !situation->plan->refusal) {
        advise_count(situation, advised);
    }
    bool room = for_spikes <= replicas_allowed(situation, for_spikes, NULL);
    if (spikes && room && for_spikes > situation->now && !situation->horizontal) {
        advise_spikes(situation, for_spikes, advised);
    }
    const char *blocked = budgets_blocked(situation->subject->workload, situation->now);
    if (blocked) {
        why_add(why, "PodDisruptionBudget %.60s lets none of the %" PRId64 " replicas go", blocked, situation->now);
    }
    why_add(why, "the usual peak of %.0fm takes %" PRId64 " replicas at %d %% of their requests, %" PRId64 " at %d %%", peak, full,
            REPLICAS_FULL, ample, REPLICAS_AMPLE);
    json_object_set_new(out, "now", json_integer(situation->now));
    json_object_set_new(out, "needed", json_integer(ample));
    json_object_set_new(out, "advised", json_integer(advised));
    json_object_set_new(out, "for_spikes", json_int_or_null(spikes, for_spikes));
    json_object_set_new(out, "floor", json_integer(situation->floor));
    json_object_set_new(out, "floor_by", json_string(situation->floor_by));
    json_object_set_new(out, "why", why);
    return out;
}
