#include "pipeline/kube/kube_api.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/kube/exec_plugin.h"

static const char what[] = "the Kubernetes API server";

enum { ANSWER_MAX = 64 * 1024 * 1024, STATUS_TEXT_MAX = 400, EARLY_MS = 10 * 1000 };

struct kube_api {
    struct kube_access *access;
    struct kube_limits limits;
    struct http_client *http;
    struct http_reply reply;
    struct kube_credential credential; /* of a plugin */
    int64_t renew_at;                  /* monotonic milliseconds; 0: when it is refused */
};

/* A client for the present credentials. A certificate belongs to the connection, so that new ones need a new
 * client. */
static int connect_as(struct kube_api *api, struct err *err)
{
    const struct kube_access *access = api->access;
    const struct kube_credential *given = &api->credential;
    struct http_options options = {
        .what = what,
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

/* What the server says of its refusal (the message of a Status): ": …", or "". */
static void status_text(const struct http_reply *reply, char out[STATUS_TEXT_MAX])
{
    struct err ignored;
    json_t *status = http_reply_is(reply, "application/json")
                         ? json_read(buf_str(&reply->body), reply->body.length, "", &ignored)
                         : NULL;
    const char *message = json_string_or_null(status, "message");
    out[0] = '\0';
    if (message != NULL && *message != '\0') {
        snprintf(out, STATUS_TEXT_MAX, ": %s", message); /* err_set makes it fit to be shown */
    }
    json_decref(status);
}

static int hint_login(const struct kube_access *access, struct err *err)
{
    if (access->exec != NULL) {
        return err_hint(err, "log in again with what %s belongs to", access->exec->command);
    }
    if (access->token != NULL || access->token_file != NULL) {
        return err_hint(err, "the token may have run out: get a new one (kubectl create token ACCOUNT)");
    }
    if (access->certificate_pem != NULL) {
        return err_hint(err, "the client certificate may have run out, or be of another cluster");
    }
    return err_hint(err,
                    "the kubeconfig gives no credentials for this context: kubectl config set-credentials");
}

/* A status other than 2xx in words. */
static int refused(const struct kube_api *api, struct err *err)
{
    const struct http_reply *reply = &api->reply;
    char text[STATUS_TEXT_MAX];
    status_text(reply, text);
    switch (reply->status) {
    case 401:
        err_set(err, ERR_UNAVAILABLE, "%s does not accept the credentials of %s (401): %s%s", what,
                api->access->origin, reply->url, text);
        return hint_login(api->access, err);
    case 403:
        err_set(err, ERR_UNAVAILABLE, "%s does not permit this (403): %s%s", what, reply->url, text);
        return err_hint(
            err, "ask for a role that may, or name the namespaces that you may read: --namespace NAME");
    case 404:
        err_set(err, ERR_UNAVAILABLE, "%s has nothing at %s (404)%s", what, reply->url, text);
        return err_hint(err, "check the server's address in the kubeconfig");
    default:
        if (text[0] == '\0') {
            return http_reply_check(reply, what, err);
        }
        return err_set(err, ERR_UNAVAILABLE, "%s answered with status %ld: %s%s", what, reply->status,
                       reply->url, text);
    }
}

static int not_json(const struct kube_api *api, struct err *err)
{
    char type[128] = "no content type";
    http_reply_header(&api->reply, "content-type", type, sizeof type);
    err_set(err, ERR_UNAVAILABLE, "%s answered with %s instead of JSON: %s", what, type, api->reply.url);
    return err_hint(
        err,
        "something else answers there, perhaps a login page: check the server's address in the kubeconfig");
}

/* Sends a request as whom we are at this time. The answer is in api->reply, whatever its status. */
static int exchange(struct kube_api *api, const struct http_request *request, struct err *err)
{
    bool fresh = false;
    if (api->renew_at != 0 && clock_monotonic_ms() >= api->renew_at) {
        if (renew(api, err)) {
            return -1;
        }
        fresh = true;
    }
    if (http_send(api->http, request, &api->reply, err)) {
        return -1;
    }
    if (api->reply.status == 401 && api->access->exec != NULL && !fresh) {
        return renew(api, err) || http_send(api->http, request, &api->reply, err) ? -1 : 0;
    }
    return 0;
}

/* As json_read, but text may hold a zero byte (an annotation may): one odd object must not hide all others. */
static int read_answer(const struct kube_api *api, json_t **out, struct err *err)
{
    const struct buf *body = &api->reply.body;
    json_error_t where;
    *out = json_loadb(buf_str(body), body->length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
    if (*out == NULL) {
        return err_set(err, ERR_DATA, "what %s answered at %s is not valid JSON at line %d, column %d: %s", what,
                       api->reply.url, where.line, where.column, where.text);
    }
    return 0;
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
    if (failed) {
        return -1;
    }
    if (!http_status_ok(api->reply.status)) {
        return refused(api, err);
    }
    if (!http_reply_is(&api->reply, "application/json")) {
        return not_json(api, err);
    }
    return read_answer(api, out, err);
}
