/* `tare run --schedule NAME`: asks the ledger whether the schedule is due, takes the instant so that nobody else does, runs what is
 * stored, and puts on record what came of it. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/stage.h"
#include "pipeline/driver/rows.h"
#include "pipeline/driver/schedule.h"
#include "pipeline/io/json.h"
#include "pipeline/run/ledger_schedule.h"

enum { TRIES = 3, BACK_OFF_MS = 1000, CHANGES_MAX = 1000, QUEUE_MS = 1000, GHOST_MS = 500, GHOST_SECONDS = 30, CLOCK_SLACK = 25 * 3600 };

struct firing {
    struct session *session;
    const char *name;
    bool now;             /* whether it is due or not */
    bool json;
    bool queued;
    int64_t wait_until;   /* of the clock that never steps, in ms; 0: nothing was waited for yet */
    int changes;          /* how often the row had moved on */
    int64_t ghost_until;  /* as long the lock of a connection of our own that broke may live on */
    struct err unusable;  /* why what is stored cannot be run */
    json_t *row;
    struct schedule_rule rule;
    struct schedule_answer answer;
};

/* What a round comes to. */
enum step { STEP_AGAIN, STEP_OVER, STEP_RUN };

/* One sentence on standard output, or an object. */
static void tell(const struct firing *firing, const char *state, const char *sentence)
{
    char next[RFC3339_MAX];
    struct buf text;
    buf_init(&text, 400);
    int64_t at = schedule_next(&firing->rule, firing->answer.due != 0 ? firing->answer.due : schedule_row_handled(firing->row));
    if (firing->json) {
        rows_json(json_pack("{s:s, s:s, s:o, s:s}", "schedule", firing->name, "state", state, "message", json_string_safe(sentence),
                            "next_due", time_format(at, next)));
    } else {
        schedule_instant(&firing->rule, json_string_or_null(firing->row, "timezone"), at, &text);
        printf("schedule %s: %s; next due %s\n", firing->name, sentence, buf_str(&text));
    }
    buf_release(&text);
}

static const char *firing_state(const struct firing *firing)
{
    const char *state = json_string_or_null(firing->row, "firing");
    return state == NULL ? "" : state;
}

static int64_t revision(const struct firing *firing)
{
    return json_int_or(firing->row, "revision", 0);
}

/* ---- The work ---- */

/* What the exit code of a run whose process died must have been. */
static int exit_of(const struct ledger_run *run)
{
    if (run->state != LEDGER_FAILED) {
        return 0;
    }
    return run->plan_digest != NULL ? ERR_REFUSED : ERR_SOFTWARE;
}

/* A firing that did its run and died before it could say so: said now. */
static int end_finished(struct firing *firing, struct err *err)
{
    struct ledger *ledger = firing->session->ledger;
    int code = 0;
    size_t index;
    json_t *id;
    json_array_foreach(json_object_get(firing->row, "firing_runs"), index, id)
    {
        struct ledger_run run;
        if (ledger_run_get(ledger, json_integer_value(id), &firing->session->arena, &run, err)) {
            return -1;
        }
        code = code == 0 ? exit_of(&run) : code;
    }
    return ledger_schedule_end(ledger, firing->name, code, "its process ended before it could say so", err);
}

/* Runs of the firing that a dead process left running: *first is the first of them, 0 where there is none. With `fail` they are ended,
 * because a newer instant takes their place. */
static int interrupted(struct firing *firing, bool fail, int64_t *first, struct err *err)
{
    size_t index;
    json_t *id;
    *first = 0;
    json_array_foreach(json_object_get(firing->row, "firing_runs"), index, id)
    {
        struct ledger_run run;
        if (ledger_run_get(firing->session->ledger, json_integer_value(id), &firing->session->arena, &run, err)) {
            return -1;
        }
        if (run.state != LEDGER_RUNNING) {
            continue;
        }
        *first = *first == 0 ? run.id : *first;
        if (fail && ledger_run_fail(firing->session->ledger, run.id,
                                    "its process ended, and a newer run of its schedule takes its place", err)) {
            return -1;
        }
    }
    return 0;
}

static int read_row(struct firing *firing, struct err *err)
{
    schedule_rule_release(&firing->rule);
    json_decref(firing->row);
    firing->row = NULL;
    firing->answer = (struct schedule_answer){.due = 0};
    return ledger_schedule_get(firing->session->ledger, firing->name, &firing->row, err) ||
           schedule_row_rule(firing->row, &firing->rule, err);
}

/* One try: all runs that were begun are gone on with, or a new one is made. Returns the exit code; *said is its sentence. */
static int try_once(struct firing *firing, struct err *said)
{
    struct session *session = firing->session;
    int64_t run = 0;
    int code = 0;
    bool more = true;
    while (more) {
        session->verdict = (struct err){0};
        *said = (struct err){0};
        int failed = read_row(firing, said) || interrupted(firing, false, &run, said) ||
                     schedule_use(session, firing->row, run, said) || command_run(session, said);
        bool stale = failed && said->class == ERR_STALE && run != 0; /* the configuration is another than it began with: begin anew */
        if (failed && (!stale || interrupted(firing, true, &run, said))) {
            return said->class == ERR_NONE ? ERR_SOFTWARE : (int)said->class;
        }
        int64_t left = 0;
        more = stale || (run != 0 && interrupted(firing, false, &left, said) == 0 && left != 0);
        *said = stale ? *said : session->verdict;
        code = code == 0 && !stale ? (int)said->class : code;
    }
    return code;
}

static int give_new_ledger(struct session *session, struct err *err)
{
    ledger_close(session->ledger);
    session->ledger = NULL;
    return ledger_open_options(session->options, "tare", false, &session->ledger, err);
}

/* Tries again what may get better, as for a stage. *lost where the connection broke, and the claim with it. */
static int work(struct firing *firing, bool *lost, struct err *said)
{
    for (int try = 1;; try++) {
        const char *now;
        struct err ignored = {0};
        int code = try_once(firing, said);
        if (code != ERR_TEMPFAIL || try == TRIES) {
            return code;
        }
        *lost = ledger_now(firing->session->ledger, &firing->session->arena, &now, &ignored) != 0;
        if (*lost) {
            return code;
        }
        log_warn("%s; trying again", said->message);
        clock_sleep_ms((int64_t)BACK_OFF_MS << try);
    }
}

/* ---- What to do ---- */

/* The row is not what was reckoned with any more: somebody else was quicker. */
static enum step changed(struct firing *firing, struct err *err)
{
    if (++firing->changes < CHANGES_MAX) {
        return STEP_AGAIN;
    }
    err_set(err, ERR_TEMPFAIL, "the schedule %s is being changed all the time", firing->name);
    return STEP_OVER;
}

/* Ends what a dead process left running, unless somebody goes on with it just now: that run is left to them. */
static int replace_runs(struct firing *firing, struct err *err)
{
    int64_t run;
    if (interrupted(firing, true, &run, err) == 0) {
        return 0;
    }
    if (err->class != ERR_TEMPFAIL || run == 0) {
        return -1;
    }
    log_info("%s; it is left to whoever goes on with it", err->message);
    *err = (struct err){0};
    return 0;
}

/* Deals with the instants without a run. */
static enum step skip(struct firing *firing, bool overlap, const char *reason, struct err *err)
{
    bool done = false;
    char due[RFC3339_MAX];
    bool dead = strcmp(firing_state(firing), "interrupted") == 0;
    if ((dead && !overlap && replace_runs(firing, err)) ||
        ledger_schedule_skip(firing->session->ledger, firing->name, revision(firing), time_format(firing->answer.due, due),
                             firing->answer.missed + (overlap ? 0 : 1), overlap ? 1 : 0, reason, &done, err)) {
        return STEP_OVER;
    }
    if (!done) {
        return changed(firing, err);
    }
    schedule_heartbeat(firing->session);
    tell(firing, overlap ? "skipped" : "missed", reason);
    return STEP_OVER;
}

/* Another run of this schedule is under way. */
static enum step on_busy(struct firing *firing, int64_t run, struct err *err)
{
    char what[120];
    if (run == 0) {
        snprintf(what, sizeof what, "another firing of it is under way");
    } else {
        snprintf(what, sizeof what, "run %" PRId64 " of it is still under way", run);
    }
    if (clock_monotonic_ms() < firing->ghost_until) {
        clock_sleep_ms(GHOST_MS);
        return STEP_AGAIN;
    }
    if (!str_equal(json_string_or_null(firing->row, "overlap"), "queue")) {
        if (!firing->now) {
            return skip(firing, true, what, err);
        }
        err_set(err, ERR_TEMPFAIL, "schedule %s: %s", firing->name, what);
        err_hint(err, "wait for it, or: tare schedule show %s", firing->name);
        return STEP_OVER;
    }
    if (!firing->queued && ledger_schedule_wait(firing->session->ledger, firing->name, &firing->queued, err)) {
        return STEP_OVER;
    }
    if (!firing->queued) {
        tell(firing, "waiting", "another firing of it waits already");
        return STEP_OVER;
    }
    if (firing->wait_until == 0) {
        firing->wait_until = clock_monotonic_ms() + json_int_or(firing->row, "grace_seconds", 0) * 1000;
        log_info("schedule %s: %s; waiting for it", firing->name, what);
    }
    if (clock_monotonic_ms() >= firing->wait_until && !firing->now) {
        return skip(firing, true, what, err);
    }
    if (clock_monotonic_ms() >= firing->wait_until) {
        err_set(err, ERR_TEMPFAIL, "schedule %s: %s, and it was waited for long enough", firing->name, what);
        return STEP_OVER;
    }
    clock_sleep_ms(QUEUE_MS);
    return STEP_AGAIN;
}

static enum step claim(struct firing *firing, struct err *err)
{
    char due[RFC3339_MAX];
    int64_t run = 0;
    enum ledger_claim outcome;
    bool has_due = firing->answer.due != 0;
    const char *instant = has_due ? time_format(firing->answer.due, due) : NULL;
    if (ledger_schedule_claim(firing->session->ledger, firing->name, revision(firing), instant, firing->answer.missed, &outcome, &run,
                              err)) {
        return STEP_OVER;
    }
    if (outcome == LEDGER_CLAIM_BUSY) {
        return on_busy(firing, run, err);
    }
    if (outcome != LEDGER_CLAIMED) {
        return changed(firing, err);
    }
    /* What died in the middle of an older instant stays as it is no longer; it may have died since the row was read. */
    if (firing_state(firing)[0] != '\0' &&
        (!has_due || json_int_or(firing->row, "firing_due", 0) != firing->answer.due) && interrupted(firing, true, &run, err)) {
        return STEP_OVER;
    }
    if (firing->answer.missed > 0) {
        log_info("schedule %s: this run stands for %" PRId64 " missed instant%s too", firing->name, firing->answer.missed,
                 firing->answer.missed == 1 ? "" : "s");
    }
    return STEP_RUN;
}

static enum step late(struct firing *firing, struct err *err)
{
    char reason[200];
    char due[RFC3339_MAX];
    char grace[RFC3339_MAX];
    snprintf(reason, sizeof reason, "missed: %s is past by more than the grace of %s", time_format(firing->answer.due, due),
             duration_format(json_int_or(firing->row, "grace_seconds", 0), grace));
    return skip(firing, false, reason, err);
}

static enum step not_due(struct firing *firing)
{
    bool paused = json_string_or_null(firing->row, "paused") != NULL;
    bool alive = strcmp(firing_state(firing), "alive") == 0;
    tell(firing, paused ? "paused" : alive ? "under way" : "not due",
         paused ? "it is paused, nothing is run" : alive ? "not due, its run is under way" : "not due");
    return STEP_OVER;
}

/* One look at the row, and what it asks for. */
static enum step round_of(struct firing *firing, struct err *err)
{
    if (read_row(firing, err)) {
        return STEP_OVER;
    }
    int64_t now = json_int_or(firing->row, "now", 0);
    const char *state = firing_state(firing);
    if (strcmp(state, "alive") == 0 && clock_monotonic_ms() < firing->ghost_until) {
        clock_sleep_ms(GHOST_MS);
        return STEP_AGAIN;
    }
    if (strcmp(state, "finished") == 0) {
        return end_finished(firing, err) ? STEP_OVER : STEP_AGAIN;
    }
    if (json_int_or(firing->row, "handled", 0) > now + CLOCK_SLACK) {
        log_warn("schedule %s was fired at a time that lies ahead: the clock was set back, and its instants count from now on",
                 firing->name);
        return ledger_schedule_rewind(firing->session->ledger, firing->name, revision(firing), err) ? STEP_OVER : STEP_AGAIN;
    }
    if (json_string_or_null(firing->row, "paused") != NULL) {
        return firing->now ? claim(firing, err) : not_due(firing);
    }
    firing->answer = schedule_judge(&firing->rule, schedule_row_handled(firing->row), now, json_int_or(firing->row, "grace_seconds", 0),
                                    str_equal(json_string_or_null(firing->row, "missed"), "run"));
    if (firing->now || firing->answer.verdict == SCHEDULE_DUE) {
        return claim(firing, err);
    }
    return firing->answer.verdict == SCHEDULE_LATE ? late(firing, err) : not_due(firing);
}

/* Until the row holds still. */
static enum step decide(struct firing *firing, struct err *err)
{
    enum step step = STEP_AGAIN;
    while (step == STEP_AGAIN) {
        step = round_of(firing, err);
    }
    return step;
}

/* Runs what was claimed and says what came of it. */
static int run_claimed(struct firing *firing, bool *lost, struct err *err)
{
    struct session *session = firing->session;
    struct err said = firing->unusable;
    int code = said.class != ERR_NONE ? (int)said.class : work(firing, lost, &said);
    if (*lost) {
        *err = said;
        return -1;
    }
    struct err unsaid = {0};
    if (ledger_schedule_end(session->ledger, firing->name, code, said.message[0] == '\0' ? NULL : said.message, &unsaid)) {
        log_warn("%s", unsaid.message);
    }
    schedule_heartbeat(session);
    session->verdict = (struct err){0};
    if (code == 0) {
        return 0;
    }
    *err = said;
    return -1;
}

static int fire(struct firing *firing, struct err *err)
{
    for (int try = 1;; try++) {
        bool lost = false;
        if (decide(firing, err) != STEP_RUN) {
            return err->class == ERR_NONE ? 0 : -1;
        }
        if (run_claimed(firing, &lost, err) == 0) {
            return 0;
        }
        if (!lost || try == TRIES) {
            return -1;
        }
        log_warn("%s; connecting to the ledger again", err->message);
        clock_sleep_ms((int64_t)BACK_OFF_MS << try);
        *err = (struct err){0};
        if (give_new_ledger(firing->session, err)) {
            return -1;
        }
        firing->ghost_until = clock_monotonic_ms() + (int64_t)GHOST_SECONDS * 1000;
    }
}

int schedule_fire(struct session *session, struct err *err)
{
    struct firing firing = {
        .session = session,
        .name = arena_strdup(&session->arena, options_string(session->options, OPT_SCHEDULE)),
        .now = options_flag(session->options, OPT_NOW),
    };
    int failed = session_json(session, &firing.json, err) || schedule_name(firing.name, err) || schedule_check_typed(session, err) ||
                 ledger_schedule_get(session->ledger, firing.name, &firing.row, err);
    if (!failed) {
        /* What cannot be run is found out now, and told as what came of the firing: skipping needs its heartbeat.file. */
        schedule_use(session, firing.row, 0, &firing.unusable);
        failed = fire(&firing, err);
    }
    schedule_rule_release(&firing.rule);
    json_decref(firing.row);
    return failed ? -1 : 0;
}
