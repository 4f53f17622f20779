/* tare, the conductor: finds the command, reads options and configuration, opens the ledger, runs it. */

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/help.h"
#include "pipeline/cli/stage.h"
#include "pipeline/driver/command.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"

static const struct command commands[] = {
    {"run", FOR_RUN, NEEDS_LEDGER, "[PATH…]", "weigh the workloads and make a plan that waits for approval", command_run},
    {"status", FOR_LIST, NEEDS_LEDGER, "[RUN]", "the runs, or one run and what it waits for", command_status},
    {"show", FOR_SHOW, NEEDS_LEDGER, "RUN STAGE", "write the artifact of a stage", command_show},
    {"rerun", FOR_RUN, NEEDS_LEDGER, "RUN [--from STAGE | --replay]", "a new run that takes over what stands before STAGE", command_rerun},
    {"propose", FOR_PROPOSE, NEEDS_LEDGER, "RUN NAMESPACE/KIND/NAME [CONTAINER.]FIELD=AMOUNT…",
     "your own amounts for one workload of a run, as a plan that somebody else approves (requests.cpu=300m, limits.memory=1Gi)",
     command_propose},
    {"report", FOR_PRINT, NEEDS_LEDGER, "RUN", "a run's report: --format markdown, html, csv, json or table", command_report},
    {"explain", FOR_EXPLAIN, NEEDS_LEDGER, "RUN NAMESPACE/KIND/NAME", "one workload of a run, from its samples to its numbers",
     command_explain},
    {"ask", FOR_ASK, NEEDS_LEDGER, "\"QUESTION\" [RUN]", "answer a question about a run from its records alone", command_ask},
    {"gate", FOR_VERDICT, NEEDS_LEDGER, "RUN", "what stands against each change of a run now; --explain: every reason", command_gate},
    {"approve", FOR_APPROVE, NEEDS_LEDGER, "RUN", "approve the plan of a run, or chosen workloads of it", command_approve},
    {"reject", FOR_REJECT, NEEDS_LEDGER, "RUN", "reject the plan of a run, or workloads of it, with a reason", command_reject},
    {"withdraw", FOR_DECIDE, NEEDS_LEDGER, "RUN", "take your own approvals and rejections back", command_withdraw},
    {"apply", FOR_ACT, NEEDS_LEDGER, "RUN", "make the approved changes", command_apply},
    {"rollback", FOR_UNDO, NEEDS_LEDGER, "RUN", "put back exactly what was there", command_rollback},
    {"history", FOR_LIST, NEEDS_LEDGER, "[savings | llm [RUN] | NAMESPACE/KIND/NAME]",
     "recommendations, costs and realized savings over the runs",
     command_history},
    {"drift", FOR_DRIFT, NEEDS_NOTHING, "[PATH…]",
     "where live objects and their manifests disagree in requests, limits and replicas, and who made it so",
     command_drift},
    {"prices", FOR_PRICES, NEEDS_NOTHING, "[list | search WORD… | show INSTANCE | regions]",
     "prices in force, or those there are, and how one came about", command_prices},
    {"windows", FOR_WINDOWS, NEEDS_LEDGER, "", "whether changes are allowed now, and when next", command_windows},
    {"schedule", FOR_SCHEDULE, NEEDS_NOTHING, "[list | show | set | pause | resume | remove | print | install | uninstall] [NAME]",
     "when runs are due, and timers that start them", command_schedule},
    {"notify", FOR_LIST, NEEDS_LEDGER, "[list | send | test [NAME] | retry ID]", "who was told of what; try receivers out", command_notify},
    {"audit", FOR_AUDIT, NEEDS_NOTHING, "verify [FILE] | list [RUN] | export | anchor",
     "check the audit trail, list it, and hand it out to be kept elsewhere", command_audit},
    {"prune", FOR_PRUNE, NEEDS_LEDGER, "", "let go of the bytes of old runs; what happened stays on record", command_prune},
    {"policy", FOR_POLICY, NEEDS_NOTHING, "check FILE | test FILE [CASES] | set FILE | show [DIGEST] | history",
     "check a policy and try it out; set, show and list those that the ledger stores", command_policy},
    {"grant", FOR_GRANT, NEEDS_LEDGER, "[LOGIN --namespace N | --cluster C]",
     "narrow a login to namespaces or a cluster, or list who is", command_grant},
    {"revoke", FOR_GRANT, NEEDS_LEDGER, "LOGIN --namespace N | --cluster C | --all", "take back what narrows a login", command_revoke},
    {"login", FOR_ADMIN, NEEDS_NOTHING, "NAME ROLE…", "make a login in the private cluster: viewer, operator, approver, admin",
     command_login},
    {"server", FOR_ADMIN, NEEDS_NOTHING, "start | stop | status", "the server of the private cluster", command_server},
    {"migrate", FOR_ADMIN, NEEDS_NOTHING, "", "bring the ledger's schema up to this version", command_migrate},
    {"doctor", FOR_ADMIN, NEEDS_NOTHING, "", "check what a run needs", command_doctor},
};

static int usage(FILE *out)
{
    fputs("usage: tare COMMAND [OPTION]…\n\n"
          "Weighs what Kubernetes workloads really use, says what they should ask for and what that is worth,\n"
          "and changes it after approval, with rollback.\n\ncommands:\n",
          out);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\ntare COMMAND --help says more.\n\nexit codes:\n", out);
    help_exit_codes(out, false);
    return help_end(out);
}

static int command_help(const struct command *command)
{
    printf("usage: tare %s %s%s[OPTION]…\n\n%s\n\noptions:\n", command->name, command->operands,
           command->operands[0] == '\0' ? "" : " ", command->summary);
    options_help(command->program, stdout);
    fputs("\nexit codes:\n", stdout);
    help_exit_codes(stdout, false);
    return help_end(stdout);
}

static int find_command(const char *name, const struct command **out, struct err *err)
{
    const char *names[ARRAY_COUNT(commands)];
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        names[i] = commands[i].name;
        if (strcmp(name, commands[i].name) == 0) {
            *out = &commands[i];
            return 0;
        }
    }
    const char *near = str_nearest(name, names, ARRAY_COUNT(names));
    err_set(err, ERR_USAGE, "tare has no command \"%s\"", name);
    return near != NULL ? err_hint(err, "did you mean tare %s?", near) : err_hint(err, "tare --help lists them");
}

/* The option that a word before the command names (`tare --as LOGIN approve 1`), NULL where there is none. */
static const struct option_row *option_of(const char *word)
{
    const struct option_row *rows = option_table();
    size_t length = strcspn(word, "=");
    for (size_t i = 0; i < OPT_COUNT; i++) {
        bool is_long = str_starts(word, "--") && strlen(rows[i].long_name) == length - 2 &&
                       strncmp(word + 2, rows[i].long_name, length - 2) == 0;
        bool is_short = word[1] != '-' && rows[i].short_name != 0 && word[1] == rows[i].short_name;
        if ((rows[i].users & FOR_TARE) != 0 && (is_long || is_short)) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Whether the option's value is the next word. */
static bool value_follows(const struct option_row *option, const char *word)
{
    return option->type != OPTION_FLAG && (word[1] == '-' ? strchr(word, '=') == NULL : word[2] == '\0');
}

static int unknown_option(const char *word, struct err *err)
{
    const char *names[OPT_COUNT];
    for (size_t i = 0; i < OPT_COUNT; i++) {
        names[i] = option_table()[i].long_name;
    }
    const char *near = str_nearest(word + strspn(word, "-"), names, OPT_COUNT);
    err_set(err, ERR_USAGE, "tare has no option %s", word);
    return near != NULL ? err_hint(err, "did you mean --%s? tare COMMAND --help lists what a command takes", near)
                        : err_hint(err, "tare COMMAND --help lists what a command takes");
}

/* *at is the index of the command's word in argv, argc where there is none. ERR_USAGE for an unknown option before it. */
static int command_index(int argc, char **argv, int *at, struct err *err)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-') {
        const struct option_row *option = option_of(argv[i]);
        if (option == NULL) {
            return unknown_option(argv[i], err);
        }
        i += value_follows(option, argv[i]) ? 2 : 1;
    }
    *at = i < argc ? i : argc;
    return 0;
}

static int no_command(int argc, struct err *err)
{
    if (argc == 1) {
        usage(stderr);
        return ERR_USAGE;
    }
    err_set(err, ERR_USAGE, "no command is given");
    err_hint(err, "tare --help lists the commands");
    log_err(err);
    return ERR_USAGE;
}

static int open_session(struct session *session, const struct command *command, struct err *err)
{
    if (session_load_config(session, err) || proc_own_directory(&session->bin_directory, err)) {
        return -1;
    }
    bool looks = command->run == command_run && options_flag(session->options, OPT_ESTIMATE);
    if (command->needs == NEEDS_NOTHING || looks) {
        return 0;
    }
    int failed = ledger_open_options(session->options, "tare", command->needs == NEEDS_ANY_LEDGER, &session->ledger, err);
    if (failed && err->class == ERR_UNAVAILABLE && command->program == FOR_RUN && options_given(session->options, OPT_SCHEDULE)) {
        err->class = ERR_TEMPFAIL; /* a timer started it, and is to try again */
    }
    return failed;
}

static void close_session(struct session *session)
{
    ledger_close(session->ledger);
    session_release_config(session);
    options_free(session->options);
    arena_release(&session->arena);
    free(session->bin_directory);
}

static int run_command(const struct command *command, struct session *session)
{
    struct err err = {0};
    int failed = open_session(session, command, &err) || command->run(session, &err);
    if (!failed && fflush(stdout)) {
        failed = err_set(&err, ERR_IO, "cannot write standard output");
    }
    const struct err *shown = failed ? &err : &session->verdict;
    if (failed && err.class == ERR_NONE) {
        err.class = ERR_SOFTWARE;
    }
    if (shown->message[0] != '\0') {
        log_err(shown);
    }
    int code = (int)shown->class;
    close_session(session);
    return code;
}

static int dispatch(int argc, char **argv, int at)
{
    struct err err = {0};
    const struct command *command = NULL;
    struct session session = {0};
    arena_init(&session.arena);
    if (find_command(argv[at], &command, &err)) {
        log_err(&err);
        return (int)err.class;
    }
    /* The command's word is taken out, so that options may stand on both sides of it. */
    char **words = xcalloc_array((size_t)argc, sizeof *words);
    for (int i = 0, k = 0; i < argc; i++) {
        if (i != at) {
            words[k++] = argv[i];
        }
    }
    char name[64];
    snprintf(name, sizeof name, "tare %s", command->name);
    int failed = options_parse(argc - 1, words, command->program, name, &session.options, &err);
    free(words);
    if (failed) {
        log_err(&err);
        return (int)err.class;
    }
    help_log_init("tare", session.options);
    log_session();
    if (options_flag(session.options, OPT_HELP) || options_flag(session.options, OPT_VERSION)) {
        bool help = options_flag(session.options, OPT_HELP);
        options_free(session.options);
        return help ? command_help(command) : help_version("tare");
    }
    return run_command(command, &session);
}

int main(int argc, char **argv)
{
    fs_take_standard_streams();
    json_init();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    log_init("tare", LOG_TEXT, LOG_INFO);
    struct err err = {0};
    if (clock_init(&err)) {
        log_err(&err);
        return (int)err.class;
    }
    int at = argc;
    if (command_index(argc, argv, &at, &err)) {
        log_err(&err);
        return (int)err.class;
    }
    for (int i = 1; i < at; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return usage(stdout);
        }
        if (strcmp(argv[i], "--version") == 0) {
            return help_version("tare");
        }
    }
    if (at == argc) {
        return no_command(argc, &err);
    }
    return dispatch(argc, argv, at);
}
