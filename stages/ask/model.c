#include "stages/ask/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "stages/common/llm/llm.h"
#include "stages/common/llm/llm_cost.h"
#include "stages/common/llm/llm_key.h"

enum { PROVIDERS_MAX = 4, TRIES = 2, WHY_MAX = 400, FORMER_MAX = 4000, FILE_MODE = 0600 };

/* What is asked, and of whom. */
struct asking {
    struct stage *stage;
    struct spoken *spoken;
    const json_t *sent;
    const json_t *totals;
    struct llm_prompt prompt;
};

static const char *setting(const struct config *config, const char *provider, const char *key)
{
    char path[80];
    snprintf(path, sizeof path, "analysis.%s.%s", provider, key);
    return config_string(config, path);
}

/* A client for a provider; options take the place of the configuration for the first. */
static int open_client(struct stage *stage, const struct llm_provider *provider, bool first, struct llm **out, struct err *err)
{
    char *key = NULL;
    const char *model = first ? options_string(stage->options, OPT_LLM_MODEL) : NULL;
    const char *url = first ? options_string(stage->options, OPT_LLM_URL) : NULL;
    const json_t *wait = config_value(stage->config, "analysis.timeout");
    int64_t timeout = json_is_integer(wait) ? json_integer_value(wait) : 120;
    if (llm_key_read(setting(stage->config, provider->name, "key_file"), setting(stage->config, provider->name, "key_env"), &key, err)) {
        return -1;
    }
    const struct llm_options options = {
        .provider = provider,
        .model = model != NULL ? model : setting(stage->config, provider->name, "model"),
        .base_url = url != NULL ? url : setting(stage->config, provider->name, "base_url"),
        .key = key,
        .connect_timeout_seconds = options_integer(stage->options, OPT_CONNECT_TIMEOUT, NULL),
        .timeout_seconds = options_typed(stage->options, OPT_TIMEOUT) ? options_integer(stage->options, OPT_TIMEOUT, NULL) : timeout};
    int failed = llm_new(&options, out, err);
    mem_free_secret(key);
    return failed;
}

static double own_price(const struct config *config, const char *provider, const char *key)
{
    char path[80];
    snprintf(path, sizeof path, "analysis.%s.%s", provider, key);
    const json_t *value = config_value(config, path);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* A key that no other call has, and the digest of what was sent. */
static void put_digests(json_t *row, const struct llm *llm, const struct llm_prompt *prompt)
{
    char digest[DIGEST_HEX];
    char own[100];
    char *body = llm_body(llm, prompt);
    json_object_set_new(row, "prompt_digest", json_string(hash_bytes(body, strlen(body), digest)));
    snprintf(own, sizeof own, "%" PRId64 " %" PRIu64 " %" PRIu64, clock_monotonic_ms(), rng_next(), rng_next());
    json_object_set_new(row, "key", json_string(hash_bytes(own, strlen(own), digest)));
    free(body);
}

/* The call as the ledger keeps it, and its tokens and cost. */
static void note_call(struct asking *asking, const struct llm *llm, const struct llm_reply *reply, const char *outcome, const char *why)
{
    struct llm_price price;
    char at[RFC3339_MAX];
    struct spoken *spoken = asking->spoken;
    const struct config *config = asking->stage->config;
    llm_price_of(llm_name(llm), reply->model, own_price(config, llm_name(llm), "usd_per_million_input_tokens"),
                 own_price(config, llm_name(llm), "usd_per_million_output_tokens"), &price);
    int64_t cost = llm_cost_microusd(&price, reply, false);
    json_t *row = json_object();
    put_digests(row, llm, &asking->prompt);
    json_object_set_new(row, "stage", json_string("ask"));
    json_object_set_new(row, "provider", json_string(llm_name(llm)));
    json_object_set_new(row, "model", json_string_safe(reply->model));
    json_object_set_new(row, "outcome", json_string(outcome));
    json_object_set_new(row, "reply", json_string_safe(reply->text));
    json_object_set_new(row, "error", json_string_safe(why));
    json_object_set_new(row, "workloads", json_integer((json_int_t)json_array_size(asking->sent)));
    json_object_set_new(row, "input_tokens", json_integer(reply->input_tokens));
    json_object_set_new(row, "output_tokens", json_integer(reply->output_tokens));
    json_object_set_new(row, "cache_read_tokens", json_integer(reply->cache_read_tokens));
    json_object_set_new(row, "cache_write_tokens", json_integer(reply->cache_write_tokens));
    json_object_set_new(row, "cost_microusd", json_int_or_null(price.known, cost));
    json_object_set_new(row, "latency_ms", json_integer(reply->latency_ms));
    json_object_set_new(row, "batch", json_false());
    json_object_set_new(row, "at", json_string(time_format(clock_now(), at)));
    json_array_append_new(spoken->calls, row);
    spoken->input_tokens += reply->input_tokens;
    spoken->output_tokens += reply->output_tokens;
    spoken->cost_microusd += cost;
    spoken->priced = spoken->priced && price.known;
}

/* One call. 0 with an answer that holds. The refused answer goes into the prompt for another try. */
static int call(struct asking *asking, struct llm *llm, bool *again, struct err *err)
{
    struct llm_reply reply;
    bool final = false;
    struct arena *arena = &asking->stage->arena;
    int failed = llm_ask(llm, &asking->prompt, &reply, &final, err);
    const char *outcome = "failed";
    *again = false;
    if (!failed) {
        failed = reply_read(reply.text, asking->sent, asking->totals, arena, &asking->spoken->reply, err);
        outcome = failed ? "refused" : asking->prompt.complaint != NULL ? "repaired" : "answered";
        *again = failed;
    }
    note_call(asking, llm, &reply, outcome, failed ? err->message : NULL);
    if (*again) {
        char *former = arena_strndup(arena, reply.text, strnlen(reply.text, FORMER_MAX));
        str_trim_utf8(former);
        asking->prompt.former_reply = former;
        asking->prompt.complaint = arena_printf(arena, "That answer was refused: %s. Answer again with only the JSON object.",
                                                err->message);
    }
    llm_reply_release(&reply);
    return failed;
}

/* Whether another question fits into the run's budget. */
static int check_budget(struct asking *asking, struct err *err)
{
    int64_t most = config_integer(asking->stage->config, "analysis.max_tokens_per_run", 2000000);
    int64_t spent = asking->spoken->input_tokens + asking->spoken->output_tokens;
    if (spent + llm_estimate(&asking->prompt) <= most) {
        return 0;
    }
    err_set(err, ERR_REFUSED, "the question may take %" PRId64 " tokens, and analysis.max_tokens_per_run allows %" PRId64,
            spent + llm_estimate(&asking->prompt), most);
    return err_hint(err, "ask about one workload, or without a model: --llm rules");
}

static void remember_why(struct spoken *spoken, struct arena *arena, const char *name, const struct err *why)
{
    spoken->why = spoken->why == NULL ? arena_printf(arena, "%s: %.*s", name, WHY_MAX, why->message)
                                      : arena_printf(arena, "%s; %s: %.*s", spoken->why, name, WHY_MAX, why->message);
}

/* Asks one provider, with one attempt to repair. 0: it answered; 1: it did not; -1 with *err. */
static int ask_one(struct asking *asking, const char *name, bool first, struct err *err)
{
    const struct llm_provider *provider = llm_provider_of(name);
    struct spoken *spoken = asking->spoken;
    struct arena *arena = &asking->stage->arena;
    struct llm *llm = NULL;
    struct err why = {0};
    bool again = true;
    int failed = open_client(asking->stage, provider, first, &llm, &why);
    asking->prompt.former_reply = NULL;
    asking->prompt.complaint = NULL;
    for (int i = 0; i < TRIES && again && !(failed && llm == NULL); i++) {
        failed = check_budget(asking, &why) || call(asking, llm, &again, &why);
        again = again && failed && why.class == ERR_DATA;
    }
    if (!failed) {
        spoken->provider = provider->name;
        spoken->model = arena_strdup(arena, llm_model(llm));
    } else {
        remember_why(spoken, arena, provider->name, &why);
    }
    llm_free(llm);
    if (failed && why.class == ERR_REFUSED && str_equal(config_string(asking->stage->config, "analysis.over_budget"), "refuse")) {
        *err = why;
        return -1;
    }
    return failed ? 1 : 0;
}

/* The names of the providers in their order: --llm alone, else those of the configuration before `rules`. */
static size_t list_providers(struct stage *stage, const char *names[PROVIDERS_MAX])
{
    const char *option = options_string(stage->options, OPT_LLM);
    const json_t *list = config_value(stage->config, "analysis.providers");
    size_t count = 0;
    if (option != NULL) {
        names[0] = option;
        return llm_provider_of(option) == NULL ? 0 : 1;
    }
    for (size_t i = 0; i < json_array_size(list) && count < PROVIDERS_MAX; i++) {
        names[count] = json_string_value(json_array_get(list, i));
        if (llm_provider_of(names[count]) == NULL) {
            break;
        }
        count++;
    }
    return count;
}

/* A model that was typed must be named rightly; one of the configuration may be missing, and the facts do. */
static int check_typed(struct stage *stage, const char *const *names, size_t count, struct err *err)
{
    bool details = options_given(stage->options, OPT_LLM_MODEL) || options_given(stage->options, OPT_LLM_URL);
    if (details && count == 0) {
        err_set(err, ERR_USAGE, "--llm-model and --llm-url need a provider");
        return err_hint(err, "add --llm anthropic or --llm openai");
    }
    if (count > 0 && options_typed(stage->options, OPT_LLM) && llm_provider_of(names[0])->default_model == NULL &&
        options_string(stage->options, OPT_LLM_MODEL) == NULL && setting(stage->config, names[0], "model") == NULL) {
        err_set(err, ERR_USAGE, "provider %s needs the name of a model", names[0]);
        return err_hint(err, "give --llm-model NAME, or analysis.%s.model in tare.yaml", names[0]);
    }
    return 0;
}

int model_wanted(struct stage *stage, bool *wanted, struct err *err)
{
    const char *names[PROVIDERS_MAX];
    size_t count = list_providers(stage, names);
    *wanted = count > 0;
    return check_typed(stage, names, count, err);
}

int model_ask(struct stage *stage, const char *question, const json_t *facts, const json_t *totals, struct spoken *spoken, struct err *err)
{
    const char *names[PROVIDERS_MAX];
    size_t count = list_providers(stage, names);
    json_t *sent = NULL;
    *spoken = (struct spoken){.priced = true, .calls = json_array()};
    char *user = reply_user(question, facts, totals, &sent);
    json_t *schema = reply_schema();
    struct asking asking = {.stage = stage,
                            .spoken = spoken,
                            .sent = sent,
                            .totals = totals,
                            .prompt = {.system = reply_system(),
                                       .user = user,
                                       .schema = schema,
                                       .schema_name = "answer",
                                       .max_tokens = REPLY_TOKENS_MAX}};
    int status = 1;
    for (size_t i = 0; i < count && status == 1; i++) {
        status = ask_one(&asking, names[i], i == 0, err);
    }
    json_decref(schema);
    json_decref(sent);
    free(user);
    return status < 0 ? -1 : 0;
}

void spoken_release(struct spoken *spoken)
{
    json_decref(spoken->reply.used);
    json_decref(spoken->calls);
}

int spoken_keep(const struct spoken *spoken, const char *path, struct err *err)
{
    struct buf text;
    size_t index = 0;
    json_t *row = NULL;
    buf_init(&text, (size_t)PROVIDERS_MAX * TRIES * 2 * LLM_REPLY_MAX);
    json_array_foreach(spoken->calls, index, row)
    {
        json_t *line = json_pack("{s:O}", "llm", row);
        char *one = json_text(line);
        buf_printf(&text, "%s\n", one);
        free(one);
        json_decref(line);
    }
    int failed = fs_replace(path, buf_str(&text), text.length, FILE_MODE, err);
    buf_release(&text);
    return failed;
}
