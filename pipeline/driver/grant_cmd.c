#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/table.h"
#include "pipeline/io/json.h"
#include "pipeline/run/ledger_rules.h"

static const char grant_usage[] = "tare grant [LOGIN --namespace N… | --cluster C]";
static const char revoke_usage[] = "tare revoke LOGIN --namespace N… | --cluster C | --all";

/* What is granted or taken back: namespaces (none: all of them) of one cluster (NULL: of every one). */
typedef int change_grant(struct ledger *ledger, const char *login, const char *namespace, const char *cluster, struct err *err);

/* Only what was typed counts: the cluster of a configuration that happens to lie here must not narrow a login unseen. */
static const char *typed_cluster(const struct session *session)
{
    return options_typed(session->options, OPT_CLUSTER) ? options_string(session->options, OPT_CLUSTER) : NULL;
}

static int list_grants(struct session *session, struct err *err)
{
    static const char *const heads[] = {"LOGIN", "NAMESPACE", "CLUSTER"};
    json_t *grants;
    if (ledger_grants(session->ledger, &grants, err)) {
        return -1;
    }
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    json_t *grant;
    json_array_foreach(grants, index, grant)
    {
        table_cell(table, json_string_or_null(grant, "login"));
        table_cell(table, json_string_or_null(grant, "namespace"));
        table_cell(table, json_string_or_null(grant, "cluster"));
    }
    table_print(table, stdout);
    table_free(table);
    json_decref(grants);
    return 0;
}

static void tell(const char *said, const char *login, const char *namespace, const char *cluster)
{
    if (namespace == NULL) {
        printf("%s %s every namespace of cluster %s\n", login, said, cluster);
    } else if (cluster == NULL) {
        printf("%s %s namespace %s of every cluster\n", login, said, namespace);
    } else {
        printf("%s %s namespace %s of cluster %s\n", login, said, namespace, cluster);
    }
}

/* Each namespace that was typed, or all of the cluster. */
static int change_each(struct session *session, change_grant *change, const char *said, struct err *err)
{
    const char *login = options_operand(session->options, 0);
    const char *cluster = typed_cluster(session);
    size_t count = options_list_count(session->options, OPT_NAMESPACE);
    for (size_t i = 0; i < (count == 0 ? 1 : count); i++) {
        const char *namespace = count == 0 ? NULL : options_list_item(session->options, OPT_NAMESPACE, i);
        if (change(session->ledger, login, namespace, cluster, err)) {
            return -1;
        }
        tell(said, login, namespace, cluster);
    }
    return 0;
}

/* A namespace of Kubernetes, or * for all: a pattern would narrow a login to a name that nothing has. */
static bool is_namespace(const char *name)
{
    size_t length = strlen(name);
    bool plain = length > 0 && length <= 63 && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
    return str_equal(name, "*") || (plain && name[0] != '-' && name[length - 1] != '-');
}

static int check_namespaces(const struct session *session, struct err *err)
{
    for (size_t i = 0; i < options_list_count(session->options, OPT_NAMESPACE); i++) {
        const char *name = options_list_item(session->options, OPT_NAMESPACE, i);
        if (!is_namespace(name)) {
            err_set(err, ERR_USAGE, "\"%s\" is no name of a namespace", name);
            return err_hint(err, "--namespace takes one name and may repeat, as in --namespace shop --namespace data");
        }
    }
    return 0;
}

/* Refuses a command that names no login, or nothing to narrow it to. */
static int check_words(const struct session *session, const char *verb, const char *usage, struct err *err)
{
    if (options_operands(session->options) == 0) {
        err_set(err, ERR_USAGE, "the login is missing");
        return err_hint(err, "usage: %s", usage);
    }
    if (options_list_count(session->options, OPT_NAMESPACE) == 0 && typed_cluster(session) == NULL) {
        err_set(err, ERR_USAGE, "tare %s needs the namespace or the cluster", verb);
        return err_hint(err, "usage: %s", usage);
    }
    return 0;
}

int command_grant(struct session *session, struct err *err)
{
    if (session_operands(session, 0, 1, grant_usage, err)) {
        return -1;
    }
    if (options_flag(session->options, OPT_ALL)) {
        err_set(err, ERR_USAGE, "a login that is not narrowed sees everything its role may see");
        return err_hint(err, "tare revoke LOGIN --all takes back what narrows one");
    }
    if (options_operands(session->options) == 0 && options_list_count(session->options, OPT_NAMESPACE) == 0) {
        return list_grants(session, err);
    }
    return check_words(session, "grant", grant_usage, err) || check_namespaces(session, err) ||
                   change_each(session, ledger_grant, "is narrowed to what it was granted:", err)
               ? -1
               : 0;
}

static int revoke_all(struct session *session, struct err *err)
{
    const char *login = options_operand(session->options, 0);
    if (options_list_count(session->options, OPT_NAMESPACE) > 0 || typed_cluster(session) != NULL) {
        err_set(err, ERR_USAGE, "--all takes back everything that narrows %s: a namespace or cluster cannot be named with it", login);
        return err_hint(err, "usage: %s", revoke_usage);
    }
    if (ledger_revoke_all(session->ledger, login, err)) {
        return -1;
    }
    printf("%s is not narrowed any more: it sees every namespace that its role may see\n", login);
    return 0;
}

int command_revoke(struct session *session, struct err *err)
{
    if (session_operands(session, 1, 1, revoke_usage, err)) {
        return -1;
    }
    if (options_flag(session->options, OPT_ALL)) {
        return revoke_all(session, err);
    }
    return check_words(session, "revoke", revoke_usage, err) || change_each(session, ledger_revoke, "no longer sees", err) ? -1 : 0;
}
