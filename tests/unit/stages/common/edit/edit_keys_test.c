/* Edits of a mapping that keys lead to: values of a chart, which are no workload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/edit/edit.h"

static const char *const at_root[] = {"resources", NULL};
static const char *const of_server[] = {"server", "resources", NULL};
static const char *const of_init[] = {"server", "initResources", NULL};
static const char *const of_second[] = {"workers", "1", "resources", NULL};

struct row {
    const char *const *keys;
    const char *before;
    const char *after;
};

/* Each is to have a CPU request of 250m, a memory limit of 64Mi and no CPU limit. */
static const struct row rows[] = {
    {at_root, "replicas: 1 # one\nresources: {}\n  # limits:\n  #   cpu: 1\nother: [a, b]\n",
     "replicas: 1 # one\nresources:\n  requests:\n    cpu: 250m\n  limits:\n    memory: 64Mi\n  # limits:\n"
     "  #   cpu: 1\nother: [a, b]\n"},
    {at_root, "image:\n  tag: x\n",
     "image:\n  tag: x\nresources:\n  requests:\n    cpu: 250m\n  limits:\n    memory: 64Mi\n"},
    {of_server,
     "resources: {requests: {cpu: 1}}\nserver:\n  resources:\n    limits: {cpu: \"2\", memory: \"1Gi\"}\n"
     "    requests:\n      cpu: \"1\"\n",
     "resources: {requests: {cpu: 1}}\nserver:\n  resources:\n    limits: {memory: \"64Mi\"}\n"
     "    requests:\n      cpu: \"250m\"\n"},
    {of_init, "server:\n  resources: &r\n    limits: {cpu: 2, memory: 1Gi}\n  initResources: *r\n",
     "server:\n  resources: &r\n    limits: {cpu: 2, memory: 1Gi}\n  initResources:\n"
     "    limits:\n      memory: 64Mi\n    requests:\n      cpu: 250m\n"},
    {of_second, "workers:\n- name: a\n  resources: {limits: {cpu: 1}}\n- name: b\n  resources: null\n",
     "workers:\n- name: a\n  resources: {limits: {cpu: 1}}\n- name: b\n  resources:\n    requests:\n"
     "      cpu: 250m\n    limits:\n      memory: 64Mi\n"},
};

static int edit(const char *bytes, const char *const *keys, struct buf *out, struct err *err)
{
    const struct edit_request requests[] = {
        {.document = 1, .keys = keys, .field = FIELD_REQUESTS_CPU, .value = 250},
        {.document = 1, .keys = keys, .field = FIELD_LIMITS_CPU, .remove = true},
        {.document = 1, .keys = keys, .field = FIELD_LIMITS_MEMORY, .value = 64 << 20},
    };
    return edit_apply(bytes, strlen(bytes), requests, ARRAY_COUNT(requests), out, err);
}

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct err err = {0};
        struct buf out;
        buf_init(&out, 64 * 1024);
        if (edit(rows[i].before, rows[i].keys, &out, &err)) {
            fail_msg("row %zu: %s", i, err.message);
        }
        assert_string_equal(buf_str(&out), rows[i].after);
        buf_release(&out);
    }
}

/* Two mappings of one file, as two workloads ask for them; and what each became. */
static void test_together(void **state)
{
    static const char bytes[] = "resources: {}\nserver:\n  resources:\n    limits: {cpu: 2}\n";
    static const struct edit_request requests[] = {
        {.document = 1, .keys = of_server, .field = FIELD_LIMITS_CPU, .value = 1500},
        {.document = 1, .keys = at_root, .field = FIELD_REQUESTS_CPU, .value = 10},
    };
    struct arena arena;
    struct edit_done done;
    const struct edit_splices *splices;
    struct err err = {0};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(edit_apply(bytes, sizeof bytes - 1, requests, 2, &out, &err), 0);
    assert_string_equal(buf_str(&out), "resources:\n  requests:\n    cpu: 10m\nserver:\n  resources:\n"
                                       "    limits: {cpu: 1500m}\n");
    buf_release(&out);
    arena_init(&arena);
    struct edit_session *session = edit_session_new(bytes, sizeof bytes - 1, &arena);
    assert_int_equal(edit_session_plan(session, requests, 1, &done, &splices, &err), 0);
    assert_string_equal(done.path, "server.resources.limits.cpu");
    assert_string_equal(done.from, "2");
    assert_string_equal(done.to, "1500m");
    assert_false(done.local);
    edit_session_free(session);
    arena_release(&arena);
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"a: 1\n", "server: []\n", "server: 1\n", "server: {resources: [1]}\n",
                                      "server: {resources: {limits: {memory: lots}}}\n"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct err err = {0};
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(edit(bad[i], of_server, &out, &err), -1);
        assert_string_not_equal(err.message, "");
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
