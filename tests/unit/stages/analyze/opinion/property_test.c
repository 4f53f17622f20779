/* Whatever a workload is and whatever a model replies: no final number outside its bounds, nothing moves but numbers, words and
 * confidence, the rules' plan stands where an answer is refused, and all text is visible UTF-8. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/str.h"
#include "stages/analyze/advice/recommend.h"
#include "stages/analyze/opinion/schema.h"
#include "tests/harness/rounds.h"
#include "tests/unit/stages/analyze/opinion/hostile.h"
#include "tests/unit/stages/analyze/opinion/opinion_builder.h"
#include "tests/unit/stages/analyze/sizing/plan_checks.h"

enum { CASES = 6000, MOST = 4 };

/* A question about some workloads at random. */
struct round {
    int number;
    size_t count;
    struct made_plan plans[MOST];
    struct field_plan (*rules[MOST])[FIELDS];  /* as the rules settled them */
    json_t *before[MOST];                      /* the recommendation by the rules */
    char names[MOST][EVIDENCE_NAME_MAX];
    struct asked asked[MOST];
    struct said said[MOST];
};

static json_t *recommend(struct made_plan *plan, const struct opinion *opinion)
{
    const struct parts parts = {.findings = json_array(), .disagreement_from = 0.3};
    return recommendation_new(&plan->plan, &plan->class, opinion, &parts);
}

/* A copy of all fields of a plan, in its arena. */
static struct field_plan (*fields_of(struct made_plan *plan))[FIELDS]
{
    size_t count = plan->subject.container_count;
    struct field_plan(*out)[FIELDS] = arena_alloc_array(&plan->arena, count + 1, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        memcpy(out[i], plan->plan.containers[i].fields, sizeof out[i]);
    }
    return out;
}

static void workload_init(struct round *round, size_t i)
{
    struct made_plan *plan = &round->plans[i];
    *plan = (struct made_plan){0};
    random_policy(&plan->policy);
    arena_init(&plan->arena);
    plan->record = hostile_record(300);
    subject_read(plan->record, &plan->arena, &plan->subject);
    class_of(&plan->subject, &plan->class);
    plan_make(&plan->subject, &plan->policy, &plan->arena, &plan->plan);
    plan_settle(&plan->plan);
    round->rules[i] = fields_of(plan);
    round->before[i] = recommend(plan, NULL);
    round->asked[i] = (struct asked){.plan = &plan->plan, .name = evidence_name(&plan->subject, round->names[i]), .evidence = "{}"};
}

static void round_release(struct round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        json_decref(round->before[i]);
        made_plan_release(&round->plans[i]);
    }
}

/* An amount: left alone, within its range, at the ends of everything, far out. */
static json_t *random_proposal(const struct field_plan *field)
{
    static const double far[] = {1, 2, 5, 1e6, 1e9, 4503599627370496.0};
    if (chance(0.25)) {
        return json_integer(0);
    }
    if (chance(0.5) && field->movable) {
        return json_integer(field->min + (json_int_t)((double)(field->max - field->min) * unit()));
    }
    if (chance(0.5) && field->movable) {
        return json_integer(chance(0.5) ? field->min - 1 : field->max + 1 > 0 ? field->max + 1 : 0);
    }
    return chance(0.8) ? json_integer((json_int_t)far[rng_next() % ARRAY_COUNT(far)]) : json_real(floor(spread(1, 4e15)));
}

/* A good answer about one workload. */
static json_t *random_answer(const struct asked *asked)
{
    json_t *containers = json_array();
    for (size_t c = 0; c < asked->plan->subject->container_count; c++) {
        char name[CONTAINER_NAME_MAX];
        const struct container_plan *of = &asked->plan->containers[c];
        json_t *container = json_pack("{s:s}", "name", container_name(of->container, name));
        for (int f = 0; f < FIELDS; f++) {
            json_t *amount = random_proposal(&of->fields[f]);
            json_object_set_new(container, schema_field((enum field)f), json_number_value(amount) < 0 ? json_integer(0) : json_incref(amount));
            json_decref(amount);
        }
        if (of->judged) {
            json_array_append_new(containers, container);
        } else {
            json_decref(container);
        }
    }
    json_t *answer = json_pack("{s:s,s:s,s:f,s:o}", "workload", asked->name, "class", chance(0.5) ? "jvm" : "database", "confidence", unit(),
                               "containers", containers);
    json_t *words = hostile_new(3000);
    json_object_set_new(answer, "reasoning", json_sprintf("words: %s", json_string_value(words)));
    json_decref(words);
    return answer;
}

/* A value that stands where another should. */
static json_t *odd_value(void)
{
    static const char *const odd[] = {"null", "-1", "1e308", "-0.0", "3.5", "\"500m\"", "\"NaN\"", "true", "[]", "{}", "\"\"", "9223372036854775807",
                                      "[[[[[[[[]]]]]]]]", "0.30000000000000004", "1e-320", "\"\\u001b[2J\"", "\"shop/Deployment/cart\""};
    return json_loads(odd[rng_next() % ARRAY_COUNT(odd)], JSON_DECODE_ANY, NULL);
}

/* Changes one member somewhere in an object: gone, odd, or one that nobody asked for. */
static void spoil_object(json_t *object)
{
    if (json_object_size(object) == 0) {
        return;
    }
    size_t which = rng_next() % json_object_size(object);
    void *at = json_object_iter(object);
    while (which-- > 0) {
        at = json_object_iter_next(object, at);
    }
    char *key = xstrdup(json_object_iter_key(at));
    json_t *first = json_array_get(json_object_get(object, key), 0);
    if (first && chance(0.7)) {
        spoil_object(first);
    } else if (chance(0.3)) {
        (void)json_object_del(object, key);
    } else {
        json_object_set_new(object, chance(0.2) ? "more" : key, odd_value());
    }
    free(key);
}

/* Changes a list of answers: one less, one twice, two names swapped, one spoilt. *spoilt receives that something was. */
static void spoil_answers(json_t *answers, bool *spoilt)
{
    size_t count = json_array_size(answers);
    json_t *one = json_array_get(answers, rng_next() % count);
    json_t *other = json_array_get(answers, rng_next() % count);
    *spoilt = true;
    if (chance(0.2)) {
        (void)json_array_remove(answers, rng_next() % count);
    } else if (chance(0.2)) {
        json_array_append_new(answers, json_deep_copy(one));
    } else if (chance(0.3)) {
        json_t *name = json_incref(json_object_get(one, "workload"));
        json_object_set(one, "workload", json_object_get(other, "workload"));
        json_object_set_new(other, "workload", name);
    } else {
        spoil_object(one);
    }
}

/* Changes bytes: one flipped, a part cut out or doubled, the rest cut off. */
static void spoil_text(char **text, bool *spoilt)
{
    size_t length = strlen(*text);
    size_t from = rng_next() % (length + 1);
    size_t part = rng_next() % 40;
    struct buf out;
    *spoilt = true;
    buf_init(&out, 4 * length + 1000);
    if (chance(0.3)) {
        (void)buf_add(&out, *text, from);
    } else {
        (void)buf_add(&out, *text, from);
        part = from + part > length ? length - from : part;
        if (chance(0.4)) {
            (void)buf_add_char(&out, (char)(1 + rng_next() % 255));
        } else if (chance(0.5)) {
            (void)buf_add(&out, *text + from, part);
        }
        (void)buf_add_str(&out, *text + from + (chance(0.5) ? part : 0));
    }
    free(*text);
    *text = buf_steal(&out);
    *text = *text ? *text : xstrdup("");
}

/* New text of a reply to the round's question, good or not. */
static char *random_reply(const struct round *round, bool *spoilt)
{
    json_t *answers = json_array();
    for (size_t i = 0; i < round->count; i++) {
        json_array_append_new(answers, random_answer(&round->asked[i]));
    }
    while (chance(0.4) && json_array_size(answers) > 0) {
        spoil_answers(answers, spoilt);
    }
    json_t *reply = json_pack("{s:o}", "answers", answers);
    char *text = json_dumps(reply, chance(0.5) ? JSON_INDENT(2) : JSON_COMPACT);
    json_decref(reply);
    while (chance(0.2)) {
        spoil_text(&text, spoilt);
    }
    if (!chance(0.3)) {
        return text;
    }
    struct buf wrapped;
    buf_init(&wrapped, strlen(text) + 1000);
    (void)buf_printf(&wrapped, "Of {course}, \"here\":\n```json\n%s\n```\nDone.", text);
    free(text);
    return buf_steal(&wrapped);
}

/* No string anywhere in a value holds what cannot be seen. */
static void check_strings(const struct round *round, const json_t *value)
{
    size_t index;
    const char *key;
    json_t *item;
    if (json_is_string(value)) {
        char *copy = xstrdup(json_string_value(value));
        str_mask_controls(copy);
        if (strcmp(copy, json_string_value(value)) != 0 || !str_utf8_valid(copy, strlen(copy), NULL)) {
            fail_msg("case %d: text with control bytes: %s", round->number, copy);
        }
        free(copy);
    }
    json_array_foreach(value, index, item) check_strings(round, item);
    json_object_foreach((json_t *)(uintptr_t)value, key, item) check_strings(round, item);
}

static const char *tell(const struct round *round, size_t i, size_t c, int f)
{
    static char text[800];
    const struct container_plan *container = &round->plans[i].plan.containers[c];
    const struct field_plan *range = &round->rules[i][c][f];
    (void)snprintf(text, sizeof text, "%s; before: [%lld, %lld] movable %d; rules: %lld; asked %g", describe(&round->plans[i].plan, container, (enum field)f),
                   (long long)range->min, (long long)range->max, range->movable, (long long)field_after(&round->rules[i][c][f]),
                   container->fields[f].asked);
    return text;
}

/* A number that a model moved lies within the range as it was told; what pairs request and limit may leave it only in the safe direction,
 * and nothing ends up lower than both its lower bound and what the rules would have done. */
static void check_bounds(const struct round *round, size_t i, size_t c, int f)
{
    const struct made_plan *plan = &round->plans[i];
    /* The request of a Guaranteed pod is its limit. */
    bool locked = plan->plan.lock && !FIELD_IS_LIMIT(f);
    const struct field_plan *range = &round->rules[i][c][locked ? f + 2 : f];
    const struct field_plan *now = &plan->plan.containers[c].fields[f];
    int64_t after = field_after(now);
    int64_t rules = field_after(&round->rules[i][c][f]);
    bool raised = now->value > now->effective;
    bool written = now->value == now->effective;
    if (plan->subject.containers[c].role == ROLE_INIT) {
        return;
    }
    if (now->value >= 0 && range->movable && now->value < range->min && !raised && !written) {
        fail_msg("case %d: below its lower bound: %s", round->number, tell(round, i, c, f));
    }
    if (now->value >= 0 && range->movable && now->value > range->max && !written) {
        fail_msg("case %d: above its upper bound: %s", round->number, tell(round, i, c, f));
    }
    if (now->value >= 0 && !range->movable && !written) {
        fail_msg("case %d: what cannot move was moved: %s", round->number, tell(round, i, c, f));
    }
    if (after >= 0 && range->movable && after < range->min && after < rules) {
        fail_msg("case %d: a need that the rules saw to is not met: %s", round->number, tell(round, i, c, f));
    }
}

/* What a model has no say in is as the rules had it. */
static void check_rest(const struct round *round, size_t i, const json_t *after)
{
    static const char *const same[] = {"class", "class_reason", "qos_class", "findings", "forecast", "outlook", "scaling", "fallback"};
    for (size_t k = 0; k < ARRAY_COUNT(same); k++) {
        if (!json_equal(json_object_get(round->before[i], same[k]), json_object_get(after, same[k]))) {
            fail_msg("case %d: %s was moved", round->number, same[k]);
        }
    }
    double before = json_number_value(json_object_get(round->before[i], "confidence"));
    double now = json_number_value(json_object_get(after, "confidence"));
    if (now > before) {
        fail_msg("case %d: a model made us surer: %g, %g", round->number, before, now);
    }
    assert_int_equal(json_object_size(after), json_object_size(round->before[i]));
    assert_int_equal(json_object_size(json_object_get(after, "containers")),
                     json_object_size(json_object_get(round->before[i], "containers")));
}

/* Each amount that a model asked for and did not get is told, with what it asked for. */
static void check_clamps(const struct round *round, size_t i, const json_t *after)
{
    const struct plan *plan = &round->plans[i].plan;
    for (size_t c = 0; c < plan->subject->container_count; c++) {
        for (int f = 0; f < FIELDS; f++) {
            const struct field_plan *field = &plan->containers[c].fields[f];
            bool told = false;
            size_t index;
            json_t *clamp;
            json_array_foreach(json_object_get(after, "clamps"), index, clamp)
            {
                told |= str_equal(json_string_or_null(clamp, "container"), plan->subject->containers[c].name) &&
                        str_equal(json_string_or_null(clamp, "field"), field_name((enum field)f)) &&
                        json_number_value(json_object_get(clamp, "proposed")) >= field->asked &&
                        json_number_value(json_object_get(clamp, "proposed")) <= field->asked;
            }
            bool out = field->asked > 0 && (field->asked < (double)round->rules[i][c][f].min || field->asked > (double)round->rules[i][c][f].max);
            int64_t now = field_after(field);
            bool got = (double)now >= field->asked && (double)now <= field->asked;
            if (plan->containers[c].judged && out && round->rules[i][c][f].movable && !got && !told) {
                fail_msg("case %d: no clamp is told: %s", round->number, tell(round, i, c, f));
            }
        }
    }
}

static void check_good(struct round *round, size_t i)
{
    struct made_plan *plan = &round->plans[i];
    const struct said *said = &round->said[i];
    struct answer again;
    assert_true(said->answer.confidence >= 0 && said->answer.confidence <= 1);
    assert_true(strlen(said->answer.reasoning) <= ANSWER_REASONING_MAX);
    assert_int_equal(answer_read(said->text, &plan->plan, &plan->arena, &again, NULL), 0);
    assert_string_equal(answer_text(&again, &plan->plan, &plan->arena), said->text);
    double difference = answer_apply(&said->answer, &plan->plan);
    assert_true(difference >= 0);
    check_plan(round->number, &plan->plan);
    for (size_t c = 0; c < plan->subject.container_count; c++) {
        for (int f = 0; f < FIELDS; f++) {
            check_bounds(round, i, c, f);
        }
    }
    struct opinion opinion = {.source = "llm",
                              .provider = "openai",
                              .model = "m",
                              .reasoning = said->answer.reasoning,
                              .class_name = said->answer.class_name,
                              .confidence = said->answer.confidence,
                              .disagreement = difference};
    json_t *after = recommend(plan, &opinion);
    check_strings(round, json_object_get(after, "reasoning"));
    check_rest(round, i, after);
    check_clamps(round, i, after);
    json_decref(after);
}

static void check_refused(struct round *round, size_t i)
{
    json_t *after = recommend(&round->plans[i], NULL);
    assert_true(json_equal(after, round->before[i]));
    assert_true(strlen(round->said[i].complaint) < 300);
    json_t *complaint = json_string(round->said[i].complaint);
    check_strings(round, complaint);
    json_decref(complaint);
    json_decref(after);
}

/* Returns how many answers were taken. */
static size_t one_round(int number)
{
    struct round round = {.number = number, .count = 1 + (size_t)(rng_next() % MOST)};
    struct arena arena;
    bool spoilt = false;
    size_t good = 0;
    for (size_t i = 0; i < round.count; i++) {
        workload_init(&round, i);
    }
    arena_init(&arena);
    char *text = random_reply(&round, &spoilt);
    (void)question_read(text, round.asked, round.count, &arena, round.said);
    for (size_t i = 0; i < round.count; i++) {
        bool twin = false;
        for (size_t j = 0; j < round.count; j++) {
            twin |= j != i && strcmp(round.names[i], round.names[j]) == 0;
        }
        if (!spoilt && round.said[i].good == twin) {
            fail_msg("case %d: %s", number, twin ? "one of two with one name is answered" : round.said[i].complaint);
        }
        if (round.said[i].good) {
            check_good(&round, i);
        } else {
            check_refused(&round, i);
        }
        good += round.said[i].good;
    }
    free(text);
    arena_release(&arena);
    round_release(&round);
    return good;
}

static void a_model_can_do_no_harm(void **state)
{
    (void)state;
    size_t good = 0;
    rng_seed(20261124);
    for (int i = 0; i < rounds_of(CASES); i++) {
        good += one_round(i);
    }
    print_message("%zu answers were taken\n", good);
    assert_true(good > (size_t)rounds_of(CASES) / 2);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_model_can_do_no_harm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
