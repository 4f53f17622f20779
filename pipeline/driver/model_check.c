#include "pipeline/driver/model_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/http.h"
#include "pipeline/io/url.h"

enum { MODELS_SECONDS = 10, MODELS_BYTES_MAX = 4 * 1024 * 1024, KEY_BYTES_MAX = 4096, SHOWN_MAX = 100 };

/* What stands for a provider where the configuration says nothing. */
static const struct vendor {
    const char *name;
    const char *url;
    bool needs_key;
    bool lists; /* has a list of models that costs nothing */
} vendors[] = {
    {"anthropic", "https://api.anthropic.com", true, false},
    {"openai", "https://api.openai.com/v1", false, true},
};

static const char *setting(const struct session *session, const struct vendor *vendor, const char *key)
{
    char path[80];
    snprintf(path, sizeof path, "analysis.%s.%s", vendor->name, key);
    return config_string(session->config, path);
}

/* The key from its file, else from its variable, into `key` ("" for none); where it is from, into `from`. */
static int read_key(const struct session *session, const struct vendor *vendor, struct buf *key, struct buf *from, struct err *err)
{
    const char *file = setting(session, vendor, "key_file");
    const char *variable = setting(session, vendor, "key_env");
    const char *value = variable == NULL ? NULL : getenv(variable);
    if (file != NULL) {
        buf_printf(from, "the file %s", file);
        if (fs_read(file, key, err)) {
            return err_hint(err, "mend analysis.%s.key_file: as it is, a run ends with 66", vendor->name);
        }
        while (key->length > 0 && strchr(" \t\r\n", key->data[key->length - 1]) != NULL) {
            key->data[--key->length] = '\0';
        }
    } else {
        buf_printf(from, "the variable %s", variable == NULL ? "(none is named)" : variable);
        buf_add_str(key, value == NULL ? "" : value);
    }
    if (file != NULL && key->length == 0) {
        err_set(err, ERR_CONFIG, "%s has no key: %s is empty", vendor->name, buf_str(from));
        return err_hint(err, "put the key there, alone on one line: as it is, a run ends with 78");
    }
    if (vendor->needs_key && key->length == 0) {
        err_set(err, ERR_CONFIG, "%s has no key: %s is empty or not there", vendor->name, buf_str(from));
        return err_hint(err,
                        "export the key there, or name a file in analysis.%s.key_file; until then the next provider or the rules decide",
                        vendor->name);
    }
    return 0;
}

/* A key on plain http is everybody's: a run refuses such a provider, and it is not sent to be looked at either. */
static int check_plain(const struct vendor *vendor, const char *url, const struct buf *key, struct err *err)
{
    char shown[SHOWN_MAX];
    if (key->length == 0 || !url_is_open(url)) {
        return 0;
    }
    err_set(err, ERR_CONFIG, "%s has an API key, and its address is plain http: the key could be read on the way to %s", vendor->name,
            url_public(url, shown, sizeof shown));
    return err_hint(err, "give its https address, or no key where the server needs none (analysis.%s.key_env: \"\")", vendor->name);
}

/* Whether the list of models has this one; a list that says nothing of names counts as one that has it. */
static bool lists_model(const struct http_reply *reply, const char *model)
{
    json_t *body = json_read(buf_str(&reply->body), reply->body.length, "models", NULL);
    const json_t *data = json_object_get(body, "data");
    bool found = json_array_size(data) == 0;
    for (size_t i = 0; i < json_array_size(data); i++) {
        found = found || str_equal(json_string_or_null(json_array_get(data, i), "id"), model);
    }
    json_decref(body);
    return found;
}

/* What the server says of its models. */
static int judge_reply(const struct vendor *vendor, const char *name, const char *model, const struct http_reply *reply, struct buf *found,
                       struct err *err)
{
    if (reply->status == 401 || reply->status == 403) {
        err_set(err, ERR_REFUSED, "%s at %s refuses the key (%ld)", vendor->name, name, reply->status);
        return err_hint(err, "look at analysis.%s.key_env or key_file", vendor->name);
    }
    if (reply->status == 404 || reply->status == 405) {
        buf_printf(found, "%s: %s answers, without a list of models", vendor->name, name);
        return 0;
    }
    if (reply->status < 200 || reply->status > 299) {
        return err_set(err, ERR_UNAVAILABLE, "%s at %s answered %ld to GET /models", vendor->name, name, reply->status);
    }
    if (!lists_model(reply, model)) {
        err_set(err, ERR_CONFIG, "%s at %s has no model %.*s in its list", vendor->name, name, SHOWN_MAX, model);
        return err_hint(err, "mend analysis.%s.model, or leave it so where the server takes any name", vendor->name);
    }
    buf_printf(found, "%s: %s answers, model %.*s", vendor->name, name, SHOWN_MAX, model);
    return 0;
}

static int add_bearer(struct http_client *client, const struct buf *key, struct err *err)
{
    if (key->length == 0) {
        return 0;
    }
    char *bearer = xasprintf("Bearer %s", buf_str(key));
    int failed = http_client_header(client, "Authorization", bearer, err);
    mem_free_secret(bearer);
    return failed;
}

static int ask_list(const struct vendor *vendor, struct http_client *client, const struct buf *key, const char *model, struct buf *found,
                    struct err *err)
{
    const struct http_request request = {.path = "/models", .cap = MODELS_BYTES_MAX, .once = true};
    struct http_reply reply;
    http_reply_init(&reply);
    int failed = add_bearer(client, key, err) || http_send(client, &request, &reply, err) ||
                 judge_reply(vendor, http_client_name(client), model, &reply, found, err);
    http_reply_release(&reply);
    return failed ? -1 : 0;
}

static int check_vendor(const struct session *session, const struct vendor *vendor, struct buf *found, struct err *err)
{
    const char *url = setting(session, vendor, "base_url");
    const char *model = setting(session, vendor, "model");
    struct http_options options = {.what = vendor->name, .url = url == NULL ? vendor->url : url, .timeout_seconds = MODELS_SECONDS,
                                   .tries = 1};
    struct http_client *client = NULL;
    struct buf key;
    struct buf from;
    if (model == NULL) {
        err_set(err, ERR_CONFIG, "provider %s needs the name of a model", vendor->name);
        return err_hint(err, "set analysis.%s.model in tare.yaml", vendor->name);
    }
    buf_init(&key, KEY_BYTES_MAX);
    buf_init(&from, ERR_MESSAGE_MAX);
    int failed = read_key(session, vendor, &key, &from, err) || check_plain(vendor, options.url, &key, err) ||
                 http_client_new(&options, &client, err);
    if (!failed && vendor->lists) {
        failed = ask_list(vendor, client, &key, model, found, err);
    } else if (!failed) {
        buf_printf(found, "%s: %s, model %.*s, key in %s; not asked, since its answers cost", vendor->name, http_client_name(client),
                   SHOWN_MAX,
                   model, buf_str(&from));
    }
    http_client_free(client);
    buf_wipe(&key);
    buf_release(&from);
    return failed ? -1 : 0;
}

/* One provider's sentence into `found`; the first that cannot be used is kept in `worst`. */
static void look_at(const struct session *session, const char *name, struct buf *found, struct err *worst)
{
    struct err why = {0};
    for (size_t i = 0; i < ARRAY_COUNT(vendors); i++) {
        if (!str_equal(name, vendors[i].name)) {
            continue;
        }
        buf_add_str(found, found->length > 0 ? "; " : "");
        if (check_vendor(session, &vendors[i], found, &why)) {
            buf_add_str(found, why.message);
            *worst = worst->class == ERR_NONE ? why : *worst;
        }
    }
}

int model_check(struct session *session, struct buf *found, struct err *err)
{
    const json_t *providers = config_value(session->config, "analysis.providers");
    size_t index = 0;
    json_t *provider = NULL;
    struct err worst = {0};
    json_array_foreach(providers, index, provider)
    {
        if (str_equal(json_string_value(provider), "rules")) {
            break;
        }
        look_at(session, json_string_value(provider), found, &worst);
    }
    if (found->length == 0) {
        buf_add_str(found, "no model is configured: the rules decide");
    }
    if (worst.class != ERR_NONE) {
        err_set(err, worst.class, "%s", buf_str(found));
        return err_hint(err, "%s", worst.hint);
    }
    return 0;
}
