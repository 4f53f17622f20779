#include "pipeline/kube/access.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/kube/kubeconfig.h"

/* Where every kubelet mounts the account of a pod. */
#define ACCOUNT_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || *value == '\0' ? NULL : value;
}

static int nothing_said(struct err *err)
{
    err_set(err, ERR_NOINPUT,
            "there is no kubeconfig: $KUBECONFIG is empty, ~/.kube/config is not there, and this is no pod");
    return err_hint(err, "name one with --kubeconfig FILE");
}

int kube_access_find(const struct kube_choice *choice, struct kube_access **out, struct err *err)
{
    const char *host = variable("KUBERNETES_SERVICE_HOST");
    const char *port = variable("KUBERNETES_SERVICE_PORT");
    struct kubeconfig *config = NULL;
    if (kubeconfig_open(choice->kubeconfig, &config, err)) {
        return -1;
    }
    int failed;
    if (!kubeconfig_is_empty(config) || choice->kubeconfig != NULL) {
        failed = kubeconfig_access(config, choice, out, err);
    } else if (host != NULL && port != NULL) {
        failed = kube_access_in_cluster(ACCOUNT_FOLDER, host, port, out, err);
    } else {
        failed = nothing_said(err);
    }
    kubeconfig_close(config);
    return failed;
}

/* Reads a small file as a new string. */
static int read_text(const char *folder, const char *name, char **out, struct err *err)
{
    struct buf bytes;
    char *path = fs_join(folder, name);
    buf_init(&bytes, KUBE_PEM_MAX);
    int failed = fs_read(path, &bytes, err);
    free(path);
    if (failed) {
        buf_release(&bytes);
        return -1;
    }
    *out = buf_steal(&bytes);
    return 0;
}

int kube_access_in_cluster(const char *folder, const char *host, const char *port, struct kube_access **out,
                           struct err *err)
{
    struct kube_access *access = xcalloc(sizeof *access);
    struct err ignored;
    access->origin = xstrdup("the account of this pod");
    bool bare_ipv6 = strchr(host, ':') != NULL && host[0] != '[';
    access->server = xasprintf(bare_ipv6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
    access->token_file = fs_join(folder, "token");
    if (read_text(folder, "ca.crt", &access->ca_pem, err) ||
        read_text(folder, "token", &access->token, err)) {
        kube_access_free(access);
        err_prefix(err, "the account of this pod cannot be used");
        return err_hint(
            err, "see automountServiceAccountToken of the pod, or name a kubeconfig with --kubeconfig FILE");
    }
    /* It was read to see that it is there; what counts is the file: it is renewed every hour. */
    mem_free_secret(access->token);
    access->token = NULL;
    if (read_text(folder, "namespace", &access->namespace, &ignored) == 0) {
        access->namespace[strcspn(access->namespace, "\r\n")] = '\0';
    }
    *out = access;
    return 0;
}

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        mem_free_secret(list[i]);
    }
    free(list);
}

static void free_exec(struct kube_exec *exec)
{
    if (exec == NULL) {
        return;
    }
    free(exec->command);
    free(exec->path);
    free_list(exec->args);
    free_list(exec->env);
    free(exec->api_version);
    free(exec->install_hint);
    free(exec->cluster_config);
    free(exec);
}

void kube_access_free(struct kube_access *access)
{
    if (access == NULL) {
        return;
    }
    mem_free_secret(access->key_pem);
    mem_free_secret(access->token);
    mem_free_secret(access->password);
    mem_free_secret(access->proxy);
    free(access->origin);
    free(access->context);
    free(access->namespace);
    free(access->server);
    free(access->ca_pem);
    free(access->server_name);
    free(access->certificate_pem);
    free(access->token_file);
    free(access->username);
    free_exec(access->exec);
    free(access);
}
