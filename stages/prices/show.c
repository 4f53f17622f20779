#include "stages/prices/show.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pricing/cost/engine.h"
#include "reports/explain/page.h"
#include "stages/common/pricing/query.h"

/* A price in one row. */
static const struct column columns[] = {
    {"pool", "pool", "pool", COLUMN_TEXT},
    {"provider", "provider", "provider", COLUMN_TEXT},
    {"region", "region", "region", COLUMN_TEXT},
    {"instance", "type", "type", COLUMN_TEXT},
    {"path", "path", "path", COLUMN_TEXT},
    {"node_microusd_per_hour", "list $/h", "usd_per_hour", COLUMN_DOLLARS},
    {"microusd_per_vcpu_hour", "$/vCPU-h", "usd_per_vcpu_hour", COLUMN_DOLLARS},
    {"microusd_per_gib_hour", "$/GiB-h", "usd_per_gib_hour", COLUMN_DOLLARS},
    {"date", "date", "date", COLUMN_TEXT},
    {"source", "source", "source", COLUMN_TEXT},
};

/* What everything else is called where there are pools. */
static void title(const json_t *pool, bool alone, struct buf *out)
{
    const json_t *price = json_object_get(pool, "price");
    const char *name = json_string_or_null(pool, "name");
    const char *instance = json_string_or_null(price, "instance");
    const char *region = json_string_or_null(price, "region");
    const char *kind = name != NULL ? "pool " : alone ? "" : "everything else";
    page_line(out, 0, "", "%s%s%s%s%s%s%s%s", kind, name == NULL ? "" : name, kind[0] == '\0' ? "" : ": ",
              page_string(price, "provider"), region == NULL ? "" : " ", region == NULL ? "" : region,
              instance == NULL ? "" : " ", instance == NULL ? "" : instance);
}

/* A price for people: what it is, then each step to it. */
static void pool_text(const json_t *pool, bool alone, struct buf *out)
{
    const json_t *price = json_object_get(pool, "price");
    const json_t *steps = json_object_get(pool, "steps");
    char dollars[2][FIGURE_MAX];
    char number[48];
    title(pool, alone, out);
    if (json_object_get(price, "microusd_per_vcpu_hour") != NULL) {
        page_line(out, 2, "a vCPU", "$%s an hour",
                  figure_dollars(json_int_or(price, "microusd_per_vcpu_hour", 0), dollars[0]));
        page_line(out, 2, "a GiB", "$%s an hour",
                  figure_dollars(json_int_or(price, "microusd_per_gib_hour", 0), dollars[1]));
    }
    page_line(out, 2, "path", "%s", page_string(price, "path"));
    page_line(out, 2, "date", "%s", page_string(price, "date"));
    page_line(out, 2, "source", "%s", page_string(price, "source"));
    for (size_t i = 0; i < json_array_size(steps); i++) {
        snprintf(number, sizeof number, "%s%zu.", i == 0 ? "steps  " : "       ", i + 1);
        page_line(out, 2, number, "%s", page_string(json_array_get(steps, i), "text"));
    }
}

static int write_pools(const json_t *pools, const char *catalog, struct report_sink *sink, struct err *err)
{
    for (size_t i = 0; i < json_array_size(pools); i++) {
        buf_add_str(&sink->out, i == 0 ? "" : "\n");
        pool_text(json_array_get(pools, i), json_array_size(pools) == 1, &sink->out);
        if (sink_poll(sink, err) != 0) {
            return -1;
        }
    }
    buf_add_char(&sink->out, '\n');
    page_line(&sink->out, 0, "", "A month is %d h. The catalog's digest is %s.", HOURS_PER_MONTH, catalog);
    return 0;
}

/* The price of each pool as one row. */
static int write_rows(const json_t *pools, struct report_sink *sink, struct err *err)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < json_array_size(pools); i++) {
        const json_t *pool = json_array_get(pools, i);
        json_t *row = json_copy(json_object_get(pool, "price"));
        json_object_set(row, "pool", json_object_get(pool, "name"));
        json_array_append_new(rows, row);
    }
    int failed = sheet_write(SHEET_CSV, columns, ARRAY_COUNT(columns), rows, sink, err);
    json_decref(rows);
    return failed;
}

static int write_answer(json_t *answer, enum sheet_format format, struct report_sink *sink, struct err *err)
{
    const json_t *pools = json_object_get(answer, "pools");
    if (format == SHEET_CSV) {
        return write_rows(pools, sink, err);
    }
    return format == SHEET_JSON ? sheet_write(SHEET_JSON, NULL, 0, answer, sink, err)
                                : write_pools(pools, json_string_or_null(answer, "catalog"), sink, err);
}

int show_in_force(const struct price_book *book, enum sheet_format format, struct report_sink *sink, struct err *err)
{
    json_t *settings = price_book_settings(book);
    json_t *answer = json_object();
    static const char *const kept[] = {"catalog", "cluster_fee_microusd_per_hour", "currency", "hours", "pools"};
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        json_object_set(answer, kept[i], json_object_get(settings, kept[i]));
    }
    int failed = write_answer(answer, format, sink, err);
    json_decref(answer);
    json_decref(settings);
    return failed;
}

/* A price of a serverless product of this name: of a vCPU or a GiB (`unit`), or of something else. */
static const struct serverless_price *product_of(const struct catalog *catalog, const char *name, bool unit)
{
    for (size_t i = 0; i < catalog_serverless_count(catalog); i++) {
        const struct serverless_price *price = catalog_serverless_at(catalog, i);
        bool is_unit = str_equal(price->resource, "cpu") || str_equal(price->resource, "memory");
        if (strcasecmp(price->product, name) == 0 && is_unit == unit) {
            return price;
        }
    }
    return NULL;
}

static int unknown_name(const struct catalog *catalog, const char *name, struct err *err)
{
    struct buf near;
    const struct provider *provider;
    buf_init(&near, ERR_HINT_MAX);
    for (size_t i = 0; near.length == 0 && (provider = provider_at(i)) != NULL; i++) {
        if (provider->home_region != NULL) {
            catalog_near_instances(catalog, provider->name, provider->home_region, name, &near);
        }
    }
    if (near.length == 0) {
        catalog_near_products(catalog, "cpu", name, &near);
    }
    err_set(err, ERR_USAGE, "there is no node type or serverless product '%s'", name);
    err_hint(err, near.length > 0 ? "did you mean %s?" : "tare prices search WORD finds one by a piece of its name%s",
             buf_str(&near));
    buf_release(&near);
    return -1;
}

/* The provider of what is shown, where nobody typed one: the first that has it, `usual` before the others. */
static const char *provider_of(const struct catalog *catalog, const char *usual, const char *name)
{
    return catalog_node_elsewhere(catalog, usual, name) != NULL ? usual : catalog_other_provider(catalog, usual, name);
}

/* Nothing but the name and the terms is taken: prices of one's own would hide the list price. */
static int query_one(const struct catalog *catalog, struct stage *stage, const char *name, struct price_query *query,
                     struct err *err)
{
    const struct options *options = stage->options;
    const struct serverless_price *product = product_of(catalog, name, true);
    if (price_query_make(options, stage->config, &stage->arena, query, err) != 0) {
        return -1;
    }
    const char *usual = query->provider.text == NULL ? DEFAULT_PROVIDER : query->provider.text;
    const char *provider = options_given(options, OPT_PROVIDER) ? usual
                           : product != NULL                    ? product->provider
                                                                : provider_of(catalog, usual, name);
    if (provider == NULL) {
        return unknown_name(catalog, name, err);
    }
    if (!str_equal(provider, usual) && !options_given(options, OPT_REGION)) {
        query->region.text = NULL;
    }
    query->provider = (struct price_name){provider, ERR_USAGE, "--provider"};
    query->region.blame = ERR_USAGE;
    struct price_name asked = {name, ERR_USAGE, "tare prices show"};
    query->instance = product == NULL ? asked : (struct price_name){NULL, ERR_USAGE, asked.origin};
    query->serverless = product != NULL ? (struct price_name){product->product, ERR_USAGE, asked.origin}
                                        : (struct price_name){NULL, ERR_USAGE, asked.origin};
    query->microusd_per_vcpu_hour = -1;
    query->microusd_per_gib_hour = -1;
    query->on_prem.given = false;
    return 0;
}

/* The fee of a cluster, or storage: it goes into no unit price, so that one step tells all there is. */
static json_t *fee_pool(const struct serverless_price *fee)
{
    char dollars[FIGURE_MAX];
    char *text = xasprintf("%s in %s: $%s an hour for each %s (%s, %s); it is in no unit price", fee->product,
                           str_equal(fee->region, "all") ? "every region" : fee->region,
                           figure_dollars(fee->microusd_per_hour, dollars), fee->unit, fee->date, fee->source);
    json_t *pool = json_pack("{s:n, s:{s:s?, s:s?, s:s?, s:s, s:I, s:s?, s:s?}, s:[{s:s, s:o, s:I}]}", "name", "price",
                             "provider", fee->provider, "region", fee->region, "instance", fee->product, "path", "serverless",
                             "node_microusd_per_hour", (json_int_t)fee->microusd_per_hour, "date", fee->date, "source",
                             fee->source, "steps", "step", "list", "text", json_string_safe(text), "microusd_per_hour",
                             (json_int_t)fee->microusd_per_hour);
    free(text);
    return pool;
}

/* The pool of write_answer for a node type or product. */
static int find_pool(const struct catalog *catalog, struct stage *stage, const char *name, json_t **pool, struct err *err)
{
    struct price_query query;
    struct unit_price unit;
    const struct serverless_price *fee = product_of(catalog, name, false);
    if (fee != NULL && product_of(catalog, name, true) == NULL) {
        *pool = fee_pool(fee);
        return 0;
    }
    if (query_one(catalog, stage, name, &query, err) != 0 || unit_price_find(catalog, &query, &unit, err) != 0) {
        return -1;
    }
    *pool = json_pack("{s:n, s:o, s:o}", "name", "price", cost_price_member(&unit), "steps", unit_price_steps(&unit));
    return 0;
}

int show_one(const struct catalog *catalog, struct stage *stage, const char *name, enum sheet_format format,
             struct report_sink *sink, struct err *err)
{
    json_t *pool = NULL;
    if (find_pool(catalog, stage, name, &pool, err) != 0) {
        return -1;
    }
    json_t *answer =
        json_pack("{s:s, s:i, s:[o]}", "catalog", catalog_digest(catalog), "hours", HOURS_PER_MONTH, "pools", pool);
    int failed = write_answer(answer, format, sink, err);
    json_decref(answer);
    return failed;
}
