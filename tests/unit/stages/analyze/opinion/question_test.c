/* Several workloads a question: what a reply says of one counts for this one alone, and nothing in data or reply can be taken for
 * anything else. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/str.h"
#include "stages/analyze/opinion/schema.h"
#include "tests/unit/stages/analyze/opinion/hostile.h"
#include "tests/unit/stages/analyze/opinion/opinion_builder.h"

enum { ASKED = 3 };

/* shop/Deployment/a, b and c, with the container app each. */
struct round {
    struct made_plan plans[ASKED];
    char names[ASKED][EVIDENCE_NAME_MAX];
    char *evidence[ASKED];
    struct asked asked[ASKED];
    struct said said[ASKED];
};

static void round_init(struct round *round)
{
    static const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < ASKED; i++) {
        struct made_workload workload = {.name = names[i], .replicas = 2, .count = 1};
        workload.containers[0] = oversized;
        workload.containers[0].name = "app";
        made_usual_use(&workload.containers[0]);
        struct made_plan *plan = &round->plans[i];
        made_plan_of(plan, made_record(&workload));
        json_t *evidence = evidence_new(&plan->plan, &plan->class, NULL, NULL);
        round->evidence[i] = evidence_text_new(evidence);
        json_decref(evidence);
        round->asked[i] =
            (struct asked){.plan = &plan->plan, .name = evidence_name(&plan->subject, round->names[i]), .evidence = round->evidence[i]};
    }
}

static void round_release(struct round *round)
{
    for (int i = 0; i < ASKED; i++) {
        free(round->evidence[i]);
        made_plan_release(&round->plans[i]);
    }
}

#define ONE_OF(name, cpu) \
    "{\"workload\":\"shop/Deployment/" name "\",\"class\":\"web\",\"confidence\":0.9,\"reasoning\":\"of " name "\",\"containers\":[" \
    "{\"name\":\"app\",\"cpu_request_millicores\":" cpu ",\"memory_request_bytes\":0,\"cpu_limit_millicores\":0,\"memory_limit_bytes\":0}]}"
#define A ONE_OF("a", "300")
#define B ONE_OF("b", "310")
#define C ONE_OF("c", "320")

/* What a reply is good for: "abc" of all, "-" in the place of one that is not; and how many entries are about something else. */
static const struct reply {
    const char *text;
    const char *good;
    size_t extra;
} replies[] = {
    {"{\"answers\":[" A "," B "," C "]}", "abc", 0},
    {"{\"answers\":[" C "," A "," B "]}", "abc", 0},
    {"Sure! Here you are:\n```json\n{\"answers\":[" A "," B "," C "]}\n```\nAnything else {or not}?", "abc", 0},
    {"Let me think {about} this. \"A quote\n {\"answers\":[" A "," B "," C "]}", "abc", 0},
    {"<think>First {\"answers\":[" A "]}, no.</think>{\"answers\":[" B "," C "]}", "-bc", 0}, /* the last word counts */
    {"{\"answers\":[" A "," B "]}", "ab-", 0},
    {"{\"answers\":[]}", "---", 0},
    {"{\"answers\":[" A "," B "," C "," ONE_OF("other", "1") "]}", "abc", 1},
    {"{\"answers\":[" A "," A "," B "," C "]}", "-bc", 0},
    {"{\"answers\":[" A "," B "," ONE_OF("a", "1") "," C "]}", "-bc", 0}, /* told twice: which of them? */
    {"{\"answers\":[" A ",7,null,\"x\",[]," C "]}", "a-c", 4},
    {"{\"answers\":[" A "," ONE_OF("b", "-1") "," C "]}", "a-c", 0},
    {"{\"answers\":[" A "," ONE_OF("b", "\"300m\"") "," C "]}", "a-c", 0},
    {"{\"answers\":[" A "," ONE_OF("b", "1e308") "," C "]}", "a-c", 0},
    {"{\"answers\":[" A "," ONE_OF("b", "1e999") "," C "]}", "a-c", 0}, /* no JSON: the others are */
    {"{\"answers\":[" A "," ONE_OF("b", "NaN") "," C "]}", "a-c", 0},
    {"{\"answers\":[" A ",{\"workload\":\"shop/Deployment/b\",\"workload\":\"x\"}," C "]}", "a-c", 0},
    {"{\"answers\":[" A "," B ",{\"workload\":\"shop/Deployment/c\",\"class\":\"we", "ab-", 0}, /* cut */
    {"```json\n{\"answers\": [\n" A ",\n" B, "ab-", 0},
    {"{\"answers\":[" A "," B "," C, "abc", 0},
    {"[" A "," B "," C "]", "abc", 0},
    {A "\n" B "\n" C "\n", "abc", 0},
    {A, "a--", 0},
    {"{\"answers\":[" A "," B "," C "],\"policy\":{\"max_cpu\":100000}}", "abc", 0}, /* nobody reads that */
    {"{\"answers\":{\"a\":" A "}}", "---", 0},
    {"{\"answers\":\"none\"}", "---", 0},
    {"", "---", 0},
    {"I am sorry, I cannot help with that.", "---", 0},
    {"{", "---", 0},
    {"{\"answers\":[{\"answers\":[" A "]}]}", "---", 1},
    {"{\"answers\":[{}]}", "---", 1},
};

static void replies_are_taken_apart(void **state)
{
    (void)state;
    struct round round;
    struct arena arena;
    round_init(&round);
    arena_init(&arena);
    for (size_t i = 0; i < ARRAY_COUNT(replies); i++) {
        size_t extra = question_read(replies[i].text, round.asked, ASKED, &arena, round.said);
        for (int w = 0; w < ASKED; w++) {
            const struct said *said = &round.said[w];
            if (said->good != (replies[i].good[w] != '-')) {
                fail_msg("%s: %s is %s: %s", replies[i].text, round.names[w], said->good ? "taken" : "refused",
                         said->good ? said->text : said->complaint);
            }
            assert_true(said->good ? said->text && !said->complaint : said->complaint && !said->text);
            /* Its own numbers and words, never those of another. */
            if (said->good) {
                assert_true(said->answer.proposals[0][CPU_REQUEST] >= 300 + 10 * w && said->answer.proposals[0][CPU_REQUEST] <= 300 + 10 * w);
            }
            if (said->good) {
                assert_int_equal(said->answer.reasoning[3], 'a' + w);
            }
        }
        if (extra != replies[i].extra) {
            fail_msg("%s: %zu extra", replies[i].text, extra);
        }
    }
    arena_release(&arena);
    round_release(&round);
}

/* A name and its answer swapped: each counts for the name it stands under, in that workload's bounds; containers of another do not. */
static void swapped_containers_cost_only_their_own(void **state)
{
    (void)state;
    struct round round;
    struct arena arena;
    round_init(&round);
    arena_init(&arena);
    static const char text[] = "{\"answers\":[{\"workload\":\"shop/Deployment/a\",\"class\":\"web\",\"confidence\":1,\"reasoning\":\"x\","
                               "\"containers\":[{\"name\":\"other\",\"cpu_request_millicores\":1,\"memory_request_bytes\":1,"
                               "\"cpu_limit_millicores\":1,\"memory_limit_bytes\":1}]}," B "," C "]}";
    (void)question_read(text, round.asked, ASKED, &arena, round.said);
    assert_false(round.said[0].good);
    assert_true(round.said[1].good && round.said[2].good);
    const char *complaint = question_complaint(round.asked, round.said, ASKED, &arena);
    assert_non_null(strstr(complaint, "\"shop/Deployment/a\": containers names one that the workload does not have"));
    assert_null(strstr(complaint, "shop/Deployment/b"));
    assert_non_null(strstr(complaint, "1 of 3"));
    arena_release(&arena);
    round_release(&round);
}

/* What is kept of an answer gives the same answer again, whatever the reply looked like. */
static void what_is_kept_reads_the_same(void **state)
{
    (void)state;
    struct round round;
    struct arena arena;
    struct answer again;
    round_init(&round);
    arena_init(&arena);
    static const char text[] = "{\"answers\":[{\"workload\":\"shop/Deployment/a\",\"class\":\"jvm\",\"confidence\":0.123456789,"
                               "\"reasoning\":\"two\\nlines \\u202e\\u200b and \\\"quotes\\\"\",\"containers\":[{\"name\":\"app\","
                               "\"cpu_request_millicores\":3.1e2,\"memory_request_bytes\":2e8,\"cpu_limit_millicores\":0,"
                               "\"memory_limit_bytes\":-0.0}]}]}";
    (void)question_read(text, round.asked, 1, &arena, round.said);
    assert_true(round.said[0].good);
    assert_int_equal(answer_read(round.said[0].text, round.asked[0].plan, &arena, &again, NULL), 0);
    assert_string_equal(again.reasoning, "two lines ?? and \"quotes\"");
    assert_string_equal(again.reasoning, round.said[0].answer.reasoning);
    assert_string_equal(again.class_name, "jvm");
    assert_true(again.confidence >= round.said[0].answer.confidence && again.confidence <= round.said[0].answer.confidence);
    assert_memory_equal(again.proposals[0], round.said[0].answer.proposals[0], sizeof again.proposals[0]);
    assert_string_equal(answer_text(&again, round.asked[0].plan, &arena), round.said[0].text);
    arena_release(&arena);
    round_release(&round);
}

/* Two workloads of one name: nobody can tell which of them an answer is about. */
static void twins_are_not_answered(void **state)
{
    (void)state;
    struct round round;
    struct arena arena;
    round_init(&round);
    arena_init(&arena);
    round.asked[2] = round.asked[0];
    (void)question_read("{\"answers\":[" A "," B "]}", round.asked, ASKED, &arena, round.said);
    assert_false(round.said[0].good);
    assert_true(round.said[1].good);
    assert_false(round.said[2].good);
    arena_release(&arena);
    round_release(&round);
}

/* Labels that close the JSON, give orders or open a model's own marks stay inside their strings. */
static void data_stays_data(void **state)
{
    (void)state;
    rng_seed(11);
    for (int i = 0; i < 40; i++) {
        struct made_plan plans[2];
        char names[2][EVIDENCE_NAME_MAX];
        struct asked asked[2];
        for (int w = 0; w < 2; w++) {
            made_plan_of(&plans[w], hostile_record(3000));
            json_t *evidence = evidence_new(&plans[w].plan, &plans[w].class, NULL, NULL);
            asked[w] = (struct asked){.plan = &plans[w].plan, .name = evidence_name(&plans[w].subject, names[w]),
                                      .evidence = evidence_text_new(evidence)};
            json_decref(evidence);
        }
        char *user = question_user(asked, 2);
        json_t *message = json_loads(user, JSON_REJECT_DUPLICATES, NULL);
        assert_int_equal(json_object_size(message), 1);
        json_t *workloads = json_object_get(message, "workloads");
        assert_int_equal(json_array_size(workloads), 2);
        for (int w = 0; w < 2; w++) {
            assert_string_equal(json_string_or_null(json_array_get(workloads, (size_t)w), "workload"), names[w]);
            char *alone = evidence_text_new(json_array_get(workloads, (size_t)w));
            assert_string_equal(alone, asked[w].evidence);
            free(alone);
            free((char *)(uintptr_t)asked[w].evidence);
            made_plan_release(&plans[w]);
        }
        assert_null(strstr(user, "<|im"));
        assert_null(strstr(user, "[INST]"));
        assert_null(strstr(user, "</"));
        json_decref(message);
        free(user);
    }
}

/* Every object closed, every member required, no ranges: what all servers take. */
static void check_schema(const json_t *schema, bool narrow)
{
    const char *type = json_string_or_null(schema, "type");
    const char *key;
    json_t *value;
    assert_non_null(type);
    assert_null(json_object_get(schema, "minimum"));
    assert_null(json_object_get(schema, "maximum"));
    assert_null(json_object_get(schema, "maxLength"));
    assert_true(narrow || !json_object_get(schema, "minItems"));
    if (str_equal(type, "array")) {
        check_schema(json_object_get(schema, "items"), narrow);
    }
    if (!str_equal(type, "object")) {
        return;
    }
    json_t *properties = json_object_get(schema, "properties");
    assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
    assert_int_equal(json_array_size(json_object_get(schema, "required")), json_object_size(properties));
    json_object_foreach(properties, key, value) check_schema(value, narrow);
}

static void the_schema_is_strict(void **state)
{
    (void)state;
    struct round round;
    round_init(&round);
    json_t *wide = question_schema(round.asked, ASKED, false);
    json_t *narrow = question_schema(round.asked, ASKED, true);
    json_t *single = question_schema(round.asked, 1, true);
    json_t *other = question_schema(round.asked + 1, 2, false);
    check_schema(wide, false);
    check_schema(narrow, true);
    assert_true(json_equal(wide, other)); /* compiled once, for all questions */
    assert_null(json_at(wide, "properties.answers.items.properties.workload.enum"));
    json_t *names = json_at(narrow, "properties.answers.items.properties.workload.enum");
    assert_int_equal(json_array_size(names), ASKED);
    assert_string_equal(json_string_value(json_array_get(names, 2)), "shop/Deployment/c");
    assert_int_equal(json_int_or(json_at(narrow, "properties.answers"), "maxItems", 0), ASKED);
    assert_int_equal(json_array_size(json_at(narrow, "properties.answers.items.properties.containers.items.properties.name.enum")), 1);
    assert_int_equal(json_int_or(json_at(single, "properties.answers.items.properties.containers"), "minItems", 0), 1);
    json_decref(wide);
    json_decref(narrow);
    json_decref(single);
    json_decref(other);
    round_release(&round);
}

static void tokens_grow_with_what_is_asked(void **state)
{
    (void)state;
    struct round round;
    round_init(&round);
    assert_true(question_max_tokens(round.asked, 2) > question_max_tokens(round.asked, 1));
    assert_true(question_usual_tokens(round.asked, 2) < question_max_tokens(round.asked, 2));
    /* A reply as long as replies may be fits: reasons at their limit, three bytes a token. */
    assert_true(question_max_tokens(round.asked, 1) * 3 > (int64_t)strlen(A) + ANSWER_REASONING_MAX);
    assert_non_null(strstr(question_system(), "never instructions"));
    round_release(&round);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_taken_apart),     cmocka_unit_test(swapped_containers_cost_only_their_own),
        cmocka_unit_test(what_is_kept_reads_the_same), cmocka_unit_test(twins_are_not_answered),
        cmocka_unit_test(data_stays_data),             cmocka_unit_test(the_schema_is_strict),
        cmocka_unit_test(tokens_grow_with_what_is_asked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
