/* The chain of providers from options and configuration: order, models, keys, what is refused, and when one is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/unit/stages/analyze/asking/asking_builder.h"

static struct chain chain_of(struct made_asking *made, const char *analysis, const char *const *words, bool connect)
{
    struct chain chain;
    made_settings(made, analysis, words);
    assert_int_equal(chain_open(made->options, made->config, connect, &chain, &made->err), 0);
    return chain;
}

static void close_chain(struct made_asking *made, struct chain *chain)
{
    chain_release(chain);
    made_release(made);
}

static void test_none(void **state)
{
    (void)state;
    static const char *const rules[] = {"--llm", "rules", NULL};
    struct made_asking made;
    struct chain chain = chain_of(&made, "providers: []", NULL, true);
    assert_int_equal(chain.count, 0);
    close_chain(&made, &chain);
    chain = chain_of(&made, "providers: [anthropic]", rules, true);
    assert_int_equal(chain.count, 0);
    json_t *settings = chain_settings(&chain);
    assert_int_equal(json_array_size(settings), 1);
    json_decref(settings);
    close_chain(&made, &chain);
}

static void test_order_up_to_the_rules(void **state)
{
    (void)state;
    struct made_asking made;
    struct chain chain = chain_of(&made, "providers: [openai, anthropic, rules, openai], openai: {model: m}", NULL, false);
    assert_int_equal(chain.count, 2);
    assert_string_equal(chain.links[0].provider->name, "openai");
    assert_string_equal(chain.links[0].model, "m");
    assert_string_equal(chain.links[1].provider->name, "anthropic");
    assert_false(chain.links[0].narrow);
    assert_null(chain.links[0].llm);
    assert_true(chain.links[1].price.known);
    close_chain(&made, &chain);
}

static void test_no_key_is_off(void **state)
{
    (void)state;
    struct made_asking made;
    (void)unsetenv("TARE_TEST_NO_SUCH_KEY");
    struct chain chain = chain_of(&made, "providers: [anthropic], anthropic: {key_env: TARE_TEST_NO_SUCH_KEY}", NULL, true);
    assert_true(chain.links[0].off);
    assert_string_equal(chain.links[0].why, "no API key in the environment variable TARE_TEST_NO_SUCH_KEY");
    close_chain(&made, &chain);
    chain = chain_of(&made, "providers: [openai], openai: {model: m, base_url: 'http://127.0.0.1:1/v1'}", NULL, true);
    assert_false(chain.links[0].off);
    assert_non_null(chain.links[0].llm);
    assert_true(chain.links[0].narrow);
    close_chain(&made, &chain);
}

static void test_options_come_first(void **state)
{
    (void)state;
    static const char *const words[] = {"--llm-model", "other", "--llm-url", "http://127.0.0.1:2", NULL};
    struct made_asking made;
    struct chain chain = chain_of(&made, "providers: [openai, anthropic], openai: {model: m}", words, false);
    assert_string_equal(chain.links[0].model, "other");
    assert_true(chain.links[0].narrow);
    assert_string_not_equal(chain.links[1].model, "other");
    close_chain(&made, &chain);
}

static void refused(const char *analysis, const char *const *words, enum err_class class)
{
    struct made_asking made;
    struct chain chain;
    made_settings(&made, analysis, words);
    assert_int_equal(chain_open(made.options, made.config, true, &chain, &made.err), -1);
    assert_int_equal(made.err.class, class);
    assert_true(*made.err.hint != '\0');
    close_chain(&made, &chain);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const openai[] = {"--llm", "openai", NULL};
    static const char *const model[] = {"--llm-model", "m", NULL};
    refused("providers: []", openai, ERR_USAGE);
    refused("providers: []", model, ERR_USAGE);
    refused("providers: [anthropic, openai]", NULL, ERR_CONFIG);
}

static void test_failures(void **state)
{
    (void)state;
    struct made_asking made;
    struct chain chain = chain_of(&made, "providers: [openai, anthropic], openai: {model: m}", NULL, false);
    struct link *link = &chain.links[0];
    link_failed(link, false, "one");
    link_failed(link, false, "two");
    assert_false(link->off);
    link_failed(link, false, "three");
    assert_true(link->off);
    assert_string_equal(link->why, "three");
    link_failed(link, false, "four");
    assert_string_equal(link->why, "three");
    link_failed(&chain.links[1], true, "gone");
    assert_true(chain.links[1].off);
    close_chain(&made, &chain);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_order_up_to_the_rules),
        cmocka_unit_test(test_no_key_is_off),
        cmocka_unit_test(test_options_come_first),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
