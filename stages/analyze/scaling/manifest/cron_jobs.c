#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stages/analyze/scaling/manifest/manifest_write.h"

/* Kubernetes adds eleven characters to a CronJob's name for its Jobs. */
enum { CRON_JOB_NAME_MAX = 52, SUFFIX_MAX = 40, WORDS_MAX = 2 * NAME_SUBDOMAIN_MAX, NOBODY = 65534 };

static const char option[] = "cronjobs";
static const char rbac_group[] = "rbac.authorization.k8s.io";

/* "deployments" of Deployment and apps: what RBAC and kubectl call the kind of the target. */
static const char *resource_of(const char *kind)
{
    static const char *const names[][2] = {{"Deployment", "deployments"},
                                           {"ReplicaSet", "replicasets"},
                                           {"Rollout", "rollouts"},
                                           {"DeploymentConfig", "deploymentconfigs"},
                                           {"StatefulSet", "statefulsets"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(kind, names[i][0]) == 0) {
            return names[i][1];
        }
    }
    return NULL;
}

static void put_account(json_t *out, const struct scale_target *target, const char *account)
{
    struct manifest manifest;
    manifest_begin(&manifest, target, "v1", "ServiceAccount", account);
    manifest_end(&manifest, out, option);
}

/* The group of an apiVersion, "apps" of "apps/v1". */
static void group_of(const char *api_version, char *out, size_t size)
{
    (void)snprintf(out, size, "%.*s", (int)strcspn(api_version, "/"), api_version);
}

static void put_role(json_t *out, const struct scale_target *target, const char *account, const char *resource)
{
    struct manifest manifest;
    struct document *d = &manifest.document;
    char group[NAME_SUBDOMAIN_MAX + 1];
    char scale[SUFFIX_MAX];
    group_of(target->api_version, group, sizeof group);
    (void)snprintf(scale, sizeof scale, "%s/scale", resource);
    manifest_begin(&manifest, target, "rbac.authorization.k8s.io/v1", "Role", account);
    document_open(d, "rules");
    document_item(d);
    document_open(d, "apiGroups");
    document_entry(d, group);
    document_close(d);
    document_open(d, "resources");
    document_entry(d, scale);
    document_close(d);
    document_open(d, "resourceNames");
    document_entry(d, target->name);
    document_close(d);
    document_open(d, "verbs");
    document_entry(d, "get");
    document_entry(d, "patch");
    document_close(d);
    document_item_end(d);
    manifest_end(&manifest, out, option);
}

static void put_binding(json_t *out, const struct scale_target *target, const char *account)
{
    struct manifest manifest;
    struct document *d = &manifest.document;
    manifest_begin(&manifest, target, "rbac.authorization.k8s.io/v1", "RoleBinding", account);
    document_open(d, "roleRef");
    document_string(d, "apiGroup", rbac_group);
    document_string(d, "kind", "Role");
    document_string(d, "name", account);
    document_close(d);
    document_open(d, "subjects");
    document_item(d);
    document_string(d, "kind", "ServiceAccount");
    document_string(d, "name", account);
    document_string(d, "namespace", target->namespace);
    document_item_end(d);
    manifest_end(&manifest, out, option);
}

/* What Pod Security asks for at its strictest. */
static void put_security(struct document *d)
{
    document_open(d, "securityContext");
    document_integer(d, "runAsUser", NOBODY);
    document_flag(d, "runAsNonRoot", true);
    document_flag(d, "readOnlyRootFilesystem", true);
    document_flag(d, "allowPrivilegeEscalation", false);
    document_open(d, "capabilities");
    document_open(d, "drop");
    document_entry(d, "ALL");
    document_close(d);
    document_close(d);
    document_open(d, "seccompProfile");
    document_string(d, "type", "RuntimeDefault");
    document_close(d);
    document_close(d);
}

/* The container that sets the replicas; it needs no more of the cluster than the scale of the target. */
static void put_container(struct document *d, const struct scale_target *target, const char *resource, const char *image, int64_t replicas)
{
    char patch[64];
    char object[WORDS_MAX];
    (void)snprintf(patch, sizeof patch, "{\"spec\":{\"replicas\":%" PRId64 "}}", replicas);
    char group[NAME_SUBDOMAIN_MAX + 1];
    group_of(target->api_version, group, sizeof group);
    (void)snprintf(object, sizeof object, "%s.%s/%s", resource, group, target->name);
    document_item(d);
    document_string(d, "name", "scale");
    document_string(d, "image", image);
    document_open(d, "command");
    document_entry(d, "kubectl");
    document_entry(d, "patch");
    document_entry(d, object);
    document_entry(d, "--subresource=scale");
    document_entry(d, "--type=merge");
    document_entry(d, "--patch");
    document_entry(d, patch);
    document_close(d);
    document_open(d, "resources");
    document_open(d, "requests");
    document_string(d, "cpu", "10m");
    document_string(d, "memory", "64Mi");
    document_close(d);
    document_open(d, "limits");
    document_string(d, "memory", "128Mi");
    document_close(d);
    document_close(d);
    put_security(d);
    document_item_end(d);
}

static void put_job(json_t *out, const struct scale_target *target, const char *account, const char *resource, const char *image,
                    const char *timezone, const char *schedule, int64_t replicas, const char *suffix)
{
    struct manifest manifest;
    struct document *d = &manifest.document;
    char name[NAME_SUBDOMAIN_MAX + 1];
    name_make(target->name, suffix, CRON_JOB_NAME_MAX, name);
    manifest_begin(&manifest, target, "batch/v1", "CronJob", name);
    document_open(d, "spec");
    document_string(d, "schedule", schedule);
    document_string(d, "timeZone", timezone);
    document_string(d, "concurrencyPolicy", "Replace");
    document_integer(d, "startingDeadlineSeconds", 600);
    document_integer(d, "successfulJobsHistoryLimit", 1);
    document_integer(d, "failedJobsHistoryLimit", 1);
    document_open(d, "jobTemplate");
    document_open(d, "spec");
    document_integer(d, "backoffLimit", 3);
    document_integer(d, "activeDeadlineSeconds", 300);
    document_open(d, "template");
    document_open(d, "spec");
    document_string(d, "serviceAccountName", account);
    document_string(d, "restartPolicy", "Never");
    document_open(d, "containers");
    put_container(d, target, resource, image, replicas);
    manifest_end(&manifest, out, option);
}

void manifest_cron_jobs(json_t *out, const struct scale_target *target, const struct scale_crons *crons, const char *image)
{
    char account[NAME_SUBDOMAIN_MAX + 1];
    const char *resource = resource_of(target->kind);
    /* A binding names the namespace of its account. */
    if (!resource || !target->namespace) {
        return;
    }
    name_make(target->name, "-tare-scale", NAME_LABEL_MAX, account);
    put_account(out, target, account);
    put_role(out, target, account, resource);
    put_binding(out, target, account);
    for (size_t i = 0; i < crons->count; i++) {
        const struct scale_cron *cron = &crons->items[i];
        char suffix[SUFFIX_MAX];
        (void)snprintf(suffix, sizeof suffix, crons->count > 1 ? "-tare-up-%zu" : "-tare-up", i + 1);
        put_job(out, target, account, resource, image, crons->timezone, cron->start, cron->replicas, suffix);
        (void)snprintf(suffix, sizeof suffix, crons->count > 1 ? "-tare-down-%zu" : "-tare-down", i + 1);
        put_job(out, target, account, resource, image, crons->timezone, cron->end, crons->base, suffix);
    }
}
