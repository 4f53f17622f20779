#ifndef TARE_TESTS_PACKING_MADE_H
#define TARE_TESTS_PACKING_MADE_H

#include "pipeline/base/arena.h"
#include "pricing/packing/fleet_input.h"

/* Shapes of made clusters. */
enum made_shape {
    MADE_UNIFORM,  /* one pod each, up to half a node of either resource */
    MADE_HEAVY,    /* as clusters are: most are small, some are large */
    MADE_SMALL,    /* a thirtieth of a node at most */
    MADE_LARGE,    /* many over half a node */
    MADE_MIXED,    /* much CPU or much memory */
    MADE_ROUND,    /* the round numbers that people write */
    MADE_BOUND,    /* heavy, and a third has rules: alone, apart, beside, ports, selectors, DaemonSets */
    MADE_SHAPES
};

/* Name of a shape, for tables. */
const char *made_name(enum made_shape shape);

/* A made cluster of so many pods on nodes of m6i.xlarge's kind, the same in every run for the same seed; everything is the arena's. The plan
 * makes pods about a third smaller. */
void made_input(struct arena *arena, enum made_shape shape, int64_t pods, uint64_t seed, struct fleet_input *input);

#endif
