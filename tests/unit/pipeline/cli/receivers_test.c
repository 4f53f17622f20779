/* Entries of `notify`: what they come to, and what is refused with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/cli/receivers.h"

static int load(const char *text, struct config **config, struct receivers *out, struct err *err)
{
    struct err bad = {0};
    if (config_parse(text, strlen(text), "own.yaml", config, &bad)) {
        fail_msg("%s", bad.message);
    }
    return receivers_load(*config, out, err);
}

static void test_defaults(void **state)
{
    (void)state;
    struct config *config;
    struct receivers all;
    struct err err = {0};
    assert_int_equal(load("notify:\n- {type: slack, url_file: a}\n- {type: slack, url_file: b, on: [applied, critical]}\n"
                          "- {type: pagerduty, secret_file: k}\n- {type: http, url_file: c, secret_file: k, name: hook, interval: 5s, timeout: 2s, "
                          "tries: 3, give_up_after: 1h, template_file: t}\n",
                          &config, &all, &err),
                     0);
    assert_int_equal(all.count, 4);
    assert_string_equal(all.items[0].name, "slack");
    assert_string_equal(all.items[1].name, "slack-2");
    assert_string_equal(all.items[2].name, "pagerduty");
    assert_string_equal(all.items[3].name, "hook");
    assert_int_equal(all.items[3].type, RECEIVER_HTTP);
    assert_int_equal(all.items[0].interval_seconds, 1);
    assert_int_equal(all.items[0].timeout_seconds, 15);
    assert_int_equal(all.items[0].tries, 10);
    assert_int_equal(all.items[0].give_up_seconds, 86400);
    assert_int_equal(all.items[3].interval_seconds, 5);
    assert_int_equal(all.items[3].timeout_seconds, 2);
    assert_int_equal(all.items[3].tries, 3);
    assert_int_equal(all.items[3].give_up_seconds, 3600);
    assert_string_equal(all.items[3].template_file, "t");
    assert_null(all.items[2].url_file);
    assert_true(receiver_wants(&all.items[0], "refused"));
    assert_true(receiver_wants(&all.items[1], "applied"));
    assert_false(receiver_wants(&all.items[2], "awaiting-approval"));
    assert_false(receiver_wants(&all.items[2], "refused"));
    assert_true(receiver_wants(&all.items[2], "critical"));
    assert_false(receiver_wants(&all.items[1], "refused"));
    receivers_release(&all);
    config_free(config);
}

static void test_none(void **state)
{
    (void)state;
    struct config *config;
    struct receivers all;
    struct err err = {0};
    assert_int_equal(load("version: 1\n", &config, &all, &err), 0);
    assert_int_equal(all.count, 0);
    receivers_release(&all);
    receivers_release(&all);
    config_free(config);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"notify:\n- {url_file: a}\n", "own.yaml, line 2: notify[0]: has no `type`"},
        {"notify:\n- {type: slack}\n", "has no `url_file`"},
        {"notify:\n- {type: pagerduty}\n", "has no `secret_file`, the file with the routing key"},
        {"notify:\n- {type: http, url_file: a}\n", "has no `secret_file`, the file with the key that signs"},
        {"notify:\n- {type: slack, url_file: a, name: x}\n- {type: teams, url_file: a, name: x}\n",
         "line 3: notify[1]: has the same name as notify[0]: x"},
        {"notify:\n- {type: slack, url_file: a, name: slack-2}\n- {type: slack, url_file: a}\n", "has the same name as notify[0]"},
        {"notify:\n- {type: slack, url_file: a, name: 'a b'}\n", "a name is at most"},
        {"notify:\n- {type: slack, url_file: a, name: ''}\n", "a name is at most"},
        {"notify:\n- {type: slack, url_file: a, name: -x}\n", "a name is at most"},
        {"notify:\n- {type: slack, url_file: a, tries: 0}\n", "no message could ever be sent"},
        {"notify:\n- {type: slack, url_file: a, timeout: 0s}\n", "no message could ever be sent"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct config *config;
        struct receivers all;
        struct err err = {0};
        assert_int_equal(load(cases[i][0], &config, &all, &err), -1);
        assert_int_equal(err.class, ERR_CONFIG);
        if (strstr(err.message, cases[i][1]) == NULL) {
            fail_msg("%s does not say %s", err.message, cases[i][1]);
        }
        receivers_release(&all);
        config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_defaults), cmocka_unit_test(test_none), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
