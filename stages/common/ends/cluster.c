#include "stages/common/ends/cluster.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/cluster_kind.h"

/* Who may not read kube-system does not know which cluster this is; a plan that knows it is then not applied. */
static int identify(struct cluster *cluster, struct err *err)
{
    json_t *namespace = NULL;
    long status = 0;
    if (kube_get(cluster->api, "/api/v1/namespaces/kube-system", &namespace, &status, &cluster->no_id)) {
        if (status == 403 || status == 404) {
            return 0;
        }
        *err = cluster->no_id;
        return -1;
    }
    cluster->id = xstrdup_null(json_string_or_null(json_object_get(namespace, "metadata"), "uid"));
    json_decref(namespace);
    return 0;
}

void cluster_free(struct cluster *cluster)
{
    if (cluster != NULL) {
        kube_groups_free(cluster->groups);
        kube_api_free(cluster->api);
        free(cluster->id);
        free(cluster);
    }
}

int cluster_open(struct stage *stage, struct cluster **out, struct err *err)
{
    const struct options *options = stage->options;
    struct kube_choice choice = {
        .kubeconfig = options_string(options, OPT_KUBECONFIG),
        .context = options_string(options, OPT_CONTEXT),
        .context_typed = options_typed(options, OPT_CONTEXT),
        .insecure = options_flag(options, OPT_INSECURE),
    };
    struct kube_limits limits = {.connect_timeout_seconds = options_integer(options, OPT_CONNECT_TIMEOUT, NULL)};
    struct kube_access *access = NULL;
    struct cluster *cluster = xcalloc(sizeof *cluster);
    if (kube_access_find(&choice, &access, err) || kube_api_new(access, &limits, &cluster->api, err) ||
        kube_groups_ask(cluster->api, &cluster->groups, err) || identify(cluster, err)) {
        cluster_free(cluster);
        return -1;
    }
    *out = cluster;
    return 0;
}

int cluster_is(const struct cluster *cluster, const char *then, const char *what, struct err *err)
{
    if (str_equal(then, cluster->id)) {
        return 0;
    }
    if (cluster->id == NULL) {
        *err = cluster->no_id;
        return err_prefix(err, "whether this is the cluster of the plan cannot be told");
    }
    err_set(err, ERR_STALE, "%s is the cluster with the id %s, %s %s", kube_api_access(cluster->api)->origin, cluster->id, what,
            then == NULL ? "one whose id is unknown" : then);
    return err_hint(err, "name the cluster of the plan: --kubeconfig FILE --context NAME");
}

const char *cluster_version(const struct cluster *cluster, const char *kind, const struct cluster_kind **row)
{
    size_t count = 0;
    const struct cluster_kind *kinds = cluster_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        if (kinds[i].workload && str_equal(kinds[i].kind, kind)) {
            *row = &kinds[i];
            return kube_groups_version(cluster->groups, kinds[i].group, kinds[i].versions);
        }
    }
    *row = NULL;
    return NULL;
}
