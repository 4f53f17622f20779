#include "pricing/packing/index.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"

struct index_entry {
    uint64_t key; /* 0: free */
    uint32_t number;
};

enum { INDEX_MIN = 64 };

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* The seed is mixed before the text comes in: one that differs in a bit must not be made up for by a letter. */
uint64_t index_key(uint64_t seed, const char *text)
{
    uint64_t hash = mix(seed) ^ UINT64_C(0xcbf29ce484222325);
    for (const char *c = text == NULL ? "" : text; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    }
    hash = mix(hash);
    return hash == 0 ? 1 : hash;
}

void index_init(struct index *index)
{
    *index = (struct index){0};
}

void index_release(struct index *index)
{
    free(index->entries);
    *index = (struct index){0};
}

/* Where the key stands, or the free entry where it would. */
static struct index_entry *place_of(const struct index *index, uint64_t key)
{
    size_t at = (size_t)key & (index->capacity - 1);
    while (index->entries[at].key != 0 && index->entries[at].key != key) {
        at = (at + 1) & (index->capacity - 1);
    }
    return &index->entries[at];
}

static void grow(struct index *index)
{
    struct index bigger = {.count = index->count, .capacity = index->capacity == 0 ? INDEX_MIN : 2 * index->capacity};
    bigger.entries = xcalloc_array(bigger.capacity, sizeof *bigger.entries);
    for (size_t i = 0; i < index->capacity; i++) {
        if (index->entries[i].key != 0) {
            *place_of(&bigger, index->entries[i].key) = index->entries[i];
        }
    }
    free(index->entries);
    *index = bigger;
}

uint32_t index_add(struct index *index, uint64_t key, uint32_t number, bool *added)
{
    if (2 * (index->count + 1) > index->capacity) {
        grow(index);
    }
    struct index_entry *entry = place_of(index, key);
    bool is_new = entry->key == 0;
    if (is_new) {
        *entry = (struct index_entry){key, number};
        index->count++;
    }
    if (added != NULL) {
        *added = is_new;
    }
    return entry->number;
}

uint32_t index_find(const struct index *index, uint64_t key, uint32_t none)
{
    if (index->capacity == 0) {
        return none;
    }
    const struct index_entry *entry = place_of(index, key);
    return entry->key == 0 ? none : entry->number;
}
