#include "stages/price/price.h"

#include "pipeline/base/buf.h"
#include "pricing/catalog.h"
#include "pricing/engine.h"
#include "pricing/unit.h"
#include "stages/price/query.h"

struct price_state {
    struct catalog *catalog;
    struct unit_price unit;
};

/* The header says what was used, so that a plan stands on a dated price and a catalog with a digest. */
static void write_settings(struct stage *stage, const struct price_state *state)
{
    json_t *price = cost_price_member(&state->unit);
    json_object_update(stage_settings(stage), price);
    json_decref(price);
    json_object_set_new(stage_settings(stage), "catalog", json_string(catalog_digest(state->catalog)));
    json_object_set_new(stage_settings(stage), "hours", json_integer(HOURS_PER_MONTH));
}

static int begin(struct stage *stage, struct err *err)
{
    struct price_state *state = stage->state;
    struct price_query query;
    if (price_query_make(stage->options, stage->config, &query, err) != 0 ||
        catalog_embedded(&state->catalog, err) != 0) {
        return -1;
    }
    if (unit_price_find(state->catalog, &query, &state->unit, err) != 0) {
        return err->class == ERR_CONFIG && config_path(stage->config) != NULL
                   ? err_prefix(err, "%s", config_path(stage->config))
                   : -1;
    }
    write_settings(stage, state);
    return 0;
}

/* A price that is not the one asked for is said on every workload that carries it. */
static void flag_price(json_t *record, const struct unit_price *unit)
{
    if (unit->path == PRICE_OTHER_REGION) {
        record_problem(record, "price", "price-estimated", "%s has no list price in %s; that of %s was taken",
                       unit->instance, unit->region, unit->priced_region);
    } else if (unit->path == PRICE_ESTIMATED) {
        record_problem(record, "price", "price-estimated",
                       "no node type is known; the usual unit prices of %s in %s were taken", unit->provider,
                       unit->priced_region);
    }
}

static int price_record(struct stage *stage, json_t *record, struct err *err)
{
    (void)err;
    const struct price_state *state = stage->state;
    struct cost_notes notes;
    cost_notes_init(&notes);
    json_t *cost = cost_of_record(record, &state->unit, &notes);
    if (cost == NULL) {
        record_problem(record, "price", "unpriced", "%s", buf_str(&notes.unpriced));
    } else {
        flag_price(record, &state->unit);
    }
    if (cost != NULL && notes.replicas_unknown) {
        record_problem(record, "price", "replicas-unknown",
                       "how many replicas run is unknown; the cost is that of one");
    }
    json_object_set_new(record, "cost", cost == NULL ? json_null() : cost);
    cost_notes_release(&notes);
    return 0;
}

static void release(struct stage *stage)
{
    struct price_state *state = stage->state;
    catalog_free(state->catalog);
}

const struct stage_spec price_stage = {
    .name = "price",
    .program = FOR_PRICE,
    .summary = "adds the monthly cost of every workload before and after",
    .reads = ARTIFACT_BIT(ARTIFACT_RECOMMENDATIONS),
    .writes = ARTIFACT_COSTS,
    .state_size = sizeof(struct price_state),
    .begin = begin,
    .record = price_record,
    .release = release,
};
