#ifndef TARE_STAGES_COMMON_MACHINE_TAG_H
#define TARE_STAGES_COMMON_MACHINE_TAG_H

/* Tags of requests and observations: whose, and which of them, so that an answer that comes late is known as such. */

#include <stdbool.h>
#include <stdint.h>

#define TAG_WATCH (UINT64_C(1) << 63)
#define NODES_WATCH UINT64_C(0x7ffffff0) /* observations from here on are those of nodes.c */
#define TAG_NUMBER_MAX UINT64_C(0xffffffff)

/* The tag of request `number` of object `index`. */
static inline uint64_t tag_request(uint64_t index, uint64_t number)
{
    return index << 32 | (number & TAG_NUMBER_MAX);
}

/* The tag of the observation `index`, opened for the `number`th time. */
static inline uint64_t tag_watch(uint64_t index, uint64_t number)
{
    return TAG_WATCH | tag_request(index, number);
}

/* Whether a tag is of an observation. */
static inline bool tag_is_watch(uint64_t tag)
{
    return (tag & TAG_WATCH) != 0;
}

/* Index and number of a tag. */
static inline uint64_t tag_index(uint64_t tag)
{
    return (tag & ~TAG_WATCH) >> 32;
}

static inline uint64_t tag_number(uint64_t tag)
{
    return tag & TAG_NUMBER_MAX;
}

#endif
