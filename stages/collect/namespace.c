#include "stages/collect/namespace.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* The series that tell who owns whom: metric, the label with the object's name, and where it goes. */
struct owner_metric {
    const char *metric;
    const char *label;
    size_t owners; /* offset in struct namespace */
};

static const struct owner_metric owner_metrics[] = {
    {"kube_pod_owner", "pod", offsetof(struct namespace, of_pods)},
    {"kube_replicaset_owner", "replicaset", offsetof(struct namespace, of_replica_sets)},
    {"kube_job_owner", "job_name", offsetof(struct namespace, of_jobs)},
    {"kube_replicationcontroller_owner", "replicationcontroller", offsetof(struct namespace, of_controllers)},
};

static const char *const usage_metrics[] = {"container_memory_working_set_bytes",
                                            "container_cpu_usage_seconds_total"};

static struct owners *owners_of(struct namespace *namespace, const struct owner_metric *metric)
{
    return (struct owners *)(void *)((char *)namespace + metric->owners);
}

static int check_count(const struct namespace *namespace, size_t count, struct err *err)
{
    return count < NAMESPACE_OBJECTS_MAX
               ? 0
               : err_set(err, ERR_UNAVAILABLE,
                         "the metrics server names more than %d objects in namespace %s",
                         NAMESPACE_OBJECTS_MAX, namespace->name);
}

static int add_pod(struct namespace *namespace, const char *name, struct err *err)
{
    size_t count = namespace->pod_count;
    if (*name == '\0' || (count > 0 && strcmp(namespace->pods[count - 1].name, name) == 0)) {
        return 0;
    }
    if (check_count(namespace, count, err)) {
        return -1;
    }
    GROW(namespace->pods, namespace->pod_capacity, count + 1);
    namespace->pods[namespace->pod_count++] = (struct pod){.name = arena_strdup(&namespace->arena, name)};
    return 0;
}

static int add_owner(struct namespace *namespace, const struct owner_metric *metric,
                     const struct labels *labels, struct err *err)
{
    struct owners *owners = owners_of(namespace, metric);
    const char *object = labels_get(labels, metric->label);
    const char *controls = labels_get(labels, "owner_is_controller");
    if (*object == '\0' || strcmp(controls, "false") == 0) {
        return 0;
    }
    if (check_count(namespace, owners->count, err)) {
        return -1;
    }
    GROW(owners->items, owners->capacity, owners->count + 1);
    owners->items[owners->count++] = (struct owner){
        .object = arena_strdup(&namespace->arena, object),
        .kind = arena_strdup(&namespace->arena, labels_get(labels, "owner_kind")),
        .name = arena_strdup(&namespace->arena, labels_get(labels, "owner_name")),
    };
    return 0;
}

int namespace_take(struct namespace *namespace, const struct labels *labels, struct err *err)
{
    const char *metric = labels_get(labels, "__name__");
    for (size_t i = 0; i < ARRAY_COUNT(owner_metrics); i++) {
        if (strcmp(metric, owner_metrics[i].metric) == 0) {
            return add_owner(namespace, &owner_metrics[i], labels, err);
        }
    }
    return add_pod(namespace, labels_get(labels, "pod"), err);
}

static int compare_pods(const void *a, const void *b)
{
    return strcmp(((const struct pod *)a)->name, ((const struct pod *)b)->name);
}

static int compare_owners(const void *a, const void *b)
{
    return strcmp(((const struct owner *)a)->object, ((const struct owner *)b)->object);
}

static const struct owner *find_owner(const struct owners *owners, const char *object)
{
    struct owner wanted = {.object = object};
    return owners->count == 0
               ? NULL
               : bsearch(&wanted, owners->items, owners->count, sizeof *owners->items, compare_owners);
}

static bool is_nobody(const struct owner *owner)
{
    return owner->kind[0] == '\0' || owner->kind[0] == '<';
}

static const struct owner *find_top(const struct namespace *namespace, const struct owner *owner)
{
    const struct owner *top = NULL;
    if (strcmp(owner->kind, "ReplicaSet") == 0) {
        top = find_owner(&namespace->of_replica_sets, owner->name);
    } else if (strcmp(owner->kind, "Job") == 0) {
        top = find_owner(&namespace->of_jobs, owner->name);
    } else if (strcmp(owner->kind, "ReplicationController") == 0) {
        top = find_owner(&namespace->of_controllers, owner->name);
    }
    return top == NULL || is_nobody(top) ? NULL : top;
}

static void resolve(const struct namespace *namespace, struct pod *pod)
{
    const struct owner *owner = find_owner(&namespace->of_pods, pod->name);
    if (owner == NULL) {
        return;
    }
    if (is_nobody(owner)) {
        pod->owner_kind = "Pod";
        pod->owner_name = pod->name;
        return;
    }
    pod->owner_kind = owner->kind;
    pod->owner_name = owner->name;
    const struct owner *top = find_top(namespace, owner);
    if (top != NULL) {
        pod->top_kind = top->kind;
        pod->top_name = top->name;
    }
}

void namespace_settle(struct namespace *namespace)
{
    for (size_t i = 0; i < ARRAY_COUNT(owner_metrics); i++) {
        struct owners *owners = owners_of(namespace, &owner_metrics[i]);
        if (owners->count > 0) {
            qsort(owners->items, owners->count, sizeof *owners->items, compare_owners);
        }
    }
    if (namespace->pod_count == 0) {
        return;
    }
    qsort(namespace->pods, namespace->pod_count, sizeof *namespace->pods, compare_pods);
    size_t kept = 1;
    for (size_t i = 1; i < namespace->pod_count; i++) {
        if (strcmp(namespace->pods[i].name, namespace->pods[kept - 1].name) != 0) {
            namespace->pods[kept++] = namespace->pods[i];
        }
    }
    namespace->pod_count = kept;
    for (size_t i = 0; i < kept; i++) {
        resolve(namespace, &namespace->pods[i]);
    }
}

struct namespace *namespace_new(const char *name)
{
    struct namespace *namespace = xcalloc(sizeof *namespace);
    namespace->name = xstrdup(name);
    arena_init(&namespace->arena);
    return namespace;
}

const char *namespace_metric(size_t n, bool *container)
{
    size_t owners = ARRAY_COUNT(owner_metrics);
    *container = n >= owners;
    return n < owners ? owner_metrics[n].metric : n < owners + ARRAY_COUNT(usage_metrics) ? usage_metrics[n - owners] : NULL;
}

void namespace_free(struct namespace *namespace)
{
    if (namespace == NULL) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(owner_metrics); i++) {
        free(owners_of(namespace, &owner_metrics[i])->items);
    }
    free(namespace->pods);
    free(namespace->name);
    arena_release(&namespace->arena);
    free(namespace);
}

long namespace_find_pod(const struct namespace *namespace, const char *name)
{
    struct pod wanted = {.name = name};
    if (namespace->pod_count == 0) {
        return -1;
    }
    const struct pod *found =
        bsearch(&wanted, namespace->pods, namespace->pod_count, sizeof wanted, compare_pods);
    return found == NULL ? -1 : (long)(found - namespace->pods);
}
