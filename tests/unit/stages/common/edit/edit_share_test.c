/* What several containers or workloads share: changed where that is meant by all, else written for one alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/edit/edit.h"

#define LIST "apiVersion: v1\nkind: List\nitems:\n"
#define POD(name) "- apiVersion: v1\n  kind: Pod\n  metadata: {name: " name "}\n"

/* A row asks for a memory request of 64Mi of container a, in each of the items named. */
struct row {
    const char *before;
    long items[3];
    const char *after;
};

#define SPEC \
    "  spec: &s\n    # both\n    containers:\n    - name: a\n      args: [\"# x\"] # y\n      resources: " \
    "&r\n" \
    "        requests: {memory: 1Gi}\n    - name: b\n      resources: *r\n"

static const struct row rows[] =
    {
        /* the one that has only an alias gets a copy: without comments and anchors */
        {LIST POD("one") SPEC POD("two") "  spec: *s # too\n",
         {2},
         LIST POD("one") SPEC POD(
             "two") "  spec: # too\n    containers:\n    - name: a\n      args: [\"# x\"]\n      resources:\n"
                    "        requests: {memory: 64Mi}\n    - name: b\n      resources: {requests: {memory: "
                    "1Gi}}\n"},
        /* the one whose text it is keeps it; the anchor moves on with what it was */
        {LIST POD("one") "  spec: &s\n    containers:\n    - {name: a}\n" POD("two") "  spec: *s\n",
         {1},
         LIST POD("one") "  spec:\n    containers:\n    - {name: a, resources: {requests: {memory: "
                         "64Mi}}}\n" POD("two") "  spec: &s\n    containers:\n    - {name: a}\n"},
        /* both alike: once */
        {LIST POD("one") "  spec: &s\n    containers:\n    - {name: a}\n" POD("two") "  spec: *s\n",
         {1, 2},
         LIST POD("one") "  spec: &s\n    containers:\n    - {name: a, resources: {requests: {memory: "
                         "64Mi}}}\n" POD("two") "  spec: *s\n"},
        /* two of three: the third keeps what it was */
        {
            LIST POD("one") "  spec: &s\n    containers: [{name: a}]\n" POD("two") "  spec: *s\n" POD(
                "three") "  spec: *s\n",
            {1, 2},
            LIST POD("one") "  spec:\n    containers: [{name: a, resources: {requests: {memory: "
                            "64Mi}}}]\n" POD("two") "  spec:\n    containers: [{name: a, resources: "
                                                    "{requests: {memory: 64Mi}}}]\n" POD(
                                                        "three") "  spec: &s\n    containers: [{name: a}]\n"},
        /* merged in: an own entry beside the merge key */
        {LIST POD("one") "  spec: &s\r\n    containers:\r\n    - name: a\r\n" POD(
             "two") "  spec:\n    <<: *s\n    hostNetwork: true\n",
         {2},
         LIST POD("one") "  spec: &s\r\n    containers:\r\n    - name: a\r\n" POD(
             "two") "  spec:\n    <<: *s\n    hostNetwork: true\n    containers:\n      - name: a\n        "
                    "resources:\n"
                    "          requests:\n            memory: 64Mi\n"},
        /* the container, as an item of a list */
        {LIST POD("one") "  spec:\n    containers:\n    - &c\n      name: a\n      image: i\n" POD(
             "two") "  spec:\n    containers:\n    - *c\n    - name: b\n",
         {2},
         LIST POD("one") "  spec:\n    containers:\n    - &c\n      name: a\n      image: i\n" POD(
             "two") "  spec:\n    containers:\n    - name: a\n      image: i\n      resources:\n        "
                    "requests:\n"
                    "          memory: 64Mi\n    - name: b\n"},
        /* in braces */
        {"{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: one}, spec: &s "
         "{containers: [{name: a, image: i:1}]}}, {apiVersion: v1, kind: Pod, metadata: {name: two}, spec: "
         "*s}]}\n",
         {2},
         "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: one}, spec: &s "
         "{containers: [{name: a, image: i:1}]}}, {apiVersion: v1, kind: Pod, metadata: {name: two}, spec: "
         "{containers: [{name: a, image: i:1, resources: {requests: {memory: 64Mi}}}]}}]}\n"},
        /* what is no workload's stays as it is */
        {"x-pod: &p\n  containers:\n  - name: a\napiVersion: v1\nkind: Pod\nmetadata: {name: one}\nspec: "
         "*p\n",
         {0},
         "x-pod: &p\n  containers:\n  - name: a\napiVersion: v1\nkind: Pod\nmetadata: {name: one}\nspec:\n"
         "  containers:\n  - name: a\n    resources:\n      requests:\n        memory: 64Mi\n"},
};

static size_t requests_of(const struct row *row, struct edit_request *requests)
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(row->items) && (i == 0 || row->items[i] > 0); i++) {
        requests[count++] = (struct edit_request){.document = 1,
                                                  .item = row->items[i],
                                                  .container = "a",
                                                  .field = FIELD_REQUESTS_MEMORY,
                                                  .value = 64 << 20};
    }
    return count;
}

static void test_sharing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct edit_request requests[3];
        struct err err = {0};
        struct buf out;
        size_t count = requests_of(&rows[i], requests);
        buf_init(&out, 64 * 1024);
        if (edit_apply(rows[i].before, strlen(rows[i].before), requests, count, &out, &err)) {
            fail_msg("row %zu: %s", i, err.message);
        }
        if (strcmp(buf_str(&out), rows[i].after) != 0) {
            fail_msg("row %zu became:\n%s\nnot:\n%s", i, buf_str(&out), rows[i].after);
        }
        buf_release(&out);
    }
}

/* Containers of one workload that share with each other and want different values. */
static void test_one_after_the_other(void **state)
{
    static const char bytes[] =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
        "  - {name: a, resources: {limits: &l {cpu: 1}, requests: *l}}\n"
        "  - {name: b, resources: {limits: *l}}\n  - {name: c, resources: {limits: *l}}\n";
    static const struct edit_request requests[] = {
        {.document = 1, .container = "a", .field = FIELD_LIMITS_CPU, .value = 2000},
        {.document = 1, .container = "b", .field = FIELD_LIMITS_CPU, .value = 3000},
        {.document = 1, .container = "a", .field = FIELD_REQUESTS_CPU, .value = 4000},
    };
    struct edit_done done[3];
    const struct edit_splices *splices;
    struct arena arena;
    struct err err = {0};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(edit_apply(bytes, sizeof bytes - 1, requests, 3, &out, &err), 0);
    assert_non_null(strstr(buf_str(&out), "{name: a, resources: {limits: {cpu: 2}, requests: {cpu: 4}}}"));
    assert_non_null(strstr(buf_str(&out), "{cpu: 3}"));
    buf_release(&out);
    arena_init(&arena);
    struct edit_session *session = edit_session_new(bytes, sizeof bytes - 1, &arena);
    assert_int_equal(edit_session_plan(session, requests, 3, done, &splices, &err), 0);
    assert_string_equal(done[1].to, "3");
    assert_true(done[1].local);
    edit_session_free(session);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
