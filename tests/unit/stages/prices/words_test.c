#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stages/prices/words.h"

static bool fits(const char *word, const char *field)
{
    struct words words;
    words_init(&words, &word, 1);
    bool found = words_fit(&words, &field, 1);
    words_release(&words);
    return found;
}

static void case_and_signs_do_not_count(void **state)
{
    (void)state;
    assert_true(fits("d2sv5", "Standard_D2s_v5"));
    assert_true(fits("D2S-V5", "Standard_D2s_v5"));
    assert_true(fits("m5large", "m5.large"));
    assert_true(fits("m5.large", "m5.large"));
    assert_true(fits("US_EAST", "us-east-1"));
    assert_false(fits("m5large", "m5a.large"));
    assert_false(fits("m5largex", "m5.large"));
}

static void providers_have_other_names(void **state)
{
    (void)state;
    assert_true(fits("Amazon", "aws"));
    assert_true(fits("google", "gcp"));
    assert_true(fits("microsoft", "azure"));
    assert_false(fits("amazon", "azure"));
}

static void every_word_must_fit_somewhere(void **state)
{
    (void)state;
    static const char *const texts[] = {"m5", "east"};
    static const char *const fields[] = {"aws", "us-east-1", "m5.large", NULL};
    static const char *const others[] = {"aws", "us-west-2", "m5.large", NULL};
    struct words words;
    words_init(&words, texts, 2);
    assert_true(words_fit(&words, fields, 4));
    assert_false(words_fit(&words, others, 4));
    words_replace(&words, 1, "west");
    assert_true(words_fit(&words, others, 4));
    words_release(&words);
    words_init(&words, texts, 0);
    assert_true(words_fit(&words, fields, 4));
    words_release(&words);
}

/* Signs alone ask for nothing; bytes that are no letters of ours are letters. */
static void odd_words(void **state)
{
    (void)state;
    assert_true(fits("--", "anything"));
    assert_false(fits("\xff", "m5.large"));
    assert_true(fits("\xc3\xbc", "m\xc3\xbcnchen"));
    assert_false(fits("x", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_and_signs_do_not_count),
        cmocka_unit_test(providers_have_other_names),
        cmocka_unit_test(every_word_must_fit_somewhere),
        cmocka_unit_test(odd_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
