#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pricing/catalog/csv.h"
#include "pricing/catalog/tables.h"
#include "pricing/money/money.h"

/*
 * Bounds that keep the products of unit/ inside their range, and that catch slips of a unit: $ 1 M a node-hour, $ 100 a unit-hour,
 * 50,000 vCPU or GiB (the largest nodes on sale have 32,768 GiB).
 */
#define NODE_PRICE_MAX (INT64_C(1000000) * MICROUSD_PER_USD)
#define UNIT_PRICE_MAX (INT64_C(100) * MICROUSD_PER_USD)
#define SIZE_MAX_MICRO (INT64_C(50000) * INT64_C(1000000))

enum { NAME_MAX_BYTES = 100, PODS_MAX = 10000 };

/* What the rows of one file are read into. */
struct reader {
    struct catalog *catalog;
    const struct currency *currency; /* NULL: none but USD */
    struct csv csv;
};

static int refuse(const struct reader *reader, struct err *err, const char *what, const char *field, const char *why)
{
    return err_set(err, ERR_CONFIG, "%s:%zu: %s '%.64s' %s", reader->csv.name, reader->csv.line, what, field, why);
}

/* Sizes have at most three decimals worth keeping; money_parse gives six. */
static int parse_size(const struct reader *reader, size_t column, int64_t *milli, struct err *err)
{
    int64_t micro = 0;
    const char *field = reader->csv.fields[column];
    if (money_parse(field, &micro, NULL) != 0 || micro < 1000 || micro > SIZE_MAX_MICRO) {
        return refuse(reader, err, "size", field, "is not a number above 0 and up to 50000");
    }
    *milli = micro / 1000;
    return 0;
}

static bool is_usd(const char *code)
{
    return code == NULL || strcmp(code, "USD") == 0;
}

/* Turns a price in the configuration's currency into dollars by the stated rate; `source` then says so. */
static int convert(const struct reader *reader, const char *code, int64_t *microusd, const char **source, struct err *err)
{
    const struct currency *other = reader->currency;
    if (is_usd(code)) {
        return 0;
    }
    *microusd = money_ratio((uint64_t)*microusd, (uint64_t)MICROUSD_PER_USD, (uint64_t)other->per_usd_ppm);
    if (*microusd < 1) {
        return refuse(reader, err, "a price in", code, "is nothing in dollars at the configured rate");
    }
    *source = arena_printf(&reader->catalog->arena, "%s (from %s at %.6f a USD of %s)", *source, other->code,
                           (double)other->per_usd_ppm / 1e6, other->date);
    return 0;
}

/* USD, or the configuration's currency. */
static int check_currency(const struct reader *reader, const char *code, struct err *err)
{
    const struct currency *other = reader->currency;
    if (is_usd(code) || (other != NULL && strcmp(code, other->code) == 0)) {
        return 0;
    }
    refuse(reader, err, "the currency", code,
           other == NULL ? "is not USD, and no rate is configured" : "is neither USD nor that of pricing.currency");
    return err_hint(err, "give the rate in the configuration: pricing: {currency: {code: EUR, per_usd: 0.92, date: 2026-11-20}}");
}

/* A price in its own currency; `highest` is in dollars. */
static int parse_price(const struct reader *reader, size_t column, const char *code, int64_t highest, int64_t *micro, struct err *err)
{
    const char *field = reader->csv.fields[column];
    if (check_currency(reader, code, err)) {
        return -1;
    }
    uint64_t rate = (uint64_t)(is_usd(code) ? MICROUSD_PER_USD : reader->currency->per_usd_ppm);
    int64_t most = money_ratio((uint64_t)highest, rate, (uint64_t)MICROUSD_PER_USD);
    if (money_parse(field, micro, NULL) != 0 || *micro == 0 || *micro > most) {
        return err_set(err, ERR_CONFIG, "%s:%zu: price '%.64s' is not a plain decimal number above 0 and up to %lld",
                       reader->csv.name, reader->csv.line, field, (long long)(most / MICROUSD_PER_USD));
    }
    return 0;
}

/* A year, month or day that there is, or "undated". */
static bool is_date(const char *text)
{
    static const size_t lengths[] = {4, 7, 10};
    int part[3] = {0, 1, 1};
    size_t length = strlen(text);
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_COUNT(lengths) && at < length; i++) {
        part[i] = 0;
        for (; at < lengths[i] && text[at] >= '0' && text[at] <= '9'; at++) {
            part[i] = part[i] * 10 + (text[at] - '0');
        }
        if (at != lengths[i] || (text[at] != '-' && text[at] != '\0')) {
            return false;
        }
        at += text[at] == '-' ? 1 : 0;
    }
    if (at != length || text[length - 1] == '-' || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[0] < 1990) {
        return false;
    }
    int64_t year = 0;
    int month = 0;
    int day = 0;
    days_to_date(date_to_days(part[0], part[1], part[2]), &year, &month, &day);
    return month == part[1] && day == part[2];
}

static int parse_date(const struct reader *reader, size_t column, struct err *err)
{
    const char *field = reader->csv.fields[column];
    return strcmp(field, "undated") == 0 || (*field != '\0' && is_date(field))
               ? 0
               : refuse(reader, err, "date", field, "is not a date as in 2026-11-22 (or 2026-11, 2026, undated)");
}

/* Names end up in reports and are compared with what people type. */
static int check_names(const struct reader *reader, size_t first, size_t last, struct err *err)
{
    for (size_t i = first; i <= last; i++) {
        size_t length = strlen(reader->csv.fields[i]);
        if (length == 0 || length > NAME_MAX_BYTES || strpbrk(reader->csv.fields[i], " \t") != NULL) {
            return refuse(reader, err, "name", reader->csv.fields[i], "is empty, too long or has blanks");
        }
    }
    return 0;
}

static int check_provider(const struct reader *reader, const char *name, struct err *err)
{
    const struct provider *provider = provider_find(name);
    if (provider != NULL && provider->home_region != NULL) {
        return 0;
    }
    return refuse(reader, err, provider == NULL ? "unknown provider" : "provider", name,
                  provider == NULL ? "(there are aws, gcp and azure)"
                                   : "has no price list; its prices stand in the configuration (pricing.on_prem)");
}

static int add_node(struct reader *reader, struct err *err)
{
    const char *const *f = reader->csv.fields;
    struct catalog *catalog = reader->catalog;
    struct node_price node = {
        .provider = f[0], .region = f[1], .instance = f[2], .date = f[6], .source = f[7], .line = reader->csv.line};
    if (check_provider(reader, f[0], err) || check_names(reader, 1, 2, err) || parse_size(reader, 3, &node.vcpu_milli, err) ||
        parse_size(reader, 4, &node.gib_milli, err) || parse_price(reader, 5, f[8], NODE_PRICE_MAX, &node.microusd_per_hour, err) ||
        parse_date(reader, 6, err) || convert(reader, f[8], &node.microusd_per_hour, &node.source, err)) {
        return -1;
    }
    GROW(catalog->nodes, catalog->node_capacity, catalog->node_count + 1);
    catalog->nodes[catalog->node_count++] = node;
    return 0;
}

/* "aws-gen5-intel(c5,m5,r5)" is the group "aws-gen5-intel". */
static int add_group(struct reader *reader, struct err *err)
{
    const char *const *f = reader->csv.fields;
    struct catalog *catalog = reader->catalog;
    struct group_price group = {.provider = f[0], .region = f[1], .date = f[5], .method = f[6], .line = reader->csv.line};
    const char *method = f[6];
    if (check_provider(reader, f[0], err) || check_names(reader, 1, 2, err) ||
        parse_price(reader, 3, f[7], UNIT_PRICE_MAX, &group.microusd_per_vcpu_hour, err) ||
        parse_price(reader, 4, f[7], UNIT_PRICE_MAX, &group.microusd_per_gib_hour, err) || parse_date(reader, 5, err) ||
        convert(reader, f[7], &group.microusd_per_vcpu_hour, &method, err) ||
        convert(reader, f[7], &group.microusd_per_gib_hour, &group.method, err)) {
        return -1;
    }
    group.group = arena_strndup(&catalog->arena, f[2], strcspn(f[2], "("));
    GROW(catalog->groups, catalog->group_capacity, catalog->group_count + 1);
    catalog->groups[catalog->group_count++] = group;
    return 0;
}

static int add_family(struct reader *reader, struct err *err)
{
    const char *const *f = reader->csv.fields;
    struct catalog *catalog = reader->catalog;
    if (check_provider(reader, f[0], err) || check_names(reader, 1, 2, err)) {
        return -1;
    }
    GROW(catalog->families, catalog->family_capacity, catalog->family_count + 1);
    catalog->families[catalog->family_count++] = (struct family){.provider = f[0], .pattern = f[1], .group = f[2]};
    return 0;
}

static int add_limit(struct reader *reader, struct err *err)
{
    const char *const *f = reader->csv.fields;
    struct catalog *catalog = reader->catalog;
    struct pod_limit limit = {.provider = f[0], .pattern = f[1]};
    if (check_provider(reader, f[0], err) || check_names(reader, 1, 1, err)) {
        return -1;
    }
    if (str_int64(f[2], 1, PODS_MAX, &limit.max_pods) != 0) {
        return refuse(reader, err, "number of pods", f[2], "is not a whole number from 1 to 10000");
    }
    GROW(catalog->limits, catalog->limit_capacity, catalog->limit_count + 1);
    catalog->limits[catalog->limit_count++] = limit;
    return 0;
}

/* The provider that a product's name begins with the name of, or of a service of. */
static const char *provider_of_product(const char *product)
{
    static const char *const prefixes[][2] = {{"aws-", "aws"},   {"eks-", "aws"},     {"gcp-", "gcp"},
                                              {"gke-", "gcp"},   {"azure-", "azure"}, {"aks-", "azure"}};
    for (size_t i = 0; i < ARRAY_COUNT(prefixes); i++) {
        if (str_starts(product, prefixes[i][0])) {
            return prefixes[i][1];
        }
    }
    return NULL;
}

static int check_unit(const struct reader *reader, const struct serverless_price *price, struct err *err)
{
    static const char *const units[][2] = {{"cpu", "vCPU"}, {"memory", "GiB"}, {"cluster", "cluster"}};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (strcmp(price->resource, units[i][0]) == 0 && strcmp(price->unit, units[i][1]) != 0) {
            return err_set(err, ERR_CONFIG, "%s:%zu: the unit of %s is %s, not '%.64s'", reader->csv.name, reader->csv.line,
                           units[i][0], units[i][1], price->unit);
        }
    }
    return 0;
}

static int add_serverless(struct reader *reader, struct err *err)
{
    const char *const *f = reader->csv.fields;
    struct catalog *catalog = reader->catalog;
    struct serverless_price price = {.provider = provider_of_product(f[0]), .product = f[0], .region = f[1], .resource = f[2],
                                     .unit = f[4], .date = f[5], .source = f[6], .line = reader->csv.line};
    if (check_names(reader, 0, 2, err) || check_unit(reader, &price, err) ||
        parse_price(reader, 3, f[7], UNIT_PRICE_MAX, &price.microusd_per_hour, err) || parse_date(reader, 5, err) ||
        convert(reader, f[7], &price.microusd_per_hour, &price.source, err)) {
        return -1;
    }
    if (price.provider == NULL) {
        return refuse(reader, err, "product", f[0], "begins with no provider (aws-, eks-, gcp-, gke-, azure-, aks-)");
    }
    GROW(catalog->serverless, catalog->serverless_capacity, catalog->serverless_count + 1);
    catalog->serverless[catalog->serverless_count++] = price;
    return 0;
}

/* How each file is read: its columns, and what is done with a row. */
struct shape {
    const char *columns[CSV_COLUMNS_MAX];
    size_t required;
    size_t known;
    int (*add)(struct reader *reader, struct err *err);
};

static const struct shape shapes[CATALOG_TABLES] = {
    [CATALOG_NODES] = {{"provider", "region", "instance_type", "vcpu", "memory_gib", "usd_per_hour", "date", "source", "currency"},
                       8, 9, add_node},
    [CATALOG_GROUPS] = {{"provider", "region", "family_group", "usd_per_vcpu_hour", "usd_per_gib_hour", "date", "method",
                         "currency", "max_rel_error", "n_types"},
                        7, 10, add_group},
    [CATALOG_FAMILIES] = {{"provider", "pattern", "group"}, 3, 3, add_family},
    [CATALOG_SERVERLESS] = {{"product", "region", "resource", "usd_per_unit_hour", "unit", "date", "source", "currency"},
                            7, 8, add_serverless},
    [CATALOG_LIMITS] = {{"provider", "pattern", "max_pods", "source"}, 4, 4, add_limit},
};

static int read_file(struct reader *reader, const struct catalog_file *file, const struct shape *shape, struct err *err)
{
    struct csv *csv = &reader->csv;
    if (csv_init(csv, file->name, file->text, file->length, &reader->catalog->arena, shape->columns, shape->required,
                 shape->known, err) != 0) {
        return -1;
    }
    int row = 0;
    while ((row = csv_next(csv, err)) == 1) {
        if (csv->rows_read > CATALOG_ROWS_MAX) {
            return err_set(err, ERR_CONFIG, "%s:%zu: more than %d rows", csv->name, csv->line, CATALOG_ROWS_MAX);
        }
        if (shape->add(reader, err) != 0) {
            return -1;
        }
    }
    if (row == 0 && csv->rows_read == 0) {
        return err_set(err, ERR_CONFIG, "%s: no rows in it", csv->name);
    }
    return row;
}

static int twice(const char *name, size_t line, size_t other, const char *what, const char *provider, const char *region,
                 struct err *err)
{
    size_t first = line < other ? line : other;
    size_t second = line < other ? other : line;
    return err_set(err, ERR_CONFIG, "%s:%zu: two prices of %s in %s %s, the first in line %zu", name, second, what, provider,
                   region, first);
}

static int sort_nodes(struct catalog *catalog, const char *name, struct err *err)
{
    qsort(catalog->nodes, catalog->node_count, sizeof *catalog->nodes, catalog_compare_nodes);
    for (size_t i = 1; i < catalog->node_count; i++) {
        const struct node_price *node = &catalog->nodes[i];
        if (catalog_compare_nodes(node - 1, node) == 0) {
            return twice(name, node->line, (node - 1)->line, node->instance, node->provider, node->region, err);
        }
    }
    return 0;
}

static int sort_groups(struct catalog *catalog, const char *name, struct err *err)
{
    qsort(catalog->groups, catalog->group_count, sizeof *catalog->groups, catalog_compare_groups);
    for (size_t i = 1; i < catalog->group_count; i++) {
        const struct group_price *group = &catalog->groups[i];
        if (catalog_compare_groups(group - 1, group) == 0) {
            return twice(name, group->line, (group - 1)->line, group->group, group->provider, group->region, err);
        }
    }
    return 0;
}

static int sort_serverless(struct catalog *catalog, const char *name, struct err *err)
{
    qsort(catalog->serverless, catalog->serverless_count, sizeof *catalog->serverless, catalog_compare_serverless);
    for (size_t i = 1; i < catalog->serverless_count; i++) {
        const struct serverless_price *price = &catalog->serverless[i];
        if (catalog_compare_serverless(price - 1, price) == 0) {
            return twice(name, price->line, (price - 1)->line, price->resource, price->product, price->region, err);
        }
    }
    return 0;
}

static int fill(struct reader *reader, const struct catalog_file *files, struct err *err)
{
    for (size_t i = 0; i < CATALOG_TABLES; i++) {
        if (read_file(reader, &files[i], &shapes[i], err) != 0) {
            return -1;
        }
    }
    struct catalog *catalog = reader->catalog;
    return sort_nodes(catalog, files[CATALOG_NODES].name, err) || sort_groups(catalog, files[CATALOG_GROUPS].name, err) ||
                   sort_serverless(catalog, files[CATALOG_SERVERLESS].name, err)
               ? -1
               : 0;
}

int catalog_load(const struct catalog_file files[CATALOG_TABLES], const struct currency *currency,
                 struct catalog **out, struct err *err)
{
    struct catalog *catalog = xcalloc(sizeof *catalog);
    arena_init(&catalog->arena);
    struct hash *hash = hash_new();
    for (size_t i = 0; i < CATALOG_TABLES; i++) {
        hash_add(hash, files[i].text, files[i].length);
        catalog->parts[i].name = arena_strdup(&catalog->arena, files[i].name);
        hash_bytes(files[i].text, files[i].length, catalog->parts[i].sha256);
    }
    hash_hex(hash, catalog->digest);
    hash_free(hash);
    struct reader reader = {.catalog = catalog, .currency = currency};
    if (fill(&reader, files, err) != 0) {
        catalog_free(catalog);
        return -1;
    }
    *out = catalog;
    return 0;
}
