#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "stages/common/manifest/manifest.h"

enum { SAID_MAX = 4096 };

/* A text, and in words what it says. */
struct said {
    struct buf words;
    struct manifest_reader reader;
};

static void say_amounts(struct buf *words, const struct manifest_container *container)
{
    for (int field = 0; field < FIELD_COUNT; field++) {
        const struct manifest_amount *amount = &container->amounts[field];
        buf_add_str(words, field == 0 ? "" : ",");
        if (amount->present) {
            buf_printf(words, "%lld", (long long)amount->value);
        }
    }
}

static void say_workload(struct buf *words, const struct manifest_workload *workload)
{
    buf_printf(words, "%s %s/%s ", workload->object->kind,
               workload->namespace == NULL ? "" : workload->namespace, workload->name);
    if (workload->has_replicas) {
        buf_printf(words, "%lld", (long long)workload->replicas);
    }
    for (size_t i = 0; i < workload->container_count; i++) {
        buf_printf(words, " %s:%s:", workload->containers[i].name,
                   manifest_role_name(workload->containers[i].role));
        say_amounts(words, &workload->containers[i]);
    }
    buf_add_str(words, "\n");
}

static void say_faults(struct said *said)
{
    size_t line;
    size_t column;
    for (size_t i = 0; i < said->reader.fault_count; i++) {
        const struct manifest_fault *fault = &said->reader.faults[i];
        yaml_position(said->reader.stream, fault->offset, &line, &column);
        if (fault->fatal) {
            buf_printf(&said->words, "%zu:%zu %s%s\n", line, column, fault->aside ? "aside: " : "",
                       fault->message);
        }
    }
}

static int take(void *context, const struct manifest_object *object)
{
    struct said *said = context;
    struct manifest_workload workload;
    if (object->type == NULL) {
        buf_printf(&said->words, "- %s\n", object->kind == NULL ? "" : object->kind);
    } else if (manifest_read(&said->reader, object, &workload) == 0) {
        say_workload(&said->words, &workload);
    } else {
        say_faults(said);
    }
    return 0;
}

static void says(const char *text, const char *wanted)
{
    struct said said;
    struct arena arena;
    struct yaml_stream *stream;
    struct yaml_document document;
    struct yaml_fault fault;
    struct err err;
    int got;
    buf_init(&said.words, SAID_MAX);
    arena_init(&arena);
    assert_int_equal(yaml_open(text, strlen(text), NULL, &stream, &fault, &err), 0);
    while ((got = yaml_next(stream, &arena, &document, &fault, &err)) == 1) {
        manifest_reader_init(&said.reader, stream, &arena);
        manifest_each(&said.reader, document.root, take, &said);
    }
    if (got < 0) {
        buf_printf(&said.words, "%zu:%zu %s\n", fault.line, fault.column, err.message);
    }
    assert_string_equal(buf_str(&said.words), wanted);
    yaml_close(stream);
    arena_release(&arena);
    buf_release(&said.words);
}

#define POD(name, containers) \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: " name "}\nspec: {containers: [" containers "]}\n"
#define DEPLOYMENT(head, replicas) \
    "apiVersion: apps/v1\nkind: Deployment\n" head "spec: {replicas: " replicas "}\n"
#define NAMED "metadata: {name: d}\n"

/* The amounts of a container "c" whose resources are these. */
static void says_resources(const char *resources, const char *wanted)
{
    struct buf text;
    struct buf words;
    buf_init(&text, SAID_MAX);
    buf_init(&words, SAID_MAX);
    buf_printf(&text, POD("p", "{name: c, resources: %s}"), resources);
    buf_printf(&words,
               wanted[0] >= '0' && wanted[0] <= '9' && strchr(wanted, ':') != NULL
                   ? "%s\n"
                   : "Pod /p  c:container:%s\n",
               wanted);
    says(buf_str(&text), buf_str(&words));
    buf_release(&text);
    buf_release(&words);
}

static void test_shapes_of_resources(void **state)
{
    (void)state;
    says_resources("{}", ",,,");
    says_resources("null", ",,,");
    says_resources("{requests: , limits: ~}", ",,,");
    says_resources("{requests: {cpu: null, memory: }, limits: {}}", ",,,");
    says_resources("{\"requests\":{\"cpu\":\"1\",'memory':1Gi}}", "1000,1073741824,,");
    says_resources("{requests: {? cpu : 1, CPU: 2, nvidia.com/gpu: x}, Limits: {cpu: 3}}", "1000,,,");
    says_resources("{requests: &r {cpu: 5m, memory: 1k}, limits: *r}", "5,1000,5,1000");
    says_resources("{requests: &r {cpu: &c 5m, memory: 1k}, limits: {<<: *r, memory: 2k}}", "5,1000,5,2000");
    says_resources("{limits: {<<: [{cpu: 1}, {cpu: 2, memory: 3}]}}", ",,1000,3");
    says_resources("{<<: {limits: {cpu: 1}}, requests: {memory: 5}}", ",5,1000,");
    says_resources("!!map {limits: {cpu: !!str 1, memory: !!int 2}}", ",,1000,2");
    says_resources("{limits: {cpu: 0x10, memory: 010}}", ",,16000,8");
    says_resources("{limits: {cpu: 08, memory: 1_000}}", ",,8000,1000");
}

static void test_resources_that_are_none(void **state)
{
    (void)state;
    says_resources("[cpu]", "4:42 resources of container \"c\" is not a mapping");
    says_resources("{limits: cpu}", "4:51 resources.limits of container \"c\" is not a mapping");
    says_resources("{limits: {cpu: [1]}}", "4:57 container \"c\": limits.cpu: the value is not a quantity");
    says_resources("{limits: {cpu: 0o}}", "4:57 container \"c\": limits.cpu: \"0o\" is not a CPU quantity");
    says_resources("{limits: {cpu: yes}}", "4:57 container \"c\": limits.cpu: the value is not a quantity");
    says_resources("{limits: {cpu: \"\"}}", "4:57 container \"c\": limits.cpu: \"\" is not a CPU quantity");
    says_resources("{limits: {memory: 8Ei}}",
                   "4:60 container \"c\": limits.memory: the memory quantity \"8Ei\" is too large");
    says_resources("{limits: {cpu: 1, cpu: 2}}", "4:60 the key \"cpu\" is there twice");
    says_resources("{limits: {cpu: 1}, limits: {cpu: 2}}", "4:61 the key \"limits\" is there twice");
    says_resources("*r", "4:42 the alias *r names no anchor before it");
    says_resources("&r {limits: *r}", "4:54 the alias *r stands inside of what it names");
    says_resources("{limits: {<<: 5, cpu: 1}}",
                   "4:52 the merge key names neither a mapping nor a list of mappings");
    says_resources("{limits: {<<: [{cpu: 1}, 5]}}",
                   "4:52 the merge key names neither a mapping nor a list of mappings");
    says_resources("{limits: {~: 5, cpu: 1}}", "4:52 a key is null");
    says_resources("{limits: {{a: b}: 5, cpu: 1}}", "4:52 a key is a mapping or a list");
}

static void test_replicas(void **state)
{
    static const struct {
        const char *written;
        const char *wanted;
    } rows[] = {
        {"3", "3"},
        {"0", "0"},
        {"~", ""},
        {"", ""},
        {"+3", "3"},
        {"0x3", "3"},
        {"010", "8"},
        {"2.0", "2"},
        {"1e1", "10"},
        {"5.", "5"},
        {"2147483647", "2147483647"},
        {"2147483648", NULL},
        {"2.5", NULL},
        {"-1", NULL},
        {"\"3\"", NULL},
        {"three", NULL},
        {"true", NULL},
        {"[3]", NULL},
        {"1e300", NULL},
        {".inf", NULL},
        {".nan", NULL},
        {"${N}", NULL},
    };
    struct buf text;
    struct buf wanted;
    (void)state;
    buf_init(&text, SAID_MAX);
    buf_init(&wanted, SAID_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        buf_clear(&text);
        buf_clear(&wanted);
        buf_printf(&text,
                   "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: %s\n",
                   rows[i].written);
        if (rows[i].wanted != NULL) {
            buf_printf(&wanted, "Deployment /d %s\n", rows[i].wanted);
        } else {
            buf_printf(&wanted, "5:13 spec.replicas is not a whole number of at least 0%s%s\n",
                       rows[i].written[0] == '[' ? "" : ": ",
                       rows[i].written[0] == '[' ? "" : rows[i].written);
        }
        says(buf_str(&text), buf_str(&wanted));
    }
    buf_release(&text);
    buf_release(&wanted);
}

static void test_names(void **state)
{
    (void)state;
    says(DEPLOYMENT("metadata: {name: 'yes', namespace: \"\"}\n", "1"), "Deployment /yes 1\n");
    says(DEPLOYMENT("metadata: {name: 2024-01-01, namespace: ~}\n", "1"), "Deployment /2024-01-01 1\n");
    says(DEPLOYMENT("metadata: {name: yes}\n", "1"),
         "3:18 metadata.name is a truth value, not a string: it needs quotes\n");
    says(DEPLOYMENT("metadata: {name: d, namespace: 1e3}\n", "1"),
         "3:32 metadata.namespace is a number, not a string: it needs quotes\n");
    says(DEPLOYMENT("metadata: {name: [d]}\n", "1"), "3:18 metadata.name is not a string\n");
    says(DEPLOYMENT("metadata: {name: \"we\\0b\"}\n", "1"), "3:18 metadata.name is binary\n");
    says(DEPLOYMENT("metadata: {name: !!binary d2Vi}\n", "1"), "3:18 metadata.name is binary\n");
    says(DEPLOYMENT("metadata: {name: }\n", "1"), "1:1 the Deployment has no metadata.name\n");
    says(DEPLOYMENT("metadata: {generateName: d-}\n", "1"),
         "1:1 aside: the Deployment has no metadata.name (a generateName has no usage to look up)\n");
    says(DEPLOYMENT("metadata: {name: d, name: e}\n", "1"), "3:21 the key \"name\" is there twice\n");
    says(DEPLOYMENT("metadata: none\n", "1"), "3:11 metadata is not a mapping\n");
}

static void test_what_is_a_workload(void **state)
{
    (void)state;
    says("kind: Pod\n" DEPLOYMENT(NAMED, "1"), "3:1 the key \"kind\" is there twice\n");
    says("apiVersion: v1\n" DEPLOYMENT(NAMED, "1"), "2:1 the key \"apiVersion\" is there twice\n");
    says("apiVersion: \"\"\nkind: Pod\n", "- Pod\n");
    says("kind: Pod\n", "- Pod\n");
    says("apiVersion: apps/v1\nkind: deployment\n", "- deployment\n");
    says("apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\n", "- Job\n");
    says("apiVersion: v1\nkind: [Pod]\n", "- \n");
    says("[a]\n---\ntext\n---\n---\n# nothing\n...\n", "");
    says("{\"apiVersion\":\"v1\",\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"name\":\"p\"}},{\"kind\":"
         "\"Node\"}, null]}",
         "Pod /p \n- Node\n");
    says("apiVersion: v1\nkind: List\nitems: {a: b}\n", "- List\n");
}

static void test_containers(void **state)
{
    (void)state;
    says(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  restartPolicy: Always\n"
        "  initContainers: [{name: i, restartPolicy: Never}, {name: s, restartPolicy: \"Always\"}, {name: t, "
        "restartPolicy: ~}]\n"
        "  containers: [&c {name: a}]\n  ephemeralContainers: [{name: e}]\n  resources: {limits: {cpu: 1}}\n",
        "Pod /p  i:init:,,, s:sidecar:,,, t:init:,,, a:container:,,,\n");
    says(POD("p", "{name: a, $patch: delete}, {$patch: replace}"), "Pod /p  a:container:,,,\n");
    says(POD("p", "{name: a}, ~"), "4:32 containers[1] is not a mapping\n");
    says(POD("p", "{name: 5}"), "4:28 containers[0].name is a number, not a string: it needs quotes\n");
    says(POD("p", "{image: a}"), "4:21 containers[0] has no name\n");
    says("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: {name: a}}\n",
         "4:20 containers is not a list\n");
    says("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: ~, initContainers: []}\n",
         "Pod /p \n");
    says("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: none\n", "4:7 spec is not a mapping\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_of_resources),
        cmocka_unit_test(test_resources_that_are_none),
        cmocka_unit_test(test_replicas),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_what_is_a_workload),
        cmocka_unit_test(test_containers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
