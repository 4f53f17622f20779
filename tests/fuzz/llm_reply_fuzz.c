/* What a model or its server sends. The first byte chooses: the body of a provider's answer, or the text of
 * one. Whatever it is, what is accepted never moves a number out of its range, and its text is clean. */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/opinion/answer.h"
#include "stages/common/llm/llm.h"

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
        if (field->value >= 0 && (field->value < field->min || field->value > field->max))
            abort();
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
        if (!(difference >= 0) || !(answer.confidence >= 0 && answer.confidence <= 1))
            abort();
        for (const char *c = answer.reasoning; *c; c++) {
            if ((unsigned char)*c < 0x20)
                abort();
        }
    }
    json_decref(record);
}

static void check_body(const struct llm_provider *provider, const char *text, size_t size)
{
    json_t *body = json_loadb(text, size, JSON_DECODE_ANY, NULL);
    struct llm_reply reply = {.text = NULL};
    if (!body)
        return;
    if (provider->reply(body, &reply, NULL) == 0 && (!reply.text || strlen(reply.text) > LLM_REPLY_MAX))
        abort();
    llm_reply_release(&reply);
    json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = xstrndup((const char *)data + 1, size - 1);
    struct arena arena;
    arena_init(&arena);
    if (data[0] == 'a')
        check_body(&llm_anthropic, text, strlen(text));
    else if (data[0] == 'o')
        check_body(&llm_openai, text, strlen(text));
    else
        check_answer(text, &arena);
    arena_release(&arena);
    free(text);
    return 0;
}
