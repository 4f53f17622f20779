#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pricing/packing/fleet.h"
#include "tests/harness/packing_verify.h"

#define GIB (INT64_C(1) << 30)

static const struct fleet_type large = {"m5.large", {{1930, 7 * GIB, 29}}, 96000};

static bool noted(const struct fleet *fleet, const char *words)
{
    for (size_t i = 0; i < fleet->note_count; i++) {
        if (strstr(fleet->notes[i], words) != NULL) {
            return true;
        }
    }
    return false;
}

static struct fleet_workload workload(const char *name, int64_t count, int64_t cpu, int64_t gib, int64_t cpu_after, int64_t gib_after)
{
    return (struct fleet_workload){
        .name = name, .rules = PACK_NONE, .count = count, .before = {cpu, gib * GIB}, .after = {cpu_after, gib_after * GIB}};
}

/* Checks both sides with the verifier. */
static void verify(const struct fleet_input *input)
{
    for (int after = 0; after < 2; after++) {
        struct fleet_place place;
        fleet_place_prepare(input, after != 0, &place);
        pack_solve(&place.problem, false, &place.plan);
        const char *wrong = packing_verify(&place);
        if (wrong != NULL) {
            fail_msg("%s", wrong);
        }
        fleet_place_release(&place);
    }
}

/* Twelve pods of a vCPU on nodes that have 1.93: one each. With half a vCPU: three each. 8 × $0.096 × 730. */
static void nodes_that_go_in_cash(void **unused)
{
    (void)unused;
    struct fleet_workload w[] = {workload("c/a/Deployment/x", 12, 1000, 1, 500, 1), workload("c/a/DaemonSet/d", 1, 100, 0, 100, 0)};
    w[1].daemon = true;
    struct fleet_source source = {.type = large};
    struct fleet_input input = {.workloads = w, .workload_count = 2, .sources = &source, .source_count = 1};
    verify(&input);
    struct fleet *fleet = fleet_compute(&input);
    assert_null(fleet->unknown);
    assert_true(fleet->priced);
    assert_false(fleet->live);
    assert_int_equal(fleet->nodes_today, -1);
    assert_int_equal(fleet->pods, 12);
    assert_int_equal(fleet->before.nodes, 12);
    assert_int_equal(fleet->before.lower_bound, 12);
    assert_int_equal(fleet->after.nodes, 4);
    assert_int_equal(fleet->nodes_gone, 8);
    assert_int_equal(fleet->saving_microusd, INT64_C(8) * 96000 * 730);
    assert_int_equal(fleet->before.monthly_microusd, INT64_C(12) * 96000 * 730);
    assert_int_equal(fleet->pool_count, 1);
    assert_string_equal(fleet->pools[0].name, "default");
    assert_null(fleet->better.instance);
    fleet_free(fleet);
    fleet_free(NULL);
}

/* What fits no node on one side is on neither. */
static void too_large_is_told(void **unused)
{
    (void)unused;
    struct fleet_workload w[] = {workload("/a/Deployment/big", 3, 3000, 1, 1000, 1), workload("/a/Deployment/x", 4, 900, 1, 900, 1)};
    struct fleet_source source = {.name = "p", .type = large};
    struct fleet_input input = {.workloads = w, .workload_count = 2, .sources = &source, .source_count = 1};
    verify(&input);
    struct fleet *fleet = fleet_compute(&input);
    assert_int_equal(fleet->unplaced, 3);
    assert_int_equal(fleet->before.nodes, 2);
    assert_int_equal(fleet->after.nodes, 2);
    assert_int_equal(fleet->pods, 7);
    assert_true(noted(fleet, "3 pods are counted on no node, a/Deployment/big first: they are larger"));
    fleet_free(fleet);
}

/* A larger type carries the same pods for less; one node alone is not advised. */
static void a_better_type(void **unused)
{
    (void)unused;
    struct fleet_workload w[] = {workload("c/a/Deployment/x", 30, 1000, 1, 1000, 1)};
    struct fleet_source source = {.type = large};
    struct fleet_type types[] = {{"m5.2xlarge", {{8000, 30 * GIB, 58}}, 340000},
                                 {"m5.12xlarge", {{48000, 190 * GIB, 234}}, 1000000},
                                 {"dear", {{4000, 15 * GIB, 58}}, 900000},
                                 {"small", {{900, 3 * GIB, 10}}, 1000}};
    struct fleet_input input = {.workloads = w, .workload_count = 1, .sources = &source, .source_count = 1, .candidates = types, .candidate_count = 4};
    struct fleet *fleet = fleet_compute(&input);
    assert_int_equal(fleet->after.nodes, 30);
    assert_string_equal(fleet->better.instance, "m5.2xlarge");
    assert_int_equal(fleet->better.nodes, 4);
    assert_int_equal(fleet->better.saving_microusd, (INT64_C(30) * 96000 - 4 * 340000) * 730);
    assert_int_equal(fleet->better.monthly_microusd, INT64_C(4) * 340000 * 730);
    fleet_free(fleet);
}

static struct fleet_live live_nodes(const char *pool, const char *instance, int64_t count, int64_t price)
{
    return (struct fleet_live){.pool = pool, .type = {instance, {{1930, 7 * GIB, 29}}, price}, .count = count};
}

/* The cluster's own nodes: the control plane apart, cordoned ones paid for and empty, tainted ones only for who tolerates them. */
static void live_nodes_that_go(void **unused)
{
    (void)unused;
    struct fleet_taint control = {"node-role.kubernetes.io/control-plane", NULL, "NoSchedule"}, gpu = {"gpu", "yes", "NoSchedule"};
    struct fleet_label zone = {"zone", "a"};
    struct fleet_live live[] = {live_nodes("web", "m5.large", 5, 96000), live_nodes("cp", "m5.large", 3, 96000),
                                live_nodes("gpu", "g5", 2, 500000), live_nodes("web", "m5.large", 1, 96000)};
    live[0].labels = &zone;
    live[0].label_count = 1;
    live[1].taints = &control;
    live[2].taints = &gpu;
    live[1].taint_count = live[2].taint_count = 1;
    live[3].closed = true;
    struct fleet_toleration toleration = {.key = "gpu", .any_value = true};
    struct fleet_requirement in_zone = {"zone", "Exists", NULL, 0};
    struct fleet_term term = {&in_zone, 1};
    struct fleet_rules rules[] = {{.tolerations = &toleration, .toleration_count = 1},
                                  {.has_affinity = true, .affinity = &term, .affinity_count = 1}};
    struct fleet_workload w[] = {workload("c/a/Deployment/x", 5, 1000, 1, 600, 1), workload("c/a/Deployment/y", 2, 1500, 1, 900, 1)};
    w[0].rules = 1;
    w[1].rules = 0;
    w[0].pool = w[1].pool = PACK_NONE;
    struct fleet_input input = {.workloads = w, .workload_count = 2, .rules = rules, .rules_count = 2, .live = live, .live_count = 4};
    verify(&input);
    struct fleet *fleet = fleet_compute(&input);
    assert_true(fleet->live);
    assert_true(fleet->priced);
    assert_int_equal(fleet->nodes_today, 8);
    assert_int_equal(fleet->today_monthly_microusd, (INT64_C(6) * 96000 + 2 * 500000) * 730);
    assert_int_equal(fleet->before.unplaced, 0);
    assert_int_equal(fleet->before.nodes, 7);
    assert_int_equal(fleet->before.lower_bound <= fleet->before.nodes, 1);
    assert_true(fleet->after.nodes < fleet->before.nodes);
    assert_true(fleet->after.nodes >= fleet->after.lower_bound);
    assert_true(noted(fleet, "control plane"));
    assert_true(noted(fleet, "cordoned"));
    assert_int_equal(fleet->pool_count, 2);
    fleet_free(fleet);
    live[0].type.microusd_per_hour = -1;
    live[0].type.instance = NULL;
    fleet = fleet_compute(&input);
    assert_false(fleet->priced);
    assert_int_equal(fleet->saving_microusd, 0);
    assert_true(noted(fleet, "No price is known for 5 of the nodes"));
    fleet_free(fleet);
}

/* More than the live nodes hold: nothing is hidden. */
static void no_room_is_told(void **unused)
{
    (void)unused;
    struct fleet_live live = live_nodes("web", "m5.large", 2, 96000);
    struct fleet_workload w[] = {workload("c/a/Deployment/x", 5, 1000, 1, 900, 1)};
    struct fleet_input input = {.workloads = w, .workload_count = 1, .live = &live, .live_count = 1};
    verify(&input);
    struct fleet *fleet = fleet_compute(&input);
    assert_int_equal(fleet->before.nodes, 2);
    assert_int_equal(fleet->before.unplaced, 3);
    assert_int_equal(fleet->after.unplaced, 1);
    assert_true(fleet->before.lower_bound <= 2);
    assert_true(noted(fleet, "3 pods are counted on no node today"));
    assert_true(noted(fleet, "1 pod is counted on no node with the plan"));
    fleet_free(fleet);
}

static int64_t nodes_of(struct fleet_workload *workloads, size_t count, const struct fleet_rules *rules, size_t rules_count)
{
    struct fleet_source source = {.type = large};
    struct fleet_input input = {.workloads = workloads, .workload_count = count, .rules = rules, .rules_count = rules_count, .sources = &source,
                                .source_count = 1};
    verify(&input);
    struct fleet *fleet = fleet_compute(&input);
    int64_t nodes = fleet->unplaced > 0 ? -fleet->unplaced : fleet->before.nodes;
    assert_true(fleet->before.lower_bound <= fleet->before.nodes);
    fleet_free(fleet);
    return nodes;
}

/* Each rule alone, on a case that a person can check. */
static void rules_hold(void **unused)
{
    (void)unused;
    const char *others[] = {"c/a/Deployment/y"}, *daemons[] = {"c/a/DaemonSet/d"};
    struct fleet_company self = {.self = true}, y = {.others = others, .other_count = 1}, d = {.others = daemons, .other_count = 1};
    int64_t port = 80;
    struct fleet_label ssd = {"disk", "ssd"}, hdd = {"disk", "hdd"};
    struct fleet_rules rules[] = {
        {.apart = &self, .apart_count = 1},       /* 0 */
        {.apart = &y, .apart_count = 1},          /* 1 */
        {.beside = &y, .beside_count = 1},        /* 2 */
        {.beside = &self, .beside_count = 1},     /* 3 */
        {.ports = &port, .port_count = 1},        /* 4 */
        {.selector = &ssd, .selector_count = 1},  /* 5 */
        {.selector = &hdd, .selector_count = 1},  /* 6 */
        {.apart = &d, .apart_count = 1},          /* 7 */
        {.has_affinity = true},                   /* 8: no term, no node */
    };
    struct fleet_workload x = workload("c/a/Deployment/x", 4, 10, 0, 10, 0), other = workload("c/a/Deployment/y", 2, 10, 0, 10, 0);
    struct fleet_workload w[3] = {x, other, workload("c/a/DaemonSet/d", 1, 10, 0, 10, 0)};
    assert_int_equal(nodes_of(w, 2, rules, 9), 1);
    w[0].rules = 0;
    assert_int_equal(nodes_of(w, 2, rules, 9), 4);
    w[0].rules = 1;
    assert_int_equal(nodes_of(w, 2, rules, 9), 2);
    w[0].rules = 4;
    w[1].rules = 4;
    assert_int_equal(nodes_of(w, 2, rules, 9), 6);
    w[0].rules = 5;
    w[1].rules = 6;
    assert_int_equal(nodes_of(w, 2, rules, 9), 2);
    w[1].rules = PACK_NONE;
    assert_int_equal(nodes_of(w, 2, rules, 9), 1);
    w[0].rules = 2;
    w[1].before.cpu = w[1].after.cpu = 1900;
    assert_int_equal(nodes_of(w, 2, rules, 9), 2);
    w[0].count = 8; /* four beside each of the two do not fit: 1,900 and 40 */
    assert_int_equal(nodes_of(w, 2, rules, 9), -10);
    w[0].count = 2;
    w[0].before.cpu = w[0].after.cpu = 1000;
    w[0].rules = 3;
    assert_int_equal(nodes_of(w, 1, rules, 9), -2);
    w[0].rules = 8;
    assert_int_equal(nodes_of(w, 1, rules, 9), -2);
    w[0].rules = 7;
    w[2].daemon = true;
    assert_int_equal(nodes_of(w, 3, rules, 9), -2);
    w[0].rules = 4;
    w[2].rules = 4; /* the port is taken on every node */
    assert_int_equal(nodes_of(w, 3, rules, 9), -2);
}

/* Two clusters share no node; pods of another pool neither. */
static void clusters_and_pools_are_apart(void **unused)
{
    (void)unused;
    struct fleet_workload w[] = {workload("c/a/Deployment/x", 1, 10, 0, 10, 0), workload("d/a/Deployment/x", 1, 10, 0, 10, 0),
                                 workload("c/a/Deployment/y", 1, 10, 0, 10, 0), workload("c/a/Deployment/z", 1, 10, 0, 10, 0)};
    w[1].cluster = 1;
    w[2].pool = 1;
    w[3].pool = PACK_NONE;
    struct fleet_source sources[] = {{.type = large}, {.name = "batch", .type = large}};
    struct fleet_input input = {.workloads = w, .workload_count = 4, .sources = sources, .source_count = 2};
    verify(&input);
    struct fleet *fleet = fleet_compute(&input);
    assert_int_equal(fleet->before.nodes, 3);
    assert_int_equal(fleet->pods, 3);
    assert_int_equal(fleet->pools[0].before.nodes, 2);
    assert_int_equal(fleet->pools[1].before.nodes, 1);
    assert_string_equal(fleet->pools[1].name, "batch");
    fleet_free(fleet);
}

/* Nothing, nonsense and very much. */
static void nothing_and_too_much(void **unused)
{
    (void)unused;
    struct fleet_source source = {.type = large};
    struct fleet_input input = {.sources = &source, .source_count = 1};
    struct fleet *fleet = fleet_compute(&input);
    assert_int_equal(fleet->before.nodes, 0);
    assert_int_equal(fleet->saving_microusd, 0);
    fleet_free(fleet);
    struct fleet_workload w[] = {workload("a", 1000000000, 1000, 1, 1, 0), workload("b", 1000000000, INT64_MAX / GIB, 0, 0, 0),
                                 workload("c", 1000000000, 0, 0, 0, 0)};
    w[1].before = (struct fleet_request){INT64_MAX, INT64_MAX};
    input.workloads = w;
    input.workload_count = 3;
    verify(&input);
    fleet = fleet_compute(&input);
    assert_int_equal(fleet->unplaced, 1000000000);
    assert_int_equal(fleet->before.monthly_microusd, fleet->before.nodes * 96000 * 730);
    assert_true(fleet->priced);
    fleet_free(fleet);
    fleet = fleet_unknown("no %s", "nodes");
    assert_string_equal(fleet->unknown, "no nodes");
    fleet_free(fleet);
}

/* Pods that name their type of node would have no place on another: none is advised, and packing them onto it divides nothing by no nodes. */
static void who_names_its_type_keeps_it(void **unused)
{
    (void)unused;
    static const struct fleet_label type = {"node.kubernetes.io/instance-type", "m5.large"};
    static const struct fleet_type cheaper = {"c5.large", {{1930, 7 * GIB, 29}}, 50000};
    const struct fleet_rules rules = {.selector = &type, .selector_count = 1};
    struct fleet_workload w[] = {workload("c/a/Deployment/x", 12, 1000, 1, 1000, 1)};
    struct fleet_source source = {.type = large, .labels = &type, .label_count = 1};
    struct fleet_input input = {.workloads = w, .workload_count = 1, .sources = &source, .source_count = 1, .rules = &rules, .rules_count = 1,
                                .candidates = &cheaper, .candidate_count = 1};
    struct fleet *fleet = fleet_compute(&input);
    assert_string_equal(fleet->better.instance, "c5.large");
    fleet_free(fleet);
    w[0].rules = 0;
    fleet = fleet_compute(&input);
    assert_int_equal(fleet->after.nodes, 12);
    assert_null(fleet->better.instance);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_names_its_type_keeps_it),
        cmocka_unit_test(nodes_that_go_in_cash), cmocka_unit_test(too_large_is_told),  cmocka_unit_test(a_better_type),
        cmocka_unit_test(live_nodes_that_go),    cmocka_unit_test(no_room_is_told),    cmocka_unit_test(rules_hold),
        cmocka_unit_test(clusters_and_pools_are_apart), cmocka_unit_test(nothing_and_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
