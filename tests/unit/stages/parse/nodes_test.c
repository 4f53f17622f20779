/* Nodes in groups: what keeps them apart, odd amounts, limits; which labels and names the inventory asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/parse/nodes.h"

static json_t *value_of(const char *text)
{
    struct err err = {0};
    json_t *value = json_read(text, strlen(text), "a test", &err);
    if (value == NULL) {
        fail_msg("%s: %s", err.message, text);
    }
    return value;
}

static void add(struct nodes *nodes, const char *text)
{
    json_t *node = value_of(text);
    nodes_add(nodes, node);
    json_decref(node);
}

/* The settings as text; new. */
static char *told(const struct nodes *nodes)
{
    json_t *settings = nodes_settings(nodes);
    char *text = json_text(settings);
    json_decref(settings);
    return text;
}

/* Checks the one group of one node. */
static void check(struct node_wants *wants, const char *node, const char *wanted)
{
    struct nodes nodes = {.wants = wants};
    add(&nodes, node);
    char *text = told(&nodes);
    assert_string_equal(text, wanted);
    free(text);
    nodes_clear(&nodes);
}

#define NOTHING "{\"cpu_millicores\":null,\"memory_bytes\":null,\"pods\":null}"

static void test_odd(void **state)
{
    struct node_wants none = {0};
    static const char *const odd[] = {
        "{}",
        "{\"metadata\":5,\"spec\":[],\"status\":\"x\"}",
        "{\"metadata\":{\"labels\":[1],\"name\":7},\"spec\":{\"taints\":{\"a\":1},\"unschedulable\":\"yes\"},\"status\":{\"conditions\":5}}",
        "{\"status\":{\"capacity\":{\"cpu\":\"-1\",\"memory\":\"8 Gi\",\"pods\":110},\"conditions\":[5,{\"type\":\"Ready\",\"status\":true}]}}",
        "{\"spec\":{\"taints\":[{\"effect\":\"NoSchedule\"},7]},\"metadata\":{\"labels\":{\"node.kubernetes.io/instance-type\":3}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        check(&none, odd[i],
              "{\"groups\":[{\"allocatable\":" NOTHING ",\"capacity\":" NOTHING
              ",\"capacity_type\":null,\"count\":1,\"labels\":{},\"ready\":false,\"taints\":[],\"unschedulable\":false}],\"total\":1}");
    }
}

static void test_amounts(void **state)
{
    struct node_wants none = {0};
    (void)state;
    check(&none,
          "{\"metadata\":{\"deletionTimestamp\":\"2026-11-22T00:00:00Z\"},\"status\":{\"capacity\":{\"cpu\":\"3920m\",\"memory\":\"1073741825\",\"pods\":\"58\"},"
          "\"allocatable\":{\"cpu\":\"4\",\"memory\":\"1000001\"},\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
          "{\"groups\":[{\"allocatable\":{\"cpu_millicores\":4000,\"memory_bytes\":1000001,\"pods\":null},\"capacity\":{\"cpu_millicores\":3920,\"memory_bytes\":1073741824,\"pods\":58},"
          "\"capacity_type\":null,\"count\":1,\"labels\":{},\"ready\":false,\"taints\":[],\"unschedulable\":false}],\"total\":1}");
}

/* What clouds call a node's price and pool. */
static void test_known(void **state)
{
    static const char *const rows[][4] = {
        {"karpenter.sh/capacity-type", "spot", "capacity_type", "spot"},
        {"karpenter.sh/capacity-type", "on-demand", "capacity_type", "on-demand"},
        {"karpenter.sh/capacity-type", "reserved", "capacity_type", NULL},
        {"eks.amazonaws.com/capacityType", "SPOT", "capacity_type", "spot"},
        {"eks.amazonaws.com/capacityType", "ON_DEMAND", "capacity_type", "on-demand"},
        {"cloud.google.com/gke-spot", "true", "capacity_type", "spot"},
        {"cloud.google.com/gke-preemptible", "true", "capacity_type", "spot"},
        {"kubernetes.azure.com/scalesetpriority", "spot", "capacity_type", "spot"},
        {"beta.kubernetes.io/instance-type", "e2-standard-4", "instance", "e2-standard-4"},
        {"failure-domain.beta.kubernetes.io/zone", "a", "zone", "a"},
        {"cloud.google.com/gke-nodepool", "main", "pool", "main"},
        {"kubernetes.azure.com/agentpool", "<b>", "pool", "<b>"},
        {"other", "x", "pool", NULL},
    };
    struct node_wants none = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct nodes nodes = {.wants = &none};
        json_t *node = json_pack("{s:{s:{s:s}}}", "metadata", "labels", rows[i][0], rows[i][1]);
        nodes_add(&nodes, node);
        json_t *settings = nodes_settings(&nodes);
        const json_t *group = json_array_get(json_object_get(settings, "groups"), 0);
        const char *found = json_string_or_null(group, rows[i][2]);
        assert_true(found == rows[i][3] || strcmp(found, rows[i][3]) == 0);
        assert_int_equal(json_object_size(json_object_get(group, "labels")), strcmp(rows[i][0], "other") != 0);
        json_decref(settings);
        json_decref(node);
        nodes_clear(&nodes);
    }
}

/* Labels, hosts and names that workloads ask for keep nodes apart; others do not. */
static void test_wants(void **state)
{
    struct node_wants wants = {0};
    struct nodes nodes = {.wants = &wants};
    struct scheduling said = {
        .member = value_of("{\"node_selector\":{\"disk\":\"ssd\",\"kubernetes.io/hostname\":\"h1\"},\"node_name\":\"n9\",\"spread\":[{\"topology_key\":\"rack\"}],"
                           "\"node_affinity\":[[{\"key\":\"kubernetes.io/hostname\",\"values\":[\"h2\"]},{\"key\":\"metadata.name\",\"values\":[\"n3\"]},{\"key\":\"gpu\",\"values\":[]}]]}"),
        .terms = value_of("[{\"topology_key\":\"kubernetes.io/hostname\"},{\"topology_key\":\"row\"}]")};
    (void)state;
    node_wants_add(&wants, &said, true);
    assert_null(json_object_get(wants.names, "n9"));
    assert_int_equal(json_object_size(wants.labels), 4);
    assert_int_equal(json_object_size(wants.hosts), 2);
    add(&nodes, "{\"metadata\":{\"name\":\"n1\",\"labels\":{\"kubernetes.io/hostname\":\"h1\",\"disk\":\"ssd\"}}}");
    add(&nodes, "{\"metadata\":{\"name\":\"n3\",\"labels\":{\"kubernetes.io/hostname\":\"h3\",\"rack\":\"r\",\"noise\":\"3\"}}}");
    add(&nodes, "{\"metadata\":{\"name\":\"n4\",\"labels\":{\"kubernetes.io/hostname\":\"h4\",\"rack\":\"r\",\"noise\":\"4\"}}}");
    add(&nodes, "{\"metadata\":{\"name\":\"n5\",\"labels\":{\"kubernetes.io/hostname\":\"h5\",\"rack\":\"r\",\"noise\":\"5\"}}}");
    char *text = told(&nodes);
    assert_non_null(strstr(text, "\"count\":2,\"labels\":{\"rack\":\"r\"}"));
    assert_non_null(strstr(text, "\"count\":1,\"labels\":{\"rack\":\"r\"},\"name\":\"n3\""));
    assert_non_null(strstr(text, "\"labels\":{\"disk\":\"ssd\",\"kubernetes.io/hostname\":\"h1\"}"));
    assert_non_null(strstr(text, "\"total\":4}"));
    free(text);
    nodes_clear(&nodes);
    node_wants_add(&wants, &said, false);
    assert_non_null(json_object_get(wants.names, "n9"));
    scheduling_release(&said);
    node_wants_release(&wants);
}

static void test_limits(void **state)
{
    struct node_wants none = {0};
    struct nodes nodes = {.wants = &none};
    char text[200];
    (void)state;
    for (int i = 0; i <= NODE_GROUPS_MAX; i++) {
        assert_false(nodes.full);
        snprintf(text, sizeof text, "{\"metadata\":{\"labels\":{\"agentpool\":\"p%d\"}}}", i);
        add(&nodes, text);
    }
    assert_true(nodes.full);
    nodes_clear(&nodes);
    assert_false(nodes.full);
    json_t *node = value_of("{}");
    nodes.total = NODES_MAX - 1; /* so many were counted */
    nodes_add(&nodes, node);
    assert_false(nodes.full);
    nodes_add(&nodes, node);
    assert_true(nodes.full);
    json_decref(node);
    nodes_clear(&nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd),   cmocka_unit_test(test_amounts), cmocka_unit_test(test_known),
        cmocka_unit_test(test_wants), cmocka_unit_test(test_limits),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
