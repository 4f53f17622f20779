#include "pipeline/driver/confirm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int confirm(const struct session *session, const char *question, struct err *err)
{
    if (options_flag(session->options, OPT_YES)) {
        return 0;
    }
    if (!isatty(STDIN_FILENO)) {
        err_set(err, ERR_USAGE, "there is no terminal to ask on");
        return err_hint(err, "add --yes");
    }
    fprintf(stderr, "%s [y/N] ", question);
    fflush(stderr);
    char answer[16] = "";
    if (fgets(answer, sizeof answer, stdin) == NULL || (answer[0] != 'y' && answer[0] != 'Y')) {
        return err_set(err, ERR_REFUSED, "not confirmed, nothing was done");
    }
    return 0;
}

int workload_parse(struct session *session, const char *text, struct ledger_workload *out, struct err *err)
{
    char *namespace = arena_strdup(&session->arena, text);
    char *kind = strchr(namespace, '/');
    char *name = kind == NULL ? NULL : strchr(kind + 1, '/');
    if (name == NULL || strchr(name + 1, '/') != NULL || kind == namespace || name == kind + 1 || name[1] == '\0') {
        err_set(err, ERR_USAGE, "\"%s\" is not a workload", text);
        return err_hint(err, "write it as NAMESPACE/KIND/NAME, as in shop/Deployment/cart");
    }
    *kind++ = '\0';
    *name++ = '\0';
    *out = (struct ledger_workload){.namespace = namespace, .kind = kind, .name = name};
    return 0;
}
