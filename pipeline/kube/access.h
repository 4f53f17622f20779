#ifndef TARE_KUBE_ACCESS_H
#define TARE_KUBE_ACCESS_H

/*
 * Everything that is needed to reach one API server, whichever way it was told: by a kubeconfig, or by the
 * account that Kubernetes puts into a pod. Secrets are overwritten when it is freed; none of them is ever
 * part of a message.
 */

#include <stdbool.h>

#include "pipeline/base/err.h"

/* What the user chose; NULL: not said. */
struct kube_choice {
    const char *kubeconfig; /* a file: then no other one counts */
    const char *context;
    bool context_typed; /* the context comes from the command line: an unknown one is ERR_USAGE, else
                           ERR_CONFIG */
    bool insecure;      /* permits a kubeconfig that wants the server's certificate not to be checked */
};

/* A program that hands out credentials (client.authentication.k8s.io). */
struct kube_exec {
    char *command; /* as written; a relative path is relative to the kubeconfig's folder */
    char *path;    /* the program itself, NULL when it is not there */
    char **args;   /* NULL-terminated */
    char **env;    /* "NAME=value", NULL-terminated */
    char *api_version;
    char *install_hint;   /* NULL for none */
    bool cluster_info;    /* it wants to know the cluster */
    char *cluster_config; /* JSON for it, NULL for none */
};

struct kube_access {
    char *origin;    /* for messages: "context prod in /etc/kube/config" */
    char *context;   /* NULL for the in-cluster account */
    char *namespace; /* the context's default namespace, NULL for none */
    char *server;
    char *ca_pem;
    char *server_name; /* that the certificate must bear, where it is not the address's host */
    char *proxy;
    bool insecure;
    char *certificate_pem;
    char *key_pem;
    char *token;
    char *token_file; /* read anew for each request */
    char *username;
    char *password;
    struct kube_exec *exec;
};

enum { KUBE_PEM_MAX = 1024 * 1024, KUBE_CONFIG_MAX = 16 * 1024 * 1024 };

/* Finds what to use as kubectl does: the file that is named; else the files of $KUBECONFIG; else
 * ~/.kube/config; and where these say nothing, the account of the pod that this runs in. *out new, free with
 * kube_access_free. ERR_NOINPUT, ERR_CONFIG, ERR_USAGE. */
int kube_access_find(const struct kube_choice *choice, struct kube_access **out, struct err *err);

/* The account that Kubernetes puts into a pod: `token`, `ca.crt` and `namespace` in `folder`. *out new.
 * ERR_NOINPUT. */
int kube_access_in_cluster(const char *folder, const char *host, const char *port, struct kube_access **out,
                           struct err *err);

/* Frees; NULL is allowed. */
void kube_access_free(struct kube_access *access);

#endif
