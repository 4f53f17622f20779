#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pricing/packing/pack.h"
#include "tests/harness/packing_verify.h"
#include "tests/harness/packing_made.h"
#include "tests/harness/rounds.h"

enum { PODS_MAX = 8, KINDS_MAX = 3 };

/* A small problem, and the fewest nodes that carry it, found by trying everything. */
struct small {
    struct pack_kind kinds[KINDS_MAX];
    struct pack_item items[PODS_MAX];
    uint64_t sets[PODS_MAX];
    uint32_t names[4];
    struct pack_marks marks[4];
    struct pack_problem problem;
    uint32_t pod[PODS_MAX * 3]; /* item of each pod */
    size_t pods;
    struct pack_size room[PODS_MAX * 3]; /* while trying */
    uint32_t kind[PODS_MAX * 3];
    uint32_t on[PODS_MAX * 3]; /* node of each pod */
    int64_t fewest;
};

static uint64_t state;

static int64_t draw(int64_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((state >> 33) % (uint64_t)below);
}

static void make_small(struct small *s)
{
    memset(s, 0, sizeof *s);
    size_t kinds = 1 + (size_t)draw(KINDS_MAX), items = 1 + (size_t)draw(5);
    for (size_t i = 0; i < kinds; i++) {
        s->kinds[i] = (struct pack_kind){{{60 + draw(60), 60 + draw(60), 2 + draw(5)}}, kinds == 1 ? PACK_ENDLESS : 2 + draw(6), -1};
    }
    for (uint32_t i = 0; i < 4; i++) {
        s->names[i] = i;
        s->marks[i] = (struct pack_marks){&s->names[i], &s->names[(i + (uint32_t)draw(2)) % 4], 1, 1};
    }
    for (size_t i = 0; i < items; i++) {
        int64_t most = draw(3) == 0 ? 70 : 40;
        s->items[i] = (struct pack_item){.size = {{draw(most), draw(most), 1}}, .count = 1 + draw(2), .set = (uint32_t)i, .marks = PACK_NONE};
        s->sets[i] = 1 + (uint64_t)draw((1 << kinds) - 1);
        s->items[i].alone = draw(5) == 0;
        if (draw(4) == 0) {
            s->items[i].marks = (uint32_t)draw(4);
            const struct pack_marks *marks = &s->marks[s->items[i].marks];
            s->items[i].alone = s->items[i].alone || marks->gives[0] == marks->forbids[0];
        }
        for (int64_t c = 0; c < s->items[i].count; c++) {
            s->pod[s->pods++] = (uint32_t)i;
        }
    }
    s->problem = (struct pack_problem){s->kinds, kinds, s->items, items, s->sets, 1, s->marks, 4};
}

static bool meet(const struct small *s, uint32_t a, uint32_t b)
{
    if (a == b) {
        return s->items[a].alone;
    }
    if (s->items[a].marks == PACK_NONE || s->items[b].marks == PACK_NONE) {
        return false;
    }
    const struct pack_marks *x = &s->marks[s->items[a].marks], *y = &s->marks[s->items[b].marks];
    return x->gives[0] == y->forbids[0] || y->gives[0] == x->forbids[0];
}

/* Whether the pod may come to a node; takes its room. */
static bool put(struct small *s, size_t pod, uint32_t node)
{
    const struct pack_item *item = &s->items[s->pod[pod]];
    if (!(s->sets[item->set] >> s->kind[node] & 1)) {
        return false;
    }
    for (int r = 0; r < PACK_RESOURCES; r++) {
        if (item->size.amount[r] > s->room[node].amount[r]) {
            return false;
        }
    }
    for (size_t i = 0; i < pod; i++) {
        if (s->on[i] == node && meet(s, s->pod[pod], s->pod[i])) {
            return false;
        }
    }
    for (int r = 0; r < PACK_RESOURCES; r++) {
        s->room[node].amount[r] -= item->size.amount[r];
    }
    s->on[pod] = node;
    return true;
}

static void try_all(struct small *s, size_t pod, uint32_t nodes)
{
    if ((int64_t)nodes >= s->fewest) {
        return;
    }
    if (pod == s->pods) {
        s->fewest = nodes;
        return;
    }
    for (uint32_t node = 0; node < nodes; node++) {
        struct pack_size was = s->room[node];
        if (put(s, pod, node)) {
            try_all(s, pod + 1, nodes);
            s->room[node] = was;
        }
    }
    for (uint32_t kind = 0; kind < s->problem.kind_count; kind++) {
        int64_t open = 0;
        for (uint32_t node = 0; node < nodes; node++) {
            open += s->kind[node] == kind;
        }
        s->kind[nodes] = kind;
        s->room[nodes] = s->kinds[kind].room;
        if (open < s->kinds[kind].supply && put(s, pod, nodes)) {
            try_all(s, pod + 1, nodes + 1);
        }
    }
}

/* All small problems: the bound is never above the truth, and the plan never below it. */
static void small_ones_against_trying_everything(void **unused)
{
    (void)unused;
    int solved = 0, best = 0, tight = 0, full = 0;
    for (int seed = 0; seed < rounds_of(3000); seed++) {
        state = (uint64_t)seed;
        struct small s;
        make_small(&s);
        s.fewest = INT64_MAX;
        try_all(&s, 0, 0);
        struct pack_plan plan;
        pack_solve(&s.problem, seed % 4 == 0, &plan);
        struct pack_total total = pack_plan_total(&s.problem, &plan);
        if (s.fewest != INT64_MAX) {
            int64_t bound = pack_bound(&s.problem, NULL);
            assert_true(bound <= s.fewest);
            full++;
            if (total.unplaced == 0) {
                assert_true(total.nodes >= s.fewest);
                solved++;
                best += total.nodes == s.fewest;
            }
            tight += bound == s.fewest;
        } else {
            assert_true(total.unplaced > 0);
        }
        pack_plan_release(&plan);
    }
    assert_true(full > 0);
    assert_true(solved * 100 >= full * 98);
    assert_true(best * 100 >= solved * 95);
    assert_true(tight * 100 >= full * 60);
}

static void one_made(enum made_shape shape, int64_t pods, uint64_t seed, bool after)
{
    struct arena arena;
    struct fleet_input input;
    struct fleet_place place;
    arena_init(&arena);
    made_input(&arena, shape, pods, seed, &input);
    fleet_place_prepare(&input, after, &place);
    pack_solve(&place.problem, false, &place.plan);
    const char *wrong = packing_verify(&place);
    struct pack_total total = pack_plan_total(&place.problem, &place.plan);
    int64_t bound = pack_bound(&place.problem, NULL);
    if (wrong != NULL || total.nodes < bound || total.nodes > bound + (bound * 3 + 99) / 100) {
        fail_msg("%s, %lld pods, seed %llu: %s, %lld nodes, bound %lld", made_name(shape), (long long)pods, (unsigned long long)seed,
                 wrong == NULL ? "holds" : wrong, (long long)total.nodes, (long long)bound);
    }
    fleet_place_release(&place);
    arena_release(&arena);
}

/* At most 3 % above the bound, rounded up to a whole node, and every rule holds. */
static void made_clusters_of_1000_pods(void **unused)
{
    (void)unused;
    for (int shape = 0; shape < MADE_SHAPES; shape++) {
        for (int seed = 1; seed <= rounds_of(6); seed++) {
            one_made((enum made_shape)shape, getenv("UNDER_VALGRIND") == NULL ? 1000 : 100, (uint64_t)seed, seed % 2 == 0);
        }
    }
}

static void made_clusters_of_10000_pods(void **unused)
{
    (void)unused;
    for (int shape = 0; shape < MADE_SHAPES && getenv("UNDER_VALGRIND") == NULL; shape++) {
        one_made((enum made_shape)shape, 10000, 1, false);
        one_made((enum made_shape)shape, 10000, 1, true);
    }
}

static void solve_one(const struct pack_kind *kind, const struct pack_item *items, size_t count, struct pack_total *total, int64_t *bound)
{
    uint64_t set = 1;
    struct pack_problem problem = {.kinds = kind, .kind_count = 1, .items = items, .item_count = count, .sets = &set, .set_words = 1};
    struct pack_plan plan;
    pack_solve(&problem, false, &plan);
    *total = pack_plan_total(&problem, &plan);
    *bound = pack_bound(&problem, NULL);
    pack_plan_release(&plan);
}

/* Numbers that nobody means: the work stays in bounds and nothing overflows. */
static void absurd_numbers(void **unused)
{
    (void)unused;
    struct pack_total total;
    int64_t bound;
    struct pack_kind kind = {{{4000, INT64_C(1) << 34, 110}}, PACK_ENDLESS, 200000};
    struct pack_item items[300];
    for (int i = 0; i < 300; i++) {
        items[i] = (struct pack_item){.size = {{1 + 13 * i, 1 + (INT64_C(1) << 25) * i, 1}}, .count = 1000000000 - i, .marks = PACK_NONE};
    }
    solve_one(&kind, items, 300, &total, &bound);
    assert_int_equal(total.unplaced, 0);
    assert_true(total.nodes >= bound && total.nodes - bound <= bound / 20);
    for (int i = 0; i < 300; i++) {
        items[i].size = (struct pack_size){{PACK_AMOUNT_MAX, PACK_AMOUNT_MAX, 1}};
    }
    solve_one(&kind, items, 300, &total, &bound);
    assert_int_equal(total.nodes, 0);
    assert_int_equal(bound, 0);
    kind.room = (struct pack_size){{PACK_AMOUNT_MAX, PACK_AMOUNT_MAX, PACK_AMOUNT_MAX}};
    solve_one(&kind, items, 300, &total, &bound);
    assert_true(total.nodes >= bound && bound > 0);
    items[0] = (struct pack_item){.size = {{0, 0, 1}}, .count = 1000000000, .marks = PACK_NONE};
    solve_one(&kind, items, 1, &total, &bound);
    assert_int_equal(total.nodes, 1);
    kind.room = (struct pack_size){{0, 0, 0}};
    solve_one(&kind, items, 1, &total, &bound);
    assert_int_equal(total.unplaced, 1000000000);
    solve_one(&kind, items, 0, &total, &bound);
    assert_int_equal(total.nodes, 0);
}

/* What is larger than a third of a node goes there twice: the volume alone would say less. */
static void bound_knows_thirds_and_halves(void **unused)
{
    (void)unused;
    struct pack_total total;
    int64_t bound;
    struct pack_kind kind = {{{100, 1000, 100}}, PACK_ENDLESS, 1};
    struct pack_item thirds = {.size = {{34, 1, 1}}, .count = 30, .marks = PACK_NONE};
    solve_one(&kind, &thirds, 1, &total, &bound);
    assert_int_equal(bound, 15);
    assert_int_equal(total.nodes, 15);
    struct pack_item halves = {.size = {{51, 1, 1}}, .count = 7, .marks = PACK_NONE};
    solve_one(&kind, &halves, 1, &total, &bound);
    assert_int_equal(bound, 7);
    struct pack_item apart = {.size = {{1, 1, 1}}, .count = 9, .marks = PACK_NONE, .alone = true};
    solve_one(&kind, &apart, 1, &total, &bound);
    assert_int_equal(bound, 9);
    assert_int_equal(total.nodes, 9);
}

/* Two go on a node, for three are too much of the one or of the other; neither resource alone tells. */
static void bound_knows_means(void **unused)
{
    (void)unused;
    struct pack_total total;
    int64_t bound;
    struct pack_kind kind = {{{100, 1000, 100}}, PACK_ENDLESS, 1};
    struct pack_item both[] = {
        {.size = {{45, 250, 1}}, .count = 10, .marks = PACK_NONE},
        {.size = {{25, 450, 1}}, .count = 10, .marks = PACK_NONE},
    };
    solve_one(&kind, both, ARRAY_COUNT(both), &total, &bound);
    assert_int_equal(bound, 10);
    assert_int_equal(total.nodes, 10);
}

/* Two to four on a node, and hardly two alike: what is chosen one by one leaves an eighth of each node. */
static void fifths_to_halves_in_both(void **unused)
{
    (void)unused;
    struct pack_total total;
    int64_t bound;
    struct pack_kind kind = {{{4000, 4000, 100}}, PACK_ENDLESS, 1};
    struct pack_item items[1000];
    state = 3;
    for (size_t i = 0; i < ARRAY_COUNT(items); i++) {
        items[i] = (struct pack_item){.size = {{800 + draw(1200), 800 + draw(1200), 1}}, .count = 1, .marks = PACK_NONE};
    }
    solve_one(&kind, items, ARRAY_COUNT(items), &total, &bound);
    assert_true(total.nodes >= bound && total.nodes - bound <= bound / 25);
}

static void same_problem_same_plan(void **unused)
{
    (void)unused;
    struct arena arena;
    struct fleet_input input;
    struct fleet_place a, b;
    arena_init(&arena);
    made_input(&arena, MADE_BOUND, 300, 9, &input);
    fleet_place_prepare(&input, false, &a);
    fleet_place_prepare(&input, false, &b);
    pack_solve(&a.problem, false, &a.plan);
    pack_solve(&b.problem, false, &b.plan);
    assert_int_equal(a.plan.node_count, b.plan.node_count);
    for (size_t i = 0; i < a.plan.node_count; i++) {
        assert_int_equal(a.plan.nodes[i].count, b.plan.nodes[i].count);
        assert_memory_equal(&a.plan.nodes[i].room, &b.plan.nodes[i].room, sizeof a.plan.nodes[i].room);
    }
    fleet_place_release(&a);
    fleet_place_release(&b);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_ones_against_trying_everything),
        cmocka_unit_test(made_clusters_of_1000_pods),
        cmocka_unit_test(made_clusters_of_10000_pods),
        cmocka_unit_test(absurd_numbers),
        cmocka_unit_test(bound_knows_thirds_and_halves),
        cmocka_unit_test(bound_knows_means),
        cmocka_unit_test(fifths_to_halves_in_both),
        cmocka_unit_test(same_problem_same_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
