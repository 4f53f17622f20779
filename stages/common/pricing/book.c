#include "stages/common/pricing/book.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/selector.h"
#include "pricing/unit/node.h"
#include "stages/common/pricing/book_private.h"
#include "stages/common/pricing/place.h"
#include "stages/common/pricing/query.h"

/* Of the node; what a pool leaves out is as in `base`. */
static int read_wishes(const struct place *place, const struct node_wishes *base, struct node_wishes *wishes, struct err *err)
{
    static const int64_t most_pods = 10000;
    static const int64_t most_millicores = 100000;
    static const int64_t most_bytes = INT64_C(1) << 45;
    return place_number(place, "node.max_pods", 1, 1, most_pods, base->max_pods, &wishes->max_pods, err) ||
                   place_number(place, "node.reserved_cpu", 1, 0, most_millicores, base->reserved_cpu_millicores,
                                &wishes->reserved_cpu_millicores, err) ||
                   place_number(place, "node.reserved_memory", 1, 0, most_bytes, base->reserved_memory_bytes,
                                &wishes->reserved_memory_bytes, err)
               ? -1
               : 0;
}

static int add_pool(struct price_book *book, struct book_pool *pool, const struct price_query *query, struct err *err)
{
    if (unit_price_find(book->catalog, query, &pool->unit, err) != 0) {
        return -1;
    }
    pool->unit.pool = pool->name;
    GROW(book->pools, book->pool_capacity, book->pool_count + 1);
    book->pools[book->pool_count++] = *pool;
    return 0;
}

/* A pool without a name could not be told in reports, and one that fits everything would leave nothing to those after it. */
static int check_pool(const struct price_book *book, const struct place *place, const struct book_pool *pool, struct err *err)
{
    if (pool->name == NULL || pool->name[0] == '\0') {
        return place_error(place, err, "name", "is missing: reports tell pools by it");
    }
    for (size_t i = 0; i < book->pool_count; i++) {
        if (str_equal(book->pools[i].name, pool->name)) {
            return place_error(place, err, "name", "'%.64s' is the name of two pools", pool->name);
        }
    }
    return 0;
}

static int add_pools(struct price_book *book, const struct price_query *base, const struct node_wishes *wishes, struct err *err)
{
    const json_t *pools = config_value(book->config, "pricing.pools");
    if (json_array_size(pools) > BOOK_POOLS_MAX) {
        return config_error(book->config, err, "pricing.pools", "has more than %d pools", BOOK_POOLS_MAX);
    }
    for (size_t i = 0; i < json_array_size(pools); i++) {
        struct place place = place_pool(book->config, i, &book->arena);
        struct book_pool pool = {.name = json_string_value(place_value(&place, "name")), .match = place_value(&place, "match")};
        struct price_query query;
        if (check_pool(book, &place, &pool, err) || read_wishes(&place, wishes, &pool.wishes, err) ||
            price_query_pool(book->config, i, base, &book->arena, &query, err) || add_pool(book, &pool, &query, err)) {
            return -1;
        }
    }
    return 0;
}

/* A fee counts for a whole cluster and for no workload; it is only named. */
static int find_fee(struct price_book *book, struct err *err)
{
    struct place place = place_top(book->config, &book->arena);
    struct price_name name = place_name(&place, "cluster_fee");
    if (name.text == NULL) {
        return 0;
    }
    book->fee = catalog_serverless(book->catalog, name.text, NULL, "cluster");
    if (book->fee != NULL && str_equal(book->fee->product, name.text)) {
        return 0;
    }
    struct buf near;
    buf_init(&near, ERR_HINT_MAX);
    catalog_near_products(book->catalog, "cluster", name.text, &near);
    err_set(err, ERR_CONFIG, "%s: unknown fee '%s'", name.origin, name.text);
    err_hint(err, near.length > 0 ? "did you mean %s?" : "eks-cluster-fee, gke-cluster-fee and aks-uptime-sla are known%s",
             buf_str(&near));
    buf_release(&near);
    return -1;
}

static int fill(struct price_book *book, const struct options *options, struct err *err)
{
    static const struct node_wishes none = {-1, -1, -1};
    struct place place = place_top(book->config, &book->arena);
    struct price_query query;
    struct book_pool rest = {0};
    if (price_catalog_open(options, book->config, NULL, &book->currency, &book->catalog, err) ||
        price_query_make(options, book->config, &book->arena, &query, err) || read_wishes(&place, &none, &rest.wishes, err) ||
        find_fee(book, err)) {
        return -1;
    }
    if (price_pools_count(options, book->config) && add_pools(book, &query, &rest.wishes, err)) {
        return -1;
    }
    return add_pool(book, &rest, &query, err);
}

int price_book_open(const struct options *options, const struct config *config, struct price_book **out,
                    struct err *err)
{
    struct price_book *book = xcalloc(sizeof *book);
    arena_init(&book->arena);
    book->config = config;
    book->folder = options != NULL ? options_string(options, OPT_CATALOG) : config_string(config, "pricing.catalog");
    if (fill(book, options, err)) {
        price_book_free(book);
        return -1;
    }
    *out = book;
    return 0;
}

void price_book_free(struct price_book *book)
{
    if (book != NULL) {
        catalog_free(book->catalog);
        arena_release(&book->arena);
        free(book->pools);
        free(book);
    }
}

void price_book_namespace(struct price_book *book, const char *namespace)
{
    book->namespace = namespace == NULL ? NULL : arena_strdup(&book->arena, namespace);
}

static bool fits(const struct price_book *book, const struct book_pool *pool, const json_t *workload)
{
    const char *namespace = json_string_or_null(workload, "namespace");
    namespace = namespace != NULL ? namespace : book->namespace;
    return selector_match(pool->match, workload, namespace == NULL ? "default" : namespace, NULL) &&
           selector_labels(json_object_get(pool->match, "node_selector"), json_at(workload, "scheduling.node_selector"));
}

const struct unit_price *price_book_for(const struct price_book *book, const json_t *record)
{
    const json_t *workload = json_object_get(record, "workload");
    for (size_t i = 0; workload != NULL && i + 1 < book->pool_count; i++) {
        if (fits(book, &book->pools[i], workload)) {
            return &book->pools[i].unit;
        }
    }
    return &book->pools[book->pool_count - 1].unit;
}

size_t price_book_count(const struct price_book *book)
{
    return book->pool_count;
}

const struct unit_price *price_book_at(const struct price_book *book, size_t index)
{
    return &book->pools[index].unit;
}
