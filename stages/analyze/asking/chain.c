#include "stages/analyze/asking/chain.h"

#include <math.h>
#include <stdio.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/llm/llm_key.h"

enum { FAILURES_MAX = 3, PATH_MAX_BYTES = 100 };

/* What chain_open was given. */
struct wanted {
    const struct options *options;
    const struct config *config;
    bool connect;
};

/* A configuration key of a provider: "analysis.anthropic.model". Returns `out`. */
static const char *key_of(const struct link *link, const char *key, char out[PATH_MAX_BYTES])
{
    (void)snprintf(out, PATH_MAX_BYTES, "analysis.%s.%s", link->provider->name, key);
    return out;
}

static const char *setting(const struct wanted *wanted, const struct link *link, const char *key)
{
    char path[PATH_MAX_BYTES];
    return config_string(wanted->config, key_of(link, key, path));
}

/* A number of the configuration, NaN where it gives none. */
static double number_of(const struct wanted *wanted, const struct link *link, const char *key)
{
    char path[PATH_MAX_BYTES];
    const json_t *value = config_value(wanted->config, key_of(link, key, path));
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void price_set(const struct wanted *wanted, struct link *link)
{
    llm_price_of(link->provider->name, link->model, number_of(wanted, link, "usd_per_million_input_tokens"),
                 number_of(wanted, link, "usd_per_million_output_tokens"), &link->price);
}

/* The model that is asked. A provider without a usual one needs a name. */
static int model_set(const struct wanted *wanted, struct link *link, bool by_option, struct err *err)
{
    const char *typed = by_option ? options_string(wanted->options, OPT_LLM_MODEL) : NULL;
    const char *configured = setting(wanted, link, "model");
    link->model = typed ? typed : configured ? configured : link->provider->default_model;
    if (link->model) {
        return 0;
    }
    (void)err_set(err, by_option ? ERR_USAGE : ERR_CONFIG, "provider %s needs the name of a model", link->provider->name);
    return err_hint(err, "give --llm-model NAME, or analysis.%s.model in tare.yaml", link->provider->name);
}

static void pass_over(struct link *link, const char *why)
{
    link->off = true;
    (void)snprintf(link->why, sizeof link->why, "%s", why);
    str_trim_utf8(link->why);
}

/* A provider that wants a key and has none is off. */
static bool key_missing(struct link *link, const char *key, const char *variable)
{
    char why[LINK_REASON_MAX];
    if (!link->provider->needs_key || key) {
        return false;
    }
    (void)snprintf(why, sizeof why, "no API key in the environment variable %.200s", variable ? variable : "that analysis names");
    pass_over(link, why);
    log_warn("%s is not asked: %s", link->provider->name, link->why);
    return true;
}

/* Longest wait for one answer. */
static int64_t answer_timeout(const struct wanted *wanted)
{
    if (options_given(wanted->options, OPT_TIMEOUT)) {
        return options_integer(wanted->options, OPT_TIMEOUT, NULL);
    }
    return config_integer(wanted->config, "analysis.timeout", 0);
}

/* The address that was given, NULL where it is the vendor's own. */
static const char *address(const struct wanted *wanted, const struct link *link, bool by_option)
{
    const char *typed = by_option ? options_string(wanted->options, OPT_LLM_URL) : NULL;
    return typed ? typed : setting(wanted, link, "base_url");
}

/* Opens the client of a link. */
static int connect_link(const struct wanted *wanted, struct link *link, bool by_option, struct err *err)
{
    const char *variable = setting(wanted, link, "key_env");
    char *key;
    if (llm_key_read(setting(wanted, link, "key_file"), variable, &key, err)) {
        return -1;
    }
    struct llm_options llm = {.provider = link->provider,
                              .model = link->model,
                              .base_url = address(wanted, link, by_option),
                              .key = key,
                              .connect_timeout_seconds = options_integer(wanted->options, OPT_CONNECT_TIMEOUT, NULL),
                              .timeout_seconds = answer_timeout(wanted)};
    int status = key_missing(link, key, variable) ? 0 : llm_new(&llm, &link->llm, err);
    mem_free_secret(key);
    return status;
}

/* Adds a provider by name; "rules" is none. */
static int link_add(const struct wanted *wanted, struct chain *chain, const char *name, bool by_option, struct err *err)
{
    const struct llm_provider *provider = llm_provider_of(name);
    if (!provider || chain->count >= LINKS_MAX) {
        return 0;
    }
    struct link *link = &chain->links[chain->count++];
    link->provider = provider;
    if (model_set(wanted, link, by_option, err)) {
        return -1;
    }
    price_set(wanted, link);
    link->narrow = provider == &llm_openai && address(wanted, link, by_option);
    return wanted->connect ? connect_link(wanted, link, by_option, err) : 0;
}

/* The providers of the configuration up to the rules, which leave nothing to ask another about (who wants no model just now puts them
 * first); what was typed of model and address counts for the first. */
static int links_add(const struct wanted *wanted, struct chain *chain, struct err *err)
{
    const json_t *names = config_value(wanted->config, "analysis.providers");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (str_equal(name, "rules")) {
            if (i + 1 < json_array_size(names)) {
                log_warn("analysis.providers: %s stands after rules and is never asked", json_string_value(json_array_get(names, i + 1)));
            }
            break;
        }
        if (link_add(wanted, chain, name, chain->count == 0, err)) {
            return -1;
        }
    }
    return 0;
}

int chain_open(const struct options *options, const struct config *config, bool connect, struct chain *out, struct err *err)
{
    const struct wanted wanted = {options, config, connect};
    const char *typed = options_string(options, OPT_LLM);
    *out = (struct chain){.count = 0};
    if (typed) {
        return link_add(&wanted, out, typed, true, err);
    }
    if (links_add(&wanted, out, err)) {
        return -1;
    }
    if (out->count > 0 || (!options_given(options, OPT_LLM_MODEL) && !options_given(options, OPT_LLM_URL))) {
        return 0;
    }
    (void)err_set(err, ERR_USAGE, "--llm-model and --llm-url need a provider");
    return err_hint(err, "add --llm anthropic or --llm openai");
}

void chain_release(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        llm_free(chain->links[i].llm);
    }
    chain->count = 0;
}

json_t *chain_settings(const struct chain *chain)
{
    json_t *providers = json_array();
    for (size_t i = 0; i < chain->count; i++) {
        json_t *entry = json_object();
        json_object_set_new(entry, "provider", json_string(chain->links[i].provider->name));
        json_object_set_new(entry, "model", json_string_safe(chain->links[i].model));
        json_array_append_new(providers, entry);
    }
    json_t *rules = json_object();
    json_object_set_new(rules, "provider", json_string("rules"));
    json_array_append_new(providers, rules);
    return providers;
}

void link_failed(struct link *link, bool gone, const char *why)
{
    link->failures++;
    if (link->off || (!gone && link->failures < FAILURES_MAX)) {
        return;
    }
    pass_over(link, why);
    log_warn("%s is not asked any more in this run: %s", link->provider->name, link->why);
}
