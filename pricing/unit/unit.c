#include "pricing/unit/unit.h"

#include <string.h>

#include "pipeline/base/str.h"
#include "pricing/money/money.h"

const char *price_path_name(enum price_path path)
{
    static const char *const names[] = {"override", "exact",      "other-region", "estimated",
                                        "default",  "serverless", "on-prem"};
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
static void hint_default(struct err *err, const char *listing, const char *fallback)
{
    if (err->hint[0] == '\0') {
        err_hint(err, "tare prices %s tells those there are; leave it out for %s", listing, fallback);
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
    hint_default(err, "regions", provider_find(provider)->home_region);
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
    hint_default(err, "list", "the provider's usual price of a vCPU and a GiB");
    buf_release(&near);
    buf_release(&hint);
    return -1;
}

/*
 * With prices in µ$ and sizes in thousandths: ram = P·R·1000 / (vcpu·C + gib·R), cpu = P·C·1000 / (the same), and what is paid
 * of them. All of it stays a fraction until the end, so that each unit price is rounded once.
 */
static void split_node(struct unit_price *unit)
{
    uint64_t price = (uint64_t)unit->node_microusd_per_hour * 1000;
    uint64_t cpu = (uint64_t)unit->ratio.microusd_per_vcpu_hour;
    uint64_t memory = (uint64_t)unit->ratio.microusd_per_gib_hour;
    uint64_t weight = (uint64_t)unit->vcpu_milli * cpu + (uint64_t)unit->gib_milli * memory;
    unit->microusd_per_vcpu_hour = terms_price(&unit->terms, price, cpu, weight);
    unit->microusd_per_gib_hour = terms_price(&unit->terms, price, memory, weight);
    unit->node_paid_microusd_per_hour = terms_price(&unit->terms, price, 1, 1000);
}

/* Takes unit prices that somebody stated; they need no ratio. */
static void take_stated(struct unit_price *unit, int64_t vcpu, int64_t gib)
{
    unit->list_microusd_per_vcpu_hour = vcpu;
    unit->list_microusd_per_gib_hour = gib;
    unit->microusd_per_vcpu_hour = terms_price(&unit->terms, (uint64_t)vcpu, 1, 1);
    unit->microusd_per_gib_hour = terms_price(&unit->terms, (uint64_t)gib, 1, 1);
}

static void take_ratio(struct unit_price *unit, const struct group_price *group)
{
    unit->group = group->group;
    unit->ratio = *group;
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
    take_ratio(unit, group);
    split_node(unit);
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
    take_stated(unit, group->microusd_per_vcpu_hour, group->microusd_per_gib_hour);
    unit->date = group->date;
    unit->source = group->method;
    return 0;
}

/* A node whose unit prices are stated costs what its units do, where its size is known. */
static void size_of_node(const struct catalog *catalog, const struct price_query *query, const struct provider *provider,
                         struct unit_price *unit)
{
    const struct node_price *node = NULL;
    if (query->on_prem.vcpu_milli > 0 && query->on_prem.gib_milli > 0) {
        unit->vcpu_milli = query->on_prem.vcpu_milli;
        unit->gib_milli = query->on_prem.gib_milli;
    } else if (query->instance.text != NULL &&
               (node = catalog_node_elsewhere(catalog, provider->name, query->instance.text)) != NULL) {
        unit->vcpu_milli = node->vcpu_milli;
        unit->gib_milli = node->gib_milli;
    } else {
        return;
    }
    uint64_t weighed = (uint64_t)(unit->vcpu_milli * unit->list_microusd_per_vcpu_hour +
                                  unit->gib_milli * unit->list_microusd_per_gib_hour);
    unit->node_microusd_per_hour = money_ratio(weighed, 1, 1000);
    unit->node_paid_microusd_per_hour = terms_price(&unit->terms, weighed, 1, 1000);
}

/* Prices that somebody stated; what was said of region and instance is kept as a label and not looked up. */
static int take_override(const struct catalog *catalog, const struct price_query *query, const struct provider *provider,
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
    take_stated(unit, query->microusd_per_vcpu_hour, query->microusd_per_gib_hour);
    size_of_node(catalog, query, provider, unit);
    unit->source = "configuration";
    return 0;
}

/* Hardware and power give the node's price; the ratio is stated, or that of the default family of the default provider. */
static int take_on_prem(const struct catalog *catalog, const struct price_query *query, struct unit_price *unit, struct err *err)
{
    const struct provider *usual = provider_find(DEFAULT_PROVIDER);
    const struct group_price *group = catalog_group(catalog, usual->name, usual->home_region, usual->default_group);
    const struct group_price stated = {.group = "configuration",
                                       .microusd_per_vcpu_hour = query->on_prem.ratio_ppm,
                                       .microusd_per_gib_hour = DISCOUNT_SCALE,
                                       .method = "pricing.on_prem.cpu_memory_ratio"};
    group = query->on_prem.ratio_ppm > 0 ? &stated : group;
    if (group == NULL) {
        return incomplete(unit, err);
    }
    unit->path = PRICE_ON_PREM;
    unit->provider = provider_find("on-prem")->name;
    unit->on_prem = query->on_prem;
    unit->region = query->region.text;
    unit->priced_region = query->region.text;
    unit->instance = query->instance.text;
    unit->node_microusd_per_hour = on_prem_price(&query->on_prem).node_microusd_per_hour;
    unit->vcpu_milli = query->on_prem.vcpu_milli;
    unit->gib_milli = query->on_prem.gib_milli;
    unit->source = "configuration";
    take_ratio(unit, group);
    split_node(unit);
    return 0;
}

static int unknown_product(const struct catalog *catalog, const struct price_name *name, struct err *err)
{
    struct buf near;
    buf_init(&near, ERR_HINT_MAX);
    catalog_near_products(catalog, "cpu", name->text, &near);
    const char *hint = near.length > 0 ? "" : "tare prices search fargate (or autopilot, container-apps) finds them";
    unknown(name, "serverless product", NULL, hint, &near, err);
    buf_release(&near);
    return -1;
}

/* Unit prices of a product, which are per vCPU and GiB that a pod asks for; there is no node to share. */
static int take_serverless(const struct catalog *catalog, const struct price_query *query, struct unit_price *unit,
                           struct err *err)
{
    const char *product = query->serverless.text;
    const struct serverless_price *cpu = catalog_serverless(catalog, product, query->region.text, "cpu");
    const struct serverless_price *memory =
        cpu == NULL ? NULL : catalog_serverless(catalog, product, cpu->region, "memory");
    if (cpu == NULL || memory == NULL || !str_equal(product, cpu->product)) {
        return unknown_product(catalog, &query->serverless, err);
    }
    if (query->provider.text != NULL && strcmp(query->provider.text, cpu->provider) != 0) {
        err_set(err, query->serverless.blame, "%s: %s is a product of %s, and the provider is %s", query->serverless.origin,
                product, cpu->provider, query->provider.text);
        return err_hint(err, "say --provider %s, or provider: %s under pricing", cpu->provider, cpu->provider);
    }
    unit->provider = cpu->provider;
    unit->region = query->region.text != NULL ? query->region.text : cpu->region;
    if (strcmp(unit->region, cpu->region) != 0 && !catalog_has_region(catalog, cpu->provider, unit->region)) {
        return unknown_region(catalog, cpu->provider, &query->region, err);
    }
    bool here = strcmp(cpu->region, "all") == 0 || strcmp(unit->region, cpu->region) == 0;
    unit->path = here ? PRICE_SERVERLESS : PRICE_OTHER_REGION;
    unit->serverless = true;
    unit->instance = product;
    unit->priced_region = cpu->region;
    unit->date = cpu->date;
    unit->source = cpu->source;
    take_stated(unit, cpu->microusd_per_hour, memory->microusd_per_hour);
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

/* The first of these that is given: unit prices, a serverless product, hardware of one's own, else the price list. */
static int find(const struct catalog *catalog, const struct price_query *query, const struct provider *provider,
                struct unit_price *unit, struct err *err)
{
    if (query->microusd_per_vcpu_hour >= 0 || query->microusd_per_gib_hour >= 0) {
        return take_override(catalog, query, provider, unit, err);
    }
    if (query->serverless.text != NULL) {
        return take_serverless(catalog, query, unit, err);
    }
    if (query->on_prem.given) {
        return take_on_prem(catalog, query, unit, err);
    }
    if (provider->home_region == NULL) {
        err_set(err, query->provider.blame, "%s: %s has no list prices and no unit prices are given",
                query->provider.origin, provider->name);
        return err_hint(err, "give --usd-per-vcpu-hour USD and --usd-per-gib-hour USD, or set pricing.usd_per_vcpu_hour and "
                             "pricing.usd_per_gib_hour, or pricing.on_prem");
    }
    return find_listed(catalog, query, provider, unit, err);
}

int unit_price_find(const struct catalog *catalog, const struct price_query *query, struct unit_price *out,
                    struct err *err)
{
    struct unit_price unit = {.terms = query->terms};
    const struct provider *provider =
        provider_find(query->provider.text != NULL ? query->provider.text : DEFAULT_PROVIDER);
    if (provider == NULL) {
        return unknown_provider(&query->provider, err);
    }
    unit.provider = provider->name;
    /* Medians are those of nodes on sale: of serverless products, and of hardware of one's own, there are none. */
    bool nodes = query->serverless.text == NULL && !query->on_prem.given;
    const char *missing = terms_resolve(&unit.terms, nodes ? provider->name : NULL);
    if (missing != NULL) {
        err_set(err, query->terms_place.blame, "%s.%s has a share and no discount, and no usual one is known here",
                query->terms_place.origin, missing);
        return err_hint(err, "write %s: {share: 0.3, discount: 0.4}", missing);
    }
    unit.discount_ppm = terms_discount_ppm(&unit.terms);
    if (find(catalog, query, provider, &unit, err) != 0) {
        return -1;
    }
    *out = unit;
    return 0;
}
