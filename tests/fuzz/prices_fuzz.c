/* Price files: of the table that the first byte names, what is accepted is in its ranges, has a price that is found by its own name, and
 * unit prices that make the node's price again; the price of a table that is refused has a sentence with the file's name. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pricing/unit/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

static const char *const others[CATALOG_TABLES] = {
    [CATALOG_NODES] = "provider,region,instance_type,vcpu,memory_gib,usd_per_hour,date,source\n"
                      "aws,us-east-1,m6i.xlarge,4,16,0.192,2026-07-20,list\n",
    [CATALOG_GROUPS] = "provider,region,family_group,usd_per_vcpu_hour,usd_per_gib_hour,date,method\n"
                       "aws,us-east-1,aws-gen6-intel,0.035,0.0034,2026,fit\ngcp,us-central1,gcp-e2,0.02,0.003,2026,fit\n"
                       "azure,eastus,azure-v5-intel,0.033,0.00375,2026,fit\n",
    [CATALOG_FAMILIES] = "provider,pattern,group\naws,*,aws-gen6-intel\n",
    [CATALOG_SERVERLESS] = "product,region,resource,usd_per_unit_hour,unit,date,source\ngke-a,all,cpu,0.04,vCPU,2026,list\n",
    [CATALOG_LIMITS] = "provider,pattern,max_pods,source\naws,*,29,list\n",
};

static void check_node(const struct catalog *catalog, const struct node_price *node)
{
    struct price_query query = {.provider = {node->provider, ERR_USAGE, "p"},
                                .region = {node->region, ERR_USAGE, "r"},
                                .instance = {node->instance, ERR_USAGE, "i"},
                                .microusd_per_vcpu_hour = -1,
                                .microusd_per_gib_hour = -1,
                                .terms = {.discounts_ppm = {1, 999999}, .discount_count = 0}};
    struct unit_price unit;
    struct err err = {0};
    check(node->vcpu_milli > 0 && node->gib_milli > 0 && node->microusd_per_hour > 0);
    if (unit_price_find(catalog, &query, &unit, &err) != 0) {
        check(strstr(err.message, "no unit prices") != NULL);
        return;
    }
    int64_t rebuilt = unit.vcpu_milli * unit.microusd_per_vcpu_hour + unit.gib_milli * unit.microusd_per_gib_hour;
    check(llabs(rebuilt - 1000 * node->microusd_per_hour) <= unit.vcpu_milli + unit.gib_milli);
    query.terms.discount_count = 2;
    check(unit_price_find(catalog, &query, &unit, &err) == 0 && unit.node_paid_microusd_per_hour <= node->microusd_per_hour);
    json_decref(unit_price_steps(&unit));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct currency euro = {"EUR", 920000, "2026-11-20"};
    struct catalog_file files[CATALOG_TABLES];
    struct catalog *catalog = NULL;
    struct err err = {0};
    if (size == 0) {
        return 0;
    }
    for (size_t i = 0; i < CATALOG_TABLES; i++) {
        files[i] = (struct catalog_file){"other.csv", others[i], strlen(others[i])};
    }
    files[data[0] % CATALOG_TABLES] = (struct catalog_file){"fuzzed.csv", (const char *)data + 1, size - 1};
    if (catalog_load(files, &euro, &catalog, &err) != 0) {
        check(err.class == ERR_CONFIG && strstr(err.message, "fuzzed.csv") != NULL);
        return 0;
    }
    for (size_t i = 0; i < catalog_node_count(catalog) && i < 100; i++) {
        check_node(catalog, catalog_node_at(catalog, i));
    }
    for (size_t i = 0; i < catalog_serverless_count(catalog); i++) {
        const struct serverless_price *price = catalog_serverless_at(catalog, i);
        check(price->microusd_per_hour >= 0 && catalog_serverless(catalog, price->product, price->region, price->resource) == price);
    }
    catalog_free(catalog);
    return 0;
}
