#include "stages/common/llm/llm_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/url.h"
#include "stages/common/llm/llm_pool.h"

enum { TYPE_MAX = 80 };

/* Adds the credentials as the provider wants them. */
static int add_headers(struct llm *llm, struct err *err)
{
    const struct llm_provider *provider = llm->provider;
    if (provider->version_header && http_client_header(llm->http, provider->version_header, provider->version, err)) {
        return -1;
    }
    if (!llm->key) {
        return 0;
    }
    char *value = xasprintf("%s%s", provider->key_prefix, llm->key);
    int status = http_client_header(llm->http, provider->key_header, value, err);
    mem_free_secret(value);
    return status;
}

/* A key on plain http is everybody's; only on this machine it stays where it is. */
static int check_plain(const struct llm_provider *provider, const char *url, const char *key, struct err *err)
{
    if (!key || !url_is_open(url)) {
        return 0;
    }
    char shown[256];
    (void)err_set(err, ERR_CONFIG, "provider %s has an API key, and its address is plain http: the key could be read on the way to %s",
                  provider->name, url_public(url, shown, sizeof shown));
    return err_hint(err, "give its https address, or no key where the server needs none (analysis.%s.key_env: \"\")", provider->name);
}

int llm_new(const struct llm_options *options, struct llm **out, struct err *err)
{
    const struct llm_provider *provider = options->provider;
    const char *model = options->model ? options->model : provider->default_model;
    const char *url = options->base_url ? options->base_url : provider->default_url;
    const char *key = options->key && *options->key ? options->key : NULL;
    if (!model) {
        return err_set(err, ERR_CONFIG, "provider %s needs the name of a model", provider->name);
    }
    if (provider->needs_key && !key) {
        return err_set(err, ERR_CONFIG, "provider %s needs an API key, and its environment variable is empty", provider->name);
    }
    if (check_plain(provider, url, key, err)) {
        return -1;
    }
    struct llm *llm = xcalloc(sizeof *llm);
    llm->provider = provider;
    llm->model = xstrdup(model);
    llm->path = xstrdup(provider->path(url));
    llm->key = xstrdup_null(key);
    struct http_options http = {.what = provider->name,
                                .url = url,
                                .tries = 1,
                                .connect_timeout_seconds = options->connect_timeout_seconds,
                                .timeout_seconds = options->timeout_seconds};
    if (http_client_new(&http, &llm->http, err) || add_headers(llm, err)) {
        llm_free(llm);
        return -1;
    }
    *out = llm;
    return 0;
}

void llm_free(struct llm *llm)
{
    if (!llm) {
        return;
    }
    http_client_free(llm->http);
    mem_free_secret(llm->key);
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

char *llm_body(const struct llm *llm, const struct llm_prompt *prompt)
{
    return llm_request_text(llm->provider, prompt, llm->model, &llm->dialect);
}

/* What is no JSON, told by its kind: a page of a proxy, nothing at all, or bytes. */
static int no_json(const struct llm *llm, const struct http_reply *http, const struct err *why, struct err *err)
{
    char type[TYPE_MAX];
    if (http->body.length == 0) {
        return err_set(err, ERR_DATA, "the answer of %s is empty", llm->provider->name);
    }
    if (llm->key && strstr(buf_str(&http->body), llm->key)) {
        return err_set(err, ERR_DATA, "the answer of %s is no JSON (its text holds the key)", llm->provider->name);
    }
    if (http_reply_is(http, "application/json") || !http_reply_header(http, "content-type", type, sizeof type)) {
        return err_set(err, ERR_DATA, "the answer of %s is no JSON: %.200s", llm->provider->name, why->message);
    }
    (void)err_set(err, ERR_DATA, "the answer of %s is no JSON, but %s", llm->provider->name, type);
    return err_hint(err, "check the address in analysis.%s.base_url", llm->provider->name);
}

/* Whether the answer says the key. All of it is looked at: what a sentence tells of it may be cut in the middle of the key. */
static bool holds_key(const struct llm *llm, const json_t *message)
{
    if (!llm->key) {
        return false;
    }
    struct buf quoted;
    buf_init(&quoted, 6 * strlen(llm->key) + 3);
    json_put_string(&quoted, llm->key);
    quoted.data[quoted.length - 1] = '\0'; /* as it stands within a string */
    char *text = json_text(message);
    bool found = strstr(text, quoted.data + 1) != NULL;
    mem_free_secret(text);
    buf_wipe(&quoted);
    return found;
}

int llm_take_message(const struct llm *llm, int64_t input_tokens, const json_t *message, struct llm_reply *reply, struct err *err)
{
    int status = llm->provider->reply(message, reply, err);
    if (status && holds_key(llm, message)) {
        (void)err_set(err, ERR_DATA, "the answer of %s cannot be used (its text holds the key)", llm->provider->name);
    }
    if (reply->input_tokens <= 0 && reply->output_tokens <= 0) {
        reply->input_tokens = input_tokens;
        reply->output_tokens = reply->text ? (int64_t)strlen(reply->text) / 3 + 1 : 0;
    }
    str_trim_utf8(reply->model);
    str_mask_controls(reply->model);
    if (!*reply->model) {
        (void)snprintf(reply->model, sizeof reply->model, "%s", llm->model);
    }
    return status;
}

int llm_take_reply(const struct llm *llm, const struct llm_prompt *prompt, const struct http_reply *http, struct llm_reply *reply,
                   struct err *err)
{
    struct err why = {.class = ERR_NONE};
    int64_t input_tokens = llm_estimate_input(prompt);
    json_t *body = json_read(buf_str(&http->body), http->body.length, "its text", &why);
    if (!body) {
        reply->input_tokens = input_tokens;
        return no_json(llm, http, &why, err);
    }
    int status = llm_take_message(llm, input_tokens, body, reply, err);
    json_decref(body);
    return status;
}

/* What one question that is waited for came to. */
struct asked {
    struct llm_reply *reply;
    struct err *err;
    enum llm_end end;
};

static void note_end(void *context, const struct llm_reply *reply, enum llm_end end, const struct err *why)
{
    struct asked *asked = context;
    *asked->reply = *reply;
    asked->reply->text = xstrdup_null(reply->text);
    asked->end = end;
    if (why && asked->err) {
        *asked->err = *why;
    }
}

int llm_ask(struct llm *llm, const struct llm_prompt *prompt, struct llm_reply *reply, bool *final, struct err *err)
{
    struct llm_pool *pool = NULL;
    struct asked asked = {.reply = reply, .err = err, .end = LLM_FAILED};
    *reply = (struct llm_reply){.text = NULL};
    *final = false;
    if (llm_pool_new(1, &pool, err)) {
        return -1;
    }
    llm_pool_ask(pool, llm, prompt, note_end, &asked);
    int status = 0;
    while (status == 0 && llm_pool_open(pool) > 0) {
        status = llm_pool_turn(pool, clock_monotonic_ms() + 1000, -1, err);
    }
    llm_pool_free(pool);
    *final = asked.end == LLM_GONE;
    return status || asked.end != LLM_ANSWERED ? -1 : 0;
}
