/* What a model replies to a question about several workloads, taken apart. Whatever it is: every workload gets an answer or a complaint, what
 * is accepted reads the same again, moves no number out of its range, and its text is clean. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/analyze/opinion/names.h"
#include "stages/analyze/opinion/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORKLOADS = 2 };

static const char record_text[] = "{\"workload\":{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"replicas\":2,\"containers\":["
                                  "{\"name\":\"app\",\"role\":\"container\",\"image\":\"x\",\"requests\":{\"cpu_millicores\":500,"
                                  "\"memory_bytes\":536870912},\"limits\":{\"cpu_millicores\":null,\"memory_bytes\":536870912}}]},\"usage\":{"
                                  "\"coverage\":1,\"history_seconds\":604800,\"replicas\":2,\"pods\":2,\"window\":{\"seconds\":604800},"
                                  "\"containers\":{\"app\":{\"cpu_millicores\":{\"p50\":80,\"p90\":130,\"p95\":150,\"p99\":200,\"max\":300,"
                                  "\"wp95\":155,\"bh90\":160},\"memory_bytes\":{\"p50\":190000000,\"p90\":195000000,\"p95\":196000000,"
                                  "\"p99\":198000000,\"wp99\":198000000,\"max\":200000000}}}}}";

struct scene_of {
    json_t *record;
    struct subject subject;
    struct plan plan;
    struct policy policy;
    char name[EVIDENCE_NAME_MAX];
};

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Text that can be shown and sent on. */
static void must_be_clean(const char *text)
{
    char *copy = xstrdup(text);
    str_mask_controls(copy);
    must(strcmp(copy, text) == 0 && str_utf8_valid(text, strlen(text), NULL));
    free(copy);
}

static void scene_init(struct scene_of *scene, const char *name, struct arena *arena, struct asked *asked)
{
    *scene = (struct scene_of){.policy = {.aggressiveness = AGGRESSIVENESS_BALANCED, .minimum_history_seconds = 86400}};
    guardrails_default(&scene->policy.guardrails);
    scene->record = json_loads(record_text, 0, NULL);
    json_object_set_new(json_object_get(scene->record, "workload"), "name", json_string(name));
    subject_read(scene->record, arena, &scene->subject);
    plan_make(&scene->subject, &scene->policy, arena, &scene->plan);
    plan_settle(&scene->plan);
    *asked = (struct asked){.plan = &scene->plan, .name = evidence_name(&scene->subject, scene->name), .evidence = "{}"};
}

static void check_said(const struct said *said, struct plan *plan, struct arena *arena)
{
    struct answer again;
    if (!said->good) {
        must(said->complaint != NULL);
        must_be_clean(said->complaint);
        return;
    }
    must(said->answer.confidence >= 0 && said->answer.confidence <= 1 && said->answer.class_name != NULL);
    must_be_clean(said->answer.reasoning);
    must(answer_read(said->text, plan, arena, &again, NULL) == 0);
    must(strcmp(answer_text(&again, plan, arena), said->text) == 0);
    int64_t min = plan->containers[0].fields[MEMORY_REQUEST].min;
    must(answer_apply(&said->answer, plan) >= 0);
    for (int f = 0; f < FIELDS; f++) {
        const struct field_plan *field = &plan->containers[0].fields[f];
        must(field->value < 0 || (field->value >= field->min && field->value <= field->max));
    }
    must(field_after(&plan->containers[0].fields[MEMORY_REQUEST]) >= min);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene_of scenes[WORKLOADS];
    struct asked asked[WORKLOADS];
    struct said said[WORKLOADS];
    struct arena arena;
    char *text = xstrndup((const char *)data, size);
    arena_init(&arena);
    scene_init(&scenes[0], "cart", &arena, &asked[0]);
    scene_init(&scenes[1], "web", &arena, &asked[1]);
    (void)question_read(text, asked, WORKLOADS, &arena, said);
    must_be_clean(asked[0].name);
    must(strlen(question_complaint(asked, said, WORKLOADS, &arena)) < 4000);
    for (int i = 0; i < WORKLOADS; i++) {
        check_said(&said[i], &scenes[i].plan, &arena);
        json_decref(scenes[i].record);
    }
    arena_release(&arena);
    free(text);
    return 0;
}
