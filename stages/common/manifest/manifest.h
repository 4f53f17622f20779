#ifndef TARE_STAGES_COMMON_MANIFEST_MANIFEST_H
#define TARE_STAGES_COMMON_MANIFEST_MANIFEST_H

/*
 * The workload model: what a YAML document says about Kubernetes objects, with the nodes it was read from.
 * Values are what the Kubernetes API would read; what it would refuse is a fault with its place, never a
 * guess.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "pipeline/io/yaml.h"

enum manifest_field {
    FIELD_REQUESTS_CPU,
    FIELD_REQUESTS_MEMORY,
    FIELD_LIMITS_CPU,
    FIELD_LIMITS_MEMORY,
    FIELD_COUNT
};

enum manifest_role { ROLE_CONTAINER, ROLE_INIT, ROLE_SIDECAR };

enum { MANIFEST_FAULTS_MAX = 20, MANIFEST_CONTAINERS_MAX = 1000, MANIFEST_PORTS_MAX = 32 };

/* A kind of workload. To support another one, add a row in manifest_kind.c. */
struct manifest_kind {
    const char *kind;
    const char *groups[3];   /* API groups it is of; "" is the core group */
    const char *pod_path[6]; /* keys from the object to the pod's spec, NULL-terminated */
    const char *replicas;    /* key below spec that says how many run at once, NULL for none */
    bool strategic;          /* whether the API takes strategic merge patches for it */
};

/* One object of a document: the document itself, or an item of a List (of Lists). */
struct manifest_object {
    struct yaml_node *node;           /* a mapping */
    long item;                        /* from 1 inside a List, 0 elsewhere */
    const char *api_version;          /* NULL when it is missing or no string */
    const char *kind;                 /* NULL when it is missing or no string */
    const struct manifest_kind *type; /* NULL when it is no workload */
};

/* Something wrong. A fatal one means that the object's facts cannot be trusted. */
struct manifest_fault {
    const char *code;    /* of problems.def */
    const char *message; /* one sentence, in the arena */
    size_t offset;
    bool fatal;
    bool aside; /* the object is left out although Kubernetes takes it */
};

/* Where a document is read to: everything lives in the arena. */
struct manifest_reader {
    struct yaml_stream *stream;
    struct arena *arena;
    struct manifest_fault faults[MANIFEST_FAULTS_MAX];
    size_t fault_count;
    bool fatal;
};

struct manifest_amount {
    bool present;
    int64_t value;          /* millicores or bytes */
    struct yaml_node *node; /* the scalar as it stands (may be an alias), NULL when absent */
};

struct manifest_container {
    struct yaml_node *node; /* the mapping, resolved */
    bool by_alias;          /* it is reached through an alias or merge key */
    const char *name;
    const char *image;   /* NULL when absent */
    const char *command; /* first word, NULL when absent */
    enum manifest_role role;
    const char *list; /* "containers" or "initContainers" */
    size_t index;     /* in that list, from 0 */
    struct manifest_amount amounts[FIELD_COUNT];
    int64_t ports[MANIFEST_PORTS_MAX];
    size_t port_count;
};

struct manifest_workload {
    const struct manifest_object *object;
    const char *name;
    const char *namespace; /* NULL when absent */
    bool has_replicas;
    int64_t replicas;
    struct yaml_node *metadata;
    struct yaml_node *pod;                 /* the pod's spec, NULL when absent */
    struct manifest_container *containers; /* init containers first, as the manifest lists them */
    size_t container_count;
    bool partial; /* looks like a patch: no container has an image */
};

/* Section and resource of a field: "requests", "cpu". Borrowed, static. */
const char *manifest_section(enum manifest_field field);
const char *manifest_resource(enum manifest_field field);

/* Whether a field is an amount of CPU (millicores) and not of memory (bytes). */
bool manifest_is_cpu(enum manifest_field field);

/* Name of a role as artifacts have it. Borrowed, static. */
const char *manifest_role_name(enum manifest_role role);

/* The kind of workload of an API version and kind, NULL when it is none. Borrowed, static. */
const struct manifest_kind *manifest_kind_of(const char *api_version, const char *kind);

/* The kind of workload by its name alone, as records have it. NULL when unknown. Borrowed, static. */
const struct manifest_kind *manifest_kind_named(const char *kind);

/* Calls `each` for every object of a document in order: the root, or the items of a List, of typed lists and
 * of Lists within. Stops when `each` returns non-zero and returns that. */
int manifest_each(struct manifest_reader *reader, struct yaml_node *root,
                  int (*each)(void *context, const struct manifest_object *object), void *context);

/* Prepares a reader for a document. */
void manifest_reader_init(struct manifest_reader *reader, struct yaml_stream *stream, struct arena *arena);

/* Reads a workload from an object with a type (borrowed while *out is used). Returns 0, or -1 when there are
 * fatal faults: then *out is not to be used. reader->faults tells both fatal and other ones; it is emptied
 * first. */
int manifest_read(struct manifest_reader *reader, const struct manifest_object *object,
                  struct manifest_workload *out);

/* The value of a key that has to be a mapping: NULL when absent or null; a fatal fault when it is something
 * else or the key is there twice. `what` names the place in messages. */
struct yaml_node *manifest_map(struct manifest_reader *reader, struct yaml_node *node, const char *key,
                               const char *what);

/* The value of a key, resolved; NULL when absent or null; a fatal fault when the key is there twice. */
struct yaml_node *manifest_value(struct manifest_reader *reader, struct yaml_node *node, const char *key);

/* The value of a key that has to be a string: NULL when absent or null; a fatal fault when it is something
 * else. */
const char *manifest_text(struct manifest_reader *reader, struct yaml_node *node, const char *key,
                          const char *what);

/* Reads a scalar as CPU in millicores or memory in bytes, as the Kubernetes API reads it. 0, or -1 with
 * ERR_DATA. */
int manifest_quantity(struct arena *arena, struct yaml_node *node, bool cpu, int64_t *value, struct err *err);

/* Notes a fault; past MANIFEST_FAULTS_MAX it only keeps `fatal`. */
void manifest_add_fault(struct manifest_reader *reader, bool fatal, const char *code, size_t offset,
                        const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Reads the containers of a pod's spec into *out (manifest_pod.c). */
void manifest_read_pod(struct manifest_reader *reader, struct manifest_workload *out);

#endif
