#include "stages/analyze/scaling/policy_bounds.h"

#include <math.h>

#include "pipeline/base/str.h"
#include "pricing/cost/engine.h"
#include "pricing/money/money.h"

enum { BYTES_PER_GIB = 1 << 30, MILLICORES_PER_VCPU = 1000, REPLICAS_MOST = 1000000 };

/* Cost of one resource of one container in a month: of its request once the plan is carried out, or its mean use where that
 * is more, as tare-price bills it. */
static int64_t cost_of(const struct container_plan *container, enum resource resource, const struct unit_price *unit)
{
    const struct figures *use = &container->container->use[resource];
    int64_t request = field_after(&container->fields[FIELD_OF(resource, false)]);
    request = request >= 0 ? request : container_request(container->container, resource);
    double amount = fmax(0, (double)request);
    int64_t price = resource == CPU ? unit->microusd_per_vcpu_hour : unit->microusd_per_gib_hour;
    int64_t cost = 0;
    if (use->known && isfinite(use->mean)) {
        amount = fmax(amount, use->mean);
    }
    return money_product(amount, 1, (uint64_t)price * HOURS_PER_MONTH, resource == CPU ? MILLICORES_PER_VCPU : BYTES_PER_GIB, &cost)
               ? cost
               : 0;
}

int64_t replica_cost(const struct situation *situation)
{
    const struct unit_price *unit = scaling_prices(situation->setup);
    int64_t sum = 0;
    for (size_t i = 0; unit && i < situation->subject->container_count; i++) {
        const struct container_plan *container = &situation->plan->containers[i];
        for (int r = 0; r < RESOURCES && container->container->role != ROLE_INIT; r++) {
            sum += cost_of(container, (enum resource)r, unit);
        }
    }
    return sum;
}

void policy_bounds_read(const struct situation *situation, const json_t *policy, struct policy_bounds *out)
{
    const char *prefer = json_string_or_null(policy, "prefer");
    double usd;
    int64_t limit;
    *out = (struct policy_bounds){.min = json_int_or(policy, "min", 0),
                                  .max = json_int_or(policy, "max", 0),
                                  .max_increment = json_int_or(policy, "max_increment", 0),
                                  .max_decrement = json_int_or(policy, "max_decrement", 0),
                                  .cooldown_seconds = json_int_or(policy, "cooldown", 0),
                                  .performance = str_equal(prefer, "up") || str_equal(prefer, "performance"),
                                  .cost = str_equal(prefer, "down") || str_equal(prefer, "cost")};
    int64_t each = replica_cost(situation);
    if (each > 0 && json_get_number(policy, "max_monthly_cost_usd", &usd) && money_from_real(usd, &limit, NULL) == 0) {
        /* One always runs: nothing is switched off for money. */
        out->affordable = limit / each < 1 ? 1 : limit / each > REPLICAS_MOST ? REPLICAS_MOST : limit / each;
    }
}

static int64_t act(json_t *acted, const char *by, int64_t from, int64_t to)
{
    if (from != to) {
        json_t *entry = json_object();
        json_object_set_new(entry, "by", json_string(by));
        json_object_set_new(entry, "from", json_integer(from));
        json_object_set_new(entry, "to", json_integer(to));
        json_array_append_new(acted, entry);
    }
    return to;
}

static int64_t at_least(int64_t value, int64_t least)
{
    return value < least ? least : value;
}

static int64_t at_most(int64_t value, int64_t most)
{
    return most > 0 && value > most ? most : value;
}

int64_t policy_bounds_hold(const struct situation *situation, const struct policy_bounds *bounds, int64_t wanted, json_t *acted)
{
    int64_t now = situation->now;
    int64_t value = wanted;
    if (bounds->max_increment > 0) {
        value = act(acted, "max_increment", value, at_most(value, now + bounds->max_increment));
    }
    if (bounds->max_decrement > 0) {
        value = act(acted, "max_decrement", value, at_least(value, now - bounds->max_decrement));
    }
    int64_t floor = at_most(situation->floor, bounds->max);
    value = act(acted, situation->floor_by, value, at_least(value, floor));
    value = act(acted, "min", value, at_least(value, bounds->min));
    value = act(acted, "max", value, at_most(value, bounds->max));
    if (bounds->affordable > 0 && value > bounds->affordable) {
        /* What one wants at least to run against what one wants to pay at most: the preference decides. */
        int64_t least = bounds->performance || !bounds->cost ? bounds->min : 0;
        value = act(acted, "max_monthly_cost", value, at_least(bounds->affordable, least));
    }
    value = act(acted, "max_replicas", value, at_most(value, replicas_allowed(situation, value, NULL)));
    int64_t unchanged = load_replicas_unchanged(&situation->load);
    if (bounds->cooldown_seconds > 0 && unchanged > 0 && unchanged < bounds->cooldown_seconds) {
        value = act(acted, "cooldown", value, now);
    }
    return value;
}
