/* Questions taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/ask/wording.h"

struct read {
    struct arena arena;
    struct wording wording;
    struct err err;
    int status;
};

static struct read *read_text(const char *text)
{
    struct read *read = calloc(1, sizeof *read);
    arena_init(&read->arena);
    read->status = wording_read(text, &read->arena, &read->wording, &read->err);
    return read;
}

static void release(struct read *read)
{
    arena_release(&read->arena);
    free(read);
}

static void words_stand_without_what_is_around_them(void **state)
{
    (void)state;
    struct read *read = read_text("Why does \"shop/Deployment/cart\" get 300m, and cart-db?");
    assert_int_equal(read->status, 0);
    assert_int_equal(read->wording.count, 7);
    assert_string_equal(read->wording.words[2].text, "shop/Deployment/cart");
    assert_string_equal(read->wording.words[6].text, "cart-db");
    assert_true(read->wording.words[0].common);
    assert_false(read->wording.words[2].common);
    release(read);
}

static void what_it_is_about(void **state)
{
    static const struct {
        const char *text;
        enum topic topic;
    } cases[] = {
        {"what is the biggest saving?", TOPIC_SAVING}, {"RISKIEST change", TOPIC_RISK},          {"which savings are blocked", TOPIC_BLOCKED},
        {"most expensive", TOPIC_COST},                {"who is throttled?", TOPIC_THROTTLED},   {"which do not change", TOPIC_UNCHANGED},
        {"cart", TOPICS},                              {"what needs my approval", TOPIC_APPROVAL}, {"which model was used?", TOPIC_MODEL},
        {"why was openai not used?", TOPIC_FALLBACK},  {"what did the model move?", TOPIC_CLAMPED}, {"which go up?", TOPIC_DEARER},
        {"which get less memory", TOPIC_SAVING},       {"how many workloads are there", TOPICS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct read *read = read_text(cases[i].text);
        assert_int_equal(read->wording.topic, cases[i].topic);
        release(read);
    }
    struct read *read = read_text("the lowest memory limit in total");
    assert_true(read->wording.least && read->wording.memory && read->wording.limit && read->wording.totals);
    assert_false(read->wording.cpu || read->wording.request);
    release(read);
}

static void what_is_no_question_is_refused(void **state)
{
    static char large[1024 * 1024];
    (void)state;
    memset(large, 'a', sizeof large - 1);
    const char *bad[] = {"", " ?!", "\t\n", large, "caf\xe9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct read *read = read_text(bad[i]);
        assert_int_equal(read->status, -1);
        assert_int_equal(read->err.class, ERR_USAGE);
        assert_true(read->err.hint[0] != '\0');
        release(read);
    }
}

static void control_bytes_are_masked_and_words_bounded(void **state)
{
    char many[WORDING_BYTES_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof many - 1; i++) {
        many[i] = i % 2 == 0 ? 'b' : ' ';
    }
    many[sizeof many - 1] = '\0';
    struct read *read = read_text(many);
    assert_int_equal(read->status, 0);
    assert_int_equal(read->wording.count, WORDING_WORDS_MAX);
    release(read);
    read = read_text("cart \033[31m \xe2\x80\xae now");
    assert_null(strchr(read->wording.text, '\033'));
    assert_null(strstr(read->wording.text, "\xe2\x80\xae"));
    release(read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stand_without_what_is_around_them),
        cmocka_unit_test(what_it_is_about),
        cmocka_unit_test(what_is_no_question_is_refused),
        cmocka_unit_test(control_bytes_are_masked_and_words_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
