#include "pricing/unit/terms.h"

#include "pipeline/base/str.h"
#include "pricing/money/quotient.h"

/*
 * Medians off the on-demand price, from the facts beside the price lists (2026-11-22). Of Azure, and of what Google sells for a
 * commitment, none is known, and so none is made up.
 */
#define MEDIAN(what) "median of " what ", 2026-11"

static bool take_median(struct price_share *share, int64_t ppm, const char *source)
{
    share->discount_ppm = ppm;
    share->source = source;
    return true;
}

static bool resolve_reserved(struct price_share *share, const char *provider, int years)
{
    if (!str_equal(provider, "aws")) {
        return false;
    }
    return years == 3 ? take_median(share, 620000, MEDIAN("AWS reserved instances, 3 years, all upfront"))
                      : take_median(share, 410000, MEDIAN("AWS reserved instances, 1 year, all upfront"));
}

static bool resolve_spot(struct price_share *share, const char *provider)
{
    if (str_equal(provider, "aws")) {
        return take_median(share, 650000, MEDIAN("AWS spot instances"));
    }
    return str_equal(provider, "gcp") && take_median(share, 650000, MEDIAN("Google Cloud spot VMs"));
}

const char *terms_resolve(struct price_terms *terms, const char *provider)
{
    if (terms->reserved.share_ppm > 0 && terms->reserved.discount_ppm < 0 &&
        !resolve_reserved(&terms->reserved, provider, terms->reserved_years)) {
        return "reserved";
    }
    if (terms->spot.share_ppm > 0 && terms->spot.discount_ppm < 0 && !resolve_spot(&terms->spot, provider)) {
        return "spot";
    }
    return NULL;
}

/* What is paid of a price before discounts, in millionths of millionths. */
static uint64_t blended(const struct price_terms *terms)
{
    int64_t whole = (int64_t)DISCOUNT_SCALE * DISCOUNT_SCALE;
    const struct price_share *shares[] = {&terms->reserved, &terms->spot};
    for (size_t i = 0; i < 2; i++) {
        whole -= shares[i]->share_ppm > 0 ? shares[i]->share_ppm * shares[i]->discount_ppm : 0;
    }
    return (uint64_t)whole;
}

int64_t terms_price(const struct price_terms *terms, uint64_t a, uint64_t b, uint64_t divisor)
{
    uint64_t factors[QUOTIENT_TERMS_MAX] = {a, b, blended(terms)};
    uint64_t divisors[QUOTIENT_TERMS_MAX] = {divisor, (uint64_t)DISCOUNT_SCALE * DISCOUNT_SCALE};
    for (size_t i = 0; i < terms->discount_count; i++) {
        factors[3 + i] = (uint64_t)(DISCOUNT_SCALE - terms->discounts_ppm[i]);
        divisors[2 + i] = DISCOUNT_SCALE;
    }
    return money_quotient(factors, 3 + terms->discount_count, divisors, 2 + terms->discount_count);
}

int64_t terms_paid_ppm(const struct price_terms *terms)
{
    return terms_price(terms, DISCOUNT_SCALE, 1, 1);
}

int64_t terms_discount_ppm(const struct price_terms *terms)
{
    struct price_terms discounts = *terms;
    discounts.reserved = discounts.spot = (struct price_share){0};
    return DISCOUNT_SCALE - terms_paid_ppm(&discounts);
}

static json_t *share_member(const struct price_share *share)
{
    if (share->share_ppm == 0) {
        return json_null();
    }
    return json_pack("{s:I, s:I, s:s?}", "share_ppm", (json_int_t)share->share_ppm, "discount_ppm",
                     (json_int_t)share->discount_ppm, "source", share->source);
}

json_t *terms_member(const struct price_terms *terms)
{
    json_t *discounts = json_array();
    for (size_t i = 0; i < terms->discount_count; i++) {
        json_array_append_new(discounts, json_integer(terms->discounts_ppm[i]));
    }
    return json_pack("{s:o, s:o, s:o, s:I}", "discounts_ppm", discounts, "reserved", share_member(&terms->reserved), "spot",
                     share_member(&terms->spot), "paid_ppm", (json_int_t)terms_paid_ppm(terms));
}
