#include "pricing/cost/engine.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "pricing/money/money.h"

enum { REASONS_MAX = 2000, BYTES_PER_GIB = 1 << 30, MILLICORES_PER_VCPU = 1000, COST_RESOURCES = 2, MONTHS_PER_YEAR = 12 };

/* A resource and the names that its figures have in records. */
struct resource {
    const char *member;     /* of requests, limits and usage */
    const char *short_name; /* as `remove` and people call it */
    const char *before;
    const char *after;
    const char *waste_before;
    const char *waste_after;
    const char *billed_before;
    const char *billed_after;
    uint64_t divisor; /* amounts that make one priced unit */
};

static const struct resource resources[COST_RESOURCES] = {
    {"cpu_millicores", "cpu", "cpu_before_microusd", "cpu_after_microusd", "cpu_waste_before_microusd",
     "cpu_waste_after_microusd", "cpu_billed_before_millicores", "cpu_billed_after_millicores", MILLICORES_PER_VCPU},
    {"memory_bytes", "memory", "memory_before_microusd", "memory_after_microusd", "memory_waste_before_microusd",
     "memory_waste_after_microusd", "memory_billed_before_bytes", "memory_billed_after_bytes", BYTES_PER_GIB},
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

/* A workload while it is priced. */
struct pricing {
    const json_t *record;
    const struct unit_price *unit;
    struct cost_notes *notes;
    struct totals totals;
    json_t *names; /* of containers, and how often each was there */
    double replicas;
    bool priced; /* every container so far */
};

void cost_notes_init(struct cost_notes *notes)
{
    notes->replicas_unknown = false;
    notes->duration_unknown = false;
    buf_init(&notes->unpriced, REASONS_MAX);
    buf_init(&notes->unlisted, REASONS_MAX);
}

void cost_notes_release(struct cost_notes *notes)
{
    buf_release(&notes->unpriced);
    buf_release(&notes->unlisted);
}

/* Usage tells how many ran on average; where no pod was ever seen its figure says nothing. Pods of Jobs end: without usage
 * nobody knows how long they run. Those of a workload that a Rollout runs are as many as the Rollout wants. */
static double replicas_of(const json_t *record, struct cost_notes *notes)
{
    double replicas = 0;
    const json_t *usage = json_object_get(record, "usage");
    const json_t *workload = json_object_get(record, "workload");
    const char *kind = json_string_or_null(workload, "kind");
    if (json_int_or(usage, "pods", 1) > 0 && json_get_number(usage, "replicas_mean", &replicas) && replicas >= 0) {
        return replicas;
    }
    notes->duration_unknown = str_equal(kind, "Job") || str_equal(kind, "CronJob");
    const json_t *runner = json_object_get(workload, "run_by");
    if (json_get_number(json_is_object(runner) ? runner : workload, "replicas", &replicas) && replicas >= 0) {
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

/* A request or limit as it stands, overlaid with the advice (NULL for none): null there leaves it as it is. */
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

static uint64_t unit_of(const struct unit_price *unit, const struct resource *resource)
{
    bool cpu = resource->divisor == MILLICORES_PER_VCPU;
    return (uint64_t)(cpu ? unit->microusd_per_vcpu_hour : unit->microusd_per_gib_hour);
}

/* What amount − less costs in a month. */
static bool bill(double amount, double less, const struct billing *billing, const struct resource *resource,
                 int64_t *result)
{
    return money_of_difference(amount, less, billing->replicas, billing->price * HOURS_PER_MONTH, resource->divisor,
                               result);
}

/* Waste is what is asked for and not used; without usage nobody knows it. */
static bool add_waste(const struct billing *billing, const struct resource *resource, double before,
                      double after, json_t *out, struct totals *totals)
{
    bool known = billing->usage >= 0;
    int64_t waste_before = 0;
    int64_t waste_after = 0;
    if (known && (!bill(before, billing->usage, billing, resource, &waste_before) ||
                  !bill(after, billing->usage, billing, resource, &waste_after))) {
        return false;
    }
    json_object_set_new(out, resource->waste_before, json_int_or_null(known, waste_before));
    json_object_set_new(out, resource->waste_after, json_int_or_null(known, waste_after));
    totals->waste_known = totals->waste_known && known;
    totals->waste_before += waste_before;
    totals->waste_after += waste_after;
    return true;
}

/* Prices one resource of one container into `out` and the totals; false when the amounts are beyond reason. */
static bool price_resource(const struct billing *billing, const struct resource *resource, json_t *out,
                           struct totals *totals)
{
    double before = larger(0, larger(billing->request_before, billing->usage));
    double after = larger(0, larger(billing->request_after, billing->usage));
    int64_t cost_before = 0;
    int64_t cost_after = 0;
    if (!bill(before, 0, billing, resource, &cost_before) || !bill(after, 0, billing, resource, &cost_after) ||
        totals->before > MONEY_MAX - cost_before || totals->after > MONEY_MAX - cost_after ||
        !add_waste(billing, resource, before, after, out, totals)) {
        return false;
    }
    json_object_set_new(out, resource->before, json_integer(cost_before));
    json_object_set_new(out, resource->after, json_integer(cost_after));
    json_object_set_new(out, resource->billed_before, json_real(before));
    json_object_set_new(out, resource->billed_after, json_real(after));
    totals->before += cost_before;
    totals->after += cost_after;
    return true;
}

/* Adds a sentence where it fits whole; what does not is cut, and the "…" says so. */
static void say(struct buf *reasons, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct buf *reasons, const char *format, ...)
{
    static const char more[] = "; \xe2\x80\xa6";
    if (reasons->overflow) {
        return;
    }
    struct buf sentence;
    buf_init(&sentence, REASONS_MAX - sizeof more);
    buf_add_str(&sentence, reasons->length == 0 ? "" : "; ");
    va_list args;
    va_start(args, format);
    buf_vprintf(&sentence, format, args);
    va_end(args);
    if (sentence.overflow || reasons->length + sentence.length + sizeof more > REASONS_MAX) {
        buf_add_str(reasons, more);
        reasons->overflow = true;
    } else {
        buf_add(reasons, sentence.data, sentence.length);
    }
    buf_release(&sentence);
}

static struct billing billing_of(const struct pricing *pricing, const json_t *container, const char *name,
                                 const struct resource *resource)
{
    const json_t *usage = json_object_get(json_at(pricing->record, "usage.containers"), name);
    const json_t *advice = json_object_get(json_at(pricing->record, "recommendation.containers"), name);
    struct billing billing = {.request_before = effective_request(container, NULL, resource),
                              .request_after = effective_request(container, advice, resource),
                              .usage = -1,
                              .replicas = pricing->replicas,
                              .price = unit_of(pricing->unit, resource)};
    json_get_number(json_object_get(usage, resource->member), "mean", &billing.usage);
    return billing;
}

/* Says of each resource why it has no price. */
static void price_container(struct pricing *pricing, const json_t *container, const char *name, json_t *out)
{
    const char *missing[COST_RESOURCES] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < COST_RESOURCES; i++) {
        const struct resource *resource = &resources[i];
        struct billing billing = billing_of(pricing, container, name, resource);
        if (billing.request_before < 0 && billing.usage < 0 && pricing->replicas > 0) {
            missing[count++] = resource->short_name;
        } else if (!price_resource(&billing, resource, out, &pricing->totals)) {
            say(&pricing->notes->unpriced, "container '%.300s' has amounts of %s that no price can be put on", name,
                resource->short_name);
            pricing->priced = false;
        }
    }
    if (count > 0) {
        say(&pricing->notes->unpriced, "container '%.300s' has neither a request nor usage data for %s%s%s", name,
            missing[0], count == 1 ? "" : " and ", count == 1 ? "" : missing[1]);
        pricing->priced = false;
    }
}

/* Kubernetes refuses two containers of one name; a manifest may have them, and each must stay in the sum. */
static void set_container(json_t *containers, const char *name, json_int_t copy, json_t *member)
{
    char *key = copy == 1 ? xstrdup(name) : xasprintf("%s#%" JSON_INTEGER_FORMAT, name, copy);
    while (json_object_get(containers, key) != NULL) {
        free(key);
        key = xasprintf("%s#%" JSON_INTEGER_FORMAT, name, ++copy);
    }
    json_object_set_new(containers, key, member);
    free(key);
}

/* Which container of this name it is, from 1, init containers counted too. */
static json_int_t count_name(json_t *names, const char *name)
{
    json_int_t copy = json_int_or(names, name, 0) + 1;
    json_object_set_new(names, name, json_integer(copy));
    return copy;
}

/* What its mean use costs; −1 where that is unknown. */
static int64_t cost_of_use(const struct pricing *pricing, const json_t *usage)
{
    int64_t sum = -1;
    for (size_t i = 0; i < COST_RESOURCES; i++) {
        const struct resource *resource = &resources[i];
        const struct billing billing = {.replicas = pricing->replicas, .price = unit_of(pricing->unit, resource)};
        double mean = -1;
        int64_t cost = 0;
        if (json_get_number(json_object_get(usage, resource->member), "mean", &mean) &&
            bill(mean, 0, &billing, resource, &cost)) {
            sum = (sum < 0 ? 0 : sum) + cost;
        }
    }
    return sum;
}

/* Containers that ran and stand in no manifest: injected ones, and those of an older version of the workload. */
static void name_unlisted(struct pricing *pricing)
{
    const char *name;
    json_t *usage;
    json_object_foreach(json_at(pricing->record, "usage.containers"), name, usage)
    {
        int64_t cost = json_object_get(pricing->names, name) != NULL ? -1 : cost_of_use(pricing, usage);
        char money[MONEY_TEXT];
        if (cost > 0) {
            say(&pricing->notes->unlisted,
                "container '%.300s' ran and stands in no manifest: what it uses, %s a month, is not in the cost", name,
                money_format(cost, money));
        }
    }
}

static const char *string_of(const json_t *object, const char *key)
{
    const char *text = json_string_or_null(object, key);
    return text == NULL ? "" : text;
}

static void price_containers(struct pricing *pricing, json_t *out)
{
    const json_t *containers = json_at(pricing->record, "workload.containers");
    for (size_t i = 0; i < json_array_size(containers); i++) {
        const json_t *container = json_array_get(containers, i);
        const char *name = string_of(container, "name");
        json_int_t copy = count_name(pricing->names, name);
        if (str_equal(json_string_or_null(container, "role"), "init")) {
            continue;
        }
        json_t *member = json_object();
        price_container(pricing, container, name, member);
        set_container(out, name, copy, member);
    }
    const json_t *template = json_at(pricing->record, "workload.template_of");
    if (json_is_object(template)) {
        say(&pricing->notes->unpriced, "its pods are made from %.100s/%.300s, and are priced there",
            string_of(template, "kind"), string_of(template, "name"));
        pricing->priced = false;
    } else if (json_object_size(out) == 0) {
        say(&pricing->notes->unpriced, "it has no container that runs");
        pricing->priced = false;
    }
}

json_t *cost_price_member(const struct unit_price *unit)
{
    json_t *price =
        json_pack("{s:I, s:I, s:s?, s:s?, s:s?, s:s, s:s?, s:s?, s:s?, s:s?, s:s?}", "microusd_per_vcpu_hour",
                  (json_int_t)unit->microusd_per_vcpu_hour, "microusd_per_gib_hour",
                  (json_int_t)unit->microusd_per_gib_hour, "provider", unit->provider, "region", unit->region,
                  "instance", unit->instance, "path", price_path_name(unit->path), "date", unit->date,
                  "source", unit->source, "ratio_of", unit->group, "priced_region", unit->priced_region, "pool", unit->pool);
    json_object_set_new(price, "discount", json_real((double)unit->discount_ppm / DISCOUNT_SCALE));
    json_object_set_new(price, "node_microusd_per_hour",
                        json_int_or_null(unit->node_microusd_per_hour > 0, unit->node_microusd_per_hour));
    return price;
}

/* Twelve months, so that it needs no rounding of its own; all sums are far from the end of 64 bits. */
static void set_money(json_t *cost, const char *monthly, const char *annual, int64_t microusd)
{
    json_object_set_new(cost, monthly, json_integer(microusd));
    json_object_set_new(cost, annual, json_integer(microusd * MONTHS_PER_YEAR));
}

json_t *cost_of_record(const json_t *record, const struct unit_price *unit, struct cost_notes *notes)
{
    struct pricing pricing = {.record = record,
                              .unit = unit,
                              .notes = notes,
                              .totals = {.waste_known = true},
                              .names = json_object(),
                              .replicas = replicas_of(record, notes),
                              .priced = true};
    const struct totals *totals = &pricing.totals;
    json_t *containers = json_object();
    price_containers(&pricing, containers);
    name_unlisted(&pricing);
    json_decref(pricing.names);
    if (!pricing.priced) {
        json_decref(containers);
        return NULL;
    }
    json_t *cost = json_object();
    json_object_set_new(cost, "containers", containers);
    json_object_set_new(cost, "hours", json_integer(HOURS_PER_MONTH));
    json_object_set_new(cost, "price", cost_price_member(unit));
    json_object_set_new(cost, "replicas", json_real(pricing.replicas));
    json_object_set_new(cost, "waste_before_microusd", json_int_or_null(totals->waste_known, totals->waste_before));
    json_object_set_new(cost, "waste_after_microusd", json_int_or_null(totals->waste_known, totals->waste_after));
    set_money(cost, "monthly_before_microusd", "annual_before_microusd", totals->before);
    set_money(cost, "monthly_after_microusd", "annual_after_microusd", totals->after);
    set_money(cost, "monthly_saving_microusd", "annual_saving_microusd", totals->before - totals->after);
    return cost;
}
