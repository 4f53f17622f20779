#ifndef TARE_PRICING_PACKING_INDEX_H
#define TARE_PRICING_PACKING_INDEX_H

/* Numbers found by a 64-bit key: what is looked up by a text is looked up by its hash. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_entry;

struct index {
    struct index_entry *entries;
    size_t count, capacity;
};

/* The key of a text, continuing from `seed` (0 at the start). Source: FNV-1a, then the finalizer of splitmix64. */
uint64_t index_key(uint64_t seed, const char *text);

/* Prepares an empty index; frees it. */
void index_init(struct index *index);
void index_release(struct index *index);

/* Finds the number of a key, or adds `number` for it; *added tells which (NULL: nobody asks). */
uint32_t index_add(struct index *index, uint64_t key, uint32_t number, bool *added);

/* The number of a key, or `none`. */
uint32_t index_find(const struct index *index, uint64_t key, uint32_t none);

#endif
