#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/confirm.h"
#include "pipeline/driver/consult.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/reports.h"
#include "pipeline/driver/words.h"

/* "explain" or "json", as tare-report calls them. */
static int format_of(const struct session *session, const char **format, struct err *err)
{
    const char *typed = options_string(session->options, OPT_FORMAT);
    *format = str_equal(typed, "json") ? "json" : "explain";
    if (typed != NULL && !str_equal(typed, "json") && !str_equal(typed, "text")) {
        err_set(err, ERR_USAGE, "--format is \"%s\", it must be text or json here", typed);
        return err_hint(err, "reports have more formats: tare report RUN --format markdown");
    }
    if (options_flag(session->options, OPT_YAML) && typed != NULL) {
        err_set(err, ERR_USAGE, "--yaml prints manifests and nothing else: it goes with no --format");
        return err_hint(err, "leave one of them out");
    }
    return 0;
}

/* The words for tare-report. */
static int print(struct session *session, const struct ledger_run *run, const char *workload,
                 const char *format, struct err *err)
{
    const char *option = options_string(session->options, OPT_OPTION);
    char *words[] = {xasprintf("--format=%s", format), xasprintf("--run=%" PRId64, run->id),
                     xasprintf("--workload=%s", workload),
                     option == NULL ? NULL : xasprintf("--option=%s", option)};
    const char *extra[ARRAY_COUNT(words) + 2] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (words[i] != NULL) {
            extra[count++] = words[i];
        }
    }
    if (options_flag(session->options, OPT_YAML)) {
        extra[count++] = "--yaml";
    }
    int failed = reports_explain(session, run, extra, STDOUT_FILENO, err);
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        free(words[i]);
    }
    return failed;
}

/* Which model it would be is asked of a prompt alone. */
static int check_model(const struct session *session, struct err *err)
{
    static const enum option_id of_prompt[] = {OPT_LLM, OPT_LLM_MODEL, OPT_LLM_URL};
    for (size_t i = 0; i < ARRAY_COUNT(of_prompt); i++) {
        if (options_given(session->options, of_prompt[i])) {
            err_set(err, ERR_USAGE, "--%s says of which model --prompt is to be, and --prompt is not given",
                    option_table()[of_prompt[i]].long_name);
            return err_hint(err, "add --prompt, or leave it out");
        }
    }
    return 0;
}

/* What a model would be sent about the workload. */
static int print_prompt(struct session *session, const struct ledger_run *run, const char *workload, struct err *err)
{
    static const enum option_id others[] = {OPT_FORMAT, OPT_YAML, OPT_OPTION};
    json_t *settings = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (options_given(session->options, others[i])) {
            err_set(err, ERR_USAGE, "--prompt prints what a model would be sent and nothing else: it goes with no --%s",
                    option_table()[others[i]].long_name);
            return err_hint(err, "leave one of them out");
        }
    }
    if (line_stored_settings(run, &settings, err)) {
        return -1;
    }
    if (options_typed(session->options, OPT_CONFIG)) { /* else that of the run */
        json_object_set_new(settings, "config", json_string_safe(session->config_file));
    }
    struct words words = {0};
    words_add(&words, xasprintf("--prompt-for=%s", workload));
    words_add_all(&words, options_forward(session->options, FOR_ANALYZE, false)); /* the model, where one is typed */
    words_add(&words, NULL);
    int failed = consult_run(session, run, settings, (const char *const *)words.items, err);
    words_release(&words);
    json_decref(settings);
    return failed;
}

int command_explain(struct session *session, struct err *err)
{
    int64_t id;
    const char *format;
    struct ledger_run run;
    struct ledger_workload workload;
    if (session_operands(session, 2, 2, "tare explain RUN NAMESPACE/KIND/NAME", err) ||
        session_run_id(session, 0, &id, err) ||
        workload_parse(session, options_operand(session->options, 1), &workload, err) ||
        format_of(session, &format, err) || ledger_run_get(session->ledger, id, &session->arena, &run, err)) {
        return -1;
    }
    if (options_flag(session->options, OPT_PROMPT)) {
        return print_prompt(session, &run, options_operand(session->options, 1), err);
    }
    return check_model(session, err) || print(session, &run, options_operand(session->options, 1), format, err) ? -1 : 0;
}
