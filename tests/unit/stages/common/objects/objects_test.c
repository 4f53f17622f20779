/* New objects of a change: which may be, whose a workload is, the file they stand in, and how they compare with what is live. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/objects/object_live.h"
#include "stages/common/objects/object_yaml.h"
#include "stages/common/objects/objects.h"

static json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);
    if (value == NULL) {
        fail_msg("%s: %s", error.text, text);
    }
    return value;
}

static void test_yaml(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *json; /* NULL: refused */
    } rows[] = {
        {"a: 1\nb: \"1\"\nc: true\nd: \"true\"\ne:\n  - x\n  - z: \"2\"\n", "{\"a\":1,\"b\":\"1\",\"c\":true,"
         "\"d\":\"true\",\"e\":[\"x\",{\"z\":\"2\"}]}"},
        {"a: null\n", "{\"a\":null}"},
        {"a: &x 1\nb: *x\n", NULL},
        {"a: 1.5\n", NULL},
        {"y: 1\n", NULL}, /* a key that some read as true */
        {"a: 1\n---\nb: 2\n", NULL},
        {"- a\n", NULL},
        {"", NULL},
        {"a: [", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        json_t *got = NULL;
        struct err err = {0};
        int failed = object_from_yaml(rows[i].yaml, &got, &err);
        json_t *wanted = rows[i].json == NULL ? NULL : json_of(rows[i].json);
        if ((failed != 0) != (wanted == NULL) || (wanted != NULL && !json_equal(got, wanted)) || (failed && err.message[0] == '\0')) {
            fail_msg("row %zu: %s", i, err.message);
        }
        json_decref(got);
        json_decref(wanted);
    }
}

/* An entry of change.objects with a manifest of the same names; `more` are members of the manifest. */
#define ENTRY(kind, version, namespace, name, advice, more) \
    "{\"kind\":\"" kind "\",\"api_version\":\"" version "\",\"namespace\":\"" namespace "\",\"name\":\"" name "\"," \
    "\"advice\":\"" advice "\",\"manifest\":{\"apiVersion\":\"" version "\",\"kind\":\"" kind "\"," \
    "\"metadata\":{\"name\":\"" name "\",\"namespace\":\"" namespace "\"}" more "}}"
#define RBAC "rbac.authorization.k8s.io/v1"
#define ROLE(rule) ENTRY("Role", RBAC, "shop", "x", "schedule", ",\"rules\":[" rule "]")
#define RULE(resource, names, verbs) "{\"apiGroups\":[\"apps\"],\"resources\":[\"" resource "\"]" names ",\"verbs\":[" verbs "]}"
#define OF_CART ",\"resourceNames\":[\"cart\"]"
#define BINDING(role, account) \
    ENTRY("RoleBinding", RBAC, "shop", "x", "schedule", \
          ",\"roleRef\":{\"kind\":" role "},\"subjects\":[{\"kind\":\"ServiceAccount\",\"name\":\"" account "\",\"namespace\":\"shop\"}]")
#define VPA(namespace, kind, target) \
    ENTRY("VerticalPodAutoscaler", "autoscaling.k8s.io/v1", namespace, "cart", "vpa", \
          ",\"spec\":{\"targetRef\":{\"kind\":\"" kind "\",\"name\":\"" target "\"}}")

/* A hand-made plan brings nothing but what the advice gives. */
static void test_objections(void **state)
{
    (void)state;
    static const struct {
        const char *object;
        bool stands;
    } rows[] = {
        {VPA("shop", "Deployment", "cart"), false},
        {VPA("other", "Deployment", "cart"), true},
        {VPA("shop", "Deployment", "web"), true},
        {VPA("shop", "StatefulSet", "cart"), true},
        {"{\"kind\":\"ClusterRoleBinding\",\"api_version\":\"rbac.authorization.k8s.io/v1\",\"name\":\"x\"}", true},
        {ENTRY("ServiceAccount", "v1", "shop", "a", "schedule", ""), false},
        {ENTRY("ServiceAccount", "v1", "shop", "../a", "schedule", ""), true},
        {ENTRY("ServiceAccount", "v1", "shop", "a", "hpa", ""), true},
        {"{}", true},
        {"null", true},
        {ROLE(RULE("deployments/scale", OF_CART, "\"get\",\"patch\"")), false},
        {ROLE(RULE("deployments/scale", OF_CART, "\"get\",\"*\"")), true},
        {ROLE(RULE("deployments", OF_CART, "\"get\"")), true},
        {ROLE(RULE("deployments/scale", "", "\"get\"")), true},
        {ROLE(RULE("deployments/scale", OF_CART, "\"get\"") ",{}"), true},
        {BINDING("\"Role\",\"name\":\"x\"", "x"), false},
        {BINDING("\"ClusterRole\",\"name\":\"cluster-admin\"", "x"), true},
        {BINDING("\"Role\",\"name\":\"x\"", "default"), true},
    };
    json_t *record = json_of("{\"workload\":{\"kind\":\"Deployment\",\"name\":\"cart\",\"namespace\":\"shop\"}}");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char why[OBJECT_WHY_MAX];
        json_t *object = json_of(rows[i].object);
        if (object_objection(record, object, false, why) != rows[i].stands || (why[0] != '\0') != rows[i].stands) {
            fail_msg("row %zu: %s", i, why);
        }
        json_decref(object);
    }
    json_decref(record);
}

static void test_owner(void **state)
{
    (void)state;
    static const struct {
        const char *labels, *annotations, *owner;
    } rows[] = {
        {"{\"app\":\"x\"}", "{\"argocd.argoproj.io/tracking-id\":\"a\"}", "Argo CD"},
        {"{\"kustomize.toolkit.fluxcd.io/name\":\"a\"}", NULL, "Flux"},
        {NULL, "{\"meta.helm.sh/release-name\":\"a\"}", "Helm"},
        {"{\"app\":\"argocd.argoproj.io/\"}", "{\"tare.dev/skip\":\"false\"}", NULL},
        {NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        json_t *labels = rows[i].labels == NULL ? NULL : json_of(rows[i].labels);
        json_t *annotations = rows[i].annotations == NULL ? NULL : json_of(rows[i].annotations);
        const char *owner = object_owner(labels, annotations);
        if ((owner == NULL) != (rows[i].owner == NULL) || (owner != NULL && strcmp(owner, rows[i].owner) != 0)) {
            fail_msg("row %zu: %s", i, owner == NULL ? "nobody" : owner);
        }
        json_decref(labels);
        json_decref(annotations);
    }
}

static void test_file(void **state)
{
    (void)state;
    char longest[254];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    struct {
        const char *file, *namespace, *name, *path; /* NULL: only short enough */
    } rows[] = {
        {"deploy/cart.yaml", "shop", "cart", "deploy/tare-shop-deployment-cart.yaml"},
        {"cart.yaml", NULL, "cart", "tare-deployment-cart.yaml"},
        {"/srv/m/x.yaml", "shop", "a.b", "/srv/m/tare-shop-deployment-a.b.yaml"},
        {"deploy/x.yaml", "shop", "../../etc/Passwd", "deploy/tare-shop-deployment-..-..-etc-passwd.yaml"},
        {"deploy/x.yaml", "shop", longest, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        json_t *workload = json_pack("{s:s,s:s,s:s?}", "kind", "Deployment", "name", rows[i].name, "namespace", rows[i].namespace);
        char *path = objects_path(rows[i].file, workload);
        if (rows[i].path == NULL) {
            assert_true(strlen(strrchr(path, '/')) <= 206);
        } else {
            assert_string_equal(path, rows[i].path);
        }
        free(path);
        json_decref(workload);
    }
    json_t *objects = json_of("[{\"yaml\":\"a: 1\\n\"},{\"yaml\":\"b: 2\\n\"}]");
    struct buf text;
    struct err err = {0};
    buf_init(&text, 100);
    assert_int_equal(objects_text(objects, &text, &err), 0);
    assert_string_equal(buf_str(&text), "a: 1\n---\nb: 2\n");
    json_object_del(json_array_get(objects, 1), "yaml");
    assert_int_equal(objects_text(objects, &text, &err), -1);
    buf_release(&text);
    json_decref(objects);
}

static void test_replicas(void **state)
{
    (void)state;
    static const struct {
        const char *object;
        int64_t replicas;
    } rows[] = {
        {"{\"kind\":\"HorizontalPodAutoscaler\",\"manifest\":{\"spec\":{\"maxReplicas\":7}}}", 7},
        {"{\"kind\":\"HorizontalPodAutoscaler\",\"manifest\":{\"spec\":{}}}", INT64_MAX},
        {"{\"kind\":\"ScaledObject\",\"manifest\":{\"spec\":{\"maxReplicaCount\":5,\"minReplicaCount\":9}}}", 9},
        {"{\"kind\":\"VerticalPodAutoscaler\",\"manifest\":{\"spec\":{}}}", 0},
        {"{\"kind\":\"CronJob\",\"manifest\":{\"spec\":{\"jobTemplate\":{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"command\":"
         "[\"kubectl\",\"{\\\"spec\\\":{\\\"replicas\\\":6}}\"]}]}}}}}}}",
         6},
        {"{\"kind\":\"CronJob\",\"manifest\":{\"spec\":{}}}", INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        json_t *object = json_of(rows[i].object);
        if (object_replicas(object) != rows[i].replicas) {
            fail_msg("row %zu: %lld", i, (long long)object_replicas(object));
        }
        json_decref(object);
    }
}

/* What the server and controllers add is no difference; what somebody changed is. */
static void test_live(void **state)
{
    (void)state;
    static const char after[] = "{\"kind\":\"X\",\"metadata\":{\"name\":\"a\",\"uid\":\"1\"},\"spec\":{\"max\":4,\"list\":[{\"a\":1}]}}";
    static const struct {
        const char *live;
        bool planned, edited;
    } rows[] = {
        {"{\"kind\":\"X\",\"metadata\":{\"name\":\"a\",\"uid\":\"1\"},\"spec\":{\"max\":4,\"list\":[{\"a\":1}]}}", true, false},
        {"{\"kind\":\"X\",\"metadata\":{\"name\":\"a\",\"labels\":{\"b\":\"c\"}},\"spec\":{\"max\":4,\"list\":[{\"a\":1}]},"
         "\"status\":{\"now\":3}}", true, false},
        {"{\"kind\":\"X\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"max\":4,\"min\":1,\"list\":[{\"a\":1,\"b\":2}]}}", true, true},
        {"{\"kind\":\"X\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"max\":5,\"list\":[{\"a\":1}]}}", false, true},
        {"{\"kind\":\"X\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"max\":4,\"list\":[]}}", false, true},
        {"{\"kind\":\"X\",\"metadata\":{\"name\":\"a\",\"deletionTimestamp\":\"x\"},\"spec\":{\"max\":4,"
         "\"list\":[{\"a\":1}]}}", true, true},
        {"{\"kind\":\"X\",\"metadata\":{\"name\":\"a\"},\"spec\":\"no\"}", false, true},
    };
    json_t *then = json_of(after);
    json_t *manifest = json_of("{\"kind\":\"X\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"max\":4,\"list\":[{\"a\":1}]}}");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char why[ERR_MESSAGE_MAX];
        json_t *live = json_of(rows[i].live);
        if (object_as_planned(live, manifest, why) != rows[i].planned || (why[0] == '\0') != rows[i].planned) {
            fail_msg("row %zu: planned, %s", i, why);
        }
        if (object_edited(live, then, why) != rows[i].edited || (why[0] != '\0') != rows[i].edited) {
            fail_msg("row %zu: edited, %s", i, why);
        }
        json_decref(live);
    }
    json_decref(then);
    json_decref(manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml),     cmocka_unit_test(test_objections), cmocka_unit_test(test_owner),
        cmocka_unit_test(test_file),     cmocka_unit_test(test_replicas),   cmocka_unit_test(test_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
