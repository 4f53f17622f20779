#include "stages/analyze/forecast/outlook.h"

#include <math.h>

#include "pipeline/base/clock.h"
#include "stages/analyze/forecast/growth.h"
#include "stages/analyze/subject/allowance.h"

enum { DAY = 86400, DAYS_MAX = 365 };

/* When an amount will be reached. */
struct crossing {
    double days;          /* from the window's end, 0 where it is reached already; NaN: not within a year */
    int64_t at;           /* valid where days is */
    bool within_forecast; /* the band of the next six hours reaches it */
};

static struct crossing crossing_in(double days, int64_t end)
{
    if (!(days <= DAYS_MAX)) {
        return (struct crossing){.days = NAN};
    }
    return (struct crossing){.days = days, .at = end + (int64_t)(days * DAY + 0.5)};
}

/* At which day from now `amount` is reached; NaN for never. */
static double days_to(double now, double per_day, double amount)
{
    if (now >= amount) {
        return 0;
    }
    return per_day > 0 ? (amount - now) / per_day : NAN;
}

/* By the trend where there is one, and by the forecast where that is sooner. */
static struct crossing crossing_of(const struct growth *growth, const struct forecast *forecast, double amount, int64_t end)
{
    double days = days_to(growth->now, growth->sure ? growth->per_day : 0, amount);
    bool within = false;
    for (size_t i = 0; forecast->known && i < forecast->count; i++) {
        double ahead = (double)(forecast->start - end + (int64_t)(i + 1) * forecast->step_seconds) / DAY;
        within = within || forecast->upper[i] >= amount;
        if (forecast->values[i] >= amount && !(days <= ahead)) {
            days = fmax(ahead, 0);
        }
    }
    struct crossing crossing = crossing_in(days, end);
    crossing.within_forecast = within;
    return crossing;
}

/* `at` and `days` of a crossing into `out`. */
static void set_when(json_t *out, const struct crossing *crossing)
{
    char text[RFC3339_MAX];
    bool known = isfinite(crossing->days);
    json_object_set_new(out, "at", known ? json_string(time_format(crossing->at, text)) : json_null());
    json_object_set_new(out, "days", json_real_or_null(crossing->days));
}

/* New {amount,at,days,within_forecast}, null without an amount. */
static json_t *crossing_json(const struct growth *growth, const struct forecast *forecast, int64_t amount, int64_t end)
{
    if (amount <= 0) {
        return json_null();
    }
    struct crossing crossing = crossing_of(growth, forecast, (double)amount, end);
    json_t *out = json_object();
    json_object_set_new(out, "amount", json_integer(amount));
    set_when(out, &crossing);
    json_object_set_new(out, "within_forecast", json_boolean(crossing.within_forecast));
    return out;
}

/* New {per_day,p_value,now,crosses}. */
static json_t *resource_json(const struct container_plan *container, enum resource resource, const struct growth *growth,
                             const struct forecast *forecast, int64_t end)
{
    json_t *crosses = json_object();
    const struct container *today = container->container;
    const struct field_plan *request = &container->fields[FIELD_OF(resource, false)];
    const struct field_plan *limit = &container->fields[FIELD_OF(resource, true)];
    json_object_set_new(crosses, "request", crossing_json(growth, forecast, container_request(today, resource), end));
    json_object_set_new(crosses, "limit", crossing_json(growth, forecast, today->limit[resource], end));
    json_object_set_new(crosses, "advised_request", crossing_json(growth, forecast, field_after(request), end));
    json_object_set_new(crosses, "advised_limit", crossing_json(growth, forecast, field_after(limit), end));
    json_t *out = json_object();
    json_object_set_new(out, "per_day", json_real_or_null(growth->per_day));
    json_object_set_new(out, "p_value", json_real_or_null(growth->p));
    json_object_set_new(out, "trend", json_boolean(growth->sure));
    json_object_set_new(out, "now", json_real_or_null(growth->now));
    json_object_set_new(out, "crosses", crosses);
    return out;
}

/* Growth a day of all replicas of what a quota counts: sure ones only, and limits only where there are some. */
static double growth_of_all(const struct plan *plan, struct growth (*growths)[RESOURCES], enum resource resource, bool is_limit)
{
    double sum = 0;
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct growth *growth = &growths[i][resource];
        bool counted = plan->containers[i].judged && (!is_limit || plan->subject->containers[i].limit[resource] > 0);
        sum += counted && growth->sure && growth->per_day > 0 ? growth->per_day : 0;
    }
    return sum * fmax(subject_replicas(plan->subject), 0);
}

/* New array: for each quota whose use is known, when it is full if requests and limits are to follow this workload's use. */
static json_t *quotas_json(const struct plan *plan, struct growth (*growths)[RESOURCES])
{
    static const char *const names[2][RESOURCES] = {{"requests.cpu", "requests.memory"}, {"limits.cpu", "limits.memory"}};
    const struct allowance *allowance = plan->subject->allowance;
    json_t *out = json_array();
    for (size_t q = 0; allowance && q < allowance->quota_count; q++) {
        const struct quota *quota = &allowance->quotas[q];
        for (int field = 0; field < FIELDS && quota->counts; field++) {
            enum resource resource = FIELD_RESOURCE(field);
            bool is_limit = FIELD_IS_LIMIT(field);
            int64_t hard = quota->hard[is_limit][resource];
            int64_t used = quota->used[is_limit][resource];
            if (hard < 0 || used < 0) {
                continue;
            }
            double per_day = growth_of_all(plan, growths, resource, is_limit);
            struct crossing crossing = crossing_in(days_to((double)used, per_day, (double)hard), plan->subject->window_end);
            json_t *row = json_object();
            json_object_set_new(row, "name", json_string_safe(quota->name));
            json_object_set_new(row, "resource", json_string(names[is_limit][resource]));
            json_object_set_new(row, "hard", json_integer(hard));
            json_object_set_new(row, "used", json_integer(used));
            json_object_set_new(row, "per_day", json_real_or_null(per_day));
            set_when(row, &crossing);
            json_array_append_new(out, row);
        }
    }
    return out;
}

/* New object of the judged containers of which a trend or a forecast is known. */
static json_t *containers_json(const struct plan *plan, const struct forecasts *forecasts, struct growth (*growths)[RESOURCES])
{
    json_t *containers = json_object();
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        json_t *entry = json_object();
        for (int r = 0; r < RESOURCES; r++) {
            const struct growth *growth = &growths[i][r];
            const struct forecast *forecast = &forecasts->of[r][i];
            if (plan->containers[i].judged && (growth->known || forecast->known)) {
                json_object_set_new(entry, resource_key((enum resource)r),
                                    resource_json(&plan->containers[i], (enum resource)r, growth, forecast,
                                                  plan->subject->window_end));
            }
        }
        if (json_object_size(entry) > 0) {
            json_object_set(containers, plan->subject->containers[i].name, entry);
        }
        json_decref(entry);
    }
    return containers;
}

json_t *outlook_new(const struct plan *plan, const struct forecasts *forecasts, struct arena *arena)
{
    const struct subject *subject = plan->subject;
    struct growth(*growths)[RESOURCES] = arena_alloc_array(arena, subject->container_count + 1, sizeof *growths);
    for (size_t i = 0; i < subject->container_count; i++) {
        for (int r = 0; r < RESOURCES; r++) {
            const struct climb *climb = r == MEMORY ? &plan->containers[i].signals.memory_climb : NULL;
            growth_read(&subject->containers[i].use[r].steps, (enum resource)r, climb, arena, &growths[i][r]);
        }
    }
    json_t *containers = containers_json(plan, forecasts, growths);
    json_t *quotas = quotas_json(plan, growths);
    if (json_object_size(containers) == 0 && json_array_size(quotas) == 0) {
        json_decref(containers);
        json_decref(quotas);
        return json_null();
    }
    json_t *out = json_object();
    json_object_set_new(out, "containers", containers);
    json_object_set_new(out, "quotas", quotas);
    return out;
}
