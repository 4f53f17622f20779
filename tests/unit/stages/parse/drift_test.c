/* Where a manifest and its live object disagree, and who holds the fields. */

#include "stages/parse/drift.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"

static json_t *read_json(const char *text)
{
    json_t *out = json_loads(text, 0, NULL);
    assert_non_null(out);
    return out;
}

static void expect_json(json_t *got, const char *wanted)
{
    json_t *want = read_json(wanted);
    char *text = json_text(got);
    char *other = json_text(want);
    assert_string_equal(text, other);
    free(text);
    free(other);
    json_decref(want);
    json_decref(got);
}

#define AMOUNTS(cpu, memory) "{\"cpu_millicores\":" cpu ",\"memory_bytes\":" memory "}"
#define CONTAINER(name, request, limit) "{\"name\":\"" name "\",\"requests\":" request ",\"limits\":" limit "}"
#define NONE AMOUNTS("null", "null")
#define HELD(fields) "[{\"manager\":\"m\",\"operation\":\"Update\",\"time\":\"t\",\"subresource\":null,\"fields\":[" fields "]}]"
#define BY "[{\"manager\":\"m\",\"operation\":\"Update\",\"time\":\"t\",\"subresource\":null}]"

/* What differs between two lists of containers, as JSON. */
static void expect(const char *manifest, const char *live, const char *owners, const char *wanted)
{
    json_t *a = read_json(manifest);
    json_t *b = read_json(live);
    json_t *held = read_json(owners);
    expect_json(drift_find(a, b, held), wanted);
    json_decref(a);
    json_decref(b);
    json_decref(held);
}

static void test_amounts(void **state)
{
    (void)state;
    expect("{\"containers\":[" CONTAINER("a", AMOUNTS("500", "1024"), NONE) "]}",
           "{\"containers\":[" CONTAINER("x", NONE, NONE) "," CONTAINER("a", AMOUNTS("500", "1024"), NONE) "]}", "[]", "[]");
    expect("{\"containers\":[" CONTAINER("a", AMOUNTS("500", "1024"), NONE) "]}",
           "{\"containers\":[" CONTAINER("a", AMOUNTS("300", "null"), NONE) "]}", HELD("\"a/requests/cpu\",\"b/requests/memory\""),
           "[{\"container\":\"a\",\"field\":\"requests.cpu_millicores\",\"live\":300,\"manifest\":500,\"owners\":" BY "},"
           "{\"container\":\"a\",\"field\":\"requests.memory_bytes\",\"live\":null,\"manifest\":1024,\"owners\":[]}]");
    expect("{\"containers\":[" CONTAINER("a", NONE, NONE) "]}", "{\"containers\":[" CONTAINER("a", NONE, AMOUNTS("7", "null")) "]}",
           HELD("\"a/limits\""),
           "[{\"container\":\"a\",\"field\":\"limits.cpu_millicores\",\"live\":7,\"manifest\":null,\"owners\":" BY "}]");
    expect("{\"containers\":[" CONTAINER("a", NONE, NONE) "]}", "{\"containers\":[]}", "[]",
           "[{\"container\":\"a\",\"field\":\"container\",\"live\":false,\"manifest\":true,\"owners\":[]}]");
    expect("{\"containers\":[{\"name\":\"a\",\"other_resources\":{\"limits\":{\"gpu\":\"1\"}}}]}",
           "{\"containers\":[{\"name\":\"a\",\"other_resources\":{\"limits\":{\"gpu\":\"2\"}}}]}", HELD("\"a/limits/gpu\""),
           "[{\"container\":\"a\",\"field\":\"limits.gpu\",\"live\":\"2\",\"manifest\":\"1\",\"owners\":" BY "}]");
}

static void test_replicas(void **state)
{
    (void)state;
    expect("{\"replicas\":2,\"autoscaler\":null}", "{\"replicas\":5}", HELD("\"replicas\""),
           "[{\"container\":null,\"field\":\"replicas\",\"live\":5,\"manifest\":2,\"owners\":" BY "}]");
    expect("{\"replicas\":2,\"autoscaler\":{}}", "{\"replicas\":5}", "[]", "[]");
    expect("{\"replicas\":null}", "{\"replicas\":5}", "[]", "[]");
}

/* The API server sets a bare pod's requests to its limits. */
static void test_pods(void **state)
{
    (void)state;
    expect("{\"kind\":\"Pod\",\"containers\":[" CONTAINER("a", NONE, AMOUNTS("7", "8")) "]}",
           "{\"containers\":[" CONTAINER("a", AMOUNTS("7", "8"), AMOUNTS("7", "8")) "]}", "[]", "[]");
    expect("{\"kind\":\"Pod\",\"containers\":[" CONTAINER("a", NONE, AMOUNTS("7", "8")) "]}",
           "{\"containers\":[" CONTAINER("a", AMOUNTS("6", "8"), AMOUNTS("7", "8")) "]}", "[]",
           "[{\"container\":\"a\",\"field\":\"requests.cpu_millicores\",\"live\":6,\"manifest\":null,\"owners\":[]}]");
}

static void test_owners(void **state)
{
    (void)state;
    json_t *object = read_json(
        "{\"metadata\":{\"managedFields\":[7,{\"manager\":\"x\",\"fieldsV1\":{\"f:metadata\":{}}},"
        "{\"manager\":\"kubectl\",\"operation\":\"Apply\",\"time\":\"t\",\"fieldsV1\":{\"f:spec\":{\"f:replicas\":{},\"f:jobTemplate\":{\"f:spec\":"
        "{\"f:template\":{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{},\"f:resources\":{\"f:limits\":{},\"f:requests\":"
        "{\".\":{},\"f:cpu\":{}}}},\"k:7\":{}},\"f:initContainers\":{\"k:{\\\"name\\\":\\\"i\\\"}\":{\"f:resources\":{\"f:limits\":{\"f:gpu\":{}}}}}}}}}}}},"
        "{\"manager\":\"hpa\",\"operation\":\"Update\",\"subresource\":\"scale\",\"fieldsV1\":{\"f:spec\":{\"f:replicas\":{}}}}]}}");
    expect_json(drift_owners(object),
                "[{\"fields\":[\"replicas\",\"a/requests/cpu\",\"a/limits\",\"i/limits/gpu\"],\"manager\":\"kubectl\",\"operation\":\"Apply\","
                "\"subresource\":null,\"time\":\"t\"},"
                "{\"fields\":[\"replicas\"],\"manager\":\"hpa\",\"operation\":\"Update\",\"subresource\":\"scale\",\"time\":null}]");
    json_decref(object);
    object = read_json("{\"metadata\":{\"managedFields\":{}}}");
    expect_json(drift_owners(object), "[]");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_amounts), cmocka_unit_test(test_replicas), cmocka_unit_test(test_pods),
                                       cmocka_unit_test(test_owners)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
