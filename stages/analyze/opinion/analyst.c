#include "stages/analyze/opinion/analyst.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/opinion/evidence.h"
#include "stages/analyze/opinion/question.h"
#include "stages/common/llm/llm.h"

enum {
    LINKS_MAX = 4,
    FAILURES_MAX = 3,
    ATTEMPTS = 2,
    REASON_MAX = 400
};
enum { FORMER_REPLY_MAX = 4000 };

/* One provider of the chain. */
struct link {
    const struct llm_provider *provider;
    struct llm *llm; /* NULL: cannot be used */
    bool narrow;     /* a server of one's own: its schema may change with each question */
    bool off;
    int failures; /* in a row */
    char why[REASON_MAX];
};

struct analyst {
    struct link links[LINKS_MAX];
    size_t count;
    const json_t *redact; /* borrowed from the configuration */
    int64_t budget;
    int64_t spent;
    int64_t asked;
    int64_t fell_back;
};

/* A configuration key of a provider: "analysis.anthropic.model". */
static const char *provider_setting(const struct config *config, const struct llm_provider *provider,
                                    const char *key)
{
    char path[80];
    (void)snprintf(path, sizeof path, "analysis.%s.%s", provider->name, key);
    return config_string(config, path);
}

/* Opens the client of a link. A missing key is no error: the chain goes on without, and says so. */
static int link_open(struct link *link, const struct options *options, const struct config *config,
                     bool by_option, struct err *err)
{
    const struct llm_provider *provider = link->provider;
    const char *variable = provider_setting(config, provider, "key_env");
    const char *model = by_option ? options_string(options, OPT_LLM_MODEL) : NULL;
    const char *url = by_option ? options_string(options, OPT_LLM_URL) : NULL;
    struct llm_options llm = {.provider = provider,
                              .model = model ? model : provider_setting(config, provider, "model"),
                              .base_url = url ? url : provider_setting(config, provider, "base_url"),
                              .key = variable ? getenv(variable) : NULL,
                              .connect_timeout_seconds = options_integer(options, OPT_CONNECT_TIMEOUT, NULL),
                              .timeout_seconds = options_integer(options, OPT_TIMEOUT, NULL)};
    if (!llm.model && !provider->default_model) {
        (void)err_set(err, by_option ? ERR_USAGE : ERR_CONFIG, "provider %s needs the name of a model",
                      provider->name);
        return err_hint(err, "give --llm-model NAME, or analysis.%s.model in tare.yaml", provider->name);
    }
    if (provider->needs_key && (!llm.key || !*llm.key)) {
        link->off = true;
        (void)snprintf(link->why, sizeof link->why, "no API key in the environment variable %s",
                       variable ? variable : "that analysis names");
        log_warn("%s is not asked: %s", provider->name, link->why);
        return 0;
    }
    link->narrow = llm.base_url && provider == &llm_openai;
    return llm_new(&llm, &link->llm, err);
}

/* Adds a provider by name; "rules" ends the chain. */
static int chain_add(struct analyst *analyst, const char *name, const struct options *options,
                     const struct config *config, bool by_option, struct err *err)
{
    const struct llm_provider *provider = llm_provider_of(name);
    if (!provider || analyst->count >= LINKS_MAX)
        return 0;
    struct link *link = &analyst->links[analyst->count++];
    link->provider = provider;
    return link_open(link, options, config, by_option, err);
}

/* Fills the chain; an option takes the place of the configuration. */
static int chain_fill(struct analyst *analyst, const struct options *options, const struct config *config,
                      struct err *err)
{
    const char *option = options_string(options, OPT_LLM);
    bool details = options_given(options, OPT_LLM_MODEL) || options_given(options, OPT_LLM_URL);
    if (option)
        return chain_add(analyst, option, options, config, true, err);
    const json_t *providers = config_value(config, "analysis.providers");
    for (size_t i = 0; i < json_array_size(providers); i++) {
        const char *name = json_string_value(json_array_get(providers, i));
        if (str_equal(name, "rules"))
            break;
        if (chain_add(analyst, name, options, config, analyst->count == 0, err))
            return -1;
    }
    if (details && analyst->count == 0) {
        (void)err_set(err, ERR_USAGE, "--llm-model and --llm-url need a provider");
        return err_hint(err, "add --llm anthropic or --llm openai");
    }
    return 0;
}

/* Providers and models, for the header. */
static void settings_put(const struct analyst *analyst, json_t *settings)
{
    json_t *providers = json_array();
    for (size_t i = 0; i < analyst->count; i++) {
        const struct link *link = &analyst->links[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "provider", json_string(link->provider->name));
        json_object_set_new(entry, "model", link->llm ? json_string_safe(llm_model(link->llm)) : json_null());
        json_array_append_new(providers, entry);
    }
    json_t *rules = json_object();
    json_object_set_new(rules, "provider", json_string("rules"));
    json_array_append_new(providers, rules);
    json_object_set_new(settings, "providers", providers);
}

int analyst_new(const struct options *options, const struct config *config, json_t *settings,
                struct analyst **out, struct err *err)
{
    struct analyst *analyst = xcalloc(sizeof *analyst);
    *out = NULL;
    if (chain_fill(analyst, options, config, err)) {
        analyst_free(analyst);
        return -1;
    }
    settings_put(analyst, settings);
    if (analyst->count == 0) {
        analyst_free(analyst);
        return 0;
    }
    analyst->redact = config_value(config, "analysis.redact");
    analyst->budget = config_integer(config, "analysis.max_tokens_per_run", 2000000);
    *out = analyst;
    return 0;
}

void analyst_free(struct analyst *analyst)
{
    if (!analyst)
        return;
    for (size_t i = 0; i < analyst->count; i++)
        llm_free(analyst->links[i].llm);
    free(analyst);
}

/* Counts a failure and takes the provider out of the run where asking again is useless. */
static void link_failed(struct link *link, bool final, const struct err *err)
{
    (void)snprintf(link->why, sizeof link->why, "%.380s", err->message);
    str_trim_utf8(link->why);
    if (err->class != ERR_UNAVAILABLE) {
        link->failures = 0;
        return;
    }
    link->failures++;
    if (!final && link->failures < FAILURES_MAX)
        return;
    link->off = true;
    log_warn("%s is not asked any more in this run: %s", link->provider->name, link->why);
}

/* The exchange in the form that the ledger keeps. */
static void keep_exchange(struct history_out *history, const struct link *link,
                          const struct llm_prompt *prompt, const struct llm_reply *reply)
{
    char digest[DIGEST_HEX];
    char at[RFC3339_MAX];
    struct hash *hash = hash_new();
    hash_add(hash, llm_name(link->llm), strlen(llm_name(link->llm)) + 1);
    hash_add(hash, llm_model(link->llm), strlen(llm_model(link->llm)) + 1);
    hash_add(hash, prompt->system, strlen(prompt->system) + 1);
    hash_add(hash, prompt->user, strlen(prompt->user) + 1);
    (void)hash_hex(hash, digest);
    hash_free(hash);
    json_t *row = json_object();
    json_object_set_new(row, "key", json_string(digest));
    json_object_set_new(row, "prompt_digest", json_string(digest));
    json_object_set_new(row, "provider", json_string(llm_name(link->llm)));
    json_object_set_new(row, "model", json_string_safe(reply->model));
    json_object_set_new(row, "reply", json_string_safe(reply->text));
    json_object_set_new(row, "input_tokens", json_integer(reply->input_tokens));
    json_object_set_new(row, "output_tokens", json_integer(reply->output_tokens));
    json_object_set_new(row, "cost_microusd", json_null());
    json_object_set_new(row, "latency_ms", json_integer(reply->latency_ms));
    json_object_set_new(row, "at", json_string(time_format(clock_now(), at)));
    history_exchange(history, row);
    json_decref(row);
}

/* The one answer of a reply. */
static int read_reply(const char *text, const struct plan *plan, struct arena *arena, struct answer *out, struct err *err)
{
    char name[EVIDENCE_NAME_MAX];
    struct asked asked = {.plan = plan, .name = evidence_name(plan->subject, name)};
    struct said said;
    (void)question_read(text, &asked, 1, arena, &said);
    *out = said.answer;
    return said.good ? 0 : err_set(err, ERR_DATA, "%s", said.complaint);
}

/* One question and its answer's check. -1 with *err; *final as in llm_ask. `prompt` gets the refused answer
 * for another attempt. */
static int attempt(struct analyst *analyst, struct link *link, struct llm_prompt *prompt,
                   const struct plan *plan, struct arena *arena, struct history_out *history,
                   struct answer *answer, struct err *err)
{
    struct llm_reply reply;
    bool final = false;
    if (analyst->spent + llm_estimate(prompt) > analyst->budget)
        return err_set(err, ERR_REFUSED,
                       "the run's budget of %" PRId64 " tokens does not allow another question",
                       analyst->budget);
    analyst->asked++;
    int status = llm_ask(link->llm, prompt, &reply, &final, err);
    analyst->spent += reply.input_tokens + reply.output_tokens;
    if (status == 0) {
        link->failures = 0;
        status = read_reply(reply.text, plan, arena, answer, err);
        if (status)
            prompt->former_reply = arena_strndup(arena, reply.text, strnlen(reply.text, FORMER_REPLY_MAX));
        else
            keep_exchange(history, link, prompt, &reply);
    }
    llm_reply_release(&reply);
    if (status)
        link_failed(link, final, err);
    return status;
}

/* Asks one provider, with one attempt to repair an answer that does not hold. */
static int link_ask(struct analyst *analyst, struct link *link, const struct plan *plan, const char *evidence,
                    struct arena *arena, struct history_out *history, struct answer *answer, struct err *err)
{
    char name[EVIDENCE_NAME_MAX];
    struct asked asked = {.plan = plan, .name = evidence_name(plan->subject, name), .evidence = evidence};
    char *user = question_user(&asked, 1);
    json_t *schema = question_schema(&asked, 1, link->narrow);
    struct llm_prompt prompt = {.system = question_system(),
                                .user = user,
                                .schema = schema,
                                .schema_name = "recommendation",
                                .max_tokens = question_max_tokens(&asked, 1)};
    int status = -1;
    for (int i = 0; i < ATTEMPTS && status; i++) {
        status = attempt(analyst, link, &prompt, plan, arena, history, answer, err);
        if (status && (err->class != ERR_DATA || !prompt.former_reply))
            break;
        if (status)
            prompt.complaint = arena_printf(
                arena, "That answer was refused: %s. Answer again with only the JSON object.", err->message);
    }
    json_decref(schema);
    free(user);
    return status;
}

/* Notes the first provider that was passed over, and why. */
static void note_fallback(struct opinion *opinion, const struct link *link, const char *reason,
                          struct arena *arena)
{
    if (opinion->fallback_from)
        return;
    opinion->fallback_from = link->provider->name;
    opinion->fallback_reason = arena_strdup(arena, reason);
}

/* Takes a good answer into the plan. */
static void take_answer(const struct link *link, const struct answer *answer, struct plan *plan,
                        struct arena *arena, struct opinion *opinion)
{
    opinion->disagreement = answer_apply(answer, plan);
    opinion->source = "llm";
    opinion->provider = llm_name(link->llm);
    opinion->model = llm_model(link->llm);
    opinion->reasoning = arena_strdup(arena, answer->reasoning);
    opinion->class_name = answer->class_name;
    opinion->confidence = answer->confidence;
}

void analyst_ask(struct analyst *analyst, struct plan *plan, const struct class *class, const json_t *findings,
                 struct arena *arena, struct history_out *history, struct opinion *opinion)
{
    *opinion = (struct opinion){.confidence = NAN};
    if (!analyst || plan->refusal || !answer_may_move(plan))
        return;
    json_t *evidence = evidence_new(plan, class, findings, analyst->redact);
    char *text = evidence_text_new(evidence);
    json_decref(evidence);
    for (size_t i = 0; i < analyst->count && !opinion->source; i++) {
        struct link *link = &analyst->links[i];
        struct answer answer;
        struct err err = {.class = ERR_NONE};
        if (link->off)
            note_fallback(opinion, link, link->why, arena);
        else if (link_ask(analyst, link, plan, text, arena, history, &answer, &err))
            note_fallback(opinion, link, err.message, arena);
        else
            take_answer(link, &answer, plan, arena, opinion);
    }
    analyst->fell_back += opinion->source == NULL;
    free(text);
}

void analyst_summary(const struct analyst *analyst)
{
    if (!analyst)
        return;
    log_info("asked %" PRId64 " questions for %" PRId64 " tokens; the rules decided for %" PRId64
             " workloads",
             analyst->asked, analyst->spent, analyst->fell_back);
}
