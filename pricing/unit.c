#include "pricing/unit.h"

#include <string.h>

#include "pricing/money.h"

const char *price_path_name(enum price_path path)
{
    static const char *const names[] = {"override", "exact", "other-region", "estimated", "default"};
    return names[path];
}

int price_path_flagged(enum price_path path)
{
    return path == PRICE_OTHER_REGION || path == PRICE_ESTIMATED;
}

static int unknown(const struct price_name *name, const char *what, const char *of, const char *hint,
                   const struct buf *near, struct err *err)
{
    err_set(err, name->blame, "%s: unknown %s '%s'%s%s", name->origin, what, name->text,
            of == NULL ? "" : " of ", of == NULL ? "" : of);
    if (hint[0] != '\0') {
        return err_hint(err, "%s", hint);
    }
    return near->length == 0 ? -1 : err_hint(err, "did you mean %s?", buf_str(near));
}

/* What to do where no known name is near. */
static void hint_default(struct err *err, const char *fallback)
{
    if (err->hint[0] == '\0') {
        err_hint(err, "leave it out for %s", fallback);
    }
}

static int unknown_provider(const struct price_name *name, struct err *err)
{
    struct buf near;
    buf_init(&near, ERR_HINT_MAX);
    catalog_near_providers(name->text, &near);
    unknown(name, "provider", NULL, near.length > 0 ? "" : "the providers are aws, gcp, azure and on-prem", &near, err);
    buf_release(&near);
    return -1;
}

static int unknown_region(const struct catalog *catalog, const char *provider, const struct price_name *name,
                          struct err *err)
{
    struct buf near;
    buf_init(&near, ERR_HINT_MAX);
    catalog_near_regions(catalog, provider, name->text, &near);
    unknown(name, "region", provider, "", &near, err);
    hint_default(err, provider_find(provider)->home_region);
    buf_release(&near);
    return -1;
}

static int unknown_instance(const struct catalog *catalog, const char *provider, const char *region,
                            const struct price_name *name, struct err *err)
{
    struct buf near;
    struct buf hint;
    buf_init(&near, ERR_HINT_MAX);
    buf_init(&hint, ERR_HINT_MAX);
    const char *other = catalog_other_provider(catalog, provider, name->text);
    if (other != NULL) {
        buf_printf(&hint, "%s has this type: --provider %s", other, other);
    }
    catalog_near_instances(catalog, provider, region, name->text, &near);
    if (near.length == 0) {
        catalog_near_instances(catalog, provider, provider_find(provider)->home_region, name->text, &near);
    }
    unknown(name, "instance type", provider, buf_str(&hint), &near, err);
    hint_default(err, "the provider's usual price of a vCPU and a GiB");
    buf_release(&near);
    buf_release(&hint);
    return -1;
}

/* price × (1 − discount), rounded half up once. */
static int64_t discounted(int64_t price, int64_t discount_ppm)
{
    return money_ratio((uint64_t)price, (uint64_t)(DISCOUNT_SCALE - discount_ppm), DISCOUNT_SCALE);
}

/*
 * With prices in µ$ and sizes in thousandths: ram = P·R·1000 / (vcpu·C + gib·R), cpu = P·C·1000 / (the same).
 * P × (1 − d) stays a fraction, so that each unit price is rounded once.
 */
static void split_node(struct unit_price *unit, const struct group_price *group)
{
    uint64_t price = (uint64_t)unit->node_microusd_per_hour * (uint64_t)(DISCOUNT_SCALE - unit->discount_ppm);
    uint64_t weight = (uint64_t)(unit->vcpu_milli * group->microusd_per_vcpu_hour +
                                 unit->gib_milli * group->microusd_per_gib_hour);
    /* × 1000 for the thousandths and ÷ 10^6 for the discount leave a factor of 1000 below the line. */
    unit->microusd_per_vcpu_hour = money_ratio(price, (uint64_t)group->microusd_per_vcpu_hour, weight * 1000);
    unit->microusd_per_gib_hour = money_ratio(price, (uint64_t)group->microusd_per_gib_hour, weight * 1000);
    unit->group = group->group;
}

/* A catalog from elsewhere may lack what every price needs: then this says so. */
static int incomplete(const struct unit_price *unit, struct err *err)
{
    return err_set(err, ERR_CONFIG, "the price catalog has no unit prices for %s %s, not even a default",
                   unit->provider, unit->region);
}

static int take_node(const struct catalog *catalog, const struct node_price *node, enum price_path path,
                     struct unit_price *unit, struct err *err)
{
    const struct group_price *group =
        node == NULL ? NULL
                     : catalog_group(catalog, node->provider, node->region,
                                     catalog_group_of(catalog, node->provider, node->instance));
    if (group == NULL) {
        return incomplete(unit, err);
    }
    unit->path = path;
    unit->instance = node->instance;
    unit->priced_region = node->region;
    unit->node_microusd_per_hour = node->microusd_per_hour;
    unit->vcpu_milli = node->vcpu_milli;
    unit->gib_milli = node->gib_milli;
    unit->date = node->date;
    unit->source = node->source;
    split_node(unit, group);
    return 0;
}

static int take_group(const struct catalog *catalog, const struct provider *provider, struct unit_price *unit,
                      struct err *err)
{
    const struct group_price *group =
        catalog_group(catalog, provider->name, unit->region, provider->default_group);
    if (group == NULL) {
        return incomplete(unit, err);
    }
    unit->path = PRICE_ESTIMATED;
    unit->priced_region = group->region;
    unit->group = group->group;
    unit->microusd_per_vcpu_hour = discounted(group->microusd_per_vcpu_hour, unit->discount_ppm);
    unit->microusd_per_gib_hour = discounted(group->microusd_per_gib_hour, unit->discount_ppm);
    unit->date = group->date;
    unit->source = group->method;
    return 0;
}

/* Prices that somebody stated; what was said of region and instance is kept as a label and not looked up. */
static int take_override(const struct price_query *query, const struct provider *provider,
                         struct unit_price *unit, struct err *err)
{
    if (query->microusd_per_vcpu_hour < 0 || query->microusd_per_gib_hour < 0) {
        err_set(err, query->override_blame,
                "only one of the two unit prices usd_per_vcpu_hour and usd_per_gib_hour is given");
        return err_hint(
            err, "give both: --usd-per-vcpu-hour USD --usd-per-gib-hour USD, or both keys under pricing");
    }
    unit->path = PRICE_OVERRIDE;
    unit->region = query->region.text;
    unit->priced_region = query->region.text;
    unit->instance = query->instance.text;
    unit->microusd_per_vcpu_hour = discounted(query->microusd_per_vcpu_hour, query->discount_ppm);
    unit->microusd_per_gib_hour = discounted(query->microusd_per_gib_hour, query->discount_ppm);
    unit->provider = provider->name;
    unit->source = "configuration";
    return 0;
}

static int find_listed(const struct catalog *catalog, const struct price_query *query,
                       const struct provider *provider, struct unit_price *unit, struct err *err)
{
    unit->region = query->region.text != NULL ? query->region.text : provider->home_region;
    if (!catalog_has_region(catalog, provider->name, unit->region)) {
        return unknown_region(catalog, provider->name, &query->region, err);
    }
    if (query->instance.text == NULL) {
        bool nothing_said = query->provider.text == NULL && query->region.text == NULL;
        return !nothing_said ? take_group(catalog, provider, unit, err)
                             : take_node(catalog,
                                         catalog_node(catalog, provider->name, unit->region,
                                                      provider->default_instance),
                                         PRICE_DEFAULT, unit, err);
    }
    const struct node_price *node = catalog_node(catalog, provider->name, unit->region, query->instance.text);
    if (node != NULL) {
        return take_node(catalog, node, PRICE_EXACT, unit, err);
    }
    node = catalog_node_elsewhere(catalog, provider->name, query->instance.text);
    if (node == NULL) {
        return unknown_instance(catalog, provider->name, unit->region, &query->instance, err);
    }
    return take_node(catalog, node, PRICE_OTHER_REGION, unit, err);
}

int unit_price_find(const struct catalog *catalog, const struct price_query *query, struct unit_price *out,
                    struct err *err)
{
    struct unit_price unit = {.discount_ppm = query->discount_ppm};
    const struct provider *provider =
        provider_find(query->provider.text != NULL ? query->provider.text : DEFAULT_PROVIDER);
    if (provider == NULL) {
        return unknown_provider(&query->provider, err);
    }
    unit.provider = provider->name;
    if (query->microusd_per_vcpu_hour >= 0 || query->microusd_per_gib_hour >= 0) {
        if (take_override(query, provider, &unit, err) != 0) {
            return -1;
        }
    } else if (provider->home_region == NULL) {
        err_set(err, query->provider.blame, "%s: %s has no list prices and no unit prices are given",
                query->provider.origin, provider->name);
        return err_hint(
            err, "give --usd-per-vcpu-hour USD and --usd-per-gib-hour USD, or set pricing.usd_per_vcpu_hour "
                 "and pricing.usd_per_gib_hour");
    } else if (find_listed(catalog, query, provider, &unit, err) != 0) {
        return -1;
    }
    *out = unit;
    return 0;
}
