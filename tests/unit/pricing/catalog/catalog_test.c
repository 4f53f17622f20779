#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asset_embed.h"
#include "pipeline/base/mem.h"
#include "pricing/catalog/catalog.h"
#include "pricing/unit/unit.h"
#include "pricing/catalog/csv.h"
#include "pricing/money/money.h"

#define NODES "provider,region,instance_type,vcpu,memory_gib,usd_per_hour,date,source\n"
#define EURO "provider,region,instance_type,vcpu,memory_gib,usd_per_hour,date,source,currency\n"
#define GROUPS \
    "provider,region,family_group,usd_per_vcpu_hour,usd_per_gib_hour,max_rel_error,n_types,date,method\n" \
    "aws,us-east-1,\"aws-gen6-intel(c6i,m6i)\",0.035,0.0034,0.01,3,2026-01-01,fit\n"
#define FAMILIES "provider,pattern,group\naws,*,aws-gen6-intel\n"
#define SERVERLESS "product,region,resource,usd_per_unit_hour,unit,date,source\n"
#define PODS "provider,pattern,max_pods,source\n"

static const char ok_node[] = NODES "aws,us-east-1,a.b,2,8,1,2026,s\n";
static const char ok_fee[] = SERVERLESS "eks-fee,all,cluster,0.1,cluster,2026-01,s\n";

static int load(enum catalog_table table, const char *text, const struct currency *currency, struct catalog **out, struct err *err)
{
    struct catalog_file files[CATALOG_TABLES] = {{"nodes.csv", ok_node, strlen(ok_node)},
                                                 {"groups.csv", GROUPS, strlen(GROUPS)},
                                                 {"families.csv", FAMILIES, strlen(FAMILIES)},
                                                 {"serverless.csv", ok_fee, strlen(ok_fee)},
                                                 {"pods.csv", PODS "aws,*,29,s\n", strlen(PODS "aws,*,29,s\n")}};
    files[table].text = text;
    files[table].length = strlen(text);
    return catalog_load(files, currency, out, err);
}

static void assert_table_refused(enum catalog_table table, const char *text, const char *place)
{
    struct catalog *catalog = NULL;
    struct err err = {0};
    assert_int_equal(load(table, text, NULL, &catalog, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    if (strstr(err.message, place) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, place);
    }
}

static void assert_refused(const char *nodes, const char *place)
{
    assert_table_refused(CATALOG_NODES, nodes, place);
}

static void broken_files_are_refused_with_their_place(void **state)
{
    (void)state;
    assert_refused("", "nodes.csv: the file is empty");
    assert_refused("provider,region\n", "no column 'instance_type'");
    assert_refused("provider,region,instance_type,vcpu,memory_gib,usd_per_month,date,source\n", "'usd_per_month', is not known");
    assert_refused("provider,provider,instance_type,vcpu,memory_gib,usd_per_hour,date,source\n", "twice");
    assert_refused(NODES, "nodes.csv: no rows");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,-0.1,2026,s\n", "nodes.csv:2: price '-0.1'");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,NaN,2026,s\n", "nodes.csv:2");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,inf,2026,s\n", "nodes.csv:2");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,1e3,2026,s\n", "nodes.csv:2");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,0,2026,s\n", "nodes.csv:2");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,2000000,2026,s\n", "nodes.csv:2");
    assert_refused(NODES "aws,us-east-1,a.b,0,8,1,2026,s\n", "size '0'");
    assert_refused(NODES "aws,us-east-1,a.b,2,8e9,1,2026,s\n", "size '8e9'");
    assert_refused(NODES "aws,us-east-1,a.b,2,99999999,1,2026,s\n", "size '99999999'");
    assert_refused(NODES "aws,us-east-1,,2,8,1,2026,s\n", "name ''");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,1,2026\n", "7 fields");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,1,2026,s,t\n", "9 fields");
    assert_refused(NODES "nimbus,us-east-1,a.b,2,8,1,2026,s\n", "nimbus");
    assert_refused(NODES "on-prem,us-east-1,a.b,2,8,1,2026,s\n", "pricing.on_prem");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,1,2026,\"s\n", "quoted");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,1,2026,s\nx\x01\n", "nodes.csv:3: not a text file");
    assert_refused(NODES "aws,us-east-1,\xff,2,8,1,2026,s\n", "nodes.csv:2: not a text file in UTF-8 (byte 0xff)");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,1,2026,s\naws,us-east-1,c.d,2,8,1,2026,s\naws,us-east-1,A.B,2,8,1,2026,s\n",
                   "nodes.csv:4: two prices of A.B in aws us-east-1, the first in line 2");
}

static void dates_are_days_months_or_years_that_there_are(void **state)
{
    (void)state;
    static const char *const wrong[] = {"yesterday", "2026-13", "2026-02-30", "2026-1-1", "26", "2026-01-01T00:00", "2026-", "", "0000"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, NODES "aws,us-east-1,a.b,2,8,1,%s,s\n", wrong[i]);
        assert_refused(text, "is not a date");
    }
    static const char *const right[] = {"2024-02-29", "2026-11", "2026", "undated"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        char text[256];
        struct catalog *catalog = NULL;
        snprintf(text, sizeof text, NODES "aws,us-east-1,a.b,2,8,1,%s,s\n", right[i]);
        assert_int_equal(load(CATALOG_NODES, text, NULL, &catalog, NULL), 0);
        catalog_free(catalog);
    }
}

static void other_tables_are_refused_too(void **state)
{
    (void)state;
    assert_table_refused(CATALOG_GROUPS, GROUPS "aws,us-east-1,aws-gen6-intel,1,1,1,1,2026,fit\n", "groups.csv:3: two prices");
    assert_table_refused(CATALOG_GROUPS, "provider,region\n", "no column 'family_group'");
    assert_table_refused(CATALOG_FAMILIES, "provider,pattern,group\nmars,*,g\n", "mars");
    assert_table_refused(CATALOG_SERVERLESS, SERVERLESS "gke-x,r,memory,0.1,GB,2026,s\n", "the unit of memory is GiB, not 'GB'");
    assert_table_refused(CATALOG_SERVERLESS, SERVERLESS "x,r,cpu,0.1,vCPU,2026,s\n", "begins with no provider");
    assert_table_refused(CATALOG_SERVERLESS, SERVERLESS "gke-x,r,cpu,0.1,vCPU,2026,s\ngke-x,r,cpu,0.2,vCPU,2026,s\n", "two prices");
    assert_table_refused(CATALOG_LIMITS, PODS "aws,*,0,s\n", "whole number");
}

static void too_many_rows_are_refused(void **state)
{
    (void)state;
    size_t row = strlen("aws,us-east-1,a123456.b,2,8,1,2026,s\n");
    size_t count = CATALOG_ROWS_MAX + 1;
    char *text = malloc(sizeof NODES + count * row);
    assert_non_null(text);
    char *end = text + snprintf(text, sizeof NODES, NODES);
    for (size_t i = 0; i < count; i++) {
        end += snprintf(end, row + 1, "aws,us-east-1,a%06zu.b,2,8,1,2026,s\n", i);
    }
    assert_refused(text, "more than 200000 rows");
    free(text);
}

static void another_currency_needs_its_rate(void **state)
{
    (void)state;
    struct catalog *catalog = NULL;
    const char euro[] = EURO "aws,us-east-1,a.b,2,8,0.92,2026,s,EUR\naws,us-east-1,c.d,2,8,0.5,2026,s,USD\n";
    const struct currency rate = {"EUR", 920000, "2026-11-20"};
    assert_refused(euro, "nodes.csv:2: the currency 'EUR' is not USD, and no rate is configured");
    const struct currency yen = {"JPY", 150000000, "2026-11-20"};
    struct err err = {0};
    assert_int_equal(load(CATALOG_NODES, euro, &yen, &catalog, &err), -1);
    assert_non_null(strstr(err.message, "neither USD nor that of pricing.currency"));
    assert_int_equal(load(CATALOG_NODES, euro, &rate, &catalog, NULL), 0);
    const struct node_price *node = catalog_node(catalog, "aws", "us-east-1", "a.b");
    assert_int_equal(node->microusd_per_hour, 1000000);
    assert_non_null(strstr(node->source, "from EUR at 0.920000 a USD of 2026-11-20"));
    assert_int_equal(catalog_node(catalog, "aws", "us-east-1", "c.d")->microusd_per_hour, 500000);
    catalog_free(catalog);
}

/* The bounds are of dollars: a currency with many units to the dollar has larger figures for the same price. */
static void bounds_are_those_of_dollars(void **state)
{
    (void)state;
    static const char *const groups = "provider,region,family_group,usd_per_vcpu_hour,usd_per_gib_hour,date,method,currency\n";
    const struct currency dong = {"VND", INT64_C(25000) * 1000000, "2026-11-20"};
    struct catalog *catalog = NULL;
    struct err err = {0};
    char *text = xasprintf("%saws,us-east-1,aws-gen5-intel,1000,100,2026,m,VND\n", groups);
    assert_int_equal(load(CATALOG_GROUPS, text, &dong, &catalog, NULL), 0);
    const struct group_price *group = catalog_group(catalog, "aws", "us-east-1", "aws-gen5-intel");
    assert_int_equal(group->microusd_per_vcpu_hour, 40000);
    assert_int_equal(group->microusd_per_gib_hour, 4000);
    catalog_free(catalog);
    free(text);
    text = xasprintf("%saws,us-east-1,aws-gen5-intel,2500000.1,100,2026,m,VND\n", groups);
    assert_int_equal(load(CATALOG_GROUPS, text, &dong, &catalog, &err), -1);
    assert_non_null(strstr(err.message, "above 0 and up to 2500000"));
    free(text);
    text = xasprintf("%saws,us-east-1,aws-gen5-intel,0.01,100,2026,m,VND\n", groups);
    assert_int_equal(load(CATALOG_GROUPS, text, &dong, &catalog, &err), -1);
    assert_non_null(strstr(err.message, "is nothing in dollars"));
    free(text);
}

static void quoting_and_line_ends_are_read(void **state)
{
    (void)state;
    struct catalog *catalog = NULL;
    assert_int_equal(
        load(CATALOG_NODES, "\xef\xbb\xbf" NODES "aws,us-east-1,a.b,2,7.5,0.5,2026,\"one, \"\"two\"\"\"\r\n", NULL, &catalog, NULL), 0);
    const struct node_price *node = catalog_node(catalog, "aws", "us-east-1", "A.B");
    assert_non_null(node);
    assert_string_equal(node->source, "one, \"two\"");
    assert_int_equal(node->gib_milli, 7500);
    assert_int_equal(strlen(catalog_digest(catalog)), 64);
    catalog_free(catalog);
}

/* Every row that is embedded: it has a group, and its unit prices make its list price again. */
static void every_listed_node_rebuilds(void **state)
{
    (void)state;
    struct catalog *catalog = NULL;
    assert_int_equal(catalog_open(NULL, NULL, &catalog, NULL), 0);
    static const char *const columns[] = {"provider",   "region",       "instance_type", "vcpu",
                                          "memory_gib", "usd_per_hour", "date",          "source"};
    struct arena arena;
    arena_init(&arena);
    struct csv csv;
    assert_int_equal(csv_init(&csv, "on-demand.csv", (const char *)asset_on_demand_csv,
                              asset_on_demand_csv_length, &arena, columns, 8, 8, NULL),
                     0);
    while (csv_next(&csv, NULL) == 1) {
        struct price_query query = {.provider = {csv.fields[0], ERR_USAGE, ""},
                                    .region = {csv.fields[1], ERR_USAGE, ""},
                                    .instance = {csv.fields[2], ERR_USAGE, ""},
                                    .microusd_per_vcpu_hour = -1,
                                    .microusd_per_gib_hour = -1};
        struct unit_price unit;
        assert_int_equal(unit_price_find(catalog, &query, &unit, NULL), 0);
        int64_t price = 0;
        assert_int_equal(money_parse(csv.fields[5], &price, NULL), 0);
        int64_t rebuilt =
            unit.vcpu_milli * unit.microusd_per_vcpu_hour + unit.gib_milli * unit.microusd_per_gib_hour;
        int64_t off = rebuilt > 1000 * price ? rebuilt - 1000 * price : 1000 * price - rebuilt;
        assert_true(off <= unit.vcpu_milli + unit.gib_milli);
    }
    assert_int_equal(csv.rows_read, 8882);
    arena_release(&arena);
    catalog_free(catalog);
}

static void serverless_products_share_what_their_family_costs(void **state)
{
    (void)state;
    struct catalog *catalog = NULL;
    assert_int_equal(catalog_open(NULL, NULL, &catalog, NULL), 0);
    const struct serverless_price *price = catalog_serverless(catalog, "azure-container-apps-consumption-idle", "eastus", "memory");
    assert_int_equal(price->microusd_per_hour, 10800);
    assert_string_equal(price->product, "azure-container-apps-consumption");
    assert_int_equal(catalog_serverless(catalog, "gke-autopilot-general", NULL, "cpu")->microusd_per_hour, 44500);
    assert_int_equal(catalog_serverless(catalog, "gke-autopilot-general", "europe-west3", "memory")->microusd_per_hour, 4923);
    assert_int_equal(catalog_serverless(catalog, "eks-cluster-fee", "mars", "cluster")->microusd_per_hour, 100000);
    assert_null(catalog_serverless(catalog, "aws", NULL, "cpu"));
    assert_int_equal(catalog_max_pods(catalog, "aws", "m5.large"), 29);
    assert_int_equal(catalog_max_pods(catalog, "aws", "c5.18xlarge"), 737);
    assert_int_equal(catalog_max_pods(catalog, "gcp", "e2-standard-4"), 0);
    for (size_t i = 0; i < catalog_node_count(catalog); i++) {
        const struct node_price *node = catalog_node_at(catalog, i);
        assert_true(strcmp(node->provider, "aws") != 0 || catalog_max_pods(catalog, "aws", node->instance) > 0);
    }
    catalog_free(catalog);
}

static void the_nearest_region_counts(void **state)
{
    (void)state;
    struct catalog *catalog = NULL;
    const char text[] = SERVERLESS "gke-x,a,cpu,0.1,vCPU,2026,s\ngke-x,all,cpu,0.2,vCPU,2026,s\ngke-x,b,cpu,0.3,vCPU,2026,s\n"
                                   "gke-y,a,cpu,0.4,vCPU,2026,s\ngke-y,b,cpu,0.5,vCPU,2026,s\n";
    assert_int_equal(load(CATALOG_SERVERLESS, text, NULL, &catalog, NULL), 0);
    assert_int_equal(catalog_serverless(catalog, "gke-x", "b", "cpu")->microusd_per_hour, 300000);
    assert_int_equal(catalog_serverless(catalog, "gke-x", "a", "cpu")->microusd_per_hour, 100000);
    assert_int_equal(catalog_serverless(catalog, "gke-x", "c", "cpu")->microusd_per_hour, 200000);
    assert_int_equal(catalog_serverless(catalog, "gke-y-z", "c", "cpu")->microusd_per_hour, 400000);
    assert_int_equal(catalog_serverless(catalog, "gke-y", "b", "cpu")->microusd_per_hour, 500000);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_files_are_refused_with_their_place),
        cmocka_unit_test(dates_are_days_months_or_years_that_there_are),
        cmocka_unit_test(other_tables_are_refused_too),
        cmocka_unit_test(too_many_rows_are_refused),
        cmocka_unit_test(another_currency_needs_its_rate),
        cmocka_unit_test(bounds_are_those_of_dollars),
        cmocka_unit_test(serverless_products_share_what_their_family_costs),
        cmocka_unit_test(the_nearest_region_counts),
        cmocka_unit_test(quoting_and_line_ends_are_read),
        cmocka_unit_test(every_listed_node_rebuilds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
