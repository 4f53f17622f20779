/* Inventory records: text made member by member is what a canonical writer makes of it; hostile names stay inside of their strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/run/artifact.h"
#include "stages/parse/inventory.h"

static const char everything[] =
    "apiVersion: apps/v1\n"
    "kind: Deployment\n"
    "metadata:\n"
    "  name: \"a\\\"b\\\\c\\u0001\"\n"
    "  namespace: caf\xc3\xa9\n"
    "  uid: u-1\n"
    "  resourceVersion: '7'\n"
    "  labels: {z: 1, a: \"}\", m: \"[,\"}\n"
    "  annotations: {tare.dev/skip: \"true\", other: x}\n"
    "  ownerReferences:\n"
    "    - {apiVersion: v1, kind: Thing, name: t, controller: true}\n"
    "spec:\n"
    "  replicas: 3\n"
    "  replicas2: {a: 1, a: 2}\n"
    "  template:\n"
    "    spec:\n"
    "      resources: {limits: {cpu: 2}}\n"
    "      initContainers:\n"
    "        - {name: first, image: i, restartPolicy: Always}\n"
    "      containers:\n"
    "        - name: main\n"
    "          image: i:1\n"
    "          command: [java, -jar]\n"
    "          ports: [{containerPort: 80}, {containerPort: 443}]\n"
    "          resources:\n"
    "            requests: {cpu: 100m, memory: 1Gi, example.org/gpu: \"1\"}\n"
    "            limits: {memory: 2Gi, ephemeral-storage: 1Gi}\n"
    "        - name: main\n";

struct made {
    const struct inventory_source *source;
    struct manifest_reader *reader;
    struct buf text;
};

static int make(void *context, const struct manifest_object *object)
{
    static const struct inventory_options options = {.cluster = "c\xff"};
    struct made *made = context;
    struct manifest_workload workload;
    assert_int_equal(manifest_read(made->reader, object, &workload), 0);
    inventory_record(made->reader, &workload, made->source, &options, NULL, &made->text);
    return 0;
}

/* The record of a manifest's one workload, checked to be canonical. New. */
static json_t *record_of(const char *manifest, const struct inventory_source *source)
{
    struct yaml_stream *stream = NULL;
    struct yaml_document document;
    struct yaml_fault fault;
    struct err err = {0};
    struct arena arena;
    struct manifest_reader reader;
    struct made made = {.source = source, .reader = &reader};
    arena_init(&arena);
    buf_init(&made.text, ARTIFACT_LINE_MAX);
    assert_int_equal(yaml_open(manifest, strlen(manifest), NULL, &stream, &fault, &err), 0);
    assert_int_equal(yaml_next(stream, &arena, &document, &fault, &err), 1);
    manifest_reader_init(&reader, stream, &arena);
    assert_int_equal(manifest_each(&reader, document.root, make, &made), 0);
    json_t *record = json_read(buf_str(&made.text), made.text.length, "the record", &err);
    if (record == NULL) {
        fail_msg("%s: %s", err.message, buf_str(&made.text));
    }
    char *text = json_text(record);
    assert_string_equal(buf_str(&made.text), text);
    free(text);
    buf_release(&made.text);
    yaml_close(stream);
    arena_release(&arena);
    return record;
}

static void test_canonical(void **state)
{
    static const struct inventory_source sources[] = {
        {.file = "a \"b\".yaml", .sha256 = "00", .document = 2, .line = 3},
        {.file = "chart", .rendered = "helm", .sha256 = "00", .document = 2, .line = 3},
        {.object = "shop/Deployment/x", .cluster_id = "id"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        json_t *record = record_of(everything, &sources[i]);
        const json_t *workload = json_object_get(record, "workload");
        assert_string_equal(json_string_or_null(workload, "name"), "a\"b\\c\x01");
        assert_string_equal(json_string_or_null(workload, "cluster"), "c?");
        assert_int_equal(json_int_or(workload, "replicas", 0), 3);
        assert_int_equal(json_array_size(json_object_get(workload, "containers")), 3);
        assert_string_equal(json_string_or_null(json_at(workload, "labels"), "a"), "}");
        assert_int_equal(json_object_size(json_at(workload, "annotations")), 1);
        assert_int_equal(json_int_or(json_at(workload, "pod_resources.limits"), "cpu_millicores", 0), 2000);
        const json_t *container = json_array_get(json_object_get(workload, "containers"), 1);
        assert_string_equal(json_string_or_null(json_at(container, "other_resources.requests"), "example.org/gpu"), "1");
        assert_int_equal(json_object_get(workload, "live") != NULL, sources[i].object != NULL);
        assert_int_equal(json_object_get(workload, "owner") != NULL, sources[i].object != NULL);
        assert_int_equal(artifact_count_problems(record), 2); /* a container and a key twice */
        json_decref(record);
    }
}

static void test_bare(void **state)
{
    static const struct inventory_source source = {.file = "f", .sha256 = "0", .document = 1, .line = 1};
    (void)state;
    json_t *record =
        record_of("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n", &source);
    char *text = json_text(record);
    assert_true(artifact_line_fits(text, strlen(text)));
    free(text);
    json_decref(record);
}

static const char *text_at(const json_t *record, const char *map, const char *name)
{
    return json_string_or_null(json_at(json_object_get(record, "workload"), map), name);
}

/* An opt-out, labels and amounts that come through merge keys count as those written out; own keys go before. */
static void test_merged(void **state)
{
    static const struct inventory_source source = {.file = "f", .sha256 = "0", .document = 1, .line = 1};
    (void)state;
    json_t *record = record_of("apiVersion: v1\nkind: Pod\nx: &x {tare.dev/skip: \"true\", tare.dev/b: old, other: y}\n"
                               "l: &l {team: pay, tier: web}\ng: &g {example.org/gpu: 1, cpu: 1}\n"
                               "metadata: {name: p, annotations: {<<: *x, tare.dev/b: new}, labels: {<<: [*l], tier: api}}\n"
                               "spec: {containers: [{name: c, image: i, resources: {limits: {<<: *g}}}]}\n",
                               &source);
    assert_string_equal(text_at(record, "annotations", "tare.dev/skip"), "true");
    assert_string_equal(text_at(record, "annotations", "tare.dev/b"), "new");
    assert_null(text_at(record, "annotations", "other"));
    assert_string_equal(text_at(record, "labels", "team"), "pay");
    assert_string_equal(text_at(record, "labels", "tier"), "api");
    const json_t *container = json_array_get(json_at(json_object_get(record, "workload"), "containers"), 0);
    assert_string_equal(json_string_or_null(json_at(container, "other_resources.limits"), "example.org/gpu"), "1");
    assert_null(json_object_get(container, "resources_more"));
    json_decref(record);
    record = record_of("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
                       "spec: {containers: [{name: c, image: i, resources: {limits: {cpu: 1}, claims: [{name: gpu}]}}]}\n",
                       &source);
    container = json_array_get(json_at(json_object_get(record, "workload"), "containers"), 0);
    assert_true(json_is_true(json_object_get(container, "resources_more")));
    json_decref(record);
}

/* What a cluster keeps of kinds that are not its own is told with type and spelling. */
static void test_written(void **state)
{
    static const struct inventory_source source = {.file = "f", .sha256 = "0", .document = 1, .line = 1};
    static const char rest[] = "metadata: {name: p}\nspec: {template: {spec: {containers: [{name: c, image: i, resources: {limits: {cpu: 0.1, "
                               "memory: 1024Mi}, requests: {cpu: 1, memory: \"1\"}}}]}}}\n";
    (void)state;
    char *rollout = xasprintf("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n%s", rest);
    char *deployment = xasprintf("apiVersion: apps/v1\nkind: Deployment\n%s", rest);
    json_t *record = record_of(rollout, &source);
    char *text = json_text(json_object_get(json_array_get(json_at(record, "workload.containers"), 0), "written"));
    assert_string_equal(text, "{\"limits\":{\"cpu\":0.1,\"memory\":\"1024Mi\"},\"requests\":{\"cpu\":1,\"memory\":\"1\"}}");
    json_decref(record);
    record = record_of(deployment, &source);
    assert_null(json_object_get(json_array_get(json_at(record, "workload.containers"), 0), "written"));
    json_decref(record);
    free(text);
    free(rollout);
    free(deployment);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_canonical), cmocka_unit_test(test_merged), cmocka_unit_test(test_written),
                                       cmocka_unit_test(test_bare)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
