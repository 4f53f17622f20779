/* What a model or its server sends. The first byte chooses: the body of a provider's answer (a, o), its headers with rate limits (h), the
 * body of a refusal (e), or the text of an answer. Whatever it is, what is accepted never moves a number out of its range, its text is
 * clean, and nobody waits longer than a minute for what a header says. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/opinion/answer.h"
#include "stages/common/llm/llm_limits.h"
#include "stages/common/llm/llm_verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char record_text[] = "{\"workload\":{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":"
                                  "\"cart\",\"replicas\":2,\"containers\":[{\"name\":"
                                  "\"app\",\"role\":\"container\",\"image\":\"x\",\"requests\":{\"cpu_"
                                  "millicores\":500,\"memory_bytes\":536870912},\"limits\":"
                                  "{\"cpu_millicores\":null,\"memory_bytes\":536870912}}]},\"usage\":{"
                                  "\"coverage\":1,\"history_seconds\":604800,\"replicas\":2,"
                                  "\"pods\":2,\"window\":{\"seconds\":604800},\"containers\":{\"app\":{\"cpu_"
                                  "millicores\":{\"p50\":80,\"p90\":130,\"p95\":150,"
                                  "\"p99\":200,\"max\":300,\"wp95\":155,\"bh90\":160},\"memory_bytes\":{"
                                  "\"p50\":190000000,\"p90\":195000000,\"p95\":196000000,"
                                  "\"p99\":198000000,\"wp99\":198000000,\"max\":200000000}}}}}";

static void check_plan(const struct plan *plan)
{
    for (int f = 0; f < FIELDS; f++) {
        const struct field_plan *field = &plan->containers[0].fields[f];
        if (field->value >= 0 && (field->value < field->min || field->value > field->max)) {
            abort();
        }
    }
}

static void check_answer(const char *text, struct arena *arena)
{
    struct subject subject;
    struct plan plan;
    struct answer answer;
    struct policy policy = {.aggressiveness = AGGRESSIVENESS_BALANCED, .minimum_history_seconds = 86400};
    guardrails_default(&policy.guardrails);
    json_t *record = json_loads(record_text, 0, NULL);
    subject_read(record, arena, &subject);
    plan_make(&subject, &policy, arena, &plan);
    plan_settle(&plan);
    if (answer_read(text, &plan, arena, &answer, NULL) == 0) {
        double difference = answer_apply(&answer, &plan);
        check_plan(&plan);
        if (!(difference >= 0) || !(answer.confidence >= 0 && answer.confidence <= 1)) {
            abort();
        }
        for (const char *c = answer.reasoning; *c; c++) {
            if ((unsigned char)*c < 0x20) {
                abort();
            }
        }
    }
    json_decref(record);
}

static void check_body(const struct llm_provider *provider, const char *text, size_t size)
{
    json_t *body = json_loadb(text, size, JSON_DECODE_ANY, NULL);
    struct llm_reply reply = {.text = NULL};
    if (!body) {
        return;
    }
    if (provider->reply(body, &reply, NULL) == 0 && (!reply.text || strlen(reply.text) > LLM_REPLY_MAX)) {
        abort();
    }
    if (reply.cache_read_tokens < 0 || reply.cache_write_tokens < 0 || reply.output_tokens < 0 ||
        reply.cache_read_tokens + reply.cache_write_tokens > reply.input_tokens) {
        abort();
    }
    llm_reply_release(&reply);
    json_decref(body);
}

static void check_headers(const char *text)
{
    static const int64_t now = 1000000;
    static const int64_t longest = 60 * 1000;
    struct http_reply reply;
    struct llm_limits limits = {.meters = {{.known = false}}};
    struct llm_need need = {.of = {1, 2000, 1500, 500}};
    http_reply_init(&reply);
    (void)buf_add_str(&reply.headers, text);
    reply.date = 1795318046;
    for (int i = 0; i < 3; i++) {
        (void)llm_limits_read(&limits, &reply, now);
        int64_t until = llm_limits_until(&limits, &need, now);
        if (until < now || until > now + longest) {
            abort();
        }
        llm_limits_take(&limits, &need, until);
        if (llm_limits_until(&limits, &need, until + longest) != until + longest) {
            abort();
        }
    }
    reply.status = 429;
    if (llm_verdict_wait(&reply) < -1) {
        abort();
    }
    http_reply_release(&reply);
}

/* The body of a refusal: its words are shown without the key, and what can be left out runs out. */
static void check_refusal(const char *text)
{
    static const long statuses[] = {400, 401, 422, 429, 500};
    struct llm *llm = NULL;
    struct llm_options options = {.provider = &llm_openai, .model = "m", .base_url = "http://127.0.0.1:9", .key = "k3y"};
    for (size_t i = 0; i < ARRAY_COUNT(statuses); i++) {
        struct err err = {.class = ERR_NONE};
        struct http_reply reply;
        if (llm_new(&options, &llm, NULL)) {
            abort();
        }
        http_reply_init(&reply);
        reply.status = statuses[i];
        (void)buf_add_str(&reply.body, text);
        if (llm_verdict_of(llm, &reply, &err) == LLM_READ || err.class == ERR_NONE || strstr(err.message, "k3y")) {
            abort();
        }
        struct llm_dialect dialect = {.mode = LLM_JSON_SCHEMA};
        int steps = 0;
        while (llm_verdict_adapt(llm, &reply, &dialect)) {
            if (++steps > 6) {
                abort();
            }
        }
        http_reply_release(&reply);
        llm_free(llm);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *text = xstrndup((const char *)data + 1, size - 1);
    struct arena arena;
    arena_init(&arena);
    if (data[0] == 'a') {
        check_body(&llm_anthropic, text, strlen(text));
    } else if (data[0] == 'o') {
        check_body(&llm_openai, text, strlen(text));
    } else if (data[0] == 'h') {
        check_headers(text);
    } else if (data[0] == 'e') {
        check_refusal(text);
    } else {
        check_answer(text, &arena);
    }
    arena_release(&arena);
    free(text);
    return 0;
}
