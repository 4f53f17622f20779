#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/kube/kube_internal.h"

enum { SAID_MAX = 700, CAUSES_MAX = 3 };

/* What a server says of its refusal. */
struct said {
    char text[SAID_MAX]; /* ": …" with the message of the Status and its causes, or "" */
    char id[96];         /* " (request …)", or "" */
    char reason[40];
    json_t *status;
};

/* A refusal that is known by words in its message, whatever its status: who refused, and what to do. */
struct refusal {
    const char *words;
    const char *who;
    const char *hint;
};

static const struct refusal refusals[] = {
    {"exceeded quota", "a ResourceQuota does not allow this",
     "look at it (kubectl describe resourcequota) and make room, or plan within it"},
    {"usage per Container", "a LimitRange does not allow this", "look at it (kubectl describe limitrange) and plan within it"},
    {"usage per Pod", "a LimitRange does not allow this", "look at it (kubectl describe limitrange) and plan within it"},
    {"max limit to request ratio", "a LimitRange does not allow this", "look at it (kubectl describe limitrange) and plan within it"},
    {"ValidatingAdmissionPolicy", "an admission policy of the cluster denies this", "talk to who made the policy, or plan within it"},
    {"failed calling webhook", "an admission webhook of the cluster does not answer, and nothing goes past it",
     "look at its service (kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations), then try again"},
    {"admission webhook", "an admission webhook of the cluster denies this", "talk to who runs the webhook, or plan within its rules"},
    {"violates PodSecurity", "the Pod Security of the namespace denies this",
     "the object was made under other rules: talk to who made them"},
};

/* Adds the causes of an invalid object, where the message does not say them. */
static void add_causes(const json_t *status, struct buf *out)
{
    size_t index;
    size_t told = 0;
    json_t *cause;
    json_array_foreach(json_at(status, "details.causes"), index, cause)
    {
        const char *message = json_string_or_null(cause, "message");
        const char *field = json_string_or_null(cause, "field");
        if (message == NULL || strstr(buf_str(out), message) != NULL) {
            continue;
        }
        if (told++ == CAUSES_MAX) {
            buf_add_str(out, "; …");
            return;
        }
        buf_printf(out, "; %s%s%.200s", field == NULL ? "" : field, field == NULL ? "" : ": ", message);
    }
}

static void listen_to(const struct http_reply *reply, struct said *out)
{
    struct err ignored;
    struct buf text;
    char id[64] = "";
    memset(out, 0, sizeof *out);
    buf_init(&text, HTTP_ERROR_BODY_MAX * 2);
    if (http_reply_is(reply, "application/json")) {
        kube_parse(buf_str(&reply->body), reply->body.length, "", &out->status, &ignored);
    }
    const char *message = json_string_or_null(out->status, "message");
    const char *reason = json_string_or_null(out->status, "reason");
    if (message != NULL && *message != '\0') {
        buf_printf(&text, ": %s", message); /* err_set makes it fit to be shown */
        add_causes(out->status, &text);
    }
    snprintf(out->text, sizeof out->text, "%s", buf_str(&text));
    str_trim_utf8(out->text);
    snprintf(out->reason, sizeof out->reason, "%s", reason == NULL ? "" : reason);
    if (http_reply_header(reply, "audit-id", id, sizeof id) && id[0] != '\0') {
        snprintf(out->id, sizeof out->id, " (request %s)", id);
    }
    buf_release(&text);
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

static int forbidden(const char *method, const struct http_reply *reply, const struct said *said, struct err *err)
{
    err_set(err, ERR_UNAVAILABLE, "%s does not permit this (403): %s%s%s", kube_what, reply->url, said->text, said->id);
    if (str_equal(method, "GET")) {
        return err_hint(err, "ask for a role that may, or name the namespaces that you may read: --namespace NAME");
    }
    return err_hint(err, "ask for a role that may; tare doctor names all that is missing");
}

static int conflict(const struct http_reply *reply, const struct said *said, struct err *err)
{
    if (str_equal(said->reason, "AlreadyExists")) {
        return err_set(err, ERR_UNAVAILABLE, "an object of this name is there already (409): %s%s%s", reply->url, said->text, said->id);
    }
    err_set(err, ERR_UNAVAILABLE, "the object changed between reading and writing (409): %s%s%s", reply->url, said->text, said->id);
    return err_hint(err, "somebody else works on it: try again once they are done");
}

static const struct refusal *known_refusal(const struct said *said)
{
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        if (strstr(said->text, refusals[i].words) != NULL) {
            return &refusals[i];
        }
    }
    return NULL;
}

/* The statuses that mean something of their own. */
static int by_status(const struct kube_api *api, const char *method, const struct http_reply *reply, const struct said *said,
                     struct err *err)
{
    switch (reply->status) {
    case 401:
        err_set(err, ERR_UNAVAILABLE, "%s does not accept the credentials of %s (401): %s%s%s", kube_what, api->access->origin,
                reply->url, said->text, said->id);
        return hint_login(api->access, err);
    case 403:
        return forbidden(method, reply, said, err);
    case 404:
        err_set(err, ERR_UNAVAILABLE, "%s has nothing at %s (404)%s%s", kube_what, reply->url, said->text, said->id);
        return err_hint(err, "check the server's address in the kubeconfig");
    case 409:
        return conflict(reply, said, err);
    case 410:
        return err_set(err, ERR_UNAVAILABLE, "%s has forgotten the version that it was asked for (410): %s%s%s", kube_what, reply->url,
                       said->text, said->id);
    case 422:
        err_set(err, ERR_UNAVAILABLE, "%s finds the object invalid (422): %s%s%s", kube_what, reply->url, said->text, said->id);
        return err_hint(err, "the plan does not fit the rules of this cluster: make another one (tare run)");
    case 429:
        return err_set(err, ERR_UNAVAILABLE, "%s is too busy for this account (429), also after %u tries: %s%s%s", kube_what,
                       reply->tries, reply->url, said->text, said->id);
    default:
        if (said->text[0] == '\0') {
            http_reply_check(reply, kube_what, err);
            return said->id[0] == '\0' ? -1 : err_set(err, ERR_UNAVAILABLE, "%s answered with status %ld: %s%s", kube_what,
                                                      reply->status, reply->url, said->id);
        }
        return err_set(err, ERR_UNAVAILABLE, "%s answered with status %ld: %s%s%s", kube_what, reply->status, reply->url, said->text,
                       said->id);
    }
}

int kube_refused(const struct kube_api *api, const char *method, const struct http_reply *reply, struct err *err)
{
    struct said said;
    listen_to(reply, &said);
    const struct refusal *known = reply->status >= 400 && reply->status != 401 ? known_refusal(&said) : NULL;
    if (known != NULL) {
        err_set(err, ERR_UNAVAILABLE, "%s (%ld): %s%s%s", known->who, reply->status, reply->url, said.text, said.id);
        err_hint(err, "%s", known->hint);
    } else {
        by_status(api, method, reply, &said, err);
    }
    json_decref(said.status);
    return -1;
}
