#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "asset_embed.h"
#include "pricing/catalog.h"
#include "pricing/unit.h"
#include "pricing/csv.h"
#include "pricing/money.h"

#define NODES "provider,region,instance_type,vcpu,memory_gib,usd_per_hour,date,source\n"
#define GROUPS \
    "provider,region,family_group,usd_per_vcpu_hour,usd_per_gib_hour,max_rel_error,n_types,date,method\n" \
    "aws,us-east-1,\"aws-gen6-intel(c6i,m6i)\",0.035,0.0034,0.01,3,2026-01-01,fit\n"
#define FAMILIES "provider,pattern,group\naws,*,aws-gen6-intel\n"

static int load(const char *nodes, const char *groups, struct catalog **out, struct err *err)
{
    struct catalog_file a = {"nodes.csv", nodes, strlen(nodes)};
    struct catalog_file b = {"groups.csv", groups, strlen(groups)};
    struct catalog_file c = {"families.csv", FAMILIES, strlen(FAMILIES)};
    return catalog_load(&a, &b, &c, out, err);
}

static void assert_refused(const char *nodes, const char *place)
{
    struct catalog *catalog = NULL;
    struct err err = {0};
    assert_int_equal(load(nodes, GROUPS, &catalog, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    assert_non_null(strstr(err.message, place));
}

static void broken_files_are_refused_with_their_place(void **state)
{
    (void)state;
    assert_refused("", "nodes.csv:1");
    assert_refused("provider,region\n", "instance_type");
    assert_refused(NODES, "no prices");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,-0.1,d,s\n", "nodes.csv:2");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,NaN,d,s\n", "nodes.csv:2");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,0,d,s\n", "nodes.csv:2");
    assert_refused(NODES "aws,us-east-1,a.b,0,8,1,d,s\n", "nodes.csv:2");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,1,d\n", "7 fields");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,1,d,s,t\n", "9 fields");
    assert_refused(NODES "nimbus,us-east-1,a.b,2,8,1,d,s\n", "nimbus");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,1,d,\"s\n", "quoted");
    assert_refused(NODES "aws,us-east-1,a.b,2,8,1,d,s\naws,us-east-1,A.B,2,8,1,d,s\n", "two prices");
}

static void quoting_and_line_ends_are_read(void **state)
{
    (void)state;
    struct catalog *catalog = NULL;
    assert_int_equal(
        load(NODES "aws,us-east-1,a.b,2,7.5,0.5,d,\"one, \"\"two\"\"\"\r\n", GROUPS, &catalog, NULL), 0);
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
    assert_int_equal(catalog_embedded(&catalog, NULL), 0);
    static const char *const columns[] = {"provider",   "region",       "instance_type", "vcpu",
                                          "memory_gib", "usd_per_hour", "date",          "source"};
    struct arena arena;
    arena_init(&arena);
    struct csv csv;
    assert_int_equal(csv_init(&csv, "on-demand.csv", (const char *)asset_on_demand_csv,
                              asset_on_demand_csv_length, &arena, columns, 8, NULL),
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_files_are_refused_with_their_place),
        cmocka_unit_test(quoting_and_line_ends_are_read),
        cmocka_unit_test(every_listed_node_rebuilds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
