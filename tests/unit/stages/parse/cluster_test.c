/* What is listed of a cluster, what is left to its owner, and objects as text that YAML reads as JSON does.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/str.h"
#include "pipeline/io/yaml.h"
#include "stages/common/manifest/manifest.h"
#include "stages/common/cluster_kind.h"
#include "stages/parse/cluster_object.h"

/* Every row that is called a workload is one to the reader of manifests, in each of its versions; and it
 * knows no other. */
static void test_kinds(void **state)
{
    (void)state;
    static const char *const known[] = {"CronJob", "DaemonSet",  "Deployment", "DeploymentConfig",
                                        "Job",     "Pod",        "ReplicaSet", "ReplicationController",
                                        "Rollout", "StatefulSet"};
    size_t count = 0;
    size_t workloads = 0;
    const struct cluster_kind *kinds = cluster_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t v = 0; kinds[i].versions[v] != NULL; v++) {
            char version[128];
            snprintf(version, sizeof version, "%s%s%s", kinds[i].group, *kinds[i].group == '\0' ? "" : "/",
                     kinds[i].versions[v]);
            assert_int_equal(manifest_kind_of(version, kinds[i].kind) != NULL, kinds[i].workload);
        }
        workloads += kinds[i].workload;
    }
    assert_int_equal(workloads, sizeof known / sizeof known[0]);
    for (size_t i = 0; i < workloads; i++) {
        assert_non_null(manifest_kind_named(known[i]));
    }
}

static bool owned(const char *references)
{
    json_t *list = json_loads(references, 0, NULL);
    json_t *object = json_pack("{s:{s:o}}", "metadata", "ownerReferences", list);
    bool result = cluster_kind_owned(object);
    json_decref(object);
    return result;
}

static void test_owners(void **state)
{
    (void)state;
    assert_true(owned("[{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"controller\":true}]"));
    assert_true(owned("[{\"apiVersion\":\"v1\",\"kind\":\"Node\"},{\"apiVersion\":\"batch/"
                      "v1\",\"kind\":\"CronJob\",\"controller\":true}]"));
    assert_false(owned("[{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\"}]"));
    assert_false(owned("[{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"controller\":\"true\"}]"));
    assert_false(owned("[{\"apiVersion\":\"example/v1\",\"kind\":\"Deployment\",\"controller\":true}]"));
    assert_false(owned("[{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"controller\":true}]"));
    assert_false(owned("[{},7,null]"));
    assert_false(owned("{}"));
    assert_false(owned("[]"));
}

/* The text of `path` in an object's YAML must be the very string that JSON has. */
static void same_text(const char *value, size_t length)
{
    struct buf text;
    struct arena arena;
    struct yaml_stream *stream = NULL;
    struct yaml_document document;
    struct yaml_fault fault;
    struct err err = {0};
    json_t *object = json_pack("{s:s, s:{s:s, s:{s:o}}, s:{s:i}}", "kind", "Pod", "metadata", "name", "x",
                               "labels", "a", json_stringn(value, length), "status", "x", 1);
    buf_init(&text, 100000);
    arena_init(&arena);
    assert_int_equal(cluster_object_text(object, false, &text), 0);
    assert_int_equal(yaml_open(text.data, text.length, NULL, &stream, &fault, &err), 0);
    assert_int_equal(yaml_next(stream, &arena, &document, &fault, &err), 1);
    struct yaml_node *metadata = yaml_get(stream, document.root, "metadata");
    struct yaml_node *node = yaml_get(stream, yaml_get(stream, metadata, "labels"), "a");
    assert_non_null(node);
    assert_int_equal(yaml_type_of(node), YAML_TYPE_TEXT);
    assert_int_equal(node->length, length);
    assert_memory_equal(node->text, value, length);
    assert_null(yaml_get(stream, document.root, "status"));
    yaml_close(stream);
    arena_release(&arena);
    buf_release(&text);
    json_decref(object);
}

#define SAME(literal) same_text(literal, sizeof(literal) - 1)

static void test_text(void **state)
{
    (void)state;
    SAME("");
    SAME("plain: {text} # no comment");
    SAME("\"quotes\" \\ and / slashes");
    SAME("line\nbreaks\r\n\tand\btabs\f ");
    SAME("  \n\n blanks at both ends ");
    SAME("\x01\x1b\x7f");
    SAME("c1 \xc2\x80\xc2\x85\xc2\x9f\xc2\xa0.");
    SAME("line ends \xe2\x80\xa8 and \xe2\x80\xa9.");
    SAME("marks \xef\xbb\xbf\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd.");
    SAME("emoji \xf0\x9f\x98\x80");
    SAME("true");
    SAME("0x10");
    SAME("<<");
}

/* All characters there are, in one text after another. */
static void test_all_characters(void **state)
{
    (void)state;
    for (unsigned first = 1; first < 0x11000; first += 256) {
        struct buf text;
        buf_init(&text, 4096);
        for (unsigned code = first; code < first + 256; code++) {
            if (code >= 0xd800 && code < 0xe000) {
                continue;
            }
            if (code < 0x80) {
                buf_add_char(&text, (char)code);
            } else if (code < 0x800) {
                buf_printf(&text, "%c%c", (int)(0xc0 | code >> 6), (int)(0x80 | (code & 63)));
            } else if (code < 0x10000) {
                buf_printf(&text, "%c%c%c", (int)(0xe0 | code >> 12), (int)(0x80 | (code >> 6 & 63)),
                           (int)(0x80 | (code & 63)));
            } else {
                buf_printf(&text, "%c%c%c%c", (int)(0xf0 | code >> 18), (int)(0x80 | (code >> 12 & 63)),
                           (int)(0x80 | (code >> 6 & 63)), (int)(0x80 | (code & 63)));
            }
        }
        same_text(buf_str(&text), text.length);
        buf_release(&text);
    }
}

static void test_reduced(void **state)
{
    (void)state;
    struct buf text;
    json_t *object = json_loads(
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"n\",\"managedFields\":[1],"
        "\"annotations\":{\"a\":\"b\","
        "\"kubectl.kubernetes.io/last-applied-configuration\":\"x\"}},\"spec\":{\"c\":0.1},\"status\":{}}",
        0, NULL);
    buf_init(&text, 1000);
    assert_int_equal(cluster_object_text(object, false, &text), 0);
    assert_string_equal(buf_str(&text),
                        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"annotations\":{\"a\":\"b\"},"
                        "\"name\":\"n\"},\"spec\":{\"c\":0.1}}");
    buf_release(&text);
    buf_init(&text, 10);
    assert_int_equal(cluster_object_text(object, false, &text), -1);
    buf_release(&text);
    json_decref(object);
    object = json_loads("{\"metadata\":7}", 0, NULL);
    buf_init(&text, 100);
    assert_int_equal(cluster_object_text(object, false, &text), 0);
    assert_string_equal(buf_str(&text), "{\"metadata\":{}}");
    buf_release(&text);
    json_decref(object);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),          cmocka_unit_test(test_owners),  cmocka_unit_test(test_text),
        cmocka_unit_test(test_all_characters), cmocka_unit_test(test_reduced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
