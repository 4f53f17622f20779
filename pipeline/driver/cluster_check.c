#include "pipeline/driver/cluster_check.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/kube/kube_list.h"
#include "pipeline/kube/kube_right.h"

/* When a right is needed. */
enum need {
    ALWAYS,   /* a run reads it */
    APPLY,    /* target cluster */
    IN_PLACE, /* target cluster, apply.in_place_resize */
    HPA,      /* target cluster, this advice becomes an object */
    VPA,
    SCHEDULE,
    KEDA
};

struct needed {
    enum need need;
    const char *group;
    const char *resource;
    const char *verbs[5];    /* NULL-terminated */
    const char *versions[3]; /* of a kind that not every cluster has: it is asked about where the server has one of them */
};

static const struct needed needs[] = {
    {ALWAYS, "apps", "deployments", {"list"}, {NULL}},
    {ALWAYS, "apps", "statefulsets", {"list"}, {NULL}},
    {ALWAYS, "apps", "daemonsets", {"list"}, {NULL}},
    {ALWAYS, "apps", "replicasets", {"list"}, {NULL}},
    {ALWAYS, "batch", "cronjobs", {"list"}, {NULL}},
    {ALWAYS, "batch", "jobs", {"list"}, {NULL}},
    {ALWAYS, "", "replicationcontrollers", {"list"}, {NULL}},
    {ALWAYS, "", "pods", {"list"}, {NULL}},
    {ALWAYS, "argoproj.io", "rollouts", {"list"}, {"v1alpha1"}},
    {ALWAYS, "apps.openshift.io", "deploymentconfigs", {"list"}, {"v1"}},
    {ALWAYS, "autoscaling", "horizontalpodautoscalers", {"list"}, {NULL}},
    {ALWAYS, "autoscaling.k8s.io", "verticalpodautoscalers", {"list"}, {"v1", "v1beta2"}},
    {ALWAYS, "keda.sh", "scaledobjects", {"list"}, {"v1alpha1"}},
    {ALWAYS, "policy", "poddisruptionbudgets", {"list"}, {NULL}},
    {ALWAYS, "", "limitranges", {"list"}, {NULL}},
    {ALWAYS, "", "resourcequotas", {"list"}, {NULL}},
    {APPLY, "apps", "deployments", {"get", "watch", "patch"}, {NULL}},
    {APPLY, "apps", "statefulsets", {"get", "watch", "patch"}, {NULL}},
    {APPLY, "apps", "daemonsets", {"get", "watch", "patch"}, {NULL}},
    {APPLY, "apps", "replicasets", {"get", "watch", "patch"}, {NULL}},
    {APPLY, "batch", "cronjobs", {"get", "watch", "patch"}, {NULL}},
    {APPLY, "", "replicationcontrollers", {"get", "watch", "patch"}, {NULL}},
    {APPLY, "argoproj.io", "rollouts", {"get", "watch", "patch"}, {"v1alpha1"}},
    {APPLY, "apps.openshift.io", "deploymentconfigs", {"get", "watch", "patch"}, {"v1"}},
    {APPLY, "", "pods", {"watch", "delete"}, {NULL}},
    {IN_PLACE, "", "pods", {"get"}, {NULL}},
    {IN_PLACE, "", "pods/resize", {"patch"}, {NULL}},
    {HPA, "autoscaling", "horizontalpodautoscalers", {"get", "create", "delete"}, {NULL}},
    {VPA, "autoscaling.k8s.io", "verticalpodautoscalers", {"get", "create", "delete"}, {NULL}},
    {KEDA, "keda.sh", "scaledobjects", {"get", "create", "delete"}, {NULL}},
    {SCHEDULE, "batch", "cronjobs", {"create", "delete"}, {NULL}},
    {SCHEDULE, "", "serviceaccounts", {"get", "create", "delete"}, {NULL}},
    {SCHEDULE, "rbac.authorization.k8s.io", "roles", {"get", "create", "delete"}, {NULL}},
    {SCHEDULE, "rbac.authorization.k8s.io", "rolebindings", {"get", "create", "delete"}, {NULL}},
    /* Nobody may give rights away, here to the account of the CronJob, who does not have them. */
    {SCHEDULE, "apps", "deployments/scale", {"get", "patch"}, {NULL}},
    {SCHEDULE, "apps", "statefulsets/scale", {"get", "patch"}, {NULL}},
};

enum { RIGHTS_MAX = 4000, NAMED_MAX = 20 };

static bool has_advice(const struct config *config, const char *name)
{
    size_t index;
    json_t *item;
    json_array_foreach(config_value(config, "apply.advice"), index, item)
    {
        if (str_equal(json_string_value(item), name)) {
            return true;
        }
    }
    return false;
}

static bool is_target(const struct config *config)
{
    return str_equal(config_string(config, "apply.target"), "cluster");
}

static bool is_needed(const struct config *config, enum need need)
{
    switch (need) {
    case ALWAYS:
        return true;
    case APPLY:
        return is_target(config);
    case IN_PLACE:
        return is_target(config) && config_flag(config, "apply.in_place_resize");
    case HPA:
        return is_target(config) && has_advice(config, "hpa");
    case VPA:
        return is_target(config) && has_advice(config, "vpa");
    case SCHEDULE:
        return is_target(config) && has_advice(config, "schedule");
    case KEDA:
        return is_target(config) && has_advice(config, "keda");
    }
    return false;
}

/* ---- What to ask ---- */

struct question {
    struct kube_right rights[RIGHTS_MAX];
    bool allowed[RIGHTS_MAX];
    size_t count;
};

static bool same_right(const struct kube_right *a, const struct kube_right *b)
{
    return str_equal(a->verb, b->verb) && str_equal(a->group, b->group) && str_equal(a->resource, b->resource) &&
           str_equal(a->namespace, b->namespace) && str_equal(a->name, b->name);
}

/* Each is asked for once. */
static void add_right(struct question *out, struct kube_right right)
{
    for (size_t i = 0; i < out->count; i++) {
        if (same_right(&out->rights[i], &right)) {
            return;
        }
    }
    if (out->count < RIGHTS_MAX) {
        out->rights[out->count++] = right;
    }
}

static bool is_served(const struct kube_groups *groups, const struct needed *needed)
{
    return needed->versions[0] == NULL || kube_groups_version(groups, needed->group, needed->versions) != NULL;
}

static void add_needed(const struct config *config, const struct kube_groups *groups, const char *namespace, struct question *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(needs); i++) {
        bool asked = is_needed(config, needs[i].need) && is_served(groups, &needs[i]);
        for (size_t k = 0; asked && needs[i].verbs[k] != NULL; k++) {
            add_right(out, (struct kube_right){needs[i].verbs[k], needs[i].group, needs[i].resource, namespace, NULL});
        }
    }
}

/* Of a namespace its labels and annotations are read. */
static void add_namespace(const char *namespace, struct question *out)
{
    add_right(out, (struct kube_right){namespace == NULL ? "list" : "get", "", "namespaces", namespace, namespace});
}

/* Whether there is room for an increase: all nodes, and all pods on them. */
static void add_room(struct question *out)
{
    static const char *const resources[] = {"nodes", "pods"};
    for (size_t i = 0; i < ARRAY_COUNT(resources); i++) {
        add_right(out, (struct kube_right){"list", "", resources[i], NULL, NULL});
        add_right(out, (struct kube_right){"watch", "", resources[i], NULL, NULL});
    }
}

static void make_question(const struct config *config, const struct kube_groups *groups, struct question *out)
{
    size_t index;
    json_t *namespace;
    const json_t *namespaces = config_value(config, "kubernetes.namespaces");
    add_right(out, (struct kube_right){"get", "", "namespaces", "kube-system", "kube-system"});
    add_right(out, (struct kube_right){"list", "", "nodes", NULL, NULL});
    if (is_target(config)) {
        add_room(out);
    }
    json_array_foreach(namespaces, index, namespace)
    {
        add_namespace(json_string_value(namespace), out);
        add_needed(config, groups, json_string_value(namespace), out);
    }
    if (json_array_size(namespaces) == 0) {
        add_namespace(NULL, out);
        add_needed(config, groups, NULL, out);
    }
}

/* ---- What to say ---- */

static bool same_thing(const struct kube_right *a, const struct kube_right *b)
{
    return str_equal(a->resource, b->resource) && str_equal(a->group, b->group) && str_equal(a->namespace, b->namespace);
}

/* Adds "get, patch deployments.apps in shop" for the first missing right and those beside it, which are taken to be told. */
static void tell_thing(struct question *question, size_t first, struct buf *out)
{
    const struct kube_right *right = &question->rights[first];
    const char *comma = out->length == 0 ? "" : "; ";
    for (size_t i = first; i < question->count; i++) {
        if (!question->allowed[i] && same_thing(&question->rights[i], right)) {
            buf_printf(out, "%s%s", comma, question->rights[i].verb);
            question->allowed[i] = true;
            comma = ", ";
        }
    }
    buf_printf(out, " %s%s%s", right->resource, *right->group == '\0' ? "" : ".", right->group);
    if (right->name != NULL) {
        buf_printf(out, "/%s", right->name);
    } else if (right->namespace != NULL) {
        buf_printf(out, " in %s", right->namespace);
    }
}

static int tell_missing(struct question *question, const struct kube_access *access, struct err *err)
{
    struct buf text;
    size_t told = 0;
    buf_init(&text, ERR_MESSAGE_MAX);
    for (size_t i = 0; i < question->count; i++) {
        if (!question->allowed[i] && told++ < NAMED_MAX) {
            tell_thing(question, i, &text);
        }
    }
    if (told == 0) {
        buf_release(&text);
        return 0;
    }
    err_set(err, ERR_REFUSED, "the account of %s may not: %s%s", access->origin, buf_str(&text), told > NAMED_MAX ? "; and more" : "");
    err_hint(err, "ask for a role that may (README.md has one under \"Rights in the cluster\"), or name the namespaces it is about in "
                  "kubernetes.namespaces");
    buf_release(&text);
    return -1;
}

static int ask(const struct config *config, struct kube_api *api, struct buf *found, struct err *err)
{
    const struct kube_access *access = kube_api_access(api);
    struct kube_groups *groups;
    if (kube_groups_ask(api, &groups, err)) {
        return -1;
    }
    struct question *question = xcalloc(sizeof *question);
    make_question(config, groups, question);
    kube_groups_free(groups);
    size_t count = question->count;
    int failed = kube_rights_ask(api, question->rights, count, question->allowed, err) || tell_missing(question, access, err);
    buf_printf(found, "%s: %zu rights asked for, the account has them all", access->origin, count);
    free(question);
    return failed ? -1 : 0;
}

int cluster_check(struct session *session, struct buf *found, struct err *err)
{
    const struct config *config = session->config;
    struct kube_choice choice = {
        .kubeconfig = config_string(config, "kubernetes.kubeconfig"),
        .context = config_string(config, "kubernetes.context"),
    };
    struct kube_limits limits = {.timeout_seconds = 10};
    struct kube_access *access = NULL;
    struct kube_api *api = NULL;
    if (!is_target(config) && choice.kubeconfig == NULL && choice.context == NULL) {
        return buf_add_str(found, "none is configured, and manifests are what is changed");
    }
    int failed = kube_access_find(&choice, &access, err) || kube_api_new(access, &limits, &api, err) || ask(config, api, found, err);
    kube_api_free(api);
    return failed ? -1 : 0;
}
