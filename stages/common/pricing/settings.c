#include "pipeline/base/str.h"
#include "pricing/cost/engine.h"
#include "stages/common/pricing/book_private.h"

/* Nodes that are worth to be told of. */
enum { CANDIDATE_VCPU_MIN_MILLI = 2000, CANDIDATE_VCPU_MAX_MILLI = 96000 };

static void set_limits(json_t *member, const struct node_limits *limits)
{
    json_object_set_new(member, "max_pods", json_integer(limits->max_pods));
    json_object_set_new(member, "reserved",
                        json_pack("{s:I, s:I}", "cpu_millicores", (json_int_t)limits->reserved_cpu_millicores, "memory_bytes",
                                  (json_int_t)limits->reserved_memory_bytes));
}

static json_t *node_member(const struct price_book *book, const struct book_pool *pool)
{
    const struct unit_price *unit = &pool->unit;
    if (unit->node_microusd_per_hour == 0) {
        return json_null();
    }
    struct node_limits limits =
        node_limits_of(book->catalog, unit->provider, unit->instance, unit->vcpu_milli, unit->gib_milli, &pool->wishes);
    json_t *node = json_pack("{s:s?, s:I, s:I, s:I, s:I}", "instance", unit->instance, "vcpu_milli", (json_int_t)unit->vcpu_milli,
                             "gib_milli", (json_int_t)unit->gib_milli, "list_microusd_per_hour",
                             (json_int_t)unit->node_microusd_per_hour, "microusd_per_hour",
                             (json_int_t)unit->node_paid_microusd_per_hour);
    set_limits(node, &limits);
    return node;
}

static json_t *on_prem_member(const struct unit_price *unit)
{
    const struct on_prem_costs *costs = &unit->on_prem;
    if (unit->path != PRICE_ON_PREM) {
        return json_null();
    }
    struct on_prem_price price = on_prem_price(costs);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "hardware_microusd", (json_int_t)costs->hardware_microusd,
                     "amortisation_milli_months", (json_int_t)costs->months_milli, "milliwatts", (json_int_t)costs->milliwatts,
                     "pue_ppm", (json_int_t)costs->pue_ppm, "microusd_per_kwh", (json_int_t)costs->microusd_per_kwh,
                     "overhead_ppm", (json_int_t)costs->overhead_ppm, "hardware_microusd_per_hour",
                     (json_int_t)price.hardware_microusd_per_hour, "power_microusd_per_hour",
                     (json_int_t)price.power_microusd_per_hour);
}

/* What there is to say of a price besides what each record has. */
static json_t *price_member(const struct unit_price *unit)
{
    bool ratio = unit->ratio.microusd_per_gib_hour > 0;
    json_t *price = cost_price_member(unit);
    json_object_set_new(price, "terms", terms_member(&unit->terms));
    json_object_set_new(price, "on_prem", on_prem_member(unit));
    json_object_set_new(price, "ratio_microusd_per_vcpu_hour", json_int_or_null(ratio, unit->ratio.microusd_per_vcpu_hour));
    json_object_set_new(price, "ratio_microusd_per_gib_hour", json_int_or_null(ratio, unit->ratio.microusd_per_gib_hour));
    return price;
}

static json_t *pools_member(const struct price_book *book)
{
    json_t *pools = json_array();
    for (size_t i = 0; i < book->pool_count; i++) {
        const struct book_pool *pool = &book->pools[i];
        json_t *match = pool->match == NULL ? json_null() : json_deep_copy(pool->match);
        json_array_append_new(pools, json_pack("{s:s?, s:o, s:b, s:o, s:o, s:o}", "name", pool->name, "match", match,
                                               "serverless", pool->unit.serverless, "price", price_member(&pool->unit), "node",
                                               node_member(book, pool), "steps", unit_price_steps(&pool->unit)));
    }
    return pools;
}

static bool is_candidate(const struct unit_price *unit, const struct node_price *node)
{
    const char *usual = provider_find(unit->provider)->default_instance;
    const char *from = unit->node_microusd_per_hour > 0 && unit->instance != NULL ? unit->instance : usual;
    return str_equal(node->provider, unit->provider) && str_equal(node->region, unit->region) &&
           node->vcpu_milli >= CANDIDATE_VCPU_MIN_MILLI && node->vcpu_milli <= CANDIDATE_VCPU_MAX_MILLI && from != NULL &&
           node_could_replace(unit->provider, from, node->instance);
}

static json_t *candidates_member(const struct price_book *book)
{
    json_t *candidates = json_array();
    const struct book_pool *rest = &book->pools[book->pool_count - 1];
    const struct unit_price *unit = &rest->unit;
    for (size_t i = 0; i < catalog_node_count(book->catalog) && json_array_size(candidates) < BOOK_CANDIDATES_MAX; i++) {
        const struct node_price *node = catalog_node_at(book->catalog, i);
        if (!is_candidate(unit, node)) {
            continue;
        }
        struct node_limits limits = node_limits_of(book->catalog, node->provider, node->instance, node->vcpu_milli,
                                                   node->gib_milli, &rest->wishes);
        json_t *candidate = json_pack("{s:s, s:I, s:I, s:I}", "instance", node->instance, "vcpu_milli",
                                      (json_int_t)node->vcpu_milli, "gib_milli", (json_int_t)node->gib_milli, "microusd_per_hour",
                                      (json_int_t)terms_price(&unit->terms, (uint64_t)node->microusd_per_hour, 1, 1));
        set_limits(candidate, &limits);
        json_array_append_new(candidates, candidate);
    }
    return candidates;
}

static json_t *currency_member(const struct currency *currency)
{
    return currency->code == NULL ? json_null()
                                  : json_pack("{s:s, s:I, s:s}", "code", currency->code, "per_usd_ppm",
                                              (json_int_t)currency->per_usd_ppm, "date", currency->date);
}

static json_t *files_member(const struct catalog *catalog)
{
    json_t *files = json_array();
    for (int i = 0; i < CATALOG_TABLES; i++) {
        const struct catalog_part *part = catalog_part_at(catalog, (enum catalog_table)i);
        json_array_append_new(files, json_pack("{s:o, s:s}", "name", json_string_safe(part->name), "sha256", part->sha256));
    }
    return files;
}

json_t *price_book_settings(const struct price_book *book)
{
    json_t *price = price_member(&book->pools[book->pool_count - 1].unit);
    json_object_set_new(price, "catalog", json_string(catalog_digest(book->catalog)));
    json_object_set_new(price, "catalog_files", files_member(book->catalog));
    json_object_set_new(price, "catalog_folder", book->folder == NULL ? json_null() : json_string_safe(book->folder));
    json_object_set_new(price, "hours", json_integer(HOURS_PER_MONTH));
    json_object_set_new(price, "pools", pools_member(book));
    json_object_set_new(price, "candidates", candidates_member(book));
    json_object_set_new(price, "currency", currency_member(&book->currency));
    json_object_set_new(price, "cluster_fee_microusd_per_hour",
                        json_int_or_null(book->fee != NULL, book->fee == NULL ? 0 : book->fee->microusd_per_hour));
    return price;
}
