#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "stages/common/pricing/book.h"

#define TOP "version: 1\npricing:\n  provider: aws\n  region: us-east-1\n  instance: m5.large\n  discount: 0.1\n"

static const char pools[] = TOP "  reserved: {share: 0.5, discount: 0.4}\n"
                                "  pools:\n"
                                "  - {name: batch, match: {namespaces: [batch-*], kinds: [Job]}, instance: c5.xlarge,\n"
                                "     spot: {share: 0.5}}\n"
                                "  - {name: gpu, match: {node_selector: {pool: gpu}}, instance: g5.xlarge, discount: 0,\n"
                                "     node: {max_pods: 20}}\n"
                                "  - {name: far, match: {labels: {tier: edge}}, serverless: aws-fargate-linux-x86}\n"
                                "  - {name: rack, match: {kinds: [StatefulSet]}, on_prem: {hardware_usd: 8760,\n"
                                "     amortisation_years: 1, vcpu: 8, memory_gib: 32, cpu_memory_ratio: 4}}\n";

struct opened {
    struct config *config;
    struct price_book *book;
    struct err err;
};

static int open_book(struct opened *opened, const char *yaml)
{
    *opened = (struct opened){0};
    assert_int_equal(config_parse(yaml, strlen(yaml), "test.yaml", &opened->config, &opened->err), 0);
    return price_book_open(NULL, opened->config, &opened->book, &opened->err);
}

static void close_book(struct opened *opened)
{
    price_book_free(opened->book);
    config_free(opened->config);
}

static const struct unit_price *price_of(const struct price_book *book, const char *record)
{
    struct err err = {0};
    json_t *read = json_read(record, strlen(record), "test", &err);
    assert_non_null(read);
    const struct unit_price *unit = price_book_for(book, read);
    json_decref(read);
    return unit;
}

static void the_first_pool_that_fits_counts(void **state)
{
    (void)state;
    struct opened opened;
    assert_int_equal(open_book(&opened, pools), 0);
    const struct price_book *book = opened.book;
    assert_int_equal(price_book_count(book), 5);
    assert_string_equal(price_of(book, "{\"workload\":{\"namespace\":\"batch-1\",\"kind\":\"Job\"}}")->pool, "batch");
    assert_null(price_of(book, "{\"workload\":{\"namespace\":\"batch-1\",\"kind\":\"Deployment\"}}")->pool);
    assert_string_equal(price_of(book, "{\"workload\":{\"namespace\":null,\"kind\":\"Deployment\","
                                       "\"scheduling\":{\"node_selector\":{\"pool\":\"gpu\",\"zone\":\"a\"}}}}")->pool, "gpu");
    assert_null(price_of(book, "{\"workload\":{\"kind\":\"Deployment\",\"scheduling\":{\"node_selector\":{\"pool\":\"cpu\"}}}}")->pool);
    assert_string_equal(price_of(book, "{\"workload\":{\"kind\":\"StatefulSet\",\"labels\":{\"tier\":\"edge\"}}}")->pool, "far");
    assert_string_equal(price_of(book, "{\"workload\":{\"kind\":\"StatefulSet\",\"labels\":{}}}")->pool, "rack");
    assert_null(price_book_for(book, NULL)->pool);
    assert_null(price_of(book, "{\"workload\":{\"namespace\":null,\"kind\":\"Job\"}}")->pool);
    price_book_namespace(opened.book, "batch-7");
    assert_string_equal(price_of(book, "{\"workload\":{\"namespace\":null,\"kind\":\"Job\"}}")->pool, "batch");
    close_book(&opened);
}

static void pools_take_from_the_top_what_is_about_them_too(void **state)
{
    (void)state;
    struct opened opened;
    assert_int_equal(open_book(&opened, pools), 0);
    const struct unit_price *batch = price_book_at(opened.book, 0);
    assert_string_equal(batch->region, "us-east-1");
    assert_int_equal(batch->terms.reserved.share_ppm, 500000);
    assert_int_equal(batch->terms.spot.discount_ppm, 650000);
    /* (1 − 0.5 × 0.4 − 0.5 × 0.65) × 0.9 of $0.17 */
    assert_int_equal(terms_paid_ppm(&batch->terms), 427500);
    assert_int_equal(batch->node_paid_microusd_per_hour, 72675);
    assert_int_equal(price_book_at(opened.book, 1)->terms.discount_count, 0);
    const struct unit_price *fargate = price_book_at(opened.book, 2);
    assert_int_equal(fargate->terms.reserved.share_ppm, 0);
    assert_int_equal(fargate->microusd_per_vcpu_hour, 36432); /* 40480 × 0.9 */
    const struct unit_price *rack = price_book_at(opened.book, 3);
    assert_string_equal(rack->provider, "on-prem");
    assert_null(rack->region);
    assert_int_equal(rack->node_microusd_per_hour, 1000000);
    assert_int_equal(rack->node_paid_microusd_per_hour, 1000000);
    assert_int_equal(rack->microusd_per_gib_hour, 15625);
    assert_int_equal(rack->microusd_per_vcpu_hour, 62500);
    close_book(&opened);
}

static void the_header_tells_pools_nodes_and_candidates(void **state)
{
    (void)state;
    struct opened opened;
    assert_int_equal(open_book(&opened, pools), 0);
    json_t *settings = price_book_settings(opened.book);
    assert_string_equal(json_string_or_null(settings, "instance"), "m5.large");
    assert_int_equal(json_int_or(settings, "ratio_microusd_per_vcpu_hour", 0), 35110);
    const json_t *list = json_object_get(settings, "pools");
    assert_int_equal(json_array_size(list), 5);
    assert_int_equal(json_int_or(json_at(json_array_get(list, 1), "node"), "max_pods", 0), 20);
    assert_true(json_is_true(json_object_get(json_array_get(list, 2), "serverless")));
    assert_true(json_is_null(json_object_get(json_array_get(list, 2), "node")));
    assert_true(json_is_null(json_object_get(json_array_get(list, 4), "name")));
    const json_t *node = json_at(json_array_get(list, 4), "node");
    assert_int_equal(json_int_or(node, "list_microusd_per_hour", 0), 96000);
    assert_int_equal(json_int_or(node, "microusd_per_hour", 0), 69120); /* × 0.8 × 0.9 */
    const json_t *candidates = json_object_get(settings, "candidates");
    assert_in_range(json_array_size(candidates), 50, 400);
    size_t index = 0;
    const json_t *candidate = NULL;
    json_array_foreach(candidates, index, candidate)
    {
        assert_in_range(json_int_or(candidate, "vcpu_milli", 0), 2000, 96000);
        assert_true(json_int_or(candidate, "microusd_per_hour", 0) > 0);
        assert_true(json_int_or(json_at(candidate, "reserved"), "memory_bytes", 0) > 0);
        assert_null(strstr(json_string_or_null(candidate, "instance"), "g."));
    }
    json_decref(settings);
    close_book(&opened);
}

static void assert_refused(const char *yaml, const char *sentence)
{
    struct opened opened;
    assert_int_equal(open_book(&opened, yaml), -1);
    assert_int_equal(opened.err.class, ERR_CONFIG);
    if (strstr(opened.err.message, sentence) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", opened.err.message, sentence);
    }
    config_free(opened.config);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    assert_refused(TOP "  pools:\n  - {instance: c5.large}\n", "pricing.pools[0].name: is missing");
    assert_refused(TOP "  pools:\n  - {name: a}\n  - {name: a}\n", "pricing.pools[1].name: 'a' is the name of two pools");
    assert_refused(TOP "  pools:\n  - {name: a, instance: m5.lagre}\n", "line 8: pricing.pools[0].instance: unknown instance type");
    assert_refused(TOP "  pools:\n  - {name: a, region: mars-1}\n", "line 8: pricing.pools[0].region: unknown region 'mars-1'");
    assert_refused(TOP "  pools:\n  - {name: a, node: {max_pods: 0}}\n", "pricing.pools[0].node.max_pods: 0 is not between");
    assert_refused(TOP "  pools:\n  - {name: a, provider: azure, region: eastus, spot: {share: 0.5}}\n",
                   "pricing.pools[0].spot has a share");
    assert_refused(TOP "  cluster_fee: eks-fee\n", "line 7: pricing.cluster_fee: unknown fee");
    assert_refused(TOP "  currency: {code: EUR, per_usd: 0.9}\n", "pricing.currency: needs code, per_usd and date");
    assert_refused(TOP "  currency: {code: euro, per_usd: 0.9, date: 2026-11-20}\n", "pricing.currency.code: 'euro'");
    assert_refused(TOP "  currency: {code: EUR, per_usd: 0, date: 2026-11-20}\n", "pricing.currency.per_usd: 0 is not");
    assert_refused(TOP "  currency: {code: EUR, per_usd: 0.9, date: 2026-02-30}\n", "pricing.currency.date: '2026-02-30'");
    assert_refused(TOP "  serverless: gke-autopilot-general\n", "pricing.serverless: gke-autopilot-general is a product of gcp");
}

static void fee_and_currency_stand_in_the_header(void **state)
{
    (void)state;
    struct opened opened;
    assert_int_equal(open_book(&opened, TOP "  cluster_fee: eks-cluster-fee\n"
                                            "  currency: {code: EUR, per_usd: 0.92, date: 2026-11-20}\n"), 0);
    json_t *settings = price_book_settings(opened.book);
    assert_int_equal(json_int_or(settings, "cluster_fee_microusd_per_hour", 0), 100000);
    assert_int_equal(json_int_or(json_at(settings, "currency"), "per_usd_ppm", 0), 920000);
    json_decref(settings);
    close_book(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_pool_that_fits_counts),
        cmocka_unit_test(pools_take_from_the_top_what_is_about_them_too),
        cmocka_unit_test(the_header_tells_pools_nodes_and_candidates),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(fee_and_currency_stand_in_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
