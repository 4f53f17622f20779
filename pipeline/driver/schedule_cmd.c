#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/stage.h"
#include "pipeline/driver/schedule.h"
#include "pipeline/io/json.h"
#include "pipeline/run/ledger_schedule.h"

static const char usage[] = "tare schedule list | show NAME | set NAME --daily 03:00 [-- what tare run takes] | pause NAME | resume NAME | "
                            "remove NAME | print NAME --format systemd|crontab|cronjob | install NAME | uninstall NAME";

/* ---- set ---- */

/* The cron text of whichever of --cron, --daily, --weekly and --monthly was given. *out new. */
static int rule_text(struct session *session, char **out, struct err *err)
{
    static const struct {
        enum option_id option;
        int (*read)(const char *text, char **out, struct err *err);
    } kinds[] = {{OPT_DAILY, schedule_daily}, {OPT_WEEKLY, schedule_weekly}, {OPT_MONTHLY, schedule_monthly}};
    const char *cron = options_string(session->options, OPT_CRON);
    size_t given = cron != NULL;
    size_t which = 0;
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (options_given(session->options, kinds[i].option)) {
            which = i;
            given++;
        }
    }
    if (given != 1) {
        err_set(err, ERR_USAGE, given == 0 ? "when the runs are due is missing" : "when the runs are due is said twice");
        return err_hint(err, "give one of --cron \"0 3 * * 1\", --daily 03:00, --weekly mon@03:00 and --monthly 1@03:00");
    }
    if (cron == NULL) {
        return kinds[which].read(options_string(session->options, kinds[which].option), out, err);
    }
    *out = xstrdup(cron);
    return 0;
}

/* Refuses a rule that cannot be, from the command line it is a usage error. */
static int check_rule(const struct ledger_schedule *schedule, struct schedule_rule *rule, struct err *err)
{
    if (schedule_rule_read(schedule->cron, schedule->timezone, rule, err)) {
        err->class = ERR_USAGE;
        return -1;
    }
    if (schedule->grace_seconds < SCHEDULE_GRACE_MIN || schedule->grace_seconds > SCHEDULE_GRACE_MAX) {
        err_set(err, ERR_USAGE, "--grace is %" PRId64 " seconds, it must lie between a minute and 31 days", schedule->grace_seconds);
        return err_hint(err, "as in --grace 1h");
    }
    return 0;
}

static int keep(struct session *session, const struct ledger_schedule *schedule, const struct schedule_rule *rule, struct err *err)
{
    bool made;
    struct buf next;
    if (ledger_schedule_set(session->ledger, schedule, &made, err)) {
        return -1;
    }
    buf_init(&next, 200);
    schedule_instant(rule, schedule->timezone, schedule_next(rule, clock_now()), &next);
    printf("schedule %s is %s: next due %s\n", schedule->name, made ? "made" : "changed", buf_str(&next));
    printf("next: tare schedule install %s --format systemd, or print it: tare schedule print %s --format systemd|crontab|cronjob\n",
           schedule->name, schedule->name);
    buf_release(&next);
    return 0;
}

static int set(struct session *session, const char *name, struct err *err)
{
    size_t count = options_operands(session->options) - 2;
    char **words = xcalloc_array(count, sizeof *words);
    char *cron = NULL;
    json_t *request = NULL;
    struct schedule_rule rule = {.tz = NULL};
    struct ledger_schedule schedule = {
        .name = name,
        .timezone = options_string(session->options, OPT_TIMEZONE),
        .overlap = options_string(session->options, OPT_OVERLAP),
        .missed = options_string(session->options, OPT_MISSED),
        .grace_seconds = options_integer(session->options, OPT_GRACE, NULL),
    };
    for (size_t i = 0; i < count; i++) {
        words[i] = xstrdup(options_operand(session->options, i + 2));
    }
    int failed = rule_text(session, &cron, err);
    if (!failed) {
        schedule.cron = cron;
        failed = check_rule(&schedule, &rule, err) || schedule_request(session, words, count, &request, &schedule.cluster, err);
    }
    schedule.request = request;
    failed = failed || keep(session, &schedule, &rule, err);
    schedule_rule_release(&rule);
    json_decref(request);
    free(cron);
    for (size_t i = 0; i < count; i++) {
        free(words[i]);
    }
    free(words);
    return failed ? -1 : 0;
}

/* ---- The other verbs ---- */

static int list(struct session *session, const char *name, struct err *err)
{
    return name == NULL ? schedule_list(session, err) : schedule_show(session, name, err);
}

static int pause_or_resume(struct session *session, const char *name, bool paused, struct err *err)
{
    bool changed;
    if (ledger_schedule_pause(session->ledger, name, paused, &changed, err)) {
        return -1;
    }
    printf("schedule %s is %s%s\n", name, changed ? "" : "already ", paused ? "paused: its timer may go on, nothing is run" : "resumed");
    return 0;
}

static int halt(struct session *session, const char *name, struct err *err)
{
    return pause_or_resume(session, name, true, err);
}

static int resume(struct session *session, const char *name, struct err *err)
{
    return pause_or_resume(session, name, false, err);
}

static int forget(struct session *session, const char *name, struct err *err)
{
    if (ledger_schedule_remove(session->ledger, name, err)) {
        return -1;
    }
    printf("schedule %s is removed; its runs stay. "
           "Where a timer was installed: tare schedule uninstall %s --format systemd|crontab\n", name,
           name);
    return 0;
}

/* ---- print, install, uninstall ---- */

static int need_form(struct session *session, const char *verb, enum schedule_form *form, struct err *err)
{
    static const char *const words[] = {"systemd", "crontab", "cronjob"};
    const char *wanted = options_string(session->options, OPT_FORMAT);
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (str_equal(wanted, words[i])) {
            *form = (enum schedule_form)i;
            return 0;
        }
    }
    err_set(err, ERR_USAGE, "tare schedule %s needs --format %s", verb,
            strcmp(verb, "print") == 0 ? "systemd, crontab or cronjob" : "systemd or crontab");
    return err_hint(err, "as in: tare schedule %s NAME --format systemd", verb);
}

static int print(struct session *session, const char *name, struct err *err)
{
    json_t *row;
    enum schedule_form form;
    struct schedule_files files;
    if (need_form(session, "print", &form, err) || ledger_schedule_get(session->ledger, name, &row, err)) {
        return -1;
    }
    int failed = schedule_files_make(session, row, form, &files, err);
    if (!failed) {
        printf("%s%s%s%s", buf_str(&files.service), form == SCHEDULE_SYSTEMD ? "\n" : "", buf_str(&files.timer), buf_str(&files.lines));
    }
    schedule_files_release(&files);
    json_decref(row);
    return failed;
}

static int install(struct session *session, const char *name, struct err *err)
{
    json_t *row;
    enum schedule_form form;
    if (need_form(session, "install", &form, err) || ledger_schedule_get(session->ledger, name, &row, err)) {
        return -1;
    }
    int failed = schedule_install(session, name, row, form, err);
    json_decref(row);
    return failed;
}

/* Also of a schedule that was removed. */
static int uninstall(struct session *session, const char *name, struct err *err)
{
    enum schedule_form form;
    return need_form(session, "uninstall", &form, err) ? -1 : schedule_install(session, name, NULL, form, err);
}

static const struct verb {
    const char *word;
    int (*run)(struct session *session, const char *name, struct err *err);
    size_t most; /* operands, the verb's word among them */
    bool ledger;
} verbs[] = {
    {"list", list, 1, true},   {"show", list, 2, true},     {"set", set, SIZE_MAX, true},
    {"pause", halt, 2, true},       {"resume", resume, 2, true}, {"remove", forget, 2, true},
    {"print", print, 2, true},       {"install", install, 2, true}, {"uninstall", uninstall, 2, false},
};

static int run_verb(struct session *session, const struct verb *verb, struct err *err)
{
    const char *name = NULL;
    if (verb->most > 1) {
        if (session_operands(session, 2, verb->most, usage, err)) {
            return -1;
        }
        name = options_operand(session->options, 1);
        if (schedule_name(name, err)) {
            return -1;
        }
    } else if (session_operands(session, 0, 1, usage, err)) {
        return -1;
    }
    if (verb->ledger && ledger_open_options(session->options, "tare schedule", false, &session->ledger, err)) {
        return -1;
    }
    return verb->run(session, name, err);
}

int command_schedule(struct session *session, struct err *err)
{
    const char *word = options_operands(session->options) == 0 ? "list" : options_operand(session->options, 0);
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        if (strcmp(verbs[i].word, word) == 0) {
            return run_verb(session, &verbs[i], err);
        }
    }
    err_set(err, ERR_USAGE, "tare schedule has list, show, set, pause, resume, remove, print, install and uninstall, not \"%s\"", word);
    return err_hint(err, "usage: %s", usage);
}
