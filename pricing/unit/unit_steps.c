#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pricing/money/money.h"
#include "pricing/unit/unit.h"

enum { STEP_TEXT_MAX = 1000, FIGURE_MAX = 48 };

/* An exact decimal without needless zeros: micro-dollars, millionths or thousandths as people write them. */
static const char *decimal(int64_t amount, int64_t scale, char out[FIGURE_MAX])
{
    snprintf(out, FIGURE_MAX, "%" PRId64, amount / scale);
    int64_t fraction = amount % scale;
    size_t length = strlen(out);
    if (fraction != 0) {
        out[length++] = '.';
    }
    for (; fraction != 0 && length + 1 < FIGURE_MAX; length++) {
        scale /= 10;
        out[length] = (char)('0' + fraction / scale);
        fraction %= scale;
    }
    out[length] = '\0';
    return out;
}

/* A figure for a sentence; each use has its own place. */
#define USD(amount) decimal(amount, MICROUSD_PER_USD, (char[FIGURE_MAX]){0})
#define SHARE(ppm) decimal(ppm, DISCOUNT_SCALE, (char[FIGURE_MAX]){0})
#define SIZE(milli) decimal(milli, 1000, (char[FIGURE_MAX]){0})

static json_t *add(json_t *steps, const char *code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds a step; figures are set in what is returned (borrowed). */
static json_t *add(json_t *steps, const char *code, const char *format, ...)
{
    struct buf text;
    va_list args;
    buf_init(&text, STEP_TEXT_MAX);
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    json_t *step = json_object();
    json_object_set_new(step, "step", json_string(code));
    json_object_set_new(step, "text", json_string_safe(buf_str(&text)));
    json_array_append_new(steps, step);
    buf_release(&text);
    return step;
}

static void figure(json_t *step, const char *name, int64_t amount)
{
    json_object_set_new(step, name, json_integer(amount));
}

static const char *said(const char *text, const char *otherwise)
{
    return text == NULL ? otherwise : text;
}

static void add_list(json_t *steps, const struct unit_price *unit)
{
    const char *flag = unit->path == PRICE_OTHER_REGION ? " (it has no price of its own where it was asked for)"
                       : unit->path == PRICE_DEFAULT    ? " (nobody said which node type; this is the default)"
                                                        : "";
    json_t *step = add(steps, "list", "list price of %s in %s %s%s: $%s an hour for %s vCPU and %s GiB (%s, %s)", unit->instance,
                       unit->provider, unit->priced_region, flag, USD(unit->node_microusd_per_hour), SIZE(unit->vcpu_milli),
                       SIZE(unit->gib_milli), said(unit->date, "undated"), said(unit->source, "no source"));
    figure(step, "node_microusd_per_hour", unit->node_microusd_per_hour);
    figure(step, "vcpu_milli", unit->vcpu_milli);
    figure(step, "gib_milli", unit->gib_milli);
}

static void add_on_prem(json_t *steps, const struct unit_price *unit)
{
    const struct on_prem_costs *costs = &unit->on_prem;
    struct on_prem_price price = on_prem_price(costs);
    json_t *step = add(steps, "hardware", "hardware: $%s / (%s months × 730 h) = $%s an hour (configuration)",
                       USD(costs->hardware_microusd), SIZE(costs->months_milli), USD(price.hardware_microusd_per_hour));
    figure(step, "hardware_microusd_per_hour", price.hardware_microusd_per_hour);
    step = add(steps, "power", "power: %s W / 1000 × PUE %s × $%s a kWh = $%s an hour (configuration)", SIZE(costs->milliwatts),
               SHARE(costs->pue_ppm), USD(costs->microusd_per_kwh), USD(price.power_microusd_per_hour));
    figure(step, "power_microusd_per_hour", price.power_microusd_per_hour);
    step = add(steps, "node", "node: (hardware + power) × (1 + overhead %s) = $%s an hour for %s vCPU and %s GiB",
               SHARE(costs->overhead_ppm), USD(price.node_microusd_per_hour), SIZE(unit->vcpu_milli), SIZE(unit->gib_milli));
    figure(step, "node_microusd_per_hour", price.node_microusd_per_hour);
    figure(step, "vcpu_milli", unit->vcpu_milli);
    figure(step, "gib_milli", unit->gib_milli);
}

static void add_split(json_t *steps, const struct unit_price *unit)
{
    json_t *step = add(steps, "ratio", "a vCPU to a GiB is as C = $%s to R = $%s: family %s%s%s (%s%s%s)",
                       USD(unit->ratio.microusd_per_vcpu_hour), USD(unit->ratio.microusd_per_gib_hour), unit->group,
                       unit->ratio.region == NULL ? "" : " in ", said(unit->ratio.region, ""),
                       said(unit->ratio.date, ""), unit->ratio.date == NULL ? "" : ", ", said(unit->ratio.method, "no source"));
    figure(step, "ratio_microusd_per_vcpu_hour", unit->ratio.microusd_per_vcpu_hour);
    figure(step, "ratio_microusd_per_gib_hour", unit->ratio.microusd_per_gib_hour);
    add(steps, "split", "a GiB is price / (vCPU × C/R + GiB), a vCPU is that × C/R; with P = $%s, %s vCPU, %s GiB",
        USD(unit->node_microusd_per_hour), SIZE(unit->vcpu_milli), SIZE(unit->gib_milli));
}

static void add_stated(json_t *steps, const struct unit_price *unit)
{
    const char *what = unit->path == PRICE_OVERRIDE ? "unit prices that were stated"
                       : unit->serverless           ? unit->instance
                                                    : "the provider's usual unit prices (no node type is known)";
    json_t *step = add(steps, "stated", "%s%s%s: $%s a vCPU-hour and $%s a GiB-hour (%s, %s)", what,
                       unit->priced_region == NULL ? "" : " in ", said(unit->priced_region, ""),
                       USD(unit->list_microusd_per_vcpu_hour), USD(unit->list_microusd_per_gib_hour),
                       said(unit->date, "undated"), said(unit->source, "no source"));
    figure(step, "microusd_per_vcpu_hour", unit->list_microusd_per_vcpu_hour);
    figure(step, "microusd_per_gib_hour", unit->list_microusd_per_gib_hour);
    if (unit->serverless) {
        add(steps, "stated", "not modelled: sizes that the service rounds a pod up to, storage, and the fee of the cluster");
    }
}

static void add_share(json_t *steps, const char *code, const struct price_share *share)
{
    if (share->share_ppm > 0) {
        json_t *step = add(steps, code, "%s: a share of %s of the nodes at a discount of %s (%s)", code, SHARE(share->share_ppm),
                           SHARE(share->discount_ppm), said(share->source, "configuration"));
        figure(step, "share_ppm", share->share_ppm);
        figure(step, "discount_ppm", share->discount_ppm);
    }
}

static void add_terms(json_t *steps, const struct unit_price *unit)
{
    const struct price_terms *terms = &unit->terms;
    add_share(steps, "reserved", &terms->reserved);
    add_share(steps, "spot", &terms->spot);
    for (size_t i = 0; i < terms->discount_count; i++) {
        if (terms->discounts_ppm[i] > 0) {
            json_t *step = add(steps, "discount", "discount of %s (configuration or option)", SHARE(terms->discounts_ppm[i]));
            figure(step, "discount_ppm", terms->discounts_ppm[i]);
        }
    }
    int64_t paid = terms_paid_ppm(terms);
    if (paid != DISCOUNT_SCALE) {
        json_t *step = add(steps, "paid", "paid of each dollar: (1 − reserved × its discount − spot × its discount) × each "
                                          "(1 − discount) = %s", SHARE(paid));
        figure(step, "paid_ppm", paid);
    }
}

/* That the unit prices make the node's price again, and how far off whole micro-dollars put them. */
static void add_check(json_t *steps, const struct unit_price *unit)
{
    int64_t rebuilt = unit->vcpu_milli * unit->microusd_per_vcpu_hour + unit->gib_milli * unit->microusd_per_gib_hour;
    int64_t off = rebuilt - 1000 * unit->node_paid_microusd_per_hour;
    json_t *step = add(steps, "check", "%s vCPU × $%s + %s GiB × $%s = $%s; the node costs $%s as it is paid, $%s off",
                       SIZE(unit->vcpu_milli), USD(unit->microusd_per_vcpu_hour), SIZE(unit->gib_milli),
                       USD(unit->microusd_per_gib_hour), decimal(rebuilt, 1000 * MICROUSD_PER_USD, (char[FIGURE_MAX]){0}),
                       USD(unit->node_paid_microusd_per_hour),
                       decimal(llabs(off), 1000 * MICROUSD_PER_USD, (char[FIGURE_MAX]){0}));
    figure(step, "rebuilt_nanousd", rebuilt);
    figure(step, "node_paid_microusd_per_hour", unit->node_paid_microusd_per_hour);
}

json_t *unit_price_steps(const struct unit_price *unit)
{
    json_t *steps = json_array();
    if (unit->path == PRICE_ON_PREM) {
        add_on_prem(steps, unit);
    } else if (unit->ratio.microusd_per_gib_hour > 0) {
        add_list(steps, unit);
    } else {
        add_stated(steps, unit);
    }
    if (unit->ratio.microusd_per_gib_hour > 0) {
        add_split(steps, unit);
    }
    add_terms(steps, unit);
    json_t *step = add(steps, "unit", "a vCPU-hour costs $%s and a GiB-hour $%s, each rounded once, half up",
                       USD(unit->microusd_per_vcpu_hour), USD(unit->microusd_per_gib_hour));
    figure(step, "microusd_per_vcpu_hour", unit->microusd_per_vcpu_hour);
    figure(step, "microusd_per_gib_hour", unit->microusd_per_gib_hour);
    if (unit->node_microusd_per_hour > 0) {
        add_check(steps, unit);
    }
    return steps;
}
