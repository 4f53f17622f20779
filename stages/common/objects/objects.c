#include "stages/common/objects/objects.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "pipeline/run/selector.h"

enum { FILE_NAME_MAX = 200, NAME_MAX_BYTES = 253, DIGEST_SHOWN = 8 };

static const struct object_kind kinds[] = {
    {"HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling", "v2", "horizontalpodautoscalers", "hpa"},
    {"VerticalPodAutoscaler", "autoscaling.k8s.io/v1", "autoscaling.k8s.io", "v1", "verticalpodautoscalers", "vpa"},
    {"ScaledObject", "keda.sh/v1alpha1", "keda.sh", "v1alpha1", "scaledobjects", "keda"},
    {"ServiceAccount", "v1", "", "v1", "serviceaccounts", "schedule"},
    {"Role", "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io", "v1", "roles", "schedule"},
    {"RoleBinding", "rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io", "v1", "rolebindings", "schedule"},
    {"CronJob", "batch/v1", "batch", "v1", "cronjobs", "schedule"},
};

const struct object_kind *object_kind_of(const json_t *object)
{
    const char *kind = json_string_or_null(object, "kind");
    const char *version = json_string_or_null(object, "api_version");
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_equal(kind, kinds[i].kind) && str_equal(version, kinds[i].api_version)) {
            return &kinds[i];
        }
    }
    return NULL;
}

const char *object_advice(const char *option)
{
    static const char *const names[][2] = {{"hpa", "hpa"}, {"vpa", "vpa"}, {"keda", "keda"}, {"cronjobs", "schedule"}};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (str_equal(option, names[i][0])) {
            return names[i][1];
        }
    }
    return NULL;
}

bool object_advice_excludes(const char *advice)
{
    return !str_equal(advice, "vpa");
}

/* ---- Which are chosen ---- */

static bool names(const json_t *list, const char *advice)
{
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(list, index, item)
    {
        if (str_equal(json_string_value(item), advice)) {
            return true;
        }
    }
    return false;
}

bool object_chosen(const struct config *config, const json_t *workload, const char *namespace, const char *class, const char *advice)
{
    const json_t *list = config_value(config, "apply.advice");
    size_t index = 0;
    const json_t *override = NULL;
    json_array_foreach(config_value(config, "policy.overrides"), index, override)
    {
        const json_t *own = json_at(override, "apply.advice");
        if (json_is_array(own) && selector_match(json_object_get(override, "match"), workload, namespace, class)) {
            list = own;
        }
    }
    return names(list, advice);
}

bool object_choice_given(const struct config *config)
{
    size_t index = 0;
    const json_t *override = NULL;
    bool given = config_given(config, "apply.advice");
    json_array_foreach(config_value(config, "policy.overrides"), index, override)
    {
        given = given || json_is_array(json_at(override, "apply.advice"));
    }
    return given;
}

/* ---- What speaks against one ---- */

static bool scales(const char *kind)
{
    return str_equal(kind, "HorizontalPodAutoscaler") || str_equal(kind, "ScaledObject");
}

/* Whether an autoscaler that is there does what a new object of this advice would do. */
static bool holds(const json_t *autoscaler, const char *advice)
{
    const char *kind = json_string_or_null(autoscaler, "kind");
    return str_equal(advice, "vpa") ? str_equal(kind, "VerticalPodAutoscaler") : scales(kind);
}

static bool held(const json_t *workload, const char *advice, char why[OBJECT_WHY_MAX])
{
    const json_t *first = json_object_get(workload, "autoscaler");
    const json_t *also = json_object_get(first, "also");
    for (size_t i = 0; i <= json_array_size(also); i++) {
        const json_t *one = i == 0 ? first : json_array_get(also, i - 1);
        const char *name = json_string_or_null(one, "name");
        if (holds(one, advice)) {
            (void)snprintf(why, OBJECT_WHY_MAX, "%s %.100s holds the workload already: change that one",
                           json_string_or_null(one, "kind"), name == NULL ? "without a name" : name);
            return true;
        }
    }
    return false;
}

/* Domains that delivery tools mark what they deliver with, in labels and annotations. */
static const char *const owner_marks[][2] = {{"argocd.argoproj.io/", "Argo CD"},
                                             {"kustomize.toolkit.fluxcd.io/", "Flux"},
                                             {"helm.toolkit.fluxcd.io/", "Flux"},
                                             {"meta.helm.sh/", "Helm"}};

/* Whose mark a name is, NULL nobody's. */
static const char *mark_owner(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(owner_marks); i++) {
        if (str_starts(name, owner_marks[i][0])) {
            return owner_marks[i][1];
        }
    }
    return NULL;
}

bool object_owner_mark(const char *name)
{
    return mark_owner(name) != NULL;
}

/* The first owner that a map's names tell. */
static const char *owner_in(const json_t *map)
{
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        if (mark_owner(key) != NULL) {
            return mark_owner(key);
        }
    }
    return NULL;
}

const char *object_owner(const json_t *labels, const json_t *annotations)
{
    const char *owner = owner_in(labels);
    return owner != NULL ? owner : owner_in(annotations);
}

/* The object that an autoscaler's manifest aims at is this workload. */
static bool aims_at(const json_t *manifest, const json_t *workload)
{
    const json_t *spec = json_object_get(manifest, "spec");
    const json_t *target = json_object_get(spec, "scaleTargetRef");
    target = target == NULL ? json_object_get(spec, "targetRef") : target;
    return str_equal(json_string_or_null(target, "kind"), json_string_or_null(workload, "kind")) &&
           str_equal(json_string_or_null(target, "name"), json_string_or_null(workload, "name"));
}

static bool only(const json_t *list, const char *one, const char *other)
{
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(list, index, item)
    {
        const char *text = json_string_value(item);
        if (!str_equal(text, one) && !str_equal(text, other)) {
            return false;
        }
    }
    return json_array_size(list) > 0;
}

/* A role may let its account read and write the scale of this workload, and nothing else. */
static bool role_is_narrow(const json_t *manifest, const json_t *workload)
{
    const json_t *rules = json_object_get(manifest, "rules");
    const json_t *rule = json_array_get(rules, 0);
    const json_t *resources = json_object_get(rule, "resources");
    const char *resource = json_string_value(json_array_get(resources, 0));
    return json_array_size(rules) == 1 && json_array_size(resources) == 1 && str_ends(resource == NULL ? "" : resource, "/scale") &&
           only(json_object_get(rule, "resourceNames"), json_string_or_null(workload, "name"), NULL) &&
           only(json_object_get(rule, "verbs"), "get", "patch") && json_object_get(rule, "nonResourceURLs") == NULL;
}

/* A binding gives the role of its own name to the account of its own name. */
static bool binding_is_own(const json_t *manifest, const char *name)
{
    const json_t *role = json_object_get(manifest, "roleRef");
    const json_t *subjects = json_object_get(manifest, "subjects");
    const json_t *subject = json_array_get(subjects, 0);
    const json_t *metadata = json_object_get(manifest, "metadata");
    return str_equal(json_string_or_null(role, "kind"), "Role") && str_equal(json_string_or_null(role, "name"), name) &&
           json_array_size(subjects) == 1 && str_equal(json_string_or_null(subject, "kind"), "ServiceAccount") &&
           str_equal(json_string_or_null(subject, "name"), name) &&
           str_equal(json_string_or_null(subject, "namespace"), json_string_or_null(metadata, "namespace"));
}

static bool same_text(const json_t *a, const char *a_key, const json_t *b, const char *b_key)
{
    return str_equal(json_string_or_null(a, a_key), json_string_or_null(b, b_key));
}

/* A name as the API server takes it: small letters, digits, '-' and '.', at most 253. */
static bool is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.");
    return length > 0 && length <= NAME_MAX_BYTES && name[length] == '\0' && isalnum((unsigned char)name[0]) &&
           isalnum((unsigned char)name[length - 1]);
}

/* Whether entry and manifest are one object, of a kind and with an aim that the advice gives it. */
static bool is_advised(const json_t *workload, const json_t *object)
{
    const struct object_kind *kind = object_kind_of(object);
    const json_t *manifest = json_object_get(object, "manifest");
    const json_t *metadata = json_object_get(manifest, "metadata");
    const char *name = json_string_or_null(object, "name");
    if (kind == NULL || name == NULL || !is_name(name) || !str_equal(json_string_or_null(object, "advice"), kind->advice) ||
        !same_text(object, "kind", manifest, "kind") || !same_text(object, "api_version", manifest, "apiVersion") ||
        !same_text(object, "name", metadata, "name") || !same_text(object, "namespace", metadata, "namespace") ||
        !same_text(object, "namespace", workload, "namespace")) {
        return false;
    }
    if (str_equal(kind->kind, "Role")) {
        return role_is_narrow(manifest, workload);
    }
    if (str_equal(kind->kind, "RoleBinding")) {
        return binding_is_own(manifest, name);
    }
    return str_equal(kind->advice, "schedule") || aims_at(manifest, workload);
}

bool object_objection(const json_t *record, const json_t *object, bool cluster, char why[OBJECT_WHY_MAX])
{
    const json_t *workload = json_object_get(record, "workload");
    const char *owner = object_owner(json_object_get(workload, "labels"), json_object_get(workload, "annotations"));
    why[0] = '\0';
    if (!is_advised(workload, object)) {
        (void)snprintf(why, OBJECT_WHY_MAX, "it is none that the scaling advice gives this workload");
    } else if (held(workload, json_string_or_null(object, "advice"), why)) {
        return true;
    } else if (cluster && owner != NULL) {
        (void)snprintf(why, OBJECT_WHY_MAX, "%s delivers the workload and would work against it: use target files", owner);
    }
    return why[0] != '\0';
}

/* ---- How far it goes ---- */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The number that a CronJob of ours sets: the last word of its command is the patch. */
static int64_t cron_replicas(const json_t *spec)
{
    const json_t *pod = json_at(spec, "jobTemplate.spec.template.spec");
    const json_t *command = json_object_get(json_array_get(json_object_get(pod, "containers"), 0), "command");
    const char *patch = json_string_value(json_array_get(command, json_array_size(command) - 1));
    json_t *value = patch == NULL ? NULL : json_read(patch, strlen(patch), "a patch", NULL);
    int64_t replicas = json_int_or(json_object_get(value, "spec"), "replicas", INT64_MAX);
    json_decref(value);
    return replicas;
}

int64_t object_replicas(const json_t *object)
{
    const char *kind = json_string_or_null(object, "kind");
    const json_t *spec = json_at(object, "manifest.spec");
    if (str_equal(kind, "HorizontalPodAutoscaler")) {
        return json_int_or(spec, "maxReplicas", INT64_MAX);
    }
    if (str_equal(kind, "ScaledObject")) {
        return larger(json_int_or(spec, "maxReplicaCount", INT64_MAX), json_int_or(spec, "minReplicaCount", 0));
    }
    return str_equal(kind, "CronJob") ? cron_replicas(spec) : 0;
}

/* ---- As a file ---- */

int objects_text(const json_t *objects, struct buf *out, struct err *err)
{
    size_t index = 0;
    const json_t *object = NULL;
    json_array_foreach(objects, index, object)
    {
        const char *yaml = json_string_or_null(object, "yaml");
        if (yaml == NULL || *yaml == '\0') {
            return err_set(err, ERR_DATA, "a new object of the change has no text");
        }
        buf_add_str(out, index == 0 ? "" : "---\n");
        buf_add_str(out, yaml);
    }
    return out->overflow ? err_set(err, ERR_DATA, "the new objects of a workload take more than %zu bytes", out->cap) : 0;
}

/* Adds a word in small letters; what a file name should not have becomes a hyphen. */
static void add_word(struct buf *out, const char *word)
{
    for (const char *p = word; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        buf_add_char(out, isalnum(c) || c == '.' ? (char)tolower(c) : '-');
    }
}

char *objects_path(const char *file, const json_t *workload)
{
    static const char *const members[] = {"namespace", "kind", "name"};
    struct buf name;
    char digest[DIGEST_HEX];
    buf_init(&name, 8192);
    buf_add_str(&name, "tare");
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        const char *word = json_string_or_null(workload, members[i]);
        if (word != NULL) {
            buf_add_char(&name, '-');
            add_word(&name, word);
        }
    }
    hash_bytes(buf_str(&name), name.length, digest);
    char *folder = fs_dirname(file);
    char *short_name = name.length <= FILE_NAME_MAX
                           ? xasprintf("%s.yaml", buf_str(&name))
                           : xasprintf("%.*s-%.*s.yaml", (int)FILE_NAME_MAX - DIGEST_SHOWN - 1, buf_str(&name), (int)DIGEST_SHOWN, digest);
    char *path = strcmp(folder, ".") == 0 && !str_starts(file, "./") ? xstrdup(short_name) : fs_join(folder, short_name);
    free(short_name);
    free(folder);
    buf_release(&name);
    return path;
}
