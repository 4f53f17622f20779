#include "pipeline/kube/kubeconfig_internal.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"
#include "pipeline/io/proc.h"

enum { WORDS_MAX = 1000, CONFIG_DEPTH = 32 };

/* What Kubernetes took out in 1.26, and what to do instead. */
static int refuse_provider(const struct kube_entry *user, struct err *err)
{
    struct kube_entry provider;
    const char *name = NULL;
    if (!kube_entry_sub(user, "auth-provider", &provider)) {
        return 0;
    }
    if (kube_entry_text(&provider, "name", &name, err)) {
        return -1;
    }
    kube_entry_error(user, provider.node, err,
                     "its auth-provider \"%s\" is of a kind that Kubernetes 1.26 took out",
                     name == NULL ? "" : name);
    if (str_equal(name, "gcp")) {
        return err_hint(
            err, "install gke-gcloud-auth-plugin, then: gcloud container clusters get-credentials CLUSTER");
    }
    if (str_equal(name, "azure")) {
        return err_hint(err, "install kubelogin, then: kubelogin convert-kubeconfig");
    }
    return err_hint(err,
                    "use a credential plugin (exec) instead; for OpenID Connect: kubectl oidc-login setup");
}

/* Text of every item of a list, NULL-terminated; `item` makes the text of one. */
static int read_words(const struct kube_entry *exec, const char *key,
                      int (*item)(const struct kube_entry *exec, struct yaml_node *node, char **out,
                                  struct err *err),
                      char ***out, struct err *err)
{
    struct yaml_node *list = yaml_get(exec->file->stream, exec->node, key);
    size_t count = 0;
    if (yaml_type_of(list) == YAML_TYPE_NULL) {
        *out = xcalloc_array(1, sizeof **out);
        return 0;
    }
    if (list->kind != YAML_KIND_SEQUENCE || list->count > WORDS_MAX) {
        return kube_entry_error(exec, list, err, "exec.%s must be a list of at most %d entries", key,
                                WORDS_MAX);
    }
    *out = xcalloc_array((size_t)list->count + 1, sizeof **out);
    for (struct yaml_node *node = list->first; node != NULL; node = node->next) {
        if (item(exec, yaml_resolve(node), &(*out)[count++], err)) {
            return -1;
        }
    }
    return 0;
}

static int read_argument(const struct kube_entry *exec, struct yaml_node *node, char **out, struct err *err)
{
    if (node->kind != YAML_KIND_SCALAR || memchr(node->text, '\0', node->length) != NULL) {
        return kube_entry_error(exec, node, err, "each of exec.args must be text");
    }
    *out = xstrndup(node->text, node->length);
    return 0;
}

static int read_variable(const struct kube_entry *exec, struct yaml_node *node, char **out, struct err *err)
{
    struct kube_entry variable = *exec;
    const char *name = NULL;
    const char *value = NULL;
    variable.node = node;
    if (node->kind != YAML_KIND_MAPPING || kube_entry_text(&variable, "name", &name, err) ||
        kube_entry_text(&variable, "value", &value, err) || name == NULL || strchr(name, '=') != NULL) {
        return kube_entry_error(exec, node, err, "each of exec.env must have a name and a value");
    }
    *out = xasprintf("%s=%s", name, value == NULL ? "" : value);
    return 0;
}

/* YAML as JSON, for what a plugin is told of its cluster. NULL for what is nested too deeply: it is left out. */
static json_t *as_json(struct arena *arena, struct yaml_node *node, int depth)
{
    node = yaml_resolve(node);
    enum yaml_type type = yaml_type_of(node);
    json_t *out = NULL;
    int64_t number = 0;
    bool truth = false;
    if (depth > CONFIG_DEPTH) {
        return NULL;
    }
    if (type == YAML_TYPE_SEQUENCE) {
        out = json_array();
        for (struct yaml_node *item = node->first; item != NULL; item = item->next) {
            json_array_append_new(out, as_json(arena, item, depth + 1));
        }
    } else if (type == YAML_TYPE_MAPPING) {
        out = json_object();
        for (struct yaml_node *key = node->first; key != NULL; key = key->next->next) {
            const char *name = yaml_scalar(arena, yaml_resolve(key));
            json_object_set_new(out, name == NULL ? "" : name, as_json(arena, key->next, depth + 1));
        }
    } else if (type == YAML_TYPE_NULL) {
        out = json_null();
    } else if (yaml_bool(node, &truth)) {
        out = json_boolean(truth);
    } else if (type == YAML_TYPE_INT && yaml_int(node, &number)) {
        out = json_integer(number);
    } else {
        const char *text = yaml_scalar(arena, node); /* NULL where a tag calls a text with a zero byte a number */
        out = type == YAML_TYPE_FLOAT && text != NULL ? json_real_or_null(strtod(text, NULL)) : json_string_safe(text);
    }
    return out;
}

/* The extension of the cluster that is meant for plugins. */
static char *cluster_config(const struct kube_entry *cluster)
{
    struct yaml_node *list = yaml_get(cluster->file->stream, cluster->node, "extensions");
    struct yaml_node *first = list == NULL || list->kind != YAML_KIND_SEQUENCE ? NULL : list->first;
    for (struct yaml_node *item = first; item != NULL; item = item->next) {
        if (yaml_text_is(yaml_get(cluster->file->stream, item, "name"),
                         "client.authentication.k8s.io/exec")) {
            json_t *value =
                as_json(&cluster->config->arena, yaml_get(cluster->file->stream, item, "extension"), 0);
            char *text = value == NULL ? NULL : json_text(value);
            json_decref(value);
            return text;
        }
    }
    return NULL;
}

/* A command with a slash in it is relative to the kubeconfig's folder; without one it is looked up in PATH.
 */
static int find_command(const struct kube_entry *entry, struct kube_exec *exec, struct err *err)
{
    const char *command = NULL;
    if (kube_entry_text(entry, "command", &command, err)) {
        return -1;
    }
    if (command == NULL) {
        return kube_entry_error(entry, NULL, err, "exec names no command");
    }
    exec->command = xstrdup(command);
    if (strchr(command, '/') == NULL) {
        exec->path = proc_find(command);
        return 0;
    }
    return kube_entry_path(entry, "command", &exec->path, err);
}

static int check_mode(const struct kube_entry *entry, struct kube_exec *exec, struct err *err)
{
    const char *mode = NULL;
    if (kube_entry_copy(entry, "apiVersion", &exec->api_version, err) ||
        kube_entry_text(entry, "interactiveMode", &mode, err)) {
        return -1;
    }
    if (!str_equal(exec->api_version, "client.authentication.k8s.io/v1") &&
        !str_equal(exec->api_version, "client.authentication.k8s.io/v1beta1")) {
        kube_entry_error(entry, NULL, err,
                         "exec.apiVersion must be client.authentication.k8s.io/v1 or v1beta1");
        return err_hint(err, "let the program that wrote the kubeconfig write it anew, in a newer version");
    }
    if (str_equal(mode, "Always")) {
        kube_entry_error(entry, NULL, err,
                         "its credential plugin wants to ask at the terminal (interactiveMode: Always)");
        return err_hint(err, "tare never asks: log in first, and use interactiveMode: IfAvailable or Never");
    }
    return 0;
}

static int read_exec(const struct kube_entry *user, const struct kube_entry *cluster, struct kube_exec *exec,
                     struct err *err)
{
    struct kube_entry entry;
    if (!kube_entry_sub(user, "exec", &entry) || entry.node->kind != YAML_KIND_MAPPING) {
        return kube_entry_error(user, NULL, err, "exec must be a mapping");
    }
    if (check_mode(&entry, exec, err) || find_command(&entry, exec, err) ||
        read_words(&entry, "args", read_argument, &exec->args, err) ||
        read_words(&entry, "env", read_variable, &exec->env, err) ||
        kube_entry_copy(&entry, "installHint", &exec->install_hint, err) ||
        kube_entry_flag(&entry, "provideClusterInfo", &exec->cluster_info, err)) {
        return -1;
    }
    exec->cluster_config = exec->cluster_info ? cluster_config(cluster) : NULL;
    return 0;
}

/* More than one way to say who one is would leave open which of them counts. */
static int check_ways(const struct kube_entry *user, const struct kube_access *access, struct err *err)
{
    int ways = (access->token != NULL || access->token_file != NULL) + (access->username != NULL) +
               (access->exec != NULL);
    if (ways > 1) {
        return kube_entry_error(user, NULL, err, "it has more than one of token, username and exec");
    }
    if ((access->username == NULL) != (access->password == NULL)) {
        return kube_entry_error(user, NULL, err, "it has only one of username and password");
    }
    if ((access->certificate_pem == NULL) != (access->key_pem == NULL)) {
        return kube_entry_error(user, NULL, err, "it has only one of client-certificate and client-key");
    }
    return 0;
}

int kubeconfig_user(const struct kube_entry *user, const struct kube_entry *cluster,
                    struct kube_access *access, struct err *err)
{
    struct kube_entry exec;
    if (refuse_provider(user, err) ||
        kube_entry_pem(user, "client-certificate", &access->certificate_pem, err) ||
        kube_entry_pem(user, "client-key", &access->key_pem, err) ||
        kube_entry_path(user, "tokenFile", &access->token_file, err) ||
        kube_entry_copy(user, "username", &access->username, err) ||
        kube_entry_copy(user, "password", &access->password, err)) {
        return -1;
    }
    /* A token beside a token file is the file's first content. */
    if (access->token_file == NULL && kube_entry_copy(user, "token", &access->token, err)) {
        return -1;
    }
    if (kube_entry_sub(user, "exec", &exec)) {
        access->exec = xcalloc(sizeof *access->exec);
        if (read_exec(user, cluster, access->exec, err)) {
            return -1;
        }
    }
    return check_ways(user, access, err);
}
