#include "stages/notify/notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/receivers.h"
#include "pipeline/run/ledger.h"
#include "stages/notify/deliver.h"

/* A lease outlasts the try it is for. */
enum { LEASE_SPARE_SECONDS = 10, NAP_MAX_MS = 5000 };

struct state {
    struct receivers receivers;
    bool *chosen;     /* of each receiver */
    json_t *names;    /* of the chosen ones */
    json_t *pace;     /* [{"name","interval_seconds"}] */
    json_t *unsent;   /* by id: what was tried and did not get there, why */
    int64_t lease_seconds;
    int64_t sent;
};

static const struct receiver *find_receiver(const struct state *state, const char *name)
{
    for (size_t i = 0; i < state->receivers.count; i++) {
        if (state->chosen[i] && str_equal(state->receivers.items[i].name, name)) {
            return &state->receivers.items[i];
        }
    }
    return NULL;
}

static int unknown_receiver(const struct state *state, const char *name, struct err *err)
{
    const char **names = xcalloc_array(state->receivers.count, sizeof *names);
    for (size_t i = 0; i < state->receivers.count; i++) {
        names[i] = state->receivers.items[i].name;
    }
    const char *near = str_nearest(name, names, state->receivers.count);
    err_set(err, ERR_USAGE, "no receiver is called \"%s\"", name);
    near == NULL ? err_hint(err, "receivers are the entries of `notify` in tare.yaml") : err_hint(err, "did you mean %s?", near);
    free(names);
    return -1;
}

/* All receivers, or those that --receiver names. */
static int choose(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    size_t wanted = options_list_count(stage->options, OPT_RECEIVER);
    state->chosen = xcalloc_array(state->receivers.count, sizeof *state->chosen);
    for (size_t i = 0; i < state->receivers.count; i++) {
        state->chosen[i] = true;
    }
    for (size_t k = 0; k < wanted; k++) {
        if (find_receiver(state, options_list_item(stage->options, OPT_RECEIVER, k)) == NULL) {
            return unknown_receiver(state, options_list_item(stage->options, OPT_RECEIVER, k), err);
        }
    }
    for (size_t i = 0; i < state->receivers.count && wanted > 0; i++) {
        state->chosen[i] = false;
        for (size_t k = 0; k < wanted; k++) {
            state->chosen[i] |= str_equal(state->receivers.items[i].name, options_list_item(stage->options, OPT_RECEIVER, k));
        }
    }
    return 0;
}

static int begin(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    state->names = json_array();
    state->pace = json_array();
    state->unsent = json_object();
    if (receivers_load(stage->config, &state->receivers, err) || choose(stage, err)) {
        return -1;
    }
    for (size_t i = 0; i < state->receivers.count; i++) {
        const struct receiver *receiver = &state->receivers.items[i];
        if (!state->chosen[i]) {
            continue;
        }
        json_array_append_new(state->names, json_string(receiver->name));
        json_array_append_new(state->pace, json_pack("{s:s, s:I}", "name", receiver->name, "interval_seconds",
                                                     (json_int_t)receiver->interval_seconds));
        if (receiver->timeout_seconds + LEASE_SPARE_SECONDS > state->lease_seconds) {
            state->lease_seconds = receiver->timeout_seconds + LEASE_SPARE_SECONDS;
        }
    }
    return 0;
}

/* Tells each chosen receiver's verdict; the first failure is this program's. */
static void tell(struct stage *stage, const struct receiver *receiver, const struct err *problem, const char *good)
{
    if (problem == NULL) {
        log_info("%s: %s", receiver->name, good);
        return;
    }
    log_err(problem);
    if (stage->verdict.class == ERR_NONE) {
        err_set(&stage->verdict, problem->class, "not every receiver can be reached");
    }
}

static void check_all(struct stage *stage)
{
    struct state *state = stage->state;
    for (size_t i = 0; i < state->receivers.count; i++) {
        struct err problem = {0};
        if (state->chosen[i]) {
            bool bad = deliver_check(&state->receivers.items[i], &problem);
            tell(stage, &state->receivers.items[i], bad ? &problem : NULL, "its files can be used");
        }
    }
}

/* A made-up message. What it raises at PagerDuty is settled at once. */
static void test_one(struct stage *stage, const struct receiver *receiver)
{
    const char *cluster = config_string(stage->config, "cluster");
    char id[64];
    struct message message;
    struct attempt attempt;
    json_t *facts = message_sample(cluster == NULL ? "default" : cluster);
    snprintf(id, sizeof id, "test-%016" PRIx64, rng_next());
    message_init(&message, facts, id);
    deliver(receiver, &message, &attempt);
    if (attempt.outcome == ATTEMPT_SENT && receiver->type == RECEIVER_PAGERDUTY) {
        message.over = true;
        deliver(receiver, &message, &attempt);
    }
    tell(stage, receiver, attempt.outcome == ATTEMPT_SENT ? NULL : &attempt.err, "the test message was sent");
    message_release(&message);
    json_decref(facts);
}

static void test_all(struct stage *stage)
{
    struct state *state = stage->state;
    for (size_t i = 0; i < state->receivers.count; i++) {
        if (state->chosen[i]) {
            test_one(stage, &state->receivers.items[i]);
        }
    }
}

/* What came of a try, to the outbox and to whoever reads along. */
static int record(struct stage *stage, const json_t *row, const struct receiver *receiver, const struct attempt *attempt, struct err *err)
{
    struct state *state = stage->state;
    int64_t id = json_int_or(row, "id", 0);
    int64_t attempts = json_int_or(row, "attempts", 1);
    char key[32];
    struct backoff next = backoff_after(receiver, attempt, attempts, json_int_or(row, "age_seconds", 0), rng_unit());
    struct ledger_notify_end end = {
        .id = id,
        .lease = json_string_or_null(row, "lease"),
        .outcome = next.outcome,
        .error = attempt->outcome == ATTEMPT_SENT ? NULL : attempt->err.message,
        .wait_ms = next.wait_ms,
        .pause_ms = next.pause_ms,
    };
    snprintf(key, sizeof key, "%" PRId64, id);
    const char *event = json_string_or_null(row, "event");
    if (attempt->outcome == ATTEMPT_SENT) {
        log_info("%s: told of run %" PRId64 " (%s)", receiver->name, json_int_or(row, "run", 0), event);
        json_object_del(state->unsent, key);
        state->sent++;
    } else {
        json_object_set_new(state->unsent, key, json_string_safe(attempt->err.message));
        log_warn("%s%s", attempt->err.message, str_equal(next.outcome, "waiting") ? "; it will be tried again" : "; given up");
    }
    return ledger_notify_done(stage->ledger, &end, err);
}

static int handle(struct stage *stage, const json_t *row, struct err *err)
{
    struct message message;
    struct attempt attempt;
    const struct receiver *receiver = find_receiver(stage->state, json_string_or_null(row, "receiver"));
    const char *token = json_string_or_null(row, "token");
    if (receiver == NULL || token == NULL) {
        return err_set(err, ERR_SOFTWARE, "the ledger gave a notification that nobody asked for");
    }
    message_init(&message, json_object_get(row, "facts"), token);
    deliver(receiver, &message, &attempt);
    message_release(&message);
    return record(stage, row, receiver, &attempt, err);
}

/* Takes what is due, one after the other, and waits for what becomes due before `deadline`. */
static int deliver_due(struct stage *stage, int64_t deadline, struct err *err)
{
    struct state *state = stage->state;
    for (;;) {
        json_t *row;
        int64_t wait;
        if (ledger_notify_take(stage->ledger, state->pace, state->lease_seconds, &row, err)) {
            return -1;
        }
        if (row != NULL) {
            int failed = handle(stage, row, err);
            json_decref(row);
            if (failed) {
                return -1;
            }
            continue;
        }
        if (ledger_notify_next(stage->ledger, state->names, &wait, err)) {
            return -1;
        }
        int64_t left = deadline - clock_monotonic_ms();
        if (wait < 0 || wait >= left) {
            return 0;
        }
        /* Never quite no time: what is due may be under way at somebody else's. */
        clock_sleep_ms(wait > NAP_MAX_MS ? NAP_MAX_MS : wait + 10);
    }
}

static void sum_up(struct stage *stage)
{
    struct state *state = stage->state;
    const char *id;
    json_t *why;
    json_object_foreach(state->unsent, id, why)
    {
        if (stage->verdict.class == ERR_NONE) {
            err_set(&stage->verdict, ERR_UNAVAILABLE, "%zu of %zu notifications could not be sent: %s", json_object_size(state->unsent),
                    json_object_size(state->unsent) + (size_t)state->sent, json_string_value(why));
            err_hint(&stage->verdict, "tare notify list");
        }
    }
}

static int run(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    if (json_array_size(state->names) == 0) {
        log_info("nobody is to be told: tare.yaml has no `notify`");
        return 0;
    }
    if (options_flag(stage->options, OPT_CHECK)) {
        check_all(stage);
        return 0;
    }
    if (options_flag(stage->options, OPT_TEST)) {
        test_all(stage);
        return 0;
    }
    int64_t deadline = clock_monotonic_ms() + options_integer(stage->options, OPT_WAIT, NULL) * 1000;
    if (ledger_open_running(stage->options, "tare-notify", &stage->ledger, err) ||
        (options_flag(stage->options, OPT_NOW) && ledger_notify_hurry(stage->ledger, state->names, err)) ||
        deliver_due(stage, deadline, err)) {
        return -1;
    }
    sum_up(stage);
    return 0;
}

static void release(struct stage *stage)
{
    struct state *state = stage->state;
    receivers_release(&state->receivers);
    free(state->chosen);
    json_decref(state->names);
    json_decref(state->pace);
    json_decref(state->unsent);
}

const struct stage_spec notify_stage = {
    .name = "notify",
    .program = FOR_NOTIFY,
    .summary = "tells people what became of runs: delivers what waits in the ledger",
    .writes = ARTIFACT_NONE,
    .state_size = sizeof(struct state),
    .begin = begin,
    .run = run,
    .release = release,
};
