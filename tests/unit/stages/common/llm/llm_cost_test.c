/* Prices of models, and what replies cost. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stages/common/llm/llm_cost.h"

static struct llm_price price_of(const char *provider, const char *model)
{
    struct llm_price price;
    llm_price_of(provider, model, NAN, NAN, &price);
    return price;
}

static void is(double got, double wanted)
{
    assert_true(fabs(got - wanted) < 1e-9);
}

static void prices_of_the_table(void **state)
{
    (void)state;
    struct llm_price price = price_of("anthropic", "claude-haiku-5-5");
    assert_true(price.known);
    is(price.input, 0.10);
    is(price.output, 0.50);
    is(price.cache_read, 0.01);
    is(price.cache_write, 0.125);
    is(price_of("anthropic", "claude-haiku-5-5-20261001").input, 0.10);
    is(price_of("anthropic", "claude-haiku-5-5@20261001").input, 0.10);
    is(price_of("anthropic", "claude-opus-5-5").cache_read, 0.20);
    assert_false(price_of("anthropic", "claude-haiku-5-50").known);
    assert_false(price_of("anthropic", "claude-haiku-5").known);
    assert_false(price_of("openai", "claude-haiku-5-5").known);
    assert_false(price_of("openai", "qwen3").known);
    assert_false(price_of("anthropic", NULL).known);
}

static void prices_of_the_configuration(void **state)
{
    (void)state;
    struct llm_price price;
    llm_price_of("anthropic", "claude-haiku-5-5", 1, NAN, &price);
    assert_true(price.known);
    is(price.input, 1);
    is(price.output, 0.50);
    is(price.cache_read, 0.1);
    is(price.cache_write, 1.25);
    llm_price_of("openai", "m", 2, NAN, &price);
    assert_false(price.known);
    llm_price_of("openai", "m", 2, 0, &price);
    assert_true(price.known);
    is(price.cache_read, 2);
    is(price.cache_write, 2);
    llm_price_of("openai", "m", 0, 0, &price);
    assert_true(price.known);
}

static void costs(void **state)
{
    (void)state;
    struct llm_price haiku = price_of("anthropic", "claude-haiku-5-5");
    struct llm_price opus = price_of("anthropic", "claude-opus-5-5");
    struct llm_price none = price_of("openai", "m");
    struct llm_reply reply = {.input_tokens = 1000, .output_tokens = 200};
    assert_int_equal(llm_cost_microusd(&haiku, &reply, false), 200);
    assert_int_equal(llm_cost_microusd(&haiku, &reply, true), 100);
    assert_int_equal(llm_cost_microusd(&opus, &reply, false), 8000);
    assert_int_equal(llm_cost_microusd(&none, &reply, false), 0);
    reply = (struct llm_reply){.input_tokens = 3000, .cache_read_tokens = 2000, .cache_write_tokens = 400, .output_tokens = 0};
    assert_int_equal(llm_cost_microusd(&haiku, &reply, false), 60 + 20 + 50);
    reply = (struct llm_reply){.input_tokens = 1};
    assert_int_equal(llm_cost_microusd(&haiku, &reply, false), 1); /* a tenth, rounded up */
    reply = (struct llm_reply){.input_tokens = 1, .cache_read_tokens = 5};
    assert_int_equal(llm_cost_microusd(&opus, &reply, false), 1); /* more cached than there were: never negative */
    reply = (struct llm_reply){.input_tokens = INT64_MAX / 4, .output_tokens = INT64_MAX / 4};
    assert_true(llm_cost_microusd(&opus, &reply, false) > 0);
    reply = (struct llm_reply){.text = NULL};
    assert_int_equal(llm_cost_microusd(&haiku, &reply, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(prices_of_the_table), cmocka_unit_test(prices_of_the_configuration),
                                       cmocka_unit_test(costs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
