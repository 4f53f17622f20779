#ifndef TARE_BASE_RNG_H
#define TARE_BASE_RNG_H

/* The one source of randomness (retry jitter, names of temporary files). TARE_SEED makes it repeatable; it is never
 * used for secrets. */

#include <stdint.h>

/* Next 64 random bits. Seeded at first use from TARE_SEED, else from the system. Source: splitmix64. */
uint64_t rng_next(void);

/* A number in [0, 1). */
double rng_unit(void);

/* Starts the sequence anew from `seed`. */
void rng_seed(uint64_t seed);

#endif
