#include "stages/policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/run/ledger.h"
#include "pipeline/run/ledger_policy.h"
#include "reports/text/sink.h"
#include "stages/policy/cases.h"
#include "stages/policy/lint.h"
#include "stages/policy/trial.h"

struct policy_state {
    struct config *file;
    struct ledger *ledger; /* NULL: none was asked for */
    json_t *stored;        /* the policy of the ledger, NULL where there is none or nobody asked */
    bool against;          /* the file is a run's own, beside the stored policy */
    bool json;
    struct report_sink sink;
};

static int read_format(const struct stage *stage, struct policy_state *state, struct err *err)
{
    const char *format = options_string(stage->options, OPT_FORMAT);
    state->json = str_equal(format, "json");
    if (format != NULL && !state->json && !str_equal(format, "table") && !str_equal(format, "tap")) {
        err_set(err, ERR_USAGE, "--format is \"%s\", it must be json, or tap for tare policy test", format);
        return err_hint(err, "without it people can read what is printed");
    }
    return 0;
}

/* The ledger is asked only where somebody names it, so that a file can be checked anywhere; what is to be stored there takes the place
 * of the stored policy and is not compared with it, but people must be able to have the roles it names. */
static int open_ledger(struct stage *stage, struct policy_state *state, struct err *err)
{
    const char *against = options_string(stage->options, OPT_AGAINST);
    bool set = str_equal(options_operand(stage->options, 0), "set");
    state->against = !set && (against != NULL || options_typed(stage->options, OPT_DATABASE));
    if (against != NULL && !str_equal(against, "stored")) {
        err_set(err, ERR_USAGE, "--against is \"%s\"; a file can be compared with what is stored", against);
        return err_hint(err, "write --against stored");
    }
    if ((set || state->against) && ledger_open_options(stage->options, "tare-policy", false, &state->ledger, err)) {
        return -1;
    }
    return state->against ? ledger_policy_get(state->ledger, &state->stored, err) : 0;
}

static void print_json(struct policy_state *state, const json_t *value)
{
    char *text = json_text(value);
    buf_printf(&state->sink.out, "%s\n", text);
    free(text);
}

/* Whether the file would be refused beside the stored policy. */
static void check_against(const struct policy_state *state, struct findings *findings)
{
    struct inforce inforce;
    struct err err = {0};
    if (inforce_join_files(json_string_or_null(state->stored, "text"), json_object_get(state->stored, "files"), state->file, &inforce,
                           &err)) {
        findings_error(findings, &err);
    }
    inforce_release(&inforce);
}

static void say_each(const json_t *list, bool error)
{
    size_t index = 0;
    const json_t *entry = NULL;
    json_array_foreach(list, index, entry)
    {
        struct err err = {0};
        err_set(&err, ERR_CONFIG, "%s", json_string_or_null(entry, "message"));
        const char *hint = json_string_or_null(entry, "hint");
        if (hint != NULL) {
            err_hint(&err, "%s", hint);
        }
        if (error) {
            log_err(&err);
        } else {
            log_warn("%s [%s]", err.message, json_string_or_null(entry, "code"));
        }
    }
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void print_check(struct policy_state *state, const struct findings *findings)
{
    size_t errors = json_array_size(findings->errors);
    size_t warnings = json_array_size(findings->warnings);
    const char *digest = json_string_or_null(state->stored, "digest");
    if (state->json) {
        json_t *all = json_object();
        json_object_set_new(all, "file", json_string_safe(config_path(state->file)));
        json_object_set(all, "errors", findings->errors);
        json_object_set(all, "warnings", findings->warnings);
        json_object_set_new(all, "against", json_string_safe(digest));
        print_json(state, all);
        json_decref(all);
        return;
    }
    say_each(findings->warnings, false);
    say_each(findings->errors, true);
    buf_printf(&state->sink.out, "%s: %zu error%s, %zu warning%s\n", config_path(state->file), errors, plural(errors), warnings,
               plural(warnings));
    if (state->against && errors == 0 && digest == NULL) {
        buf_printf(&state->sink.out, "no policy is stored: it would count as it stands\n");
    } else if (state->against && errors == 0) {
        buf_printf(&state->sink.out, "as a run's own file it is no weaker than the stored policy %s\n", digest);
    }
}

static int check(struct stage *stage, struct err *err)
{
    struct policy_state *state = stage->state;
    struct findings findings;
    json_t *roles = NULL;
    if (config_load(options_operand(stage->options, 1), &state->file, err) || open_ledger(stage, state, err)) {
        return -1;
    }
    json_t *asked = lint_roles(state->file);
    int failed = state->ledger != NULL && ledger_roles_known(state->ledger, asked, &roles, err);
    json_decref(asked);
    if (failed) {
        return -1;
    }
    lint(state->file, clock_now(), roles, &findings);
    if (state->against && json_array_size(findings.errors) == 0) {
        check_against(state, &findings);
    }
    print_check(state, &findings);
    size_t errors = json_array_size(findings.errors);
    size_t warnings = json_array_size(findings.warnings);
    if (errors > 0) {
        err_set(&stage->verdict, ERR_CONFIG, "%s has %zu error%s", config_path(state->file), errors, plural(errors));
    } else if (warnings > 0 && options_flag(stage->options, OPT_STRICT)) {
        err_set(&stage->verdict, ERR_CONFIG, "%s has %zu warning%s, and --strict takes none", config_path(state->file), warnings,
                plural(warnings));
    }
    findings_release(&findings);
    json_decref(roles);
    return 0;
}

/* FILE with .test.yaml in place of .yaml. New. */
static char *cases_beside(const char *path)
{
    size_t length = strlen(path);
    size_t cut = str_ends(path, ".yaml") ? 5 : str_ends(path, ".yml") ? 4 : 0;
    return xasprintf("%.*s.test.yaml", (int)(length - cut), path);
}

static void print_trial(struct buf *out, const json_t *trial, size_t number)
{
    bool ok = json_is_true(json_object_get(trial, "ok"));
    size_t index = 0;
    const json_t *entry = NULL;
    buf_printf(out, "%sok %zu - %s\n", ok ? "" : "not ", number, json_string_or_null(trial, "name"));
    json_array_foreach(json_object_get(trial, "differences"), index, entry)
    {
        char *expected = json_text(json_object_get(entry, "expected"));
        char *got = json_text(json_object_get(entry, "got"));
        buf_printf(out, "# line %lld: %s should be %s and is %s\n", (long long)json_int_or(trial, "line", 0),
                   json_string_or_null(entry, "key"), expected, got);
        free(expected);
        free(got);
    }
    json_array_foreach(json_object_get(trial, "reasons"), index, entry)
    {
        if (!ok) {
            buf_printf(out, "#   %s %s: %s\n", json_is_true(json_object_get(entry, "ok")) ? "ok  " : "FAIL",
                   json_string_or_null(entry, "code"), json_string_or_null(entry, "message"));
        }
    }
}

static void print_trials(struct policy_state *state, json_t *trials, size_t wrong)
{
    size_t count = json_array_size(trials);
    size_t index = 0;
    const json_t *trial = NULL;
    if (state->json) {
        json_t *all = json_object();
        json_object_set(all, "cases", trials);
        json_object_set_new(all, "passed", json_integer((json_int_t)(count - wrong)));
        json_object_set_new(all, "failed", json_integer((json_int_t)wrong));
        print_json(state, all);
        json_decref(all);
        return;
    }
    struct buf *out = &state->sink.out;
    buf_printf(out, "1..%zu\n", count);
    json_array_foreach(trials, index, trial)
    {
        print_trial(out, trial, index + 1);
    }
    buf_printf(out, "# %zu of %zu case%s as expected\n", count - wrong, count, plural(count));
}

static int run_cases(struct stage *stage, const char *path, struct err *err)
{
    struct policy_state *state = stage->state;
    struct inforce inforce;
    json_t *cases = NULL;
    json_t *trials = json_array();
    size_t wrong = 0;
    size_t index = 0;
    const json_t *one = NULL;
    int failed = inforce_join_files(json_string_or_null(state->stored, "text"), json_object_get(state->stored, "files"), state->file,
                                    &inforce, err) ||
                 cases_load(path, &cases, err);
    json_array_foreach(cases, index, one)
    {
        json_t *trial = trial_run(&inforce, one, clock_now());
        wrong += !json_is_true(json_object_get(trial, "ok"));
        json_array_append_new(trials, trial);
    }
    if (!failed) {
        print_trials(state, trials, wrong);
    }
    if (!failed && wrong > 0) {
        err_set(&stage->verdict, ERR_DATA, "%zu of %zu case%s came out otherwise than %s says", wrong, json_array_size(cases),
                plural(json_array_size(cases)), path);
    }
    inforce_release(&inforce);
    json_decref(cases);
    json_decref(trials);
    return failed ? -1 : 0;
}

static int test(struct stage *stage, struct err *err)
{
    struct policy_state *state = stage->state;
    const char *file = options_operand(stage->options, 1);
    if (config_load(file, &state->file, err) || open_ledger(stage, state, err)) {
        return -1;
    }
    char *beside = cases_beside(file);
    bool named = options_operands(stage->options) > 2;
    int failed = run_cases(stage, named ? options_operand(stage->options, 2) : beside, err);
    free(beside);
    if (failed && err->class == ERR_NOINPUT && err->hint[0] == '\0') {
        err_hint(err, named ? "name the file with the cases: tare policy test FILE CASES"
                            : "write cases there, or name their file: tare policy test FILE CASES");
    }
    return failed;
}

static int run(struct stage *stage, struct err *err)
{
    static const char usage[] = "usage: tare-policy check FILE | set FILE | test FILE [CASES]";
    size_t count = options_operands(stage->options);
    const char *what = count == 0 ? "" : options_operand(stage->options, 0);
    struct policy_state *state = stage->state;
    sink_init(&state->sink, STDOUT_FILENO);
    if (read_format(stage, state, err)) {
        return -1;
    }
    if ((str_equal(what, "check") || str_equal(what, "set")) && count == 2) {
        return check(stage, err) || sink_finish(&state->sink, err) ? -1 : 0;
    }
    if (str_equal(what, "test") && (count == 2 || count == 3)) {
        return test(stage, err) || sink_finish(&state->sink, err) ? -1 : 0;
    }
    err_set(err, ERR_USAGE, count == 0 ? "tare-policy is told neither check, set nor test" : "tare-policy %s is not understood", what);
    return err_hint(err, "%s", usage);
}

static void release(struct stage *stage)
{
    struct policy_state *state = stage->state;
    config_free(state->file);
    ledger_close(state->ledger);
    json_decref(state->stored);
    sink_release(&state->sink);
}

const struct stage_spec policy_stage = {
    .name = "policy",
    .program = FOR_POLICY,
    .summary = "checks a policy file, or runs the cases that stand beside it",
    .operands = "check FILE | set FILE | test FILE [CASES]",
    .writes = ARTIFACT_NONE,
    .state_size = sizeof(struct policy_state),
    .run = run,
    .release = release,
};
