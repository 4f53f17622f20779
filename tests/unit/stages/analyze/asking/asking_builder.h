#ifndef TARE_TESTS_ASKING_BUILDER_H
#define TARE_TESTS_ASKING_BUILDER_H

/* Options, a configuration and made workloads that an analyst is asked about. */

#include <stdio.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "stages/analyze/asking/analyst.h"
#include "tests/unit/stages/analyze/opinion/opinion_builder.h"

enum { MADE_MAX = 200, MADE_WORDS = 12 };

struct made_asking {
    struct options *options;
    struct config *config;
    struct analyst *analyst;
    struct made_plan plans[MADE_MAX];
    char names[MADE_MAX][32];
    struct inquiry inquiries[MADE_MAX];
    size_t count;
    struct err err;
};

/* Options from words, NULL-terminated, and a configuration from the text of `analysis`. */
static inline void made_settings(struct made_asking *made, const char *analysis, const char *const *words)
{
    char text[1024];
    char copies[MADE_WORDS][256] = {"tare-analyze"};
    char *argv[MADE_WORDS + 1] = {copies[0]};
    int argc = 1;
    for (; words && words[argc - 1]; argc++) {
        (void)snprintf(copies[argc], sizeof copies[argc], "%s", words[argc - 1]);
        argv[argc] = copies[argc];
    }
    *made = (struct made_asking){.count = 0};
    assert_int_equal(options_parse(argc, argv, FOR_ANALYZE, "tare-analyze", &made->options, &made->err), 0);
    (void)snprintf(text, sizeof text, "version: 1\nanalysis: {%s}\n", analysis);
    assert_int_equal(config_parse(text, strlen(text), "tare.yaml", &made->config, &made->err), 0);
}

/* shop/Deployment/w0 and so on, all of them too large. */
static inline void made_workloads(struct made_asking *made, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct made_workload workload = {.replicas = 2, .count = 1, .name = made->names[i]};
        (void)snprintf(made->names[i], sizeof made->names[i], "w%zu", i);
        workload.containers[0] = oversized;
        workload.containers[0].name = "app";
        made_usual_use(&workload.containers[0]);
        struct made_plan *plan = &made->plans[i];
        made_plan_of(plan, made_record(&workload));
        made->inquiries[i] = (struct inquiry){
            .number = (int64_t)i, .plan = &plan->plan, .class = &plan->class, .arena = &plan->arena};
    }
    made->count = count;
}

static inline int made_analyst(struct made_asking *made, struct history_out *history)
{
    const struct analyst_options given = {
        .options = made->options, .config = made->config, .history = history, .created = clock_now()};
    return analyst_new(&given, NULL, &made->analyst, &made->err);
}

static inline size_t made_done(const struct made_asking *made)
{
    size_t done = 0;
    for (size_t i = 0; i < made->count; i++) {
        done += made->inquiries[i].done;
    }
    return done;
}

/* Turns until all are done. */
static inline void made_wait(struct made_asking *made)
{
    int64_t until = clock_monotonic_ms() + 60 * 1000;
    while (made_done(made) < made->count) {
        assert_int_equal(analyst_turn(made->analyst, clock_monotonic_ms() + 1000, -1, &made->err), 0);
        assert_true(clock_monotonic_ms() < until);
    }
}

/* Hands all in, one record after the other, and waits. */
static inline void made_ask_all(struct made_asking *made)
{
    for (size_t i = 0; i < made->count; i++) {
        analyst_take(made->analyst, &made->inquiries[i]);
        analyst_passed(made->analyst, made->inquiries[i].number);
    }
    analyst_flush(made->analyst);
    made_wait(made);
}

static inline void made_release(struct made_asking *made)
{
    analyst_free(made->analyst);
    for (size_t i = 0; i < made->count; i++) {
        made_plan_release(&made->plans[i]);
    }
    config_free(made->config);
    options_free(made->options);
}

#endif
