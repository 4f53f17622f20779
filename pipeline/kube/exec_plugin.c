#include "pipeline/kube/exec_plugin.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"
#include "pipeline/io/proc.h"
#include "pipeline/kube/base64.h"

enum { TIMEOUT_MS = 60 * 1000, OUTPUT_MAX = 1024 * 1024, TAIL_MAX = 2048 };

extern char **environ;

/* What a plugin may know of the cluster. */
static json_t *cluster_info(const struct kube_access *access)
{
    json_t *cluster = json_object();
    json_object_set_new(cluster, "server", json_string_safe(access->server));
    if (access->ca_pem != NULL) {
        struct buf text;
        buf_init(&text, 2 * KUBE_PEM_MAX);
        base64_encode(access->ca_pem, strlen(access->ca_pem), &text);
        json_object_set_new(cluster, "certificate-authority-data", json_string_safe(buf_str(&text)));
        buf_release(&text);
    }
    if (access->server_name != NULL) {
        json_object_set_new(cluster, "tls-server-name", json_string_safe(access->server_name));
    }
    if (access->proxy != NULL) {
        json_object_set_new(cluster, "proxy-url", json_string_safe(access->proxy));
    }
    if (access->insecure) {
        json_object_set_new(cluster, "insecure-skip-tls-verify", json_true());
    }
    if (access->exec->cluster_config != NULL) {
        struct err ignored;
        json_t *config =
            json_read(access->exec->cluster_config, strlen(access->exec->cluster_config), "", &ignored);
        json_object_set_new(cluster, "config", config == NULL ? json_null() : config);
    }
    return cluster;
}

static char *exec_info(const struct kube_access *access)
{
    json_t *info = json_pack("{s:s, s:s, s:{s:b}}", "apiVersion", access->exec->api_version, "kind",
                             "ExecCredential", "spec", "interactive", 0);
    if (access->exec->cluster_info) {
        json_object_set_new(json_object_get(info, "spec"), "cluster", cluster_info(access));
    }
    char *text = json_text(info);
    char *line = xasprintf("KUBERNETES_EXEC_INFO=%s", text);
    json_decref(info);
    mem_free_secret(text);
    return line;
}

/* Whether a variable of this name is in the list already. */
static bool has_variable(char *const *list, size_t count, const char *line)
{
    size_t length = strcspn(line, "=") + 1;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(list[i], line, length) == 0) {
            return true;
        }
    }
    return false;
}

/* The plugin's own variables before ours: new array of borrowed lines, the first of them `info`. */
static char **environment(const struct kube_exec *exec, char *info)
{
    size_t own = 0;
    size_t ours = 0;
    while (exec->env[own] != NULL) {
        own++;
    }
    while (environ[ours] != NULL) {
        ours++;
    }
    char **list = xcalloc_array(own + ours + 2, sizeof *list);
    size_t count = 0;
    list[count++] = info;
    for (size_t i = own; i-- > 0;) { /* of two of one name the last counts */
        if (!has_variable(list, count, exec->env[i])) {
            list[count++] = exec->env[i];
        }
    }
    for (size_t i = 0; i < ours; i++) {
        if (!has_variable(list, count, environ[i])) {
            list[count++] = environ[i];
        }
    }
    return list;
}

static char **words(const struct kube_exec *exec)
{
    size_t count = 0;
    while (exec->args[count] != NULL) {
        count++;
    }
    char **list = xcalloc_array(count + 2, sizeof *list);
    list[0] = exec->command;
    memcpy(list + 1, exec->args, count * sizeof *list);
    return list;
}

/* The last line that is not empty, in place. */
static const char *last_line(struct buf *tail)
{
    char *text = tail->data;
    if (text == NULL) {
        return "";
    }
    for (size_t end = tail->length; end > 0 && strchr("\r\n \t", text[end - 1]) != NULL; end--) {
        text[end - 1] = '\0';
    }
    char *line = strrchr(text, '\n');
    return line == NULL ? text : line + 1;
}

static int hint_install(const struct kube_exec *exec, struct err *err)
{
    return exec->install_hint != NULL
               ? err_hint(err, "%s", exec->install_hint)
               : err_hint(err, "run %s as the kubeconfig does, and log in where it asks to", exec->command);
}

static int run(const struct kube_access *access, struct buf *out, struct err *err)
{
    const struct kube_exec *exec = access->exec;
    struct buf tail;
    struct err inner = {0};
    int code = 0;
    if (exec->path == NULL) {
        err_set(err, ERR_UNAVAILABLE, "%s: its credential plugin %s is not in PATH", access->origin,
                exec->command);
        return hint_install(exec, err);
    }
    buf_init(&tail, TAIL_MAX);
    char *info = exec_info(access);
    char **env = environment(exec, info);
    char **argv = words(exec);
    struct proc proc = {
        .path = exec->path, .argv = argv, .environment = env, .stdin_fd = -1, .stderr_tail = &tail};
    int failed = proc_capture(&proc, out, TIMEOUT_MS, &code, &inner);
    if (failed) {
        err_set(err, ERR_UNAVAILABLE, "%s: its credential plugin gives nothing: %s", access->origin,
                inner.message);
        hint_install(exec, err);
    } else if (code != 0) {
        const char *line = last_line(&tail);
        failed = err_set(err, ERR_UNAVAILABLE, "%s: its credential plugin %s ended with %d%s%s",
                         access->origin, exec->command, code, *line == '\0' ? "" : ": ", line);
        hint_install(exec, err);
    }
    mem_free_secret(info);
    free(env);
    free(argv);
    buf_release(&tail);
    return failed;
}

/* Copies a member that is text; a secret that a header or PEM cannot have is told by who uses it. */
static char *copy_text(const json_t *status, const char *key)
{
    const char *text = json_string_or_null(status, key);
    return text == NULL || *text == '\0' ? NULL : xstrdup(text);
}

static int take(const struct kube_access *access, const json_t *answer, struct kube_credential *out,
                struct err *err)
{
    const struct kube_exec *exec = access->exec;
    const json_t *status = json_object_get(answer, "status");
    const char *version = json_string_or_null(answer, "apiVersion");
    const char *expires = json_string_or_null(status, "expirationTimestamp");
    int64_t instant = 0;
    if (!str_equal(version, exec->api_version)) {
        return err_set(err, ERR_DATA, "%s: its credential plugin %s speaks %s, the kubeconfig says %s",
                       access->origin, exec->command, version == NULL ? "no apiVersion" : version,
                       exec->api_version);
    }
    out->token = copy_text(status, "token");
    out->certificate_pem = copy_text(status, "clientCertificateData");
    out->key_pem = copy_text(status, "clientKeyData");
    if ((out->certificate_pem == NULL) != (out->key_pem == NULL) ||
        (out->token == NULL && out->certificate_pem == NULL)) {
        return err_set(err, ERR_DATA,
                       "%s: its credential plugin %s gives neither a token nor a certificate with its key",
                       access->origin, exec->command);
    }
    if (expires != NULL) {
        if (time_parse(expires, &instant, err)) {
            return err_set(err, ERR_DATA,
                           "%s: its credential plugin %s gives an expirationTimestamp that is no time",
                           access->origin, exec->command);
        }
        int64_t left = instant - clock_now();
        out->lifetime_seconds = left > 0 ? left : 0;
    }
    return 0;
}

int exec_plugin_run(const struct kube_access *access, struct kube_credential *out, struct err *err)
{
    struct buf bytes;
    struct err inner = {0};
    memset(out, 0, sizeof *out);
    buf_init(&bytes, OUTPUT_MAX);
    int failed = run(access, &bytes, err);
    if (!failed) {
        json_t *answer = json_read(buf_str(&bytes), bytes.length, "", &inner);
        if (!json_is_object(answer)) { /* what it printed may hold a secret: it is not shown */
            failed = err_set(err, ERR_DATA,
                             "%s: what its credential plugin %s prints is no ExecCredential in JSON",
                             access->origin, access->exec->command);
        } else {
            failed = take(access, answer, out, err);
        }
        json_decref(answer);
    }
    buf_wipe(&bytes);
    if (failed) {
        kube_credential_release(out);
    }
    return failed ? -1 : 0;
}

void kube_credential_release(struct kube_credential *credential)
{
    mem_free_secret(credential->token);
    mem_free_secret(credential->key_pem);
    free(credential->certificate_pem);
    memset(credential, 0, sizeof *credential);
}
