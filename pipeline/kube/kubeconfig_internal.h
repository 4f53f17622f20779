#ifndef TARE_KUBE_KUBECONFIG_INTERNAL_H
#define TARE_KUBE_KUBECONFIG_INTERNAL_H

/* Shared by kubeconfig.c (files, names), kubeconfig_entry.c (typed values) and kubeconfig_user.c
 * (credentials). */

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/io/yaml.h"
#include "pipeline/kube/kubeconfig.h"

struct kube_file {
    char *path;
    struct buf bytes;
    struct yaml_stream *stream;
    struct yaml_node *root;
};

struct kubeconfig {
    struct kube_file *files;
    size_t count;
    size_t capacity;
    struct arena arena;
};

/* A mapping in a file, and what messages call it: "user alice". */
struct kube_entry {
    struct kubeconfig *config;
    struct kube_file *file;
    const char *what;
    struct yaml_node *place; /* for messages, where there is no node */
    struct yaml_node *node;  /* NULL when it says nothing */
};

/* Sets ERR_CONFIG with "FILE, line N: WHAT: <sentence>"; `node` NULL means the entry itself. Returns -1. */
int kube_entry_error(const struct kube_entry *entry, struct yaml_node *node, struct err *err,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A value that is text (numbers and the like as written): in the arena, NULL when it is absent, null or
 * empty. */
int kube_entry_text(const struct kube_entry *entry, const char *key, const char **out, struct err *err);

/* The same as a new string. */
int kube_entry_copy(const struct kube_entry *entry, const char *key, char **out, struct err *err);

/* A path, made relative to where the entry's file stands; new, NULL when absent. */
int kube_entry_path(const struct kube_entry *entry, const char *key, char **out, struct err *err);

/* A boolean; false when absent. */
int kube_entry_flag(const struct kube_entry *entry, const char *key, bool *out, struct err *err);

/* PEM text from `key`-data (base64), else from the file that `key` names; new, NULL when absent. */
int kube_entry_pem(const struct kube_entry *entry, const char *key, char **out, struct err *err);

/* The mapping at a key as an entry with the same name. False when it is absent or null. */
bool kube_entry_sub(const struct kube_entry *entry, const char *key, struct kube_entry *out);

/* Reads a user's credentials into `access`; `cluster` is the entry that the exec plugin may be told of. */
int kubeconfig_user(const struct kube_entry *user, const struct kube_entry *cluster,
                    struct kube_access *access, struct err *err);

#endif
