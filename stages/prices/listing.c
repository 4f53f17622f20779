#include "stages/prices/listing.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pricing/unit/unit.h"
#include "stages/prices/words.h"

static bool passes(const struct listing_filter *filter, const char *provider, const char *region)
{
    return (filter->provider == NULL || str_equal(filter->provider, provider)) &&
           (filter->region == NULL || str_equal(filter->region, region));
}

/* A provider (not `but`) that has this region; NULL for none. */
static const char *provider_of_region(const struct catalog *catalog, const char *region, const char *but)
{
    const struct provider *provider;
    for (size_t i = 0; (provider = provider_at(i)) != NULL; i++) {
        if (!str_equal(provider->name, but) && catalog_has_region(catalog, provider->name, region)) {
            return provider->name;
        }
    }
    return NULL;
}

static int unknown_region(const struct catalog *catalog, const struct listing_filter *filter, struct err *err)
{
    struct buf near;
    const struct provider *provider;
    buf_init(&near, ERR_HINT_MAX);
    const char *other = provider_of_region(catalog, filter->region, filter->provider);
    for (size_t i = 0; (provider = provider_at(i)) != NULL && near.length == 0; i++) {
        if (filter->provider == NULL || str_equal(filter->provider, provider->name)) {
            catalog_near_regions(catalog, provider->name, filter->region, &near);
        }
    }
    err_set(err, ERR_USAGE, "--region: unknown region '%s'%s%s", filter->region, filter->provider == NULL ? "" : " of ",
            filter->provider == NULL ? "" : filter->provider);
    if (other != NULL) {
        err_hint(err, "%s has this region: --provider %s", other, other);
    } else if (near.length > 0) {
        err_hint(err, "did you mean %s?", buf_str(&near));
    } else {
        err_hint(err, "tare prices regions lists them");
    }
    buf_release(&near);
    return -1;
}

int listing_check(const struct catalog *catalog, const struct listing_filter *filter, struct err *err)
{
    if (filter->provider != NULL && provider_find(filter->provider) == NULL) {
        struct buf near;
        buf_init(&near, ERR_HINT_MAX);
        catalog_near_providers(filter->provider, &near);
        err_set(err, ERR_USAGE, "--provider: unknown provider '%s'", filter->provider);
        err_hint(err, near.length > 0 ? "did you mean %s?" : "the providers are aws, gcp, azure and on-prem%s", buf_str(&near));
        buf_release(&near);
        return -1;
    }
    if (filter->provider != NULL && provider_find(filter->provider)->home_region == NULL) {
        err_set(err, ERR_USAGE, "--provider: %s has no list prices", filter->provider);
        return err_hint(err, "its prices are those of the configuration: tare prices shows the one in force");
    }
    bool known = filter->region == NULL || (filter->provider != NULL ? catalog_has_region(catalog, filter->provider, filter->region)
                                                                     : provider_of_region(catalog, filter->region, NULL) != NULL);
    return known ? 0 : unknown_region(catalog, filter, err);
}

/* The unit prices of a list price as it stands, nothing taken off. */
static int node_row(const struct catalog *catalog, const struct node_price *node, json_t **out, struct err *err)
{
    struct price_query query = {.provider = {node->provider, ERR_CONFIG, "provider"},
                                .region = {node->region, ERR_CONFIG, "region"},
                                .instance = {node->instance, ERR_CONFIG, "instance"},
                                .microusd_per_vcpu_hour = -1,
                                .microusd_per_gib_hour = -1};
    struct unit_price unit;
    if (unit_price_find(catalog, &query, &unit, err) != 0) {
        return -1;
    }
    *out = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s?, s:s?, s:s?}", "provider", node->provider, "region",
                     node->region, "name", node->instance, "of", "node", "vcpu_milli", (json_int_t)node->vcpu_milli,
                     "gib_milli", (json_int_t)node->gib_milli, "microusd_per_hour", (json_int_t)node->microusd_per_hour,
                     "microusd_per_vcpu_hour", (json_int_t)unit.microusd_per_vcpu_hour, "microusd_per_gib_hour",
                     (json_int_t)unit.microusd_per_gib_hour, "family", unit.group, "date", node->date, "source",
                     node->source);
    return 0;
}

static json_t *serverless_row(const struct serverless_price *price)
{
    json_t *row = json_pack("{s:s?, s:s, s:s, s:s, s:n, s:n, s:I, s:n, s:n, s:n, s:s?, s:s?}", "provider", price->provider,
                            "region", price->region, "name", price->product, "of", price->unit, "vcpu_milli", "gib_milli",
                            "microusd_per_hour", (json_int_t)price->microusd_per_hour, "microusd_per_vcpu_hour",
                            "microusd_per_gib_hour", "family", "date", price->date, "source", price->source);
    bool cpu = str_equal(price->resource, "cpu");
    if (cpu || str_equal(price->resource, "memory")) {
        json_object_set_new(row, cpu ? "microusd_per_vcpu_hour" : "microusd_per_gib_hour",
                            json_integer(price->microusd_per_hour));
    }
    return row;
}

/* The rows that the words fit; without words all. */
static int gather(const struct catalog *catalog, const struct listing_filter *filter, const struct words *words,
                  json_t *rows, struct err *err)
{
    for (size_t i = 0; i < catalog_node_count(catalog); i++) {
        const struct node_price *node = catalog_node_at(catalog, i);
        const char *family = catalog_group_of(catalog, node->provider, node->instance);
        const char *fields[] = {node->provider, node->region, node->instance, family};
        json_t *row = NULL;
        if (!passes(filter, node->provider, node->region) || !words_fit(words, fields, ARRAY_COUNT(fields))) {
            continue;
        }
        if (node_row(catalog, node, &row, err) != 0) {
            return -1;
        }
        json_array_append_new(rows, row);
    }
    for (size_t i = 0; i < catalog_serverless_count(catalog); i++) {
        const struct serverless_price *price = catalog_serverless_at(catalog, i);
        const char *fields[] = {price->provider, price->region, price->product, price->resource, price->unit, "serverless"};
        bool everywhere = str_equal(price->region, "all");
        if (passes(filter, price->provider, everywhere ? filter->region : price->region) &&
            words_fit(words, fields, ARRAY_COUNT(fields))) {
            json_array_append_new(rows, serverless_row(price));
        }
    }
    return 0;
}

static int none_left(const struct listing_filter *filter, struct err *err)
{
    err_set(err, ERR_USAGE, "no price is listed for %s %s", filter->provider == NULL ? "" : filter->provider,
            filter->region == NULL ? "" : filter->region);
    return err_hint(err, "tare prices regions lists what there is");
}

int listing_all(const struct catalog *catalog, const struct listing_filter *filter, json_t **out, struct err *err)
{
    const struct words none = {0};
    json_t *rows = json_array();
    if (gather(catalog, filter, &none, rows, err) != 0 ||
        (json_array_size(rows) == 0 && none_left(filter, err) != 0)) {
        json_decref(rows);
        return -1;
    }
    *out = rows;
    return 0;
}

/* Every name of the catalog, to find the nearest: those of Azure also without their prefix. */
static const char **names_of(const struct catalog *catalog, size_t *count)
{
    static const char prefix[] = "Standard_";
    const char **names = NULL;
    size_t capacity = 0;
    const struct provider *provider;
    *count = 0;
    for (size_t i = 0; (provider = provider_at(i)) != NULL; i++) {
        GROW(names, capacity, *count + 1);
        names[(*count)++] = provider->name;
    }
    for (size_t i = 0; i < catalog_node_count(catalog); i++) {
        const struct node_price *node = catalog_node_at(catalog, i);
        GROW(names, capacity, *count + 2);
        names[(*count)++] = node->region;
        names[(*count)++] = node->instance + (str_starts(node->instance, prefix) ? sizeof prefix - 1 : 0);
    }
    for (size_t i = 0; i < catalog_serverless_count(catalog); i++) {
        GROW(names, capacity, *count + 1);
        names[(*count)++] = catalog_serverless_at(catalog, i)->product;
    }
    return names;
}

/* Puts the nearest name in the place of each word that fits nothing at all. ERR_USAGE where none is near. */
static int correct(const struct catalog *catalog, const struct listing_filter *filter, struct words *words,
                   struct err *err)
{
    size_t count = 0;
    const char **names = names_of(catalog, &count);
    int failed = 0;
    for (size_t i = 0; !failed && i < words->count; i++) {
        const struct words one = {.items = &words->items[i], .count = 1};
        json_t *rows = json_array();
        failed = gather(catalog, filter, &one, rows, err);
        bool unknown = !failed && json_array_size(rows) == 0;
        const char *near = unknown ? str_nearest(words->items[i], names, count) : NULL;
        if (near != NULL) {
            log_info("no price fits \"%s\"; these fit %s", words->items[i], near);
            words_replace(words, i, near);
        } else if (unknown) {
            failed = err_set(err, ERR_USAGE, "no price fits \"%s\"", words->items[i]);
            err_hint(err, "try a shorter word; tare prices regions lists the regions, tare prices list every price");
        }
        json_decref(rows);
    }
    free(names);
    return failed;
}

int listing_search(const struct catalog *catalog, const struct listing_filter *filter, const char *const *texts,
                   size_t count, json_t **out, struct err *err)
{
    struct words words;
    json_t *rows = json_array();
    words_init(&words, texts, count);
    int failed = gather(catalog, filter, &words, rows, err);
    if (!failed && json_array_size(rows) == 0) {
        failed = correct(catalog, filter, &words, err) || gather(catalog, filter, &words, rows, err);
    }
    if (!failed && json_array_size(rows) == 0) {
        failed = err_set(err, ERR_USAGE, "no price fits all of these words together");
        err_hint(err, "leave one out; tare prices search %s alone finds some", words.items[0]);
    }
    words_release(&words);
    if (failed) {
        json_decref(rows);
        return -1;
    }
    *out = rows;
    return 0;
}

static json_t *region_row(const struct node_price *node)
{
    const struct provider *provider = provider_find(node->provider);
    bool home = provider != NULL && str_equal(provider->home_region, node->region);
    return json_pack("{s:s, s:s, s:s?, s:i, s:s?, s:s?}", "provider", node->provider, "region", node->region, "home",
                     home ? "yes" : NULL, "node_types", 0, "oldest", node->date, "newest", node->date);
}

static void count_node(json_t *row, const struct node_price *node)
{
    json_object_set_new(row, "node_types", json_integer(json_int_or(row, "node_types", 0) + 1));
    if (str_compare(node->date, json_string_or_null(row, "oldest")) < 0) {
        json_object_set_new(row, "oldest", json_string_safe(node->date));
    }
    if (str_compare(node->date, json_string_or_null(row, "newest")) > 0) {
        json_object_set_new(row, "newest", json_string_safe(node->date));
    }
}

json_t *listing_regions(const struct catalog *catalog, const struct listing_filter *filter)
{
    json_t *rows = json_array();
    const struct node_price *former = NULL;
    for (size_t i = 0; i < catalog_node_count(catalog); i++) {
        const struct node_price *node = catalog_node_at(catalog, i);
        if (!passes(filter, node->provider, node->region)) {
            continue;
        }
        if (former == NULL || !str_equal(former->provider, node->provider) || !str_equal(former->region, node->region)) {
            json_array_append_new(rows, region_row(node));
        }
        count_node(json_array_get(rows, json_array_size(rows) - 1), node);
        former = node;
    }
    return rows;
}
