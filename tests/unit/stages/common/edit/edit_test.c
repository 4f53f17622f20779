#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/edit/edit.h"

#define HEAD "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"

static const struct edit_request all_four[] = {
    {.document = 1, .container = "a", .field = FIELD_REQUESTS_CPU, .value = 250},
    {.document = 1, .container = "a", .field = FIELD_REQUESTS_MEMORY, .value = 64 << 20},
    {.document = 1, .container = "a", .field = FIELD_LIMITS_CPU, .remove = true},
    {.document = 1, .container = "a", .field = FIELD_LIMITS_MEMORY, .value = 128 << 20},
};

static const struct edit_request memory_only[] = {
    {.document = 1, .container = "a", .field = FIELD_REQUESTS_MEMORY, .value = 64 << 20}};

static const struct edit_request no_limits[] = {
    {.document = 1, .container = "a", .field = FIELD_LIMITS_CPU, .remove = true},
    {.document = 1, .container = "a", .field = FIELD_LIMITS_MEMORY, .remove = true},
};

struct row {
    const char *before;
    const struct edit_request *requests;
    size_t count;
    const char *after;
};

#define ALL all_four, ARRAY_COUNT(all_four)
#define MEMORY memory_only, ARRAY_COUNT(memory_only)
#define NO_LIMITS no_limits, ARRAY_COUNT(no_limits)

static const struct row rows[] = {
    {HEAD "  - name: a\n    image: i\n    ports: []\n", ALL,
     HEAD "  - name: a\n    image: i\n    resources:\n      requests:\n        cpu: 250m\n        memory: "
          "64Mi\n      limits:\n"
          "        memory: 128Mi\n    ports: []\n"},
    {HEAD "  - name: a\n    resources: {} # none\n    image: i", ALL,
     HEAD "  - name: a\n    resources: # none\n      requests:\n        cpu: 250m\n        memory: 64Mi\n    "
          "  limits:\n"
          "        memory: 128Mi\n    image: i"},
    {HEAD "  - {name: a, image: i, resources: {limits: {cpu: 1, memory: 1Gi}}}\n", ALL,
     HEAD
     "  - {name: a, image: i, resources: {limits: {memory: 128Mi}, requests: {cpu: 250m, memory: 64Mi}}}\n"},
    {HEAD "    - name: a\n      resources:\n          limits:\n              cpu: 1 # hot\n              "
          "memory: '1Gi'",
     ALL,
     HEAD "    - name: a\n      resources:\n          limits:\n              # hot\n              memory: "
          "'128Mi'\n          requests:\n"
          "              cpu: 250m\n              memory: '64Mi'"},
    {HEAD "  - name: a\n    resources:\n      requests:\n        cpu: 1\r\n", MEMORY,
     HEAD "  - name: a\n    resources:\n      requests:\n        cpu: 1\r\n        memory: 64Mi\r\n"},
    {HEAD "  - name: a\n    resources:\n      requests: &r\n        memory: 1Gi\n      limits: *r\n", MEMORY,
     HEAD
     "  - name: a\n    resources:\n      requests:\n        memory: 64Mi\n      limits: &r {memory: 1Gi}\n"},
    {HEAD "  - name: a\n    resources:\n      limits: &r {memory: 1Gi}\n      requests: *r\n", MEMORY,
     HEAD "  - name: a\n    resources:\n      limits: &r {memory: 1Gi}\n      requests: {memory: 64Mi}\n"},
    {HEAD "  - name: a\n    resources:\n      limits: {cpu: 1,\n        memory: 1Gi}\n    image: i\n",
     NO_LIMITS, HEAD "  - name: a\n    resources: {}\n    image: i\n"},
    {HEAD "  - name: a\n    resources: # why\n      limits: # all\n        # hot\n        cpu: 1 # one\n"
          "        memory: >- # big\n          1Gi\n    image: i # x\n",
     NO_LIMITS,
     HEAD "  - name: a\n    resources: {} # why\n      # all\n        # hot\n        # one\n        # big\n"
          "    image: i # x\n"},
    {HEAD "  - name: a\n    resources: {limits: {cpu: 2, # two\n      memory: 1Gi}, # most\n      requests: "
          "{cpu: 1}}\n",
     NO_LIMITS, HEAD "  - name: a\n    resources: { # two\n       # most\n      requests: {cpu: 1}}\n"},
    {HEAD "  - name: a\n    resources: {limits: , requests: {cpu}}\n", ALL,
     HEAD "  - name: a\n    resources: {limits: {memory: 128Mi}, requests: {cpu: 250m, memory: 64Mi}}\n"},
    {HEAD "  - {name: a, resources: {? limits : {? cpu : 1, ? memory : 1Gi, }, }}\n", ALL,
     HEAD "  - {name: a, resources: {? limits : {? memory : 128Mi, }, requests : {cpu : 250m, memory : "
          "64Mi}, }}\n"},
    {HEAD "  - name: a\n    resources: {<<: {limits: {cpu: 1}}, requests: {memory: 5M}}\n", NO_LIMITS,
     HEAD "  - name: a\n    resources: {requests: {memory: 5M}}\n"},
    {HEAD "  - name: a\n    image: i\n    resources:\n      requests:\n        cpu: 1\n      limits:\n       "
          " cpu: 1\n",
     NO_LIMITS, HEAD "  - name: a\n    image: i\n    resources:\n      requests:\n        cpu: 1\n"},
    {HEAD "  - name: a\n    resources:\n      requests:\n        memory: >-\n          1Gi\n\n  # end\n",
     MEMORY,
     HEAD "  - name: a\n    resources:\n      requests:\n        memory: >-\n          64Mi\n\n  # end\n"},
    {HEAD "  - name: a\n    resources:\n      requests:\n        memory: !!int 1073741824\n", MEMORY,
     HEAD "  - name: a\n    resources:\n      requests:\n        memory: 67108864\n"},
    {"{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p\"}, \"spec\": "
     "{\"containers\": [{\"name\": \"a\"}]}}",
     ALL,
     "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"p\"}, \"spec\": "
     "{\"containers\": [{\"name\": \"a\", "
     "\"resources\": {\"requests\": {\"cpu\": \"250m\", \"memory\": \"64Mi\"}, \"limits\": {\"memory\": "
     "\"128Mi\"}}}]}}"},
};

static void test_layouts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct err err = {0};
        struct buf out;
        buf_init(&out, 64 * 1024);
        if (edit_apply(rows[i].before, strlen(rows[i].before), rows[i].requests, rows[i].count, &out, &err)) {
            fail_msg("row %zu: %s", i, err.message);
        }
        if (strcmp(buf_str(&out), rows[i].after) != 0) {
            fail_msg("row %zu became:\n%s\nnot:\n%s", i, buf_str(&out), rows[i].after);
        }
        buf_release(&out);
    }
}

static void expect_refused(const char *bytes, const struct edit_request *requests, size_t count,
                           const char *part)
{
    struct err err = {0};
    struct buf out;
    buf_init(&out, 64 * 1024);
    assert_int_equal(edit_apply(bytes, strlen(bytes), requests, count, &out, &err), -1);
    if (strstr(err.message, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, err.message);
    }
    buf_release(&out);
}

static void test_refused(void **state)
{
    static const struct edit_request twice[] = {
        {.document = 1, .container = "a", .field = FIELD_LIMITS_CPU, .value = 1},
        {.document = 1, .container = "a", .field = FIELD_LIMITS_CPU, .value = 2},
    };
    static const struct edit_request elsewhere[] = {
        {.document = 2, .container = "a", .field = FIELD_LIMITS_CPU, .value = 1}};
    static const struct edit_request listed[] = {
        {.document = 1, .item = 1, .container = "a", .field = FIELD_LIMITS_CPU, .value = 1}};
    static const struct edit_request stale[] = {{.document = 1,
                                                 .container = "a",
                                                 .field = FIELD_LIMITS_CPU,
                                                 .value = 1,
                                                 .check_from = true,
                                                 .from = "9"}};
    (void)state;
    expect_refused(HEAD "  - name: b\n", MEMORY, "no container \"a\"");
    expect_refused(HEAD "  - {name: a}\n  - {name: a}\n", MEMORY, "more than one container");
    expect_refused(HEAD "  - name: a\n", twice, 2, "twice");
    expect_refused(HEAD "  - name: a\n", elsewhere, 1, "document 2");
    expect_refused(HEAD "  - name: a\n", listed, 1, "item 1");
    expect_refused(HEAD "  - name: a\n", stale, 1, "is absent in the manifest, not 9");
    expect_refused("a: [\n", MEMORY, "cannot be read");
    expect_refused(HEAD "  - &c {name: a}\n  initContainers: [*c]\n", MEMORY, "more than one container");
}

static void test_what_was_done(void **state)
{
    static const char bytes[] = HEAD
        "  - {name: b}\n  - name: a\n    resources:\n      limits: &r {memory: 1Gi}\n      requests: *r\n";
    struct arena arena;
    struct edit_done done;
    const struct edit_splices *splices;
    struct err err = {0};
    (void)state;
    arena_init(&arena);
    struct edit_session *session = edit_session_new(bytes, sizeof bytes - 1, &arena);
    assert_int_equal(edit_session_plan(session, MEMORY, &done, &splices, &err), 0);
    assert_true(done.changed);
    assert_true(done.local);
    assert_string_equal(done.path, "spec.containers[1].resources.requests.memory");
    assert_string_equal(done.from, "1Gi");
    assert_string_equal(done.to, "64Mi");
    assert_true(splices->count > 0);
    assert_int_equal(edit_session_plan(session, MEMORY, &done, &splices, &err), 0); /* once more: no more */
    assert_true(edit_session_splices(session)->count > 0);
    edit_session_free(session);
    arena_release(&arena);
}

static void test_records(void **state)
{
    static const char bytes[] =
        HEAD "  - name: a\n    image: i\n    resources:\n      limits: {cpu: 1, memory: 1Gi}\n";
    static const char record[] =
        "{\"workload\":{\"source\":{\"document\":1,\"item\":null}},\"change\":{\"edits\":["
        "{\"container\":\"a\",\"path\":\"spec.containers[0].resources.limits.cpu\",\"from\":\"1\",\"to\":"
        "null},"
        "{\"container\":\"a\",\"path\":\"spec.containers[0].resources.limits.memory\",\"from\":\"1Gi\","
        "\"to\":\"2Gi\"}]}}";
    struct err err = {0};
    struct buf out;
    (void)state;
    json_t *records[2] = {json_read(record, sizeof record - 1, "the record", &err), json_object()};
    buf_init(&out, 4096);
    assert_int_equal(edit_apply_records("v", bytes, sizeof bytes - 1, records, 2, &out, &err), 0);
    assert_string_equal(buf_str(&out),
                        HEAD "  - name: a\n    image: i\n    resources:\n      limits: {memory: 2Gi}\n");
    buf_clear(&out);
    json_object_set_new(json_array_get(json_at(records[0], "change.edits"), 1), "from", json_string("3Gi"));
    assert_int_equal(edit_apply_records("v", bytes, sizeof bytes - 1, records, 2, &out, &err), -1);
    json_object_set_new(json_array_get(json_at(records[0], "change.edits"), 1), "to",
                        json_string("2Gi\n evil: 1"));
    assert_int_equal(edit_apply_records("v", bytes, sizeof bytes - 1, records, 2, &out, &err), -1);
    json_object_set_new(json_array_get(json_at(records[0], "change.edits"), 1), "path",
                        json_string("spec.replicas"));
    assert_int_equal(edit_apply_records("v", bytes, sizeof bytes - 1, records, 2, &out, &err), -1);
    json_decref(records[0]);
    json_decref(records[1]);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_what_was_done),
        cmocka_unit_test(test_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
