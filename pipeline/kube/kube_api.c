#include "pipeline/kube/kube_internal.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

enum { ANSWER_MAX = 64 * 1024 * 1024, EARLY_MS = 10 * 1000 };

/* A client for the present credentials. A certificate belongs to the connection, so that new ones need a new
 * client. */
static int connect_as(struct kube_api *api, struct err *err)
{
    const struct kube_access *access = api->access;
    const struct kube_credential *given = &api->credential;
    struct http_options options = {
        .what = kube_what,
        .url = access->server,
        .connect_timeout_seconds = api->limits.connect_timeout_seconds,
        .timeout_seconds = api->limits.timeout_seconds,
        .bearer_token = given->token != NULL ? given->token : access->token,
        .bearer_token_file = access->token_file,
        .username = access->username,
        .password = access->password,
        .ca_pem = access->ca_pem,
        .certificate_pem = given->certificate_pem != NULL ? given->certificate_pem : access->certificate_pem,
        .key_pem = given->key_pem != NULL ? given->key_pem : access->key_pem,
        .server_name = access->server_name,
        .proxy = access->proxy,
        .insecure = access->insecure,
    };
    http_client_free(api->http);
    api->http = NULL;
    return http_client_new(&options, &api->http, err) ? err_prefix(err, "%s", access->origin) : 0;
}

/* Asks the plugin again. */
static int renew(struct kube_api *api, struct err *err)
{
    struct kube_credential fresh;
    if (exec_plugin_run(api->access, &fresh, err)) {
        return -1;
    }
    kube_credential_release(&api->credential);
    api->credential = fresh;
    api->renewals++;
    int64_t lifetime_ms = fresh.lifetime_seconds * 1000;
    api->renew_at = lifetime_ms > EARLY_MS ? clock_monotonic_ms() + lifetime_ms - EARLY_MS : 0;
    return connect_as(api, err);
}

int kube_api_new(struct kube_access *access, const struct kube_limits *limits, struct kube_api **out,
                 struct err *err)
{
    struct kube_api *api = xcalloc(sizeof *api);
    api->access = access;
    api->limits = *limits;
    api->limits.answer_bytes = limits->answer_bytes == 0 ? ANSWER_MAX : limits->answer_bytes;
    http_reply_init(&api->reply);
    if (access->exec == NULL ? connect_as(api, err) : renew(api, err)) {
        kube_api_free(api);
        return -1;
    }
    *out = api;
    return 0;
}

void kube_api_free(struct kube_api *api)
{
    if (api == NULL) {
        return;
    }
    http_client_free(api->http);
    http_reply_release(&api->reply);
    kube_credential_release(&api->credential);
    kube_access_free(api->access);
    free(api);
}

const struct kube_access *kube_api_access(const struct kube_api *api)
{
    return api->access;
}

static int not_json(const struct http_reply *reply, struct err *err)
{
    char type[128] = "no content type";
    http_reply_header(reply, "content-type", type, sizeof type);
    err_set(err, ERR_UNAVAILABLE, "%s answered with %s instead of JSON: %s", kube_what, type, reply->url);
    return err_hint(
        err,
        "something else answers there, perhaps a login page: check the server's address in the kubeconfig");
}

int kube_api_client(struct kube_api *api, struct http_client **out, struct err *err)
{
    if (api->renew_at != 0 && clock_monotonic_ms() >= api->renew_at && renew(api, err)) {
        return -1;
    }
    *out = api->http;
    return 0;
}

bool kube_api_renewable(const struct kube_api *api)
{
    return api->access->exec != NULL || api->access->token_file != NULL;
}

int kube_api_renew(struct kube_api *api, unsigned refused, struct err *err)
{
    return api->access->exec == NULL || api->renewals != refused ? 0 : renew(api, err);
}

void kube_api_heard(struct kube_api *api, const struct err *failure)
{
    if (failure == NULL) {
        api->silent_since = 0;
    } else {
        api->silent_since = api->silent_since != 0 ? api->silent_since : clock_monotonic_ms();
        api->silence = *failure;
    }
}

int64_t kube_api_silence(const struct kube_api *api, struct err *why)
{
    if (api->silent_since != 0) {
        *why = api->silence;
    }
    return api->silent_since == 0 ? 0 : clock_monotonic_ms() - api->silent_since + 1;
}

/* Sends a request as whom we are at this time. The answer is in api->reply, whatever its status. */
static int exchange(struct kube_api *api, const struct http_request *request, struct err *err)
{
    struct http_client *http = NULL;
    unsigned before = api->renewals;
    if (kube_api_client(api, &http, err) || http_send(http, request, &api->reply, err)) {
        return -1;
    }
    if (api->reply.status == 401 && kube_api_renewable(api) && api->renewals == before) {
        return kube_api_renew(api, before, err) || http_send(api->http, request, &api->reply, err) ? -1 : 0;
    }
    return 0;
}

int kube_parse(const char *text, size_t length, const char *url, json_t **out, struct err *err)
{
    json_error_t where;
    *out = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
    if (*out == NULL) {
        return err_set(err, ERR_DATA, "what %s answered at %s is not valid JSON at line %d, column %d: %s", kube_what, url, where.line,
                       where.column, where.text);
    }
    return 0;
}

int kube_read_reply(const struct kube_api *api, const char *method, const struct http_reply *reply, json_t **out, struct err *err)
{
    if (!http_status_ok(reply->status)) {
        return kube_refused(api, method, reply, err);
    }
    if (!http_reply_is(reply, "application/json")) {
        return not_json(reply, err);
    }
    return kube_parse(buf_str(&reply->body), reply->body.length, reply->url, out, err);
}

int kube_get(struct kube_api *api, const char *path, json_t **out, long *status, struct err *err)
{
    struct http_request request = {
        .path = path, .accept = "application/json", .cap = api->limits.answer_bytes};
    api->reply.status = 0;
    int failed = exchange(api, &request, err);
    if (status != NULL) {
        *status = api->reply.status;
    }
    return failed ? -1 : kube_read_reply(api, "GET", &api->reply, out, err);
}
