#include "pricing/engine.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pricing/money.h"

enum { REASON_MAX = 600, BYTES_PER_GIB = 1 << 30, MILLICORES_PER_VCPU = 1000, COST_RESOURCES = 2 };

/* A resource and the names that its figures have in records. */
struct resource {
    const char *member;     /* of requests, limits and usage */
    const char *short_name; /* as `remove` and people call it */
    const char *before;
    const char *after;
    const char *billed_before;
    const char *billed_after;
    uint64_t divisor; /* amounts that make one priced unit */
};

static const struct resource resources[COST_RESOURCES] = {
    {"cpu_millicores", "cpu", "cpu_before_microusd", "cpu_after_microusd", "cpu_billed_before_millicores",
     "cpu_billed_after_millicores", MILLICORES_PER_VCPU},
    {"memory_bytes", "memory", "memory_before_microusd", "memory_after_microusd",
     "memory_billed_before_bytes", "memory_billed_after_bytes", BYTES_PER_GIB},
};

/* Integer sums of one workload. */
struct totals {
    int64_t before;
    int64_t after;
    int64_t waste_before;
    int64_t waste_after;
    bool waste_known;
};

/* Everything the price of one container's resource depends on. An absent amount is negative. */
struct billing {
    double request_before;
    double request_after;
    double usage;
    double replicas;
    uint64_t price;
};

void cost_notes_init(struct cost_notes *notes)
{
    notes->replicas_unknown = false;
    buf_init(&notes->unpriced, REASON_MAX);
}

void cost_notes_release(struct cost_notes *notes)
{
    buf_release(&notes->unpriced);
}

/* Usage tells how many ran on average; where no pod was ever seen its figure says nothing. */
static double replicas_of(const json_t *record, struct cost_notes *notes)
{
    double replicas = 0;
    const json_t *usage = json_object_get(record, "usage");
    bool seen = json_int_or(usage, "pods", 1) > 0;
    if (seen && json_get_number(usage, "replicas_mean", &replicas) && replicas >= 0) {
        return replicas;
    }
    if (json_get_number(json_object_get(record, "workload"), "replicas", &replicas) && replicas >= 0) {
        return replicas;
    }
    notes->replicas_unknown = true;
    return 1;
}

static bool is_removed(const json_t *advice, const char *section, const char *resource)
{
    char path[32];
    snprintf(path, sizeof path, "%s.%s", section, resource);
    const json_t *list = json_object_get(advice, "remove");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_equal(json_string_value(json_array_get(list, i)), path)) {
            return true;
        }
    }
    return false;
}

/* A request or limit as it stands, overlaid with the advice (NULL for none): null there leaves it as it is.
 */
static double amount_of(const json_t *container, const json_t *advice, const char *section,
                        const struct resource *resource)
{
    double amount = -1;
    if (json_get_number(json_object_get(advice, section), resource->member, &amount)) {
        return amount;
    }
    if (is_removed(advice, section, resource->short_name) ||
        !json_get_number(json_object_get(container, section), resource->member, &amount)) {
        return -1;
    }
    return amount;
}

static double effective_request(const json_t *container, const json_t *advice,
                                const struct resource *resource)
{
    double request = amount_of(container, advice, "requests", resource);
    return request >= 0 ? request : amount_of(container, advice, "limits", resource);
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static bool bill(double amount, const struct billing *billing, const struct resource *resource,
                 int64_t *result)
{
    return money_product(amount, billing->replicas, billing->price * HOURS_PER_MONTH, resource->divisor,
                         result);
}

/* Waste is what is asked for and not used. */
static bool add_waste(const struct billing *billing, const struct resource *resource, double before,
                      double after, struct totals *totals)
{
    int64_t waste_before = 0;
    int64_t waste_after = 0;
    if (billing->usage < 0) {
        totals->waste_known = false;
        return true;
    }
    if (!bill(before - billing->usage, billing, resource, &waste_before) ||
        !bill(after - billing->usage, billing, resource, &waste_after)) {
        return false;
    }
    totals->waste_before += waste_before;
    totals->waste_after += waste_after;
    return true;
}

/* Prices one resource of one container into `out` and the totals; false when the amounts are beyond reason.
 */
static bool price_resource(const struct billing *billing, const struct resource *resource, json_t *out,
                           struct totals *totals)
{
    double before = larger(0, larger(billing->request_before, billing->usage));
    double after = larger(0, larger(billing->request_after, billing->usage));
    int64_t cost_before = 0;
    int64_t cost_after = 0;
    if (!bill(before, billing, resource, &cost_before) || !bill(after, billing, resource, &cost_after) ||
        !add_waste(billing, resource, before, after, totals)) {
        return false;
    }
    json_object_set_new(out, resource->before, json_integer(cost_before));
    json_object_set_new(out, resource->after, json_integer(cost_after));
    json_object_set_new(out, resource->billed_before, json_real(before));
    json_object_set_new(out, resource->billed_after, json_real(after));
    totals->before += cost_before;
    totals->after += cost_after;
    return totals->before <= MONEY_MAX && totals->after <= MONEY_MAX;
}

static bool price_container(const json_t *record, const json_t *container, const struct unit_price *unit,
                            double replicas, json_t *out, struct totals *totals, struct cost_notes *notes)
{
    const char *name = json_string_or_null(container, "name");
    const json_t *usage = json_object_get(json_at(record, "usage.containers"), name);
    const json_t *advice = json_object_get(json_at(record, "recommendation.containers"), name);
    for (size_t i = 0; i < COST_RESOURCES; i++) {
        const struct resource *resource = &resources[i];
        struct billing billing = {
            .request_before = effective_request(container, NULL, resource),
            .request_after = effective_request(container, advice, resource),
            .usage = -1,
            .replicas = replicas,
            .price = (uint64_t)(i == 0 ? unit->microusd_per_vcpu_hour : unit->microusd_per_gib_hour)};
        json_get_number(json_object_get(usage, resource->member), "mean", &billing.usage);
        if (billing.request_before < 0 && billing.usage < 0 && replicas > 0) {
            buf_printf(&notes->unpriced, "container '%s' has neither a request nor usage data for %s", name,
                       resource->short_name);
            return false;
        }
        if (!price_resource(&billing, resource, out, totals)) {
            buf_printf(&notes->unpriced, "container '%s' has amounts of %s that no price can be put on", name,
                       resource->short_name);
            return false;
        }
    }
    return true;
}

/* Kubernetes refuses two containers of one name; a manifest may have them, and each must stay in the sum. */
static void set_container(json_t *containers, const char *name, json_t *member)
{
    char *key = xstrdup(name);
    for (int copy = 2; json_object_get(containers, key) != NULL; copy++) {
        free(key);
        key = xasprintf("%s#%d", name, copy);
    }
    json_object_set_new(containers, key, member);
    free(key);
}

static bool price_containers(const json_t *record, const struct unit_price *unit, double replicas,
                             json_t *out, struct totals *totals, struct cost_notes *notes)
{
    const json_t *containers = json_at(record, "workload.containers");
    for (size_t i = 0; i < json_array_size(containers); i++) {
        const json_t *container = json_array_get(containers, i);
        const char *name = json_string_or_null(container, "name");
        if (name == NULL || str_equal(json_string_or_null(container, "role"), "init")) {
            continue;
        }
        json_t *member = json_object();
        bool priced = price_container(record, container, unit, replicas, member, totals, notes);
        set_container(out, name, member);
        if (!priced) {
            return false;
        }
    }
    if (json_object_size(out) == 0) {
        buf_add_str(&notes->unpriced, "it has no container that runs");
        return false;
    }
    return true;
}

json_t *cost_price_member(const struct unit_price *unit)
{
    json_t *price =
        json_pack("{s:I, s:I, s:s?, s:s?, s:s?, s:s, s:s?, s:s?, s:s?, s:s?}", "microusd_per_vcpu_hour",
                  (json_int_t)unit->microusd_per_vcpu_hour, "microusd_per_gib_hour",
                  (json_int_t)unit->microusd_per_gib_hour, "provider", unit->provider, "region", unit->region,
                  "instance", unit->instance, "path", price_path_name(unit->path), "date", unit->date,
                  "source", unit->source, "ratio_of", unit->group, "priced_region", unit->priced_region);
    json_object_set_new(price, "discount", json_real((double)unit->discount_ppm / DISCOUNT_SCALE));
    json_object_set_new(price, "node_microusd_per_hour",
                        json_int_or_null(unit->node_microusd_per_hour > 0, unit->node_microusd_per_hour));
    return price;
}

json_t *cost_of_record(const json_t *record, const struct unit_price *unit, struct cost_notes *notes)
{
    struct totals totals = {.waste_known = true};
    double replicas = replicas_of(record, notes);
    json_t *containers = json_object();
    if (!price_containers(record, unit, replicas, containers, &totals, notes)) {
        json_decref(containers);
        return NULL;
    }
    json_t *cost =
        json_pack("{s:o, s:I, s:I, s:I, s:f, s:i}", "containers", containers, "monthly_before_microusd",
                  (json_int_t)totals.before, "monthly_after_microusd", (json_int_t)totals.after,
                  "monthly_saving_microusd", (json_int_t)(totals.before - totals.after), "replicas", replicas,
                  "hours", HOURS_PER_MONTH);
    json_object_set_new(cost, "waste_before_microusd",
                        json_int_or_null(totals.waste_known, totals.waste_before));
    json_object_set_new(cost, "waste_after_microusd",
                        json_int_or_null(totals.waste_known, totals.waste_after));
    json_object_set_new(cost, "price", cost_price_member(unit));
    return cost;
}
