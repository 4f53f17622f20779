#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "stages/common/pricing/query.h"

enum { WORDS_MAX = 16 };

struct made {
    struct options *options;
    struct config *config;
    struct price_query query;
    struct arena arena;
    struct err err;
    int result;
};

/* Parses "--a b --c d" and a configuration, and makes the query of both. */
static void make(struct made *made, const char *words, const char *yaml)
{
    static char text[512];
    char *argv[WORDS_MAX] = {text};
    int argc = 1;
    snprintf(text, sizeof text, "tare-price %s", words);
    for (char *p = text; *p != '\0'; p++) {
        if (*p == ' ') {
            *p = '\0';
            argv[argc++] = p + 1;
        }
    }
    argc -= words[0] == '\0';
    *made = (struct made){0};
    assert_int_equal(options_parse(argc, argv, FOR_PRICE, "tare-price", &made->options, &made->err), 0);
    assert_int_equal(config_parse(yaml, strlen(yaml), "test.yaml", &made->config, &made->err), 0);
    options_use_config(made->options, made->config);
    arena_init(&made->arena);
    made->result = price_query_make(made->options, made->config, &made->arena, &made->query, &made->err);
}

static void drop(struct made *made)
{
    options_free(made->options);
    config_free(made->config);
    arena_release(&made->arena);
}

static const char file[] = "version: 1\npricing:\n  provider: azure\n  region: eastus\n  instance: D2s_v5\n"
                           "  discount: 0.25\n";

static void a_file_alone_counts(void **state)
{
    (void)state;
    struct made made;
    make(&made, "", file);
    assert_int_equal(made.result, 0);
    assert_string_equal(made.query.provider.text, "azure");
    assert_int_equal(made.query.provider.blame, ERR_CONFIG);
    assert_string_equal(made.query.instance.text, "D2s_v5");
    assert_int_equal(terms_discount_ppm(&made.query.terms), 250000);
    assert_int_equal(made.query.microusd_per_vcpu_hour, -1);
    drop(&made);
}

static void an_option_comes_first(void **state)
{
    (void)state;
    struct made made;
    make(&made, "--region westeurope --discount 0.1", file);
    assert_string_equal(made.query.region.text, "westeurope");
    assert_int_equal(made.query.region.blame, ERR_USAGE);
    assert_string_equal(made.query.instance.text, "D2s_v5");
    assert_int_equal(terms_discount_ppm(&made.query.terms), 100000);
    drop(&made);
}

static void another_provider_sets_the_files_places_aside(void **state)
{
    (void)state;
    struct made made;
    make(&made, "--provider gcp", file);
    assert_string_equal(made.query.provider.text, "gcp");
    assert_null(made.query.region.text);
    assert_null(made.query.instance.text);
    drop(&made);
    make(&made, "--provider azure", file);
    assert_string_equal(made.query.region.text, "eastus");
    drop(&made);
}

static void nothing_is_nothing(void **state)
{
    (void)state;
    struct made made;
    make(&made, "", "version: 1\n");
    assert_int_equal(made.result, 0);
    assert_null(made.query.provider.text);
    assert_null(made.query.region.text);
    assert_int_equal(terms_discount_ppm(&made.query.terms), 0);
    drop(&made);
}

static void unit_prices_come_from_the_file(void **state)
{
    (void)state;
    struct made made;
    make(&made, "",
         "version: 1\npricing:\n  provider: on-prem\n  usd_per_vcpu_hour: 0.0123456\n"
         "  usd_per_gib_hour: 0.002\n");
    assert_int_equal(made.result, 0);
    assert_int_equal(made.query.microusd_per_vcpu_hour, 12346);
    assert_int_equal(made.query.microusd_per_gib_hour, 2000);
    drop(&made);
}

static void an_option_that_names_a_source_sets_the_files_aside(void **state)
{
    (void)state;
    struct made made;
    make(&made, "--instance D4s_v5", "version: 1\npricing:\n  provider: azure\n  usd_per_vcpu_hour: 0.1\n  usd_per_gib_hour: 0.1\n");
    assert_string_equal(made.query.instance.text, "D4s_v5");
    assert_int_equal(made.query.microusd_per_vcpu_hour, -1);
    drop(&made);
    make(&made, "--serverless gke-autopilot-general", "version: 1\npricing:\n  instance: e2-standard-4\n");
    assert_string_equal(made.query.serverless.text, "gke-autopilot-general");
    assert_null(made.query.instance.text);
    drop(&made);
}

static void shares_and_discounts_are_read(void **state)
{
    (void)state;
    struct made made;
    make(&made, "",
         "version: 1\npricing:\n  discount: 0.3\n  discounts: [0.1, 0.05]\n"
         "  reserved: {share: 0.5, discount: 0.4}\n  spot: {share: 0.25}\n");
    assert_int_equal(made.result, 0);
    assert_int_equal(made.query.terms.discount_count, 3);
    assert_int_equal(made.query.terms.discounts_ppm[2], 50000);
    assert_int_equal(made.query.terms.reserved.share_ppm, 500000);
    assert_int_equal(made.query.terms.reserved.discount_ppm, 400000);
    assert_int_equal(made.query.terms.spot.discount_ppm, -1);
    drop(&made);
    make(&made, "--discount 0.2", "version: 1\npricing:\n  discounts: [0.1, 0.05]\n");
    assert_int_equal(made.query.terms.discount_count, 1);
    assert_int_equal(made.query.terms.discounts_ppm[0], 200000);
    drop(&made);
}

static void assert_refused(const char *words, const char *yaml, enum err_class class)
{
    struct made made;
    make(&made, words, yaml);
    assert_int_equal(made.result, -1);
    assert_int_equal(made.err.class, class);
    drop(&made);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    assert_refused("--discount 1", "version: 1\n", ERR_USAGE);
    assert_refused("--discount 30%", "version: 1\n", ERR_USAGE);
    assert_refused("--usd-per-vcpu-hour nan", "version: 1\n", ERR_USAGE);
    assert_refused("--usd-per-vcpu-hour 99999", "version: 1\n", ERR_USAGE);
}

static void assert_said(const char *pricing, const char *sentence)
{
    struct made made;
    char yaml[512];
    snprintf(yaml, sizeof yaml, "version: 1\npricing:\n  %s\n", pricing);
    make(&made, "", yaml);
    assert_int_equal(made.result, -1);
    assert_int_equal(made.err.class, ERR_CONFIG);
    if (strstr(made.err.message, sentence) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", made.err.message, sentence);
    }
    drop(&made);
}

static void wrong_settings_are_told_with_their_line(void **state)
{
    (void)state;
    assert_said("discount: 1", "test.yaml, line 3: pricing.discount: is not a share");
    assert_said("discounts: [0.1, 1.5]", "line 3: pricing.discounts[1]");
    assert_said("discounts: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]", "more than 8 discounts");
    assert_said("reserved: {share: 1.5}", "pricing.reserved.share: 1.5 is not between 0 and 1");
    assert_said("reserved: {discount: 0.5}", "not off which share");
    assert_said("reserved: {share: 0.6}\n  spot: {share: 0.5}", "line 4: pricing.spot.share: reserved and spot shares are together");
    assert_said("usd_per_vcpu_hour: 1e9", "pricing.usd_per_vcpu_hour: 1e+09 is not between 0 and 10000");
    assert_said("on_prem: {hardware_usd: 9000}", "needs one of amortisation_months and amortisation_years");
    assert_said("on_prem: {hardware_usd: 9000, amortisation_months: 12, amortisation_years: 1}", "needs one of");
    assert_said("on_prem: {hardware_usd: 9000, amortisation_months: 12, watts: 100}", "needs on_prem.usd_per_kwh too");
    assert_said("on_prem: {hardware_usd: 9000, amortisation_months: 12, vcpu: 4}", "needs on_prem.memory_gib too");
    assert_said("on_prem: {hardware_usd: 9000, amortisation_months: 12, pue: 0.5}", "0.5 is not between 1 and 10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_alone_counts),
        cmocka_unit_test(an_option_comes_first),
        cmocka_unit_test(another_provider_sets_the_files_places_aside),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(unit_prices_come_from_the_file),
        cmocka_unit_test(an_option_that_names_a_source_sets_the_files_aside),
        cmocka_unit_test(shares_and_discounts_are_read),
        cmocka_unit_test(wrong_settings_are_told_with_their_line),
        cmocka_unit_test(what_is_no_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
