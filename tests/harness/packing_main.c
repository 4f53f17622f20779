/* packing PODS [SEED]: packs made clusters of so many pods, before and after, and prints of each: nodes, lower bound, gap in percent, seconds of CPU
 * of the whole computation of a fleet (both sides and candidates), and whether the packing holds. Exit 1 where one does not. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pipeline/base/str.h"
#include "pricing/packing/fleet.h"
#include "tests/harness/packing_made.h"
#include "tests/harness/packing_verify.h"

static double seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* The sizes that a provider would offer instead. */
static size_t candidates(struct fleet_type *types)
{
    static const char *const names[] = {"c5", "m5", "r5", "c6a", "m6a", "r6a", "c7", "m7", "r7"};
    static char instances[9 * 8][32];
    size_t count = 0;
    for (size_t family = 0; family < 9; family++) {
        for (int64_t vcpu = 2, size = 0; vcpu <= 96; vcpu *= 2, size++) {
            int64_t gib = vcpu * (family % 3 == 0 ? 2 : family % 3 == 1 ? 4 : 8);
            snprintf(instances[count], sizeof instances[count], "%s.%lldx", names[family], (long long)vcpu);
            types[count] = (struct fleet_type){
                .instance = instances[count],
                .capacity = {{vcpu * 1000 - 100, (gib << 30) - (gib << 30) / 12, vcpu < 8 ? 58 : 234}},
                .microusd_per_hour = (vcpu * (30000 + (int64_t)family * 400) + gib * 4200),
            };
            count++;
        }
    }
    return count;
}

static const char *check_side(const struct fleet_input *input, bool after)
{
    struct fleet_place place;
    fleet_place_prepare(input, after, &place);
    pack_solve(&place.problem, false, &place.plan);
    const char *wrong = packing_verify(&place);
    fleet_place_release(&place);
    return wrong;
}

int main(int argc, char **argv)
{
    int64_t pods = 1000, seed = 1;
    if (argc < 2 || str_int64(argv[1], 1, 10000000, &pods) || (argc > 2 && str_int64(argv[2], 0, INT32_MAX, &seed))) {
        fprintf(stderr, "packing PODS [SEED]\n");
        return 64;
    }
    int bad = 0;
    struct fleet_type types[80];
    for (int shape = 0; shape < MADE_SHAPES; shape++) {
        struct arena arena;
        struct fleet_input input;
        arena_init(&arena);
        made_input(&arena, (enum made_shape)shape, pods, (uint64_t)seed, &input);
        input.candidates = types;
        input.candidate_count = candidates(types);
        double start = seconds();
        struct fleet *fleet = fleet_compute(&input);
        double took = seconds() - start;
        const char *wrong = check_side(&input, false);
        wrong = wrong != NULL ? wrong : check_side(&input, true);
        const struct fleet_side *sides[] = {&fleet->before, &fleet->after};
        double gaps[2];
        for (int i = 0; i < 2; i++) {
            gaps[i] = sides[i]->lower_bound > 0 ? 100.0 * (double)(sides[i]->nodes - sides[i]->lower_bound) / (double)sides[i]->lower_bound : 0;
        }
        printf("%s|%lld|%lld|%lld|%.2f|%lld|%lld|%.2f|%lld|%s|%.3f|%s\n", made_name((enum made_shape)shape), (long long)fleet->pods,
               (long long)sides[0]->nodes, (long long)sides[0]->lower_bound, gaps[0], (long long)sides[1]->nodes,
               (long long)sides[1]->lower_bound, gaps[1], (long long)fleet->unplaced, fleet->better.instance == NULL ? "-" : fleet->better.instance,
               took, wrong == NULL ? "holds" : wrong);
        bad += wrong != NULL;
        fleet_free(fleet);
        arena_release(&arena);
    }
    return bad > 0;
}
