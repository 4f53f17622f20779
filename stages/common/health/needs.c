#include "stages/common/health/needs.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "stages/common/manifest/manifest.h"

/* No node has more; sums of what anybody may write do not overflow. */
#define AMOUNT_MAX (INT64_MAX / 4096)

const json_t *needs_spec(const json_t *object)
{
    const char *kind = json_string_or_null(object, "kind");
    const struct manifest_kind *type = kind == NULL ? NULL : manifest_kind_named(kind);
    for (size_t i = 0; type != NULL && object != NULL && type->pod_path[i] != NULL; i++) {
        object = json_object_get(object, type->pod_path[i]);
    }
    return type == NULL || !json_is_object(object) ? NULL : object;
}

/* ---- Amounts ---- */

static int64_t amount(const json_t *list, bool cpu)
{
    const json_t *value = json_object_get(list, cpu ? "cpu" : "memory");
    int64_t read = 0;
    if (json_is_integer(value)) {
        read = json_integer_value(value) < AMOUNT_MAX / 1000 ? json_integer_value(value) * (cpu ? 1000 : 1) : AMOUNT_MAX;
    } else if (json_is_string(value)) {
        const char *text = json_string_value(value);
        if (cpu ? quantity_cpu(text, strlen(text), &read, NULL) : quantity_memory(text, strlen(text), &read, NULL)) {
            return 0;
        }
    }
    return read < 0 ? 0 : read < AMOUNT_MAX ? read : AMOUNT_MAX;
}

void needs_amounts(const json_t *list, struct needs *out)
{
    out->cpu = amount(list, true);
    out->memory = amount(list, false);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sum(int64_t a, int64_t b)
{
    return a + b < AMOUNT_MAX ? a + b : AMOUNT_MAX;
}

/* The status of a container by its name, NULL where there is none. */
static const json_t *status_of(const json_t *status, const char *list, const char *name)
{
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(json_object_get(status, list), index, each)
    {
        if (name != NULL && str_equal(json_string_or_null(each, "name"), name)) {
            return each;
        }
    }
    return NULL;
}

/* A limit without a request is a request: the API server fills it in, templates that it never saw have not. */
static int64_t requested(const json_t *container, const json_t *status, bool cpu)
{
    const json_t *resources = json_object_get(container, "resources");
    const json_t *requests = json_object_get(resources, "requests");
    bool named = json_object_get(requests, cpu ? "cpu" : "memory") != NULL;
    int64_t asked = amount(named ? requests : json_object_get(resources, "limits"), cpu);
    int64_t given = larger(amount(json_object_get(status, "allocatedResources"), cpu), amount(json_at(status, "resources.requests"), cpu));
    return larger(asked, given);
}

static int64_t pod_amount(const json_t *spec, const json_t *status, bool cpu)
{
    int64_t sidecars = 0;
    int64_t total = 0;
    int64_t start = 0;
    size_t index = 0;
    const json_t *each = NULL;
    const json_t *own = json_at(spec, "resources.requests");
    if (json_object_get(own, cpu ? "cpu" : "memory") != NULL) {
        return sum(amount(own, cpu), amount(json_object_get(spec, "overhead"), cpu));
    }
    json_array_foreach(json_object_get(spec, "initContainers"), index, each)
    {
        const char *name = json_string_or_null(each, "name");
        int64_t wanted = requested(each, status_of(status, "initContainerStatuses", name), cpu);
        if (str_equal(json_string_or_null(each, "restartPolicy"), "Always")) {
            sidecars = sum(sidecars, wanted);
            wanted = 0;
        }
        start = larger(start, sum(sidecars, wanted));
    }
    json_array_foreach(json_object_get(spec, "containers"), index, each)
    {
        const char *name = json_string_or_null(each, "name");
        total = sum(total, requested(each, status_of(status, "containerStatuses", name), cpu));
    }
    return sum(larger(sum(total, sidecars), start), amount(json_object_get(spec, "overhead"), cpu));
}

void needs_read(const json_t *spec, const json_t *status, struct needs *out)
{
    out->cpu = pod_amount(spec, status, true);
    out->memory = pod_amount(spec, status, false);
}

/* ---- Which nodes ---- */

static bool tolerates(const json_t *toleration, const json_t *taint)
{
    const char *key = json_string_or_null(toleration, "key");
    const char *operator = json_string_or_null(toleration, "operator");
    const char *effect = json_string_or_null(toleration, "effect");
    const char *value = json_string_or_null(toleration, "value");
    const char *taint_value = json_string_or_null(taint, "value");
    if (effect != NULL && effect[0] != '\0' && !str_equal(effect, json_string_or_null(taint, "effect"))) {
        return false;
    }
    if (key != NULL && key[0] != '\0' && !str_equal(key, json_string_or_null(taint, "key"))) {
        return false;
    }
    return str_equal(operator, "Exists") || str_equal(value == NULL ? "" : value, taint_value == NULL ? "" : taint_value);
}

static bool taints_allow(const json_t *spec, const json_t *node)
{
    size_t index = 0;
    const json_t *taint = NULL;
    json_array_foreach(json_at(node, "spec.taints"), index, taint)
    {
        size_t at = 0;
        const json_t *each = NULL;
        bool tolerated = str_equal(json_string_or_null(taint, "effect"), "PreferNoSchedule");
        json_array_foreach(json_object_get(spec, "tolerations"), at, each)
        {
            tolerated = tolerated || tolerates(each, taint);
        }
        if (!tolerated) {
            return false;
        }
    }
    return true;
}

static bool value_among(const json_t *values, const char *value)
{
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(values, index, each)
    {
        if (value != NULL && json_is_string(each) && strcmp(json_string_value(each), value) == 0) {
            return true;
        }
    }
    return false;
}

static bool compares(const json_t *values, const char *value, bool greater)
{
    const char *bound = json_string_value(json_array_get(values, 0));
    int64_t is = 0;
    int64_t limit = 0;
    if (value == NULL || bound == NULL || str_int64(value, INT64_MIN, INT64_MAX, &is) || str_int64(bound, INT64_MIN, INT64_MAX, &limit)) {
        return false;
    }
    return greater ? is > limit : is < limit;
}

static bool expression_holds(const json_t *expression, const char *value)
{
    const char *operator = json_string_or_null(expression, "operator");
    const json_t *values = json_object_get(expression, "values");
    if (str_equal(operator, "In")) {
        return value_among(values, value);
    }
    if (str_equal(operator, "NotIn")) {
        return !value_among(values, value);
    }
    if (str_equal(operator, "Exists") || str_equal(operator, "DoesNotExist")) {
        return (value != NULL) == str_equal(operator, "Exists");
    }
    return compares(values, value, str_equal(operator, "Gt"));
}

static bool term_holds(const json_t *term, const json_t *node)
{
    const json_t *labels = json_at(node, "metadata.labels");
    const json_t *expressions = json_object_get(term, "matchExpressions");
    const json_t *fields = json_object_get(term, "matchFields");
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(expressions, index, each)
    {
        const char *key = json_string_or_null(each, "key");
        if (key == NULL || !expression_holds(each, json_string_or_null(labels, key))) {
            return false;
        }
    }
    json_array_foreach(fields, index, each)
    {
        bool named = str_equal(json_string_or_null(each, "key"), "metadata.name");
        if (!named || !expression_holds(each, json_string_or_null(json_object_get(node, "metadata"), "name"))) {
            return false;
        }
    }
    return json_array_size(expressions) + json_array_size(fields) > 0; /* a term without conditions matches nothing */
}

static bool affinity_allows(const json_t *spec, const json_t *node)
{
    const json_t *terms = json_at(spec, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(terms, index, each)
    {
        if (term_holds(each, node)) {
            return true;
        }
    }
    return !json_is_array(terms);
}

static bool selector_allows(const json_t *spec, const json_t *node)
{
    const json_t *labels = json_at(node, "metadata.labels");
    json_t *wanted = json_object_get(spec, "nodeSelector");
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(wanted, key, value)
    {
        const char *is = json_string_or_null(labels, key);
        if (is == NULL || !str_equal(is, json_string_value(value))) {
            return false;
        }
    }
    return true;
}

bool needs_allow(const json_t *spec, const json_t *node)
{
    const char *name = json_string_or_null(spec, "nodeName");
    if (name != NULL && name[0] != '\0' && !str_equal(name, json_string_or_null(json_object_get(node, "metadata"), "name"))) {
        return false;
    }
    return !json_bool_or(json_object_get(node, "spec"), "unschedulable", false) && taints_allow(spec, node) &&
           selector_allows(spec, node) && affinity_allows(spec, node);
}

/* ---- What is not looked at ---- */

static bool spreads(const json_t *spec)
{
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(json_object_get(spec, "topologySpreadConstraints"), index, each)
    {
        if (str_equal(json_string_or_null(each, "whenUnsatisfiable"), "DoNotSchedule")) {
            return true;
        }
    }
    return json_array_size(json_at(spec, "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution")) > 0 ||
           json_array_size(json_at(spec, "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution")) > 0;
}

static bool claims(const json_t *spec)
{
    size_t index = 0;
    const json_t *each = NULL;
    json_array_foreach(json_object_get(spec, "volumes"), index, each)
    {
        if (json_object_get(each, "persistentVolumeClaim") != NULL || json_object_get(each, "ephemeral") != NULL) {
            return true;
        }
    }
    return false;
}

const char *needs_unseen(const json_t *spec)
{
    static const char *const words[] = {NULL, "affinity between pods and spread", "volumes", "affinity between pods, spread and volumes"};
    return words[(spreads(spec) ? 1 : 0) + (claims(spec) ? 2 : 0)];
}
