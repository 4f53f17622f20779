#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/manifest/manifest.h"

#define POD_TEMPLATE \
    { \
        "spec", "template", "spec" \
    }

static const struct manifest_kind kinds[] = {
    {"CronJob", {"batch"}, {"spec", "jobTemplate", "spec", "template", "spec"}, NULL, true},
    {"DaemonSet", {"apps", "extensions"}, POD_TEMPLATE, NULL, true},
    {"Deployment", {"apps", "extensions"}, POD_TEMPLATE, "replicas", true},
    {"DeploymentConfig", {"apps.openshift.io", ""}, POD_TEMPLATE, "replicas", false},
    {"Job", {"batch", "extensions"}, POD_TEMPLATE, "parallelism", true},
    {"Pod", {""}, {"spec"}, NULL, true},
    {"ReplicaSet", {"apps", "extensions"}, POD_TEMPLATE, "replicas", true},
    {"ReplicationController", {""}, POD_TEMPLATE, "replicas", true},
    {"Rollout", {"argoproj.io"}, POD_TEMPLATE, "replicas", false},
    {"StatefulSet", {"apps"}, POD_TEMPLATE, "replicas", true},
};

const char *manifest_section(enum manifest_field field)
{
    return field == FIELD_REQUESTS_CPU || field == FIELD_REQUESTS_MEMORY ? "requests" : "limits";
}

bool manifest_is_cpu(enum manifest_field field)
{
    return field == FIELD_REQUESTS_CPU || field == FIELD_LIMITS_CPU;
}

const char *manifest_resource(enum manifest_field field)
{
    return manifest_is_cpu(field) ? "cpu" : "memory";
}

const char *manifest_role_name(enum manifest_role role)
{
    static const char *const names[] = {"container", "init", "sidecar"};
    return names[role];
}

const struct manifest_kind *manifest_kind_named(const char *kind)
{
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_equal(kinds[i].kind, kind)) {
            return &kinds[i];
        }
    }
    return NULL;
}

/* Whether "group/version" (or "version" for the core group) is of `group`. */
static bool of_group(const char *api_version, const char *group)
{
    const char *slash = strchr(api_version, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - api_version);
    return strlen(group) == length && memcmp(api_version, group, length) == 0;
}

const struct manifest_kind *manifest_kind_of(const char *api_version, const char *kind)
{
    const struct manifest_kind *found = kind == NULL ? NULL : manifest_kind_named(kind);
    if (api_version == NULL || api_version[0] == '\0') {
        return NULL;
    }
    for (size_t i = 0; found != NULL && i < ARRAY_COUNT(found->groups); i++) {
        if (found->groups[i] != NULL && of_group(api_version, found->groups[i])) {
            return found;
        }
    }
    return NULL;
}
