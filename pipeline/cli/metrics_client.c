#include "pipeline/cli/metrics_client.h"

int metrics_client_new(const struct config *config, const char *url, int64_t timeout_seconds, unsigned tries, struct http_client **out,
                       struct err *err)
{
    struct http_options options = {
        .what = METRICS_SERVER,
        .url = url,
        .tries = tries,
        .timeout_seconds = timeout_seconds,
        .bearer_token_file = config_string(config, "metrics.bearer_token_file"),
        .username = config_string(config, "metrics.basic.username"),
        .password_file = config_string(config, "metrics.basic.password_file"),
        .ca_file = config_string(config, "metrics.tls.ca"),
        .certificate_file = config_string(config, "metrics.tls.certificate"),
        .key_file = config_string(config, "metrics.tls.key"),
    };
    struct http_client *client = NULL;
    const char *name;
    json_t *value;
    if (url == NULL) {
        err_set(err, ERR_CONFIG, "no Prometheus server is configured");
        return err_hint(err, "set metrics.prometheus in tare.yaml, or give tare run --prometheus URL");
    }
    int failed = http_client_new(&options, &client, err);
    json_t *headers = json_deep_copy(config_value(config, "metrics.headers"));
    json_object_foreach(headers, name, value)
    {
        failed = failed || http_client_header(client, name, json_string_value(value), err);
    }
    json_decref(headers);
    if (failed) {
        http_client_free(client);
        return -1;
    }
    *out = client;
    return 0;
}
