#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/common/machine/image.h"
#include "stages/common/machine/patch.h"

static json_t *read_json(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return value;
}

/* An object of a kind whose container "server" has these resources (NULL: no member), after a sidecar without any. */
static json_t *object_of(const char *kind, const char *resources)
{
    json_t *server = read_json("{\"name\":\"server\",\"image\":\"i\"}");
    if (resources != NULL) {
        json_object_set_new(server, "resources", read_json(resources));
    }
    return json_pack("{s:s, s:{s:s, s:s}, s:{s:{s:{s:[{s:s}, o]}}}}", "kind", kind, "metadata", "uid", "u1", "resourceVersion", "7",
                     "spec", "template", "spec", "containers", "name", "side", server);
}

static void is_text(json_t *value, const char *text)
{
    char *own = json_text(value);
    assert_string_equal(own, text);
    free(own);
    json_decref(value);
}

static json_t *back(const char *kind, const char *now, const char *then)
{
    json_t *live = object_of(kind, now);
    json_t *before = object_of(kind, then);
    json_t *was = image_resources(kind, before);
    json_t *patch = patch_back(kind, live, was);
    json_decref(live);
    json_decref(before);
    json_decref(was);
    return patch;
}

static void the_way_back_is_what_differs(void **state)
{
    (void)state;
    is_text(back("Deployment", "{\"requests\":{\"cpu\":\"250m\",\"memory\":\"1Gi\"},\"limits\":{\"cpu\":\"1\"}}",
                 "{\"requests\":{\"cpu\":\"500m\"}}"),
            "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"server\",\"resources\":{\"limits\":null,\"requests\":"
            "{\"cpu\":\"500m\",\"memory\":null}}}]}}}}");
    is_text(back("Deployment", "{\"requests\":{\"cpu\":\"250m\"}}", "{}"),
            "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"server\",\"resources\":{\"requests\":null}}]}}}}");
    is_text(back("Deployment", "{\"requests\":{\"cpu\":\"250m\"}}", "{\"requests\":{\"cpu\":\"250m\"}}"),
            "{\"spec\":{\"template\":{\"spec\":{}}}}");
}

static void kinds_without_strategic_patches(void **state)
{
    (void)state;
    is_text(back("Rollout", "{\"requests\":{\"cpu\":\"250m\"}}", NULL),
            "[{\"op\":\"test\",\"path\":\"/spec/template/spec/containers/1/name\",\"value\":\"server\"},"
            "{\"op\":\"remove\",\"path\":\"/spec/template/spec/containers/1/resources\"}]");
    is_text(back("Rollout", NULL, "{\"limits\":{\"cpu\":\"1\"}}"),
            "[{\"op\":\"test\",\"path\":\"/spec/template/spec/containers/1/name\",\"value\":\"server\"},{\"op\":\"add\",\"path\":"
            "\"/spec/template/spec/containers/1/resources\",\"value\":{\"limits\":{\"cpu\":\"1\"}}}]");
}

static void a_patch_holds_for_one_version(void **state)
{
    (void)state;
    json_t *object = object_of("Deployment", "{}");
    json_t *merge = read_json("{\"spec\":{}}");
    json_t *operations = read_json("[{\"op\":\"test\",\"path\":\"/a\",\"value\":1}]");
    is_text(patch_guarded(merge, object), "{\"metadata\":{\"resourceVersion\":\"7\",\"uid\":\"u1\"},\"spec\":{}}");
    is_text(patch_guarded(operations, object),
            "[{\"op\":\"replace\",\"path\":\"/metadata/uid\",\"value\":\"u1\"},{\"op\":\"replace\",\"path\":\"/metadata/resourceVersion\","
            "\"value\":\"7\"},{\"op\":\"test\",\"path\":\"/a\",\"value\":1}]");
    assert_string_equal(patch_type(merge), PATCH_STRATEGIC);
    assert_string_equal(patch_type(operations), PATCH_JSON);
    json_t *removal = patch_removal(object, true);
    assert_null(json_at(removal, "preconditions.resourceVersion"));
    assert_string_equal(json_string_value(json_at(removal, "preconditions.uid")), "u1");
    json_decref(removal);
    json_decref(object);
    json_decref(merge);
    json_decref(operations);
}

static bool same(const char *a, const char *b)
{
    json_t *one = object_of("Deployment", a);
    json_t *other = object_of("Deployment", b);
    json_t *left = image_resources("Deployment", one);
    json_t *right = image_resources("Deployment", other);
    bool equal = image_same(left, right);
    assert_int_equal(image_same(right, left), equal);
    json_decref(one);
    json_decref(other);
    json_decref(left);
    json_decref(right);
    return equal;
}

static void absent_null_and_empty_are_one(void **state)
{
    (void)state;
    assert_true(same(NULL, "{}"));
    assert_true(same("{\"requests\":{}}", "{\"limits\":null}"));
    assert_true(same("{\"requests\":{\"cpu\":\"1\",\"memory\":null}}", "{\"requests\":{\"cpu\":\"1\"}}"));
    assert_false(same("{\"requests\":{\"cpu\":\"1\"}}", "{\"requests\":{\"cpu\":\"1000m\"}}"));
    assert_false(same("{\"requests\":{\"cpu\":\"1\"}}", "{\"limits\":{\"cpu\":\"1\"}}"));
    assert_false(same("{\"requests\":{\"cpu\":\"1\"}}", NULL));
}

static void what_is_expected_of_edits(void **state)
{
    (void)state;
    char what[ERR_MESSAGE_MAX];
    json_t *was = read_json("{\"server\":{\"requests\":{\"cpu\":\"500m\"},\"limits\":{\"cpu\":\"1\"}},\"side\":null}");
    json_t *edits = read_json("[{\"container\":\"server\",\"path\":\"a[0].resources.requests.cpu\",\"to\":\"0.25\"},"
                              "{\"container\":\"server\",\"path\":\"a[0].resources.limits.cpu\",\"to\":null},"
                              "{\"container\":\"side\",\"path\":\"a[1].resources.requests.memory\",\"to\":\"1Gi\"}]");
    json_t *expected = image_edited(was, edits);
    json_t *answer = read_json("{\"server\":{\"requests\":{\"cpu\":\"250m\"}},\"side\":{\"requests\":{\"memory\":\"1024Mi\"}}}");
    assert_true(image_amounts(answer, expected, what));
    json_object_set_new(json_at(answer, "server.requests"), "cpu", json_string("251m"));
    assert_false(image_amounts(answer, expected, what));
    assert_non_null(strstr(what, "requests.cpu of container server is 251m, not 0.25"));
    json_decref(was);
    json_decref(edits);
    json_decref(expected);
    json_decref(answer);
}

static void what_others_add_is_told(void **state)
{
    (void)state;
    char what[ERR_MESSAGE_MAX];
    json_t *before = object_of("Deployment", "{\"requests\":{\"cpu\":\"1\"}}");
    json_t *after = object_of("Deployment", "{\"requests\":{\"cpu\":\"2\"}}");
    assert_true(image_kept("Deployment", before, after, what));
    assert_string_equal(what, "");
    json_object_set_new(json_at(after, "spec.template"), "metadata", read_json("{\"annotations\":{\"a\":\"b\"}}"));
    assert_true(image_kept("Deployment", before, after, what));
    assert_string_equal(what, "metadata");
    json_object_set_new(json_array_get(json_at(after, "spec.template.spec.containers"), 1), "image", json_string("other"));
    assert_false(image_kept("Deployment", before, after, what));
    assert_string_equal(what, "spec.containers[1].image");
    char one[DIGEST_HEX];
    char other[DIGEST_HEX];
    image_template("Deployment", before, one);
    image_template("Deployment", after, other);
    assert_string_not_equal(one, other);
    json_decref(before);
    json_decref(after);
}

/* Kinds that are not Kubernetes' own keep numbers where somebody wrote numbers; a record has texts. */
static void numbers_are_as_planned(void **state)
{
    (void)state;
    struct err err = {0};
    json_t *object = object_of("Rollout", "{\"requests\":{\"cpu\":0.1,\"nvidia.com/gpu\":1},\"limits\":{\"nvidia.com/gpu\":1,\"a/b\":null}}");
    json_t *record = read_json("{\"workload\":{\"kind\":\"Rollout\",\"live\":{\"uid\":\"u1\",\"containers\":[{\"name\":\"side\"},{\"name\":\"server\","
                               "\"requests\":{\"cpu_millicores\":100},\"other_resources\":{\"requests\":{\"nvidia.com/gpu\":\"1\"},"
                               "\"limits\":{\"nvidia.com/gpu\":\"1\"}}}]}}}");
    assert_int_equal(image_as_planned(record, "n", object, &err), 0);
    json_object_set_new(json_at(json_array_get(json_at(record, "workload.live.containers"), 1), "other_resources.limits"), "nvidia.com/gpu",
                        json_string("2"));
    assert_int_equal(image_as_planned(record, "n", object, &err), -1);
    assert_non_null(strstr(err.message, "other resources of container server"));
    json_decref(object);
    json_decref(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_way_back_is_what_differs), cmocka_unit_test(kinds_without_strategic_patches),
        cmocka_unit_test(a_patch_holds_for_one_version), cmocka_unit_test(absent_null_and_empty_are_one),
        cmocka_unit_test(what_is_expected_of_edits), cmocka_unit_test(what_others_add_is_told),
        cmocka_unit_test(numbers_are_as_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
