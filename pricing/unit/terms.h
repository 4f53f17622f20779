#ifndef TARE_PRICING_UNIT_TERMS_H
#define TARE_PRICING_UNIT_TERMS_H

/*
 * Terms of a price: what is really paid of a list price. Of all nodes a share is bought as reserved and a share as spot
 * capacity, each with something off, and discounts come off the whole:
 *   paid = list × (1 − r·dr − s·ds) × (1 − d1) × (1 − d2) × …
 * which is list × (on-demand share + r(1 − dr) + s(1 − ds)) × …. Shares are millionths, the product is exact, and a price is
 * rounded once.
 */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/io/json.h"

/* Discounts and shares are millionths of the price; of discounts at most DISCOUNTS_MAX compound. */
enum { DISCOUNT_SCALE = 1000000, DISCOUNTS_MAX = 8 };

/* A share of the nodes that is bought in another way, and what comes off its price. */
struct price_share {
    int64_t share_ppm;
    int64_t discount_ppm; /* −1: nobody said; the provider's median is taken */
    const char *source;   /* whose discount it is; NULL where the share is 0 */
};

struct price_terms {
    int64_t discounts_ppm[DISCOUNTS_MAX]; /* each from 0 to below DISCOUNT_SCALE */
    size_t discount_count;
    struct price_share reserved;
    struct price_share spot;
    int reserved_years; /* 1 or 3: which median */
};

/* Fills in the medians where a share has no discount. Returns NULL, or what there is no median of ("reserved", "spot"). */
const char *terms_resolve(struct price_terms *terms, const char *provider);

/* a × b / divisor × what is paid of it, rounded half up once. All positive, divisor not 0. */
int64_t terms_price(const struct price_terms *terms, uint64_t a, uint64_t b, uint64_t divisor);

/* What is paid of a list price, in millionths, rounded (to show; prices are made by terms_price). */
int64_t terms_paid_ppm(const struct price_terms *terms);

/* The discounts alone, compounded: 1 − (1 − d1)(1 − d2)…, in millionths, rounded. */
int64_t terms_discount_ppm(const struct price_terms *terms);

/* New member `terms` of an artifact's header: {"discounts_ppm":[…], "reserved"|"spot": {share_ppm, discount_ppm, source} | null,
 * "paid_ppm"}. */
json_t *terms_member(const struct price_terms *terms);

#endif
