#ifndef TARE_STAGES_COMMON_PRICING_BOOK_PRIVATE_H
#define TARE_STAGES_COMMON_PRICING_BOOK_PRIVATE_H

/* What a price book is made of; for the files of this folder alone. */

#include "pipeline/base/arena.h"
#include "pricing/unit/node.h"
#include "stages/common/pricing/book.h"

enum { BOOK_POOLS_MAX = 100, BOOK_CANDIDATES_MAX = 400 };

/* The price of one pool. */
struct book_pool {
    const char *name; /* NULL: everything that no other pool fits */
    const json_t *match;
    struct unit_price unit;
    struct node_wishes wishes;
};

struct price_book {
    struct arena arena; /* what messages call places of the configuration */
    const struct config *config;
    const char *namespace; /* of workloads that name none; NULL: "default" */
    const char *folder; /* of the catalog; NULL: embedded */
    struct catalog *catalog;
    struct currency currency;           /* code NULL: none */
    const struct serverless_price *fee; /* NULL: none is counted */
    struct book_pool *pools;            /* in the order in which they are tried; the last fits everything */
    size_t pool_count;
    size_t pool_capacity;
};

#endif
