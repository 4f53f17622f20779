/* Learn on the first days, judge the rest: rows with something planted in either part, under several policies. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "stages/analyze/backtest/backtest.h"
#include "stages/analyze/rules/figures.h"
#include "stages/analyze/rules/peers.h"
#include "stages/analyze/rules/rounding.h"
#include "tests/unit/stages/analyze/backtest/steps_builder.h"

#define MI (1048576.0)

static struct made_row cpu, memory;

/* What a test is about: a container, its policy, and what comes out. */
struct trial {
    struct arena arena;
    struct subject subject;
    struct container container;
    struct policy policy;
    struct scene scene;
    struct backtest backtest;
};

/* A service that asks for 500m and 400Mi and has used 100m and 200 MiB all week. */
static void begin(struct trial *trial)
{
    memset(trial, 0, sizeof *trial);
    arena_init(&trial->arena);
    cpu.count = memory.count = 0;
    made_fill(&cpu, 0, WEEK_STEPS, 100, 110);
    made_fill(&memory, 0, WEEK_STEPS, 200 * MI, 201 * MI);
    trial->container = (struct container){.name = "app",
                                          .image = "",
                                          .request = {500, (int64_t)(400 * MI)},
                                          .limit = {AMOUNT_ABSENT, (int64_t)(400 * MI)}};
    trial->subject = (struct subject){.kind = "Deployment", .name = "cart", .qos = QOS_BURSTABLE, .replicas = 1};
    trial->policy = (struct policy){.aggressiveness = AGGRESSIVENESS_BALANCED, .limits = {LIMITS_KEEP, LIMITS_HEADROOM}};
    guardrails_default(&trial->policy.guardrails);
    trial->scene.aggressiveness = AGGRESSIVENESS_BALANCED;
}

static const struct backtest *made(struct trial *trial)
{
    made_figures_of(&cpu, &trial->arena, &trial->container.use[CPU]);
    made_figures_of(&memory, &trial->arena, &trial->container.use[MEMORY]);
    trial->subject.containers = &trial->container;
    trial->subject.container_count = 1;
    backtest_make(&trial->subject, &trial->container, &trial->scene, &trial->policy, &trial->arena, &trial->backtest);
    return &trial->backtest;
}

static const struct verdict *verdict(const struct trial *trial, enum resource resource, enum contender contender)
{
    return &trial->backtest.verdicts[resource][contender];
}

static void near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * fabs(expected))) {
        fail_msg("%.12g is not %.12g", value, expected);
    }
}

static void flat_use_fits_everybody(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    const struct backtest *b = made(&t);
    assert_true(b->known && b->judged[CPU] && b->judged[MEMORY] && !b->reason);
    assert_int_equal(b->judged_from, made_start + 5 * 86400);
    assert_int_equal(b->judged_to, made_start + 7 * 86400);
    assert_int_equal(b->learned_seconds, 5 * 86400);
    assert_int_equal(b->judged_seconds, 2 * 86400);
    for (int c = 0; c < CONTENDERS; c++) {
        for (int r = 0; r < RESOURCES; r++) {
            const struct verdict *v = verdict(&t, (enum resource)r, (enum contender)c);
            near(v->time_above, 0);
            near(v->starved, 0);
            assert_true(v->slack >= 1);
        }
        near(verdict(&t, MEMORY, (enum contender)c)->over_limit, 0);
    }
    near(verdict(&t, CPU, CONTENDER_TODAY)->slack, 5);
    near(verdict(&t, CPU, CONTENDER_KRR)->request, 100);
    assert_true(isnan(verdict(&t, CPU, CONTENDER_KRR)->limit) && isnan(verdict(&t, CPU, CONTENDER_KRR)->over_limit));
    near(verdict(&t, MEMORY, CONTENDER_KRR)->request, verdict(&t, MEMORY, CONTENDER_KRR)->limit);
    near(verdict(&t, MEMORY, CONTENDER_OURS)->limit, 244 * MI); /* 1.2 × 201 MiB, up to 4 MiB */
    near(fmod(verdict(&t, CPU, CONTENDER_OURS)->request, 5), 0);
    arena_release(&t.arena);
}

/* It is the formula of the recommendation that is judged, on figures of the first five days alone. */
static void our_number_is_the_formulas_own(void **state)
{
    (void)state;
    struct trial t;
    struct figures learned;
    const char *rule;
    begin(&t);
    for (size_t i = 0; i < WEEK_STEPS; i++) {
        made_fill(&cpu, i, i + 1, 100 + 50 * sin((double)i / 45), 300);
        made_fill(&memory, i, i + 1, (200 + 9 * sin((double)i / 300)) * MI, 215 * MI);
    }
    made_fill(&cpu, 5 * DAY_STEPS, WEEK_STEPS, 900, 1000); /* what came later must not count */
    made(&t);
    struct steps steps = made_steps(&cpu);
    figures_of_steps(&steps, 0, 5 * DAY_STEPS, NULL, &t.arena, &learned);
    /* Figures of the whole week are those of its steps here: nothing to scale by. */
    double target = rule_cpu_request(&learned, &t.scene, &rule);
    near(verdict(&t, CPU, CONTENDER_OURS)->request, (double)rounded_up(CPU, (int64_t)ceil(target)));
    near(verdict(&t, CPU, CONTENDER_KRR)->request, peer_krr(CPU, &learned));
    near(verdict(&t, CPU, CONTENDER_OURS)->time_above, 1);
    assert_true(verdict(&t, CPU, CONTENDER_OURS)->starved > 0.7);
    steps = made_steps(&memory);
    figures_of_steps(&steps, 0, 5 * DAY_STEPS, NULL, &t.arena, &learned);
    target = rule_memory_request(&learned, &t.scene, learned.max);
    near(verdict(&t, MEMORY, CONTENDER_OURS)->request, (double)rounded_up(MEMORY, (int64_t)ceil(target)));
    near(verdict(&t, MEMORY, CONTENDER_VPA)->request, peer_vpa(MEMORY, &learned, 1, &t.arena));
    arena_release(&t.arena);
}

/* Samples are more pointed than the means of five minutes: their figures are carried over. */
static void figures_are_on_the_scale_of_samples(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    cpu.count = 0;
    made_fill(&cpu, 0, WEEK_STEPS, 100, 2000);
    made(&t);
    double plain = verdict(&t, CPU, CONTENDER_OURS)->request;
    struct figures *use = &t.container.use[CPU];
    double *doubled[] = {&use->weighted_p50, &use->weighted_p95, &use->weighted_p98, &use->weighted_p99, &use->p50,
                         &use->p90,          &use->p95,          &use->p99,          &use->busy_hour_p90};
    for (size_t i = 0; i < ARRAY_COUNT(doubled); i++) {
        *doubled[i] *= 2;
    }
    use->pod_p95_max *= 6;
    use->pods = 8;
    backtest_make(&t.subject, &t.container, &t.scene, &t.policy, &t.arena, &t.backtest);
    assert_true(verdict(&t, CPU, CONTENDER_OURS)->request >= 2 * plain - 5);
    /* Many pods: the highest of them is what counts. */
    t.scene.per_pod = true;
    backtest_make(&t.subject, &t.container, &t.scene, &t.policy, &t.arena, &t.backtest);
    assert_true(verdict(&t, CPU, CONTENDER_OURS)->request >= 5 * plain);
    near(verdict(&t, CPU, CONTENDER_OURS)->time_above, 0);
    arena_release(&t.arena);
}

/* Memory that rises on the judged days kills at our limit and KRR's, not where nothing limits it. */
static void kills_are_predicted(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    made_fill(&memory, 6 * DAY_STEPS, 6 * DAY_STEPS + 1, 200 * MI, 300 * MI);
    made(&t);
    near(verdict(&t, MEMORY, CONTENDER_OURS)->over_limit, 1);
    near(verdict(&t, MEMORY, CONTENDER_KRR)->over_limit, 1);
    near(verdict(&t, MEMORY, CONTENDER_TODAY)->over_limit, 0);
    arena_release(&t.arena);
    begin(&t);
    made_fill(&memory, 5 * DAY_STEPS + 50, 5 * DAY_STEPS + 51, 200 * MI, 300 * MI);
    made_fill(&memory, 6 * DAY_STEPS + 50, 6 * DAY_STEPS + 51, 200 * MI, 500 * MI);
    t.policy.limits[MEMORY] = LIMITS_REMOVE;
    t.container.limit[MEMORY] = (int64_t)(450 * MI);
    made(&t);
    assert_true(isnan(verdict(&t, MEMORY, CONTENDER_OURS)->limit));
    assert_true(isnan(verdict(&t, MEMORY, CONTENDER_OURS)->over_limit));
    near(verdict(&t, MEMORY, CONTENDER_TODAY)->over_limit, 1);
    near(verdict(&t, MEMORY, CONTENDER_KRR)->over_limit, 2);
    arena_release(&t.arena);
    /* The same peak on the first days is known by then. */
    begin(&t);
    made_fill(&memory, DAY_STEPS, DAY_STEPS + 1, 200 * MI, 300 * MI);
    made_fill(&memory, 6 * DAY_STEPS, 6 * DAY_STEPS + 1, 200 * MI, 300 * MI);
    made(&t);
    near(verdict(&t, MEMORY, CONTENDER_OURS)->over_limit, 0);
    arena_release(&t.arena);
}

/* Use never passes a limit that kills, so a kill that was seen counts for every limit that is not higher. */
static void a_kill_that_was_seen_counts(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    t.container.limit[MEMORY] = (int64_t)(220 * MI);
    t.container.oom_kills = 1;
    t.container.oom_limit = 220 * MI;
    t.container.oom_last = made_start + 6 * 86400;
    made(&t);
    near(verdict(&t, MEMORY, CONTENDER_TODAY)->over_limit, 1);
    near(verdict(&t, MEMORY, CONTENDER_OURS)->over_limit, 0); /* 244 MiB */
    /* On the first days: the limit that killed is what memory is sized for. */
    t.container.oom_limit = 260 * MI;
    t.container.oom_last = made_start + 86400;
    made(&t);
    near(verdict(&t, MEMORY, CONTENDER_TODAY)->over_limit, 0);
    near(verdict(&t, MEMORY, CONTENDER_OURS)->limit, 312 * MI);
    arena_release(&t.arena);
}

static void limits_are_those_of_the_policy(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    t.container.limit[CPU] = 1000;
    made(&t);
    near(verdict(&t, CPU, CONTENDER_OURS)->limit, 1000);
    near(verdict(&t, CPU, CONTENDER_OURS)->over_limit, 0);
    t.policy.limits[CPU] = t.policy.limits[MEMORY] = LIMITS_RATIO;
    made(&t);
    near(verdict(&t, CPU, CONTENDER_OURS)->limit, fmax(120, 2 * verdict(&t, CPU, CONTENDER_OURS)->request));
    near(verdict(&t, MEMORY, CONTENDER_OURS)->limit, 224 * MI); /* 1.1 × 201 MiB, at least the request */
    t.policy.limits[CPU] = LIMITS_HEADROOM;
    made(&t);
    near(verdict(&t, CPU, CONTENDER_OURS)->limit, 2 * verdict(&t, CPU, CONTENDER_OURS)->request);
    t.policy.limits[CPU] = LIMITS_REMOVE;
    made(&t);
    assert_true(isnan(verdict(&t, CPU, CONTENDER_OURS)->limit));
    /* A limit that is kept is kept also where the rule asks for more. */
    t.policy.limits[CPU] = LIMITS_KEEP;
    t.container.limit[CPU] = 60;
    made(&t);
    near(verdict(&t, CPU, CONTENDER_OURS)->limit, 60);
    near(verdict(&t, CPU, CONTENDER_OURS)->request, 60);
    /* … unless it throttled on the first days. */
    t.container.throttled = 0.5;
    made(&t);
    assert_true(verdict(&t, CPU, CONTENDER_OURS)->limit >= 1.25 * 60);
    /* One number where the pod is Guaranteed and stays so. */
    t.subject.qos = QOS_GUARANTEED;
    made(&t);
    for (int r = 0; r < RESOURCES; r++) {
        const struct verdict *ours = verdict(&t, (enum resource)r, CONTENDER_OURS);
        near(ours->limit, ours->request);
    }
    arena_release(&t.arena);
}

static void what_is_not_set_is_not_judged(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    t.container.request[CPU] = t.container.request[MEMORY] = AMOUNT_ABSENT;
    t.container.limit[MEMORY] = AMOUNT_ABSENT;
    made(&t);
    for (int r = 0; r < RESOURCES; r++) {
        const struct verdict *today = verdict(&t, (enum resource)r, CONTENDER_TODAY);
        assert_true(isnan(today->request) && isnan(today->time_above) && isnan(today->slack) && isnan(today->limit));
        assert_true(verdict(&t, (enum resource)r, CONTENDER_OURS)->slack >= 1);
    }
    arena_release(&t.arena);
}

static void too_little_is_said_so(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    cpu.count = memory.count = DAY_STEPS;
    assert_false(made(&t)->known);
    assert_non_null(t.backtest.reason);
    /* Runs of a batch kind are enough where there are three. */
    cpu.count = memory.count = 0;
    for (size_t day = 0; day < 3; day++) {
        made_fill(&cpu, day * DAY_STEPS, (day + 1) * DAY_STEPS, NAN, NAN);
        made_fill(&memory, day * DAY_STEPS, (day + 1) * DAY_STEPS, NAN, NAN);
        made_fill(&cpu, day * DAY_STEPS, day * DAY_STEPS + 9, 100, 110);
        made_fill(&memory, day * DAY_STEPS, day * DAY_STEPS + 9, 200 * MI, 210 * MI);
    }
    assert_false(made(&t)->known);
    t.subject.batch = true;
    assert_true(made(&t)->known && t.backtest.by_runs);
    assert_int_equal(t.backtest.judged_from, made_start + 2 * 86400);
    assert_int_equal(t.backtest.judged_seconds, 9 * 300);
    near(verdict(&t, CPU, CONTENDER_OURS)->time_above, 0);
    t.container.role = ROLE_INIT;
    assert_false(made(&t)->known);
    arena_release(&t.arena);
    /* One resource alone. */
    begin(&t);
    memory.count = 0;
    assert_true(made(&t)->known && t.backtest.judged[CPU] && !t.backtest.judged[MEMORY]);
    arena_release(&t.arena);
}

/* Figures of business hours: these are learned from and judged. */
static void business_hours_are_what_counts(void **state)
{
    (void)state;
    static bool day_time[WEEK_STEPS];
    struct trial t;
    begin(&t);
    for (size_t i = 0; i < WEEK_STEPS; i++) {
        day_time[i] = i % DAY_STEPS >= 96 && i % DAY_STEPS < 216; /* 08:00 to 18:00 */
        made_fill(&cpu, i, i + 1, i % DAY_STEPS < 72 ? 900 : 100, 950);
    }
    made(&t);
    assert_true(verdict(&t, CPU, CONTENDER_OURS)->request >= 900);
    struct figures *use = &t.container.use[CPU];
    struct steps steps = use->steps;
    figures_of_steps(&steps, 0, steps.count, day_time, &t.arena, use);
    use->steps = steps;
    use->only = day_time;
    backtest_make(&t.subject, &t.container, &t.scene, &t.policy, &t.arena, &t.backtest);
    assert_true(verdict(&t, CPU, CONTENDER_OURS)->request < 200);
    near(verdict(&t, CPU, CONTENDER_OURS)->time_above, 0);
    near(verdict(&t, CPU, CONTENDER_TODAY)->slack, 5);
    arena_release(&t.arena);
}

static void other_requests_can_be_asked_about(void **state)
{
    (void)state;
    struct trial t;
    begin(&t);
    made_fill(&cpu, 5 * DAY_STEPS, 6 * DAY_STEPS, 300, 310);
    made(&t);
    near(backtest_ask(&t.backtest, CPU, 299, NAN).time_above, 0.5);
    near(backtest_ask(&t.backtest, CPU, 300, 310).time_above, 0);
    near(backtest_ask(&t.backtest, CPU, 300, 310).over_limit, 0.5);
    near(backtest_ask(&t.backtest, MEMORY, 1, 200 * MI).over_limit, 96);
    t.backtest.judged[CPU] = false;
    struct verdict unknown = backtest_ask(&t.backtest, CPU, 299, 310);
    assert_true(isnan(unknown.time_above) && isnan(unknown.over_limit));
    arena_release(&t.arena);
}

static void random_rows(struct trial *t)
{
    double level = exp2(14 * rng_unit());
    double gaps = rng_unit() < 0.3 ? rng_unit() : 0;
    size_t count = 1 + (size_t)(rng_unit() * 10 * DAY_STEPS);
    cpu.count = memory.count = 0;
    for (size_t i = 0; i < count; i++) {
        double mean = rng_unit() < gaps ? NAN : level * exp2(rng_unit() * rng_unit() * 5);
        made_fill(&cpu, i, i + 1, mean, mean * (1 + rng_unit()));
        made_fill(&memory, i, i + 1, rng_unit() < gaps ? NAN : mean * 4e5, rng_unit() < 0.01 ? NAN : mean * 5e5);
    }
    t->container.request[CPU] = rng_unit() < 0.2 ? AMOUNT_ABSENT : (int64_t)(level * 4 * rng_unit());
    t->container.limit[MEMORY] = rng_unit() < 0.3 ? AMOUNT_ABSENT : 1 + (int64_t)(level * 8e6 * rng_unit());
    t->container.oom_kills = rng_unit() < 0.2 ? 2 : 0;
    t->container.oom_last = made_start + (int64_t)(rng_unit() * 604800);
    t->subject.batch = rng_unit() < 0.2;
    t->scene.per_pod = rng_unit() < 0.5;
    t->policy.limits[CPU] = (enum limits_policy)(rng_next() % 4);
    t->policy.limits[MEMORY] = (enum limits_policy)(rng_next() % 4);
}

static void is_share_or_unknown(double value)
{
    assert_true(isnan(value) || (value >= 0 && value <= 1));
}

static void whatever_the_rows_are(void **state)
{
    (void)state;
    rng_seed(17);
    for (int round = 0; round < 300; round++) {
        struct trial t;
        begin(&t);
        random_rows(&t);
        const struct backtest *b = made(&t);
        assert_true(b->known == !b->reason);
        for (int r = 0; r < RESOURCES && b->known; r++) {
            for (int c = 0; c < CONTENDERS && b->judged[r]; c++) {
                const struct verdict *v = &b->verdicts[r][c];
                is_share_or_unknown(v->time_above);
                is_share_or_unknown(v->peak_above);
                is_share_or_unknown(v->worst_hour);
                is_share_or_unknown(v->starved);
                assert_true(isnan(v->request) || v->request >= 0);
                assert_true(isnan(v->slack) || v->slack >= 0);
                assert_true(isnan(v->over_limit) || v->over_limit >= 0);
                assert_false(isnan(v->request) && isfinite(v->time_above));
                assert_true(isfinite(v->limit) == isfinite(v->over_limit));
                assert_false(c == CONTENDER_OURS && v->request > v->limit);
            }
        }
        arena_release(&t.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_use_fits_everybody),
        cmocka_unit_test(our_number_is_the_formulas_own),
        cmocka_unit_test(figures_are_on_the_scale_of_samples),
        cmocka_unit_test(kills_are_predicted),
        cmocka_unit_test(a_kill_that_was_seen_counts),
        cmocka_unit_test(limits_are_those_of_the_policy),
        cmocka_unit_test(what_is_not_set_is_not_judged),
        cmocka_unit_test(too_little_is_said_so),
        cmocka_unit_test(business_hours_are_what_counts),
        cmocka_unit_test(other_requests_can_be_asked_about),
        cmocka_unit_test(whatever_the_rows_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
