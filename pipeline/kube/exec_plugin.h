#ifndef TARE_KUBE_EXEC_PLUGIN_H
#define TARE_KUBE_EXEC_PLUGIN_H

/* Credential plugins (client.authentication.k8s.io/v1 and v1beta1): a program that prints who we are. */

#include <stdint.h>

#include "pipeline/kube/access.h"

/* What a plugin hands out. */
struct kube_credential {
    char *token; /* NULL for none */
    char *certificate_pem;
    char *key_pem;
    int64_t lifetime_seconds; /* from now on; 0: it does not say */
};

/* Runs the plugin of `access`, without a terminal, for at most a minute. *out new. ERR_UNAVAILABLE when it
 * fails or is not there (its install hint is the hint), ERR_DATA when what it prints is no credential. */
int exec_plugin_run(const struct kube_access *access, struct kube_credential *out, struct err *err);

/* Overwrites and frees what it holds. */
void kube_credential_release(struct kube_credential *credential);

#endif
