#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/calendars.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/cli/metrics_client.h"
#include "pipeline/cli/stage.h"
#include "pipeline/driver/cluster_check.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/model_check.h"
#include "pipeline/driver/notify.h"
#include "pipeline/driver/schedule.h"
#include "pipeline/driver/size.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/ledger_keep.h"
#include "pipeline/run/window.h"

enum { METRICS_SECONDS = 10 };

/* One check: 0 and what was found in `found`, or -1 with the error. */
typedef int check_function(struct session *session, struct buf *found, struct err *err);

static int check_programs(struct session *session, struct buf *found, struct err *err)
{
    for (size_t i = 0; line_programs[i].stage != NULL; i++) {
        char name[64];
        snprintf(name, sizeof name, "tare-%s", line_programs[i].stage);
        char *path = fs_join(session->bin_directory, name);
        int missing = access(path, X_OK);
        free(path);
        if (missing) {
            err_set(err, ERR_NOINPUT, "%s is not in %s", name, session->bin_directory);
            return err_hint(err, "build or install all of tare into one folder");
        }
    }
    buf_printf(found, "all stages lie in %s", session->bin_directory);
    return 0;
}

static int check_config(struct session *session, struct buf *found, struct err *err)
{
    const char *path = config_path(session->config);
    struct window_set *set = window_set_new();
    json_t *files = NULL;
    int failed = config_calendars(session->config, NULL, &files, err) || config_windows(session->config, files, set, err) ||
                 notify_check_config(session, err);
    buf_printf(found, "%s, %zu change windows", path == NULL ? "no file: defaults" : path, window_set_count(set));
    window_set_free(set);
    json_decref(files);
    return failed;
}

static int check_manifests(struct session *session, struct buf *found, struct err *err)
{
    const json_t *paths = config_value(session->config, "manifests");
    size_t index;
    json_t *path;
    json_array_foreach(paths, index, path)
    {
        if (access(json_string_value(path), R_OK)) {
            err_set(err, ERR_NOINPUT, "the manifests %s are not there", json_string_value(path));
            return err_hint(err, "mend `manifests` in the configuration");
        }
    }
    buf_printf(found, "%zu configured paths", json_array_size(paths));
    return 0;
}

static int check_ledger(struct session *session, struct buf *found, struct err *err)
{
    struct ledger *ledger;
    if (ledger_open_options(session->options, "tare doctor", false, &ledger, err)) {
        return -1;
    }
    buf_printf(found, "%s%s, login %s", ledger_is_private(ledger) ? "private cluster, " : "", ledger_place(ledger),
               ledger_login(ledger));
    struct ledger_audit_verdict verdict;
    json_t *size = NULL;
    int failed = ledger_size(ledger, &size, err) || ledger_audit_verify(ledger, &session->arena, &verdict, err);
    if (!failed) {
        buf_add_str(found, "; ");
        size_sentence(size, found);
    }
    json_decref(size);
    if (!failed && !verdict.intact) {
        failed = err_set(err, ERR_DATA, "the audit trail is broken at event %" PRId64, verdict.broken_at);
    }
    ledger_close(ledger);
    return failed ? -1 : 0;
}

static int check_metrics(struct session *session, struct buf *found, struct err *err)
{
    struct http_client *client = NULL;
    if (metrics_client_new(session->config, options_string(session->options, OPT_PROMETHEUS), METRICS_SECONDS, 1, &client, err)) {
        return -1;
    }
    struct http_request request = {.path = "/api/v1/query?query=1"};
    struct http_reply reply;
    http_reply_init(&reply);
    int failed = http_send(client, &request, &reply, err) || http_reply_check(&reply, METRICS_SERVER, err);
    buf_printf(found, "%s answers", http_client_name(client));
    http_reply_release(&reply);
    http_client_free(client);
    return failed;
}

/* A timer that does not fire is noticed by nobody else. */
static int check_schedules(struct session *session, struct buf *found, struct err *err)
{
    struct ledger *ledger;
    struct buf names;
    size_t overdue = 0;
    size_t all = 0;
    if (ledger_open_options(session->options, "tare doctor", false, &ledger, err)) {
        return -1;
    }
    buf_init(&names, ERR_MESSAGE_MAX / 2);
    int failed = schedule_overdue(ledger, &names, &overdue, &all, err);
    ledger_close(ledger);
    if (!failed && overdue > 0) {
        err_set(err, ERR_TEMPFAIL, "%zu of %zu schedules are overdue, since nothing fires them: %s", overdue, all, buf_str(&names));
        failed = err_hint(err, "look at their timers (systemctl list-timers, crontab -l), or run one: tare run --schedule NAME");
    }
    buf_printf(found, all == 0 ? "there are none" : "%zu, none overdue", all);
    buf_release(&names);
    return failed;
}

struct check {
    const char *name;
    check_function *check;
    bool only_warns; /* a run works without it */
    bool of_cluster; /* several clusters are looked at one by one */
};

static const struct check checks[] = {
    {"programs", check_programs, false, false},   {"configuration", check_config, false, true}, {"manifests", check_manifests, false, true},
    {"ledger", check_ledger, false, false},       {"metrics", check_metrics, false, true},      {"cluster", cluster_check, false, true},
    {"models", model_check, true, true},          {"notify", notify_check_files, true, false},  {"schedules", check_schedules, true, false},
};

/* `cluster` is named where there are several, else NULL. */
static void run_check(struct session *session, const struct check *check, const char *cluster)
{
    struct buf found;
    struct err problem = {0};
    const char *name = cluster == NULL ? "" : cluster;
    const char *colon = cluster == NULL ? "" : ": ";
    buf_init(&found, 4096);
    if (check->check(session, &found, &problem) == 0) {
        printf("ok    %-14s %s%s%s\n", check->name, name, colon, buf_str(&found));
    } else {
        printf("%-5s %-14s %s%s%s\n", check->only_warns ? "warn" : "FAIL", check->name, name, colon, problem.message);
        if (problem.hint[0] != '\0') {
            printf("      %-14s hint: %s\n", "", problem.hint);
        }
        if (session->verdict.class == ERR_NONE && !check->only_warns) {
            err_set(&session->verdict, problem.class, "a run would not work here");
        }
    }
    buf_release(&found);
}

int command_doctor(struct session *session, struct err *err)
{
    if (session_operands(session, 0, 0, "tare doctor", err)) {
        return -1;
    }
    const json_t *clusters = config_value(session->file, "clusters");
    for (size_t i = 0; i < ARRAY_COUNT(checks); i++) {
        if (!checks[i].of_cluster || json_array_size(clusters) == 0) {
            run_check(session, &checks[i], NULL);
            continue;
        }
        for (size_t k = 0; k < json_array_size(clusters); k++) {
            const char *name = json_string_or_null(json_array_get(clusters, k), "cluster");
            session_follow(session, name);
            run_check(session, &checks[i], name);
        }
        session_follow(session, NULL);
    }
    return 0;
}
