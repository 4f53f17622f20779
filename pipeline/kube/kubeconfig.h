#ifndef TARE_KUBE_KUBECONFIG_H
#define TARE_KUBE_KUBECONFIG_H

/*
 * Kubeconfig files, read and merged as kubectl does: of several files the first that has a cluster, a user or
 * a context of a name gives it whole, and the first that names a current context decides. Relative paths are
 * relative to the file they stand in. Every refusal names file, line and entry; values are never shown.
 */

#include <stdbool.h>

#include "pipeline/kube/access.h"

struct kubeconfig;

/* Reads `path`, which must be there; else (NULL) those files of $KUBECONFIG that are there; else
 * ~/.kube/config if it is there. *out new, free with kubeconfig_close. ERR_NOINPUT, ERR_CONFIG. */
int kubeconfig_open(const char *path, struct kubeconfig **out, struct err *err);

/* Whether there is neither a context, nor a cluster, nor a user in it. */
bool kubeconfig_is_empty(const struct kubeconfig *config);

/* What the chosen context (else the current one) says. Files that it names are read; *out new. ERR_CONFIG,
 * ERR_NOINPUT, ERR_USAGE. */
int kubeconfig_access(struct kubeconfig *config, const struct kube_choice *choice, struct kube_access **out,
                      struct err *err);

/* Frees; NULL is allowed. */
void kubeconfig_close(struct kubeconfig *config);

#endif
