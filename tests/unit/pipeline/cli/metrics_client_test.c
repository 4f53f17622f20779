/* The client of the metrics server that the configuration names. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/cli/metrics_client.h"
#include "tests/harness/http_script.h"

static struct config *configured(const char *text)
{
    struct config *config = NULL;
    struct err err = {0};
    assert_int_equal(config_parse(text, strlen(text), "tare.yaml", &config, &err), 0);
    return config;
}

/* Headers and credentials of the configuration go along. */
static void test_asks_as_configured(void **state)
{
    (void)state;
    struct config *config = configured("metrics:\n  headers: {X-Scope-OrgID: shop}\n");
    struct http_script *server = http_script_start("on GET /x\nbody {}\n");
    struct http_client *client = NULL;
    struct http_reply reply;
    struct err err = {0};
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", http_script_port(server));
    http_reply_init(&reply);
    assert_int_equal(metrics_client_new(config, url, 10, 1, &client, &err), 0);
    assert_int_equal(http_send(client, &(struct http_request){.path = "/x"}, &reply, &err), 0);
    assert_int_equal(reply.status, 200);
    char *text = http_script_requests(server);
    assert_non_null(strstr(text, "X-Scope-OrgID: shop"));
    free(text);
    http_reply_release(&reply);
    http_client_free(client);
    http_script_stop(server);
    config_free(config);
}

static void test_none(void **state)
{
    (void)state;
    struct config *config = configured("version: 1\n");
    struct http_client *client = NULL;
    struct err err = {0};
    assert_int_equal(metrics_client_new(config, NULL, 10, 1, &client, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    assert_non_null(strstr(err.hint, "metrics.prometheus"));
    assert_int_equal(metrics_client_new(config, "ftp://x", 10, 1, &client, &err), -1);
    assert_non_null(strstr(err.message, METRICS_SERVER));
    config_free(config);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asks_as_configured),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
