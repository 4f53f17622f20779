#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/table.h"
#include "pipeline/io/json.h"
#include "pipeline/run/privcluster.h"

enum { ROLES_MAX = 8, LOGIN_MAX = 63 };

int command_migrate(struct session *session, struct err *err)
{
    int from;
    int to;
    struct ledger_options options = {
        .url = options_string(session->options, OPT_DATABASE),
        .login = options_string(session->options, OPT_AS),
        .application = "tare migrate",
    };
    if (session_operands(session, 0, 0, "tare migrate", err) || ledger_migrate(&options, &from, &to, err)) {
        return -1;
    }
    if (from == to) {
        printf("the ledger is at version %d already\n", to);
    } else {
        printf("the ledger went from version %d to %d\n", from, to);
    }
    return 0;
}

static int login_role(const char *word, const char **role, struct err *err)
{
    static const char *const words[] = {"viewer", "operator", "approver", "admin"};
    static const char *const roles[] = {"tare_viewer", "tare_operator", "tare_approver", "tare_admin"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcmp(word, words[i]) == 0 || strcmp(word, roles[i]) == 0) {
            *role = roles[i];
            return 0;
        }
    }
    err_set(err, ERR_USAGE, "\"%s\" is no role; the roles are viewer, operator, approver and admin", word);
    return err_hint(err, "as in: tare login reviewer viewer approver");
}

/* A name that is typed in commands and that the server keeps whole. */
static int login_name(const char *name, struct err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-";
    size_t length = strlen(name);
    if (length > 0 && length <= LOGIN_MAX && name[0] != '-' && name[strspn(name, letters)] == '\0') {
        return 0;
    }
    err_set(err, ERR_USAGE, "\"%s\" is no name for a login: at most %d letters, digits, dots, dashes, @ and _", name, LOGIN_MAX);
    return err_hint(err, "as in: tare login reviewer viewer approver");
}

int command_login(struct session *session, struct err *err)
{
    const char *roles[ROLES_MAX];
    struct privcluster cluster = {0};
    if (session_operands(session, 2, ROLES_MAX, "tare login NAME ROLE…", err) ||
        login_name(options_operand(session->options, 0), err)) {
        return -1;
    }
    if (options_string(session->options, OPT_DATABASE) != NULL) {
        err_set(err, ERR_USAGE, "tare login makes logins in the private cluster only");
        return err_hint(err, "on a server of your own: CREATE ROLE name LOGIN IN ROLE tare_viewer, tare_approver");
    }
    size_t count = options_operands(session->options) - 1;
    for (size_t i = 0; i < count; i++) {
        if (login_role(options_operand(session->options, i + 1), &roles[i], err)) {
            return -1;
        }
    }
    const char *name = options_operand(session->options, 0);
    struct ledger_options options = {.application = "tare login"};
    int failed = ledger_migrate(&options, NULL, NULL, err) || privcluster_start(&cluster, err) ||
                 privcluster_login(&cluster, name, roles, count, err);
    privcluster_release(&cluster);
    if (!failed) {
        printf("login %s is ready: tare --as %s …\n", name, name);
    }
    return failed ? -1 : 0;
}

/* A private server stops only by this command: runs leave it up, so that the next one starts at once. */
int command_server(struct session *session, struct err *err)
{
    struct privcluster cluster = {0};
    bool running = false;
    if (session_operands(session, 1, 1, "tare server start | stop | status", err)) {
        return -1;
    }
    const char *what = options_operand(session->options, 0);
    int failed = 0;
    if (strcmp(what, "start") == 0) {
        failed = privcluster_start(&cluster, err);
        running = true;
    } else if (strcmp(what, "stop") == 0) {
        failed = privcluster_stop(err) || privcluster_find(&cluster, &running, err);
    } else if (strcmp(what, "status") == 0) {
        failed = privcluster_find(&cluster, &running, err);
    } else {
        failed = err_set(err, ERR_USAGE, "tare server has start, stop and status, not \"%s\"", what);
        err_hint(err, "usage: tare server start | stop | status");
    }
    if (!failed && !options_flag(session->options, OPT_QUIET)) {
        printf("%s: %s\n", cluster.directory, running ? "running" : "not running");
    }
    privcluster_release(&cluster);
    return failed ? -1 : 0;
}
