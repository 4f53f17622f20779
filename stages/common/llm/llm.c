#include "stages/common/llm/llm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/http.h"

enum { BODY_MAX = 1024 * 1024, ADAPTATIONS_MAX = 4, BYTES_A_TOKEN = 3 };

struct llm {
    const struct llm_provider *provider;
    char *model;
    char *path;
    char *key; /* only to keep it out of messages */
    struct http_client *http;
    struct llm_dialect dialect;
};

const struct llm_provider *llm_provider_of(const char *name)
{
    static const struct llm_provider *const rows[] = {&llm_anthropic, &llm_openai};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (str_equal(rows[i]->name, name))
            return rows[i];
    }
    return NULL;
}

/* Adds the credentials as the provider wants them. */
static int add_key(struct llm *llm, const char *key, struct err *err)
{
    if (str_equal(llm->provider->name, "anthropic") &&
        http_client_header(llm->http, "anthropic-version", "2023-06-01", err))
        return -1;
    if (!key || !*key)
        return 0;
    if (str_equal(llm->provider->name, "anthropic"))
        return http_client_header(llm->http, "x-api-key", key, err);
    char *bearer = xasprintf("Bearer %s", key);
    int status = http_client_header(llm->http, "Authorization", bearer, err);
    memset(bearer, 0, strlen(bearer));
    free(bearer);
    return status;
}

int llm_new(const struct llm_options *options, struct llm **out, struct err *err)
{
    const struct llm_provider *provider = options->provider;
    const char *model = options->model ? options->model : provider->default_model;
    const char *url = options->base_url ? options->base_url : provider->default_url;
    if (!model)
        return err_set(err, ERR_CONFIG, "provider %s needs the name of a model", provider->name);
    if (provider->needs_key && (!options->key || !*options->key))
        return err_set(err, ERR_CONFIG, "provider %s needs an API key, and its environment variable is empty",
                       provider->name);
    struct llm *llm = xcalloc(sizeof *llm);
    llm->provider = provider;
    llm->model = xstrdup(model);
    llm->path = xstrdup(provider->path(url));
    llm->key = xstrdup_null(options->key);
    struct http_options http = {.what = provider->name,
                                .url = url,
                                .connect_timeout_seconds = options->connect_timeout_seconds,
                                .timeout_seconds = options->timeout_seconds};
    if (http_client_new(&http, &llm->http, err) || add_key(llm, options->key, err)) {
        llm_free(llm);
        return -1;
    }
    *out = llm;
    return 0;
}

void llm_free(struct llm *llm)
{
    if (!llm)
        return;
    http_client_free(llm->http);
    if (llm->key)
        memset(llm->key, 0, strlen(llm->key));
    free(llm->key);
    free(llm->model);
    free(llm->path);
    free(llm);
}

const char *llm_name(const struct llm *llm)
{
    return llm->provider->name;
}

const char *llm_model(const struct llm *llm)
{
    return llm->model;
}

void llm_reply_release(struct llm_reply *reply)
{
    free(reply->text);
    *reply = (struct llm_reply){.text = NULL};
}

int64_t llm_estimate(const struct llm_prompt *prompt)
{
    size_t bytes = strlen(prompt->system) + strlen(prompt->user);
    if (prompt->former_reply)
        bytes += strlen(prompt->former_reply) + strlen(prompt->complaint);
    return (int64_t)(bytes / BYTES_A_TOKEN) + prompt->max_tokens;
}

/* Sends the question once in the present dialect. */
static int post(struct llm *llm, const struct llm_prompt *prompt, struct http_reply *reply, struct err *err)
{
    json_t *body = llm->provider->request(prompt, llm->model, &llm->dialect);
    char *text = json_text(body);
    json_decref(body);
    struct http_request request = {.method = "POST",
                                   .path = llm->path,
                                   .content_type = "application/json",
                                   .accept = "application/json",
                                   .body = text,
                                   .body_length = strlen(text),
                                   .cap = BODY_MAX};
    int status = http_send(llm->http, &request, reply, err);
    free(text);
    return status;
}

/* The sentence for a status that is not 2xx, with the server's own message where it gives one in the usual
 * place; not where it refuses the key or quotes it. */
static int refused(const struct llm *llm, const struct http_reply *reply, bool *final, struct err *err)
{
    json_t *body = json_read(buf_str(&reply->body), reply->body.length, "answer", NULL);
    const char *message = json_string_or_null(json_object_get(body, "error"), "message");
    if (reply->status == 401 || reply->status == 403)
        message = "the key was refused";
    else if (message && llm->key && *llm->key && strstr(message, llm->key))
        message = "(its message holds the key)";
    *final = reply->status == 401 || reply->status == 402 || reply->status == 403 || reply->status == 404;
    (void)err_set(err, ERR_UNAVAILABLE, "%s answered %ld%s%.200s", llm->provider->name, reply->status,
                  message ? ": " : "", message ? message : "");
    json_decref(body);
    return -1;
}

/* Takes the answer out of a 2xx body; estimates tokens that the server does not count. */
static int take_reply(const struct llm *llm, const struct llm_prompt *prompt, const struct http_reply *http,
                      struct llm_reply *reply, struct err *err)
{
    json_t *body = json_read(buf_str(&http->body), http->body.length, llm->provider->name, err);
    if (!body) {
        reply->input_tokens = llm_estimate(prompt);
        return -1;
    }
    int status = llm->provider->reply(body, reply, err);
    if (reply->input_tokens <= 0 && reply->output_tokens <= 0)
        reply->input_tokens = llm_estimate(prompt);
    json_decref(body);
    str_mask_controls(reply->model);
    str_trim_utf8(reply->model);
    return status;
}

int llm_ask(struct llm *llm, const struct llm_prompt *prompt, struct llm_reply *reply, bool *final,
            struct err *err)
{
    struct http_reply http;
    int64_t begin = clock_monotonic_ms();
    int status = 0;
    *reply = (struct llm_reply){.text = NULL};
    *final = false;
    (void)snprintf(reply->model, sizeof reply->model, "%s", llm->model);
    http_reply_init(&http);
    for (int i = 0; i <= ADAPTATIONS_MAX; i++) {
        status = post(llm, prompt, &http, err);
        if (status || http.status != 400 || !llm->provider->adapt(buf_str(&http.body), &llm->dialect))
            break;
    }
    if (status == 0 && (http.status < 200 || http.status > 299))
        status = refused(llm, &http, final, err);
    else if (status == 0)
        status = take_reply(llm, prompt, &http, reply, err);
    reply->latency_ms = clock_monotonic_ms() - begin;
    http_reply_release(&http);
    return status;
}
