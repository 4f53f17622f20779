#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/diff/api_patch.h"

#define AT "\"path\":\"/spec/template/spec/containers/"
#define NAMED(at) "{\"op\":\"test\"," AT at "/name\",\"value\":\"a\"}"

enum { EDITS_MAX = 2 };

/* The JSON patch of a Rollout with these members of `workload`, for edits of its container "a". */
static void patch_is(const char *workload, size_t count, const struct edit_request *requests, const struct edit_done *done, const char *text)
{
    struct edit_request asked[EDITS_MAX];
    struct edit_done made[EDITS_MAX];
    for (size_t i = 0; i < count; i++) {
        asked[i] = requests[i];
        made[i] = done[i];
        asked[i].container = "a";
        made[i].changed = true;
        made[i].path = "spec.template.spec.containers[0].resources.requests.cpu";
    }
    json_t *record = json_pack("{s:o}", "workload", json_loads(workload, 0, NULL));
    json_t *patch = api_json_patch(manifest_kind_named("Rollout"), record, asked, made, count);
    char *own = json_text(patch);
    assert_string_equal(own, text);
    free(own);
    json_decref(patch);
    json_decref(record);
}

static const struct edit_request cpu = {.field = FIELD_REQUESTS_CPU};
static const struct edit_done smaller = {.from = "100m", .to = "50m"};

/* An API server keeps `cpu: 0.1` of such a kind as it was written: that is what is tested. */
static void the_old_value_is_tested_as_written(void **state)
{
    static const char *const written[] = {"0.1", "\"100m\"", "\"0.1\"", NULL};
    (void)state;
    for (size_t i = 0; written[i] != NULL; i++) {
        char *workload = xasprintf("{\"containers\":[{\"name\":\"a\",\"role\":\"container\",\"requests\":{\"cpu_millicores\":100},"
                                   "\"written\":{\"requests\":{\"cpu\":%s}}}]}",
                                   written[i]);
        char *text = xasprintf("[" NAMED("0") ",{\"op\":\"test\"," AT "0/resources/requests/cpu\",\"value\":%s},"
                               "{\"op\":\"replace\"," AT "0/resources/requests/cpu\",\"value\":\"50m\"}]",
                               written[i]);
        patch_is(workload, 1, &cpu, &smaller, text);
        free(workload);
        free(text);
    }
}

static void other_members_of_resources_stay(void **state)
{
    (void)state;
    const struct edit_request both[] = {cpu, {.field = FIELD_LIMITS_MEMORY}};
    const struct edit_done added[] = {{.to = "50m"}, {.to = "1Gi"}};
    patch_is("{\"containers\":[{\"name\":\"a\",\"role\":\"container\",\"resources_more\":true}]}", 2, both, added,
             "[" NAMED("0") ",{\"op\":\"add\"," AT "0/resources/requests\",\"value\":{\"cpu\":\"50m\"}},"
             "{\"op\":\"add\"," AT "0/resources/limits\",\"value\":{\"memory\":\"1Gi\"}}]");
    patch_is("{\"containers\":[{\"name\":\"a\",\"role\":\"container\"}]}", 2, both, added,
             "[" NAMED("0") ",{\"op\":\"add\"," AT "0/resources\",\"value\":{\"requests\":{\"cpu\":\"50m\"}}},"
             "{\"op\":\"add\"," AT "0/resources/limits\",\"value\":{\"memory\":\"1Gi\"}}]");
}

/* A manifest is held against a cluster where the container stands elsewhere and has other fields. */
static void it_is_of_what_the_cluster_has(void **state)
{
    (void)state;
    const struct edit_request both[] = {cpu, {.field = FIELD_LIMITS_CPU, .remove = true}};
    const struct edit_done done[] = {smaller, {.from = "1"}};
    patch_is("{\"containers\":[{\"name\":\"a\",\"role\":\"container\",\"requests\":{\"cpu_millicores\":100},\"limits\":{\"cpu_millicores\":1000}}],"
             "\"live\":{\"containers\":[{\"name\":\"i\",\"role\":\"init\"},{\"name\":\"b\",\"role\":\"container\"},"
             "{\"name\":\"a\",\"role\":\"container\",\"requests\":{\"memory_bytes\":1}}]}}",
             2, both, done, "[" NAMED("1") ",{\"op\":\"add\"," AT "1/resources/requests/cpu\",\"value\":\"50m\"}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_old_value_is_tested_as_written), cmocka_unit_test(other_members_of_resources_stay),
                                       cmocka_unit_test(it_is_of_what_the_cluster_has)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
