#include "stages/common/cluster_kind.h"

#include "pipeline/base/mem.h"
#include "stages/common/manifest/manifest.h"

/* A pod that has ended asks for nothing any more. */
#define RUNNING_PODS "status.phase!=Succeeded,status.phase!=Failed"

static const struct cluster_kind kinds[] = {
    {"CronJob", "batch", {"v1", "v1beta1"}, "cronjobs", NULL, true, true},
    {"DaemonSet", "apps", {"v1"}, "daemonsets", NULL, true, true},
    {"Deployment", "apps", {"v1"}, "deployments", NULL, true, true},
    {"DeploymentConfig", "apps.openshift.io", {"v1"}, "deploymentconfigs", NULL, true, true},
    {"Job", "batch", {"v1"}, "jobs", NULL, true, true},
    {"Pod", "", {"v1"}, "pods", RUNNING_PODS, true, true},
    {"ReplicaSet", "apps", {"v1"}, "replicasets", NULL, true, true},
    {"ReplicationController", "", {"v1"}, "replicationcontrollers", NULL, true, true},
    {"Rollout", "argoproj.io", {"v1alpha1"}, "rollouts", NULL, true, true},
    {"StatefulSet", "apps", {"v1"}, "statefulsets", NULL, true, true},
    {"HorizontalPodAutoscaler",
     "autoscaling",
     {"v2", "v2beta2", "v1"},
     "horizontalpodautoscalers",
     NULL,
     false,
     true},
    {"VerticalPodAutoscaler",
     "autoscaling.k8s.io",
     {"v1", "v1beta2"},
     "verticalpodautoscalers",
     NULL,
     false,
     true},
    {"ScaledObject", "keda.sh", {"v1alpha1"}, "scaledobjects", NULL, false, true},
    {"PodDisruptionBudget", "policy", {"v1", "v1beta1"}, "poddisruptionbudgets", NULL, false, true},
    {"LimitRange", "", {"v1"}, "limitranges", NULL, false, true},
    {"ResourceQuota", "", {"v1"}, "resourcequotas", NULL, false, true},
    {"Namespace", "", {"v1"}, "namespaces", NULL, false, false},
};

const struct cluster_kind *cluster_kinds(size_t *count)
{
    *count = ARRAY_COUNT(kinds);
    return kinds;
}

bool cluster_kind_owned(const json_t *object)
{
    size_t index;
    json_t *owner;
    json_array_foreach(json_object_get(json_object_get(object, "metadata"), "ownerReferences"), index, owner)
    {
        if (json_bool_or(owner, "controller", false)) {
            return manifest_kind_of(json_string_or_null(owner, "apiVersion"),
                                    json_string_or_null(owner, "kind")) != NULL;
        }
    }
    return false;
}
