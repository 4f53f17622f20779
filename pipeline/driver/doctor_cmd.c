#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/cli/stage.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/line.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/http.h"
#include "pipeline/run/window.h"

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
    int failed = config_windows(session->config, set, err);
    buf_printf(found, "%s, %zu change windows", path == NULL ? "no file: defaults" : path, window_set_count(set));
    window_set_free(set);
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
    int failed = ledger_audit_verify(ledger, &session->arena, &verdict, err);
    if (!failed && !verdict.intact) {
        failed = err_set(err, ERR_DATA, "the audit trail is broken at event %" PRId64, verdict.broken_at);
    }
    ledger_close(ledger);
    return failed;
}

static int check_metrics(struct session *session, struct buf *found, struct err *err)
{
    struct http_options options = {
        .what = "the metrics server",
        .url = options_string(session->options, OPT_PROMETHEUS),
        .tries = 1,
        .timeout_seconds = 10,
        .bearer_token_file = config_string(session->config, "metrics.bearer_token_file"),
        .username = config_string(session->config, "metrics.basic.username"),
        .password_file = config_string(session->config, "metrics.basic.password_file"),
        .ca_file = config_string(session->config, "metrics.tls.ca"),
        .certificate_file = config_string(session->config, "metrics.tls.certificate"),
        .key_file = config_string(session->config, "metrics.tls.key"),
    };
    if (options.url == NULL) {
        err_set(err, ERR_CONFIG, "no Prometheus server is configured");
        return err_hint(err, "set metrics.prometheus in tare.yaml, or give tare run --prometheus URL");
    }
    struct http_client *client;
    if (http_client_new(&options, &client, err)) {
        return -1;
    }
    struct http_request request = {.path = "/api/v1/query?query=1"};
    struct http_reply reply;
    http_reply_init(&reply);
    int failed = http_send(client, &request, &reply, err) || http_reply_check(&reply, options.what, err);
    buf_printf(found, "%s answers", http_client_name(client));
    http_reply_release(&reply);
    http_client_free(client);
    return failed;
}

static const struct {
    const char *name;
    check_function *check;
} checks[] = {
    {"programs", check_programs}, {"configuration", check_config}, {"manifests", check_manifests},
    {"ledger", check_ledger},     {"metrics", check_metrics},
};

int command_doctor(struct session *session, struct err *err)
{
    if (session_operands(session, 0, 0, "tare doctor", err)) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_COUNT(checks); i++) {
        struct buf found;
        struct err problem = {0};
        buf_init(&found, 4096);
        if (checks[i].check(session, &found, &problem) == 0) {
            printf("ok    %-14s %s\n", checks[i].name, buf_str(&found));
        } else {
            printf("FAIL  %-14s %s\n", checks[i].name, problem.message);
            if (problem.hint[0] != '\0') {
                printf("      %-14s hint: %s\n", "", problem.hint);
            }
            if (session->verdict.class == ERR_NONE) {
                err_set(&session->verdict, problem.class, "a run would not work here");
            }
        }
        buf_release(&found);
    }
    return 0;
}
