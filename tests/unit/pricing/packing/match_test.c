#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>

#include <cmocka.h>

#include "pricing/packing/index.h"
#include "pricing/packing/match.h"

static const struct fleet_label labels[] = {{"disk", "ssd"}, {"cores", "8"}, {"empty", ""}};
static const struct match_labels node = {labels, 3};

static bool holds(const char *key, const char *operator, const char *const *values, size_t count)
{
    struct fleet_requirement requirement = {key, operator, values, count};
    struct fleet_term term = {&requirement, 1};
    struct fleet_rules rules = {.has_affinity = true, .affinity = &term, .affinity_count = 1};
    return match_node(&rules, node);
}

static void operators(void **unused)
{
    (void)unused;
    static const char *const disks[] = {"hdd", "ssd"}, *const hdd[] = {"hdd"}, *const seven[] = {"7"}, *const eight[] = {"8"}, *const word[] = {"x"};
    assert_true(match_node(NULL, node));
    assert_true(holds("disk", "In", disks, 2));
    assert_false(holds("disk", "In", hdd, 1));
    assert_false(holds("none", "In", hdd, 1));
    assert_true(holds("disk", "NotIn", hdd, 1));
    assert_true(holds("none", "NotIn", hdd, 1));
    assert_false(holds("disk", "NotIn", disks, 2));
    assert_true(holds("empty", "Exists", NULL, 0));
    assert_false(holds("none", "Exists", NULL, 0));
    assert_true(holds("none", "DoesNotExist", NULL, 0));
    assert_false(holds("disk", "DoesNotExist", NULL, 0));
    assert_true(holds("cores", "Gt", seven, 1));
    assert_false(holds("cores", "Gt", eight, 1));
    assert_false(holds("cores", "Lt", eight, 1));
    assert_false(holds("cores", "Lt", word, 1));
    assert_false(holds("disk", "Gt", seven, 1));
    assert_false(holds("disk", "Like", disks, 2));
}

/* Terms are alternatives, requirements hold together, none at all is no node. */
static void terms(void **unused)
{
    (void)unused;
    static const struct fleet_requirement no = {"none", "Exists", NULL, 0}, yes = {"disk", "Exists", NULL, 0};
    struct fleet_requirement both[] = {yes, no};
    struct fleet_term list[] = {{both, 2}, {&no, 1}, {NULL, 0}, {&yes, 1}};
    struct fleet_rules rules = {.has_affinity = true, .affinity = list};
    for (size_t i = 0; i <= 4; i++) {
        rules.affinity_count = i;
        assert_int_equal(match_node(&rules, node), i == 4);
    }
}

static bool tolerated(struct fleet_toleration toleration, struct fleet_taint taint, bool daemon)
{
    struct fleet_rules rules = {.tolerations = &toleration, .toleration_count = 1};
    return match_taints(&rules, &taint, 1, daemon);
}

static void taints(void **unused)
{
    (void)unused;
    struct fleet_taint spot = {"spot", "yes", "NoSchedule"}, soft = {"x", NULL, "PreferNoSchedule"};
    struct fleet_taint cordon = {"node.kubernetes.io/unschedulable", NULL, "NoSchedule"};
    assert_false(match_taints(NULL, &spot, 1, false));
    assert_true(match_taints(NULL, &soft, 1, false));
    assert_true(match_taints(NULL, NULL, 0, false));
    assert_true(tolerated((struct fleet_toleration){.any_value = true}, spot, false));
    assert_true(tolerated((struct fleet_toleration){.key = "spot", .value = "yes"}, spot, false));
    assert_false(tolerated((struct fleet_toleration){.key = "spot", .value = "no"}, spot, false));
    assert_true(tolerated((struct fleet_toleration){.key = "spot", .any_value = true, .effect = "NoSchedule"}, spot, false));
    assert_false(tolerated((struct fleet_toleration){.key = "spot", .any_value = true, .effect = "NoExecute"}, spot, false));
    assert_false(tolerated((struct fleet_toleration){.key = "other", .any_value = true}, spot, false));
    assert_false(tolerated((struct fleet_toleration){.key = "other"}, cordon, false));
    assert_true(tolerated((struct fleet_toleration){.key = "other"}, cordon, true));
}

/* What a node must have beyond what is known of it. */
static void wishes(void **unused)
{
    (void)unused;
    struct fleet_label out[MATCH_WISHES_MAX];
    struct fleet_label colour = {"colour", "blue"}, hdd = {"disk", "hdd"}, ssd = {"disk", "ssd"};
    struct fleet_rules rules = {.selector = &colour, .selector_count = 1};
    assert_int_equal(match_wishes(&rules, node, out), 1);
    assert_string_equal(out[0].key, "colour");
    rules.selector = &ssd;
    assert_int_equal(match_wishes(&rules, node, out), 0);
    rules.selector = &hdd;
    assert_int_equal(match_wishes(&rules, node, out), -1);
    static const char *const values[] = {"a", "b"}, *const other[] = {"hdd"};
    struct fleet_requirement wanted[] = {{"zone", "In", values, 2}, {"gpu", "Exists", NULL, 0}, {"old", "DoesNotExist", NULL, 0}};
    struct fleet_requirement wrong = {"disk", "In", other, 1};
    struct fleet_term list[] = {{&wrong, 1}, {wanted, 3}};
    rules = (struct fleet_rules){.has_affinity = true, .affinity = list, .affinity_count = 2};
    assert_int_equal(match_wishes(&rules, node, out), 2);
    assert_string_equal(out[0].value, "a");
    assert_string_equal(out[1].value, "");
    rules.affinity_count = 1;
    assert_int_equal(match_wishes(&rules, node, out), -1);
    struct fleet_label many[MATCH_WISHES_MAX + 1];
    static const char *const keys = "abcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i <= MATCH_WISHES_MAX; i++) {
        many[i] = (struct fleet_label){keys + i, "x"};
    }
    rules = (struct fleet_rules){.selector = many, .selector_count = MATCH_WISHES_MAX + 1};
    assert_int_equal(match_wishes(&rules, node, out), -1);
}

static void numbers_are_found_by_their_key(void **unused)
{
    (void)unused;
    struct index index;
    index_init(&index);
    assert_int_equal(index_find(&index, 7, 99), 99);
    for (uint32_t i = 0; i < 5000; i++) {
        bool added = false;
        assert_int_equal(index_add(&index, index_key(i, "x"), i, &added), i);
        assert_true(added);
        assert_int_equal(index_add(&index, index_key(i, "x"), 0, &added), i);
        assert_false(added);
    }
    assert_int_equal(index_find(&index, index_key(4999, "x"), 1), 4999);
    assert_int_equal(index_find(&index, index_key(4999, "y"), 1), 1);
    assert_true(index_key(0, NULL) == index_key(0, ""));
    assert_true(index_key(0, "ab") != index_key(0, "ba"));
    index_release(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators), cmocka_unit_test(terms),
        cmocka_unit_test(taints),    cmocka_unit_test(wishes),
        cmocka_unit_test(numbers_are_found_by_their_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
