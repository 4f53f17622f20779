#include "stages/price/price.h"

#include "pipeline/base/buf.h"
#include "pricing/cost/engine.h"
#include "stages/common/pricing/book.h"

struct price_state {
    struct price_book *book;
};

/* The header says what was used, so that a plan stands on dated prices and a catalog with a digest. */
static int begin(struct stage *stage, struct err *err)
{
    struct price_state *state = stage->state;
    if (price_book_open(stage->options, stage->config, &state->book, err) != 0) {
        return -1;
    }
    const json_t *parse = json_at(artifact_reader_header(stage->in), "settings.parse");
    price_book_namespace(state->book, json_string_or_null(parse, "namespace"));
    json_t *price = price_book_settings(state->book);
    json_object_update(stage_settings(stage), price);
    json_decref(price);
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

/* Nothing that has a price, or has none, is left out in silence. */
static void add_problems(json_t *record, const json_t *cost, const struct unit_price *unit, const struct cost_notes *notes)
{
    if (cost == NULL) {
        record_problem(record, "price", "unpriced", "%s", buf_str(&notes->unpriced));
    } else {
        flag_price(record, unit);
    }
    if (cost != NULL && notes->duration_unknown) {
        record_problem(record, "price", "replicas-unknown",
                       "how long its pods run is unknown; the cost is that of %s all month",
                       notes->replicas_unknown ? "one" : "as many as it asks for");
    } else if (cost != NULL && notes->replicas_unknown) {
        record_problem(record, "price", "replicas-unknown",
                       "how many replicas run is unknown; the cost is that of one");
    }
    if (notes->unlisted.length > 0) {
        record_problem(record, "price", "container-unlisted", "%s", buf_str(&notes->unlisted));
    }
}

static int price_record(struct stage *stage, json_t *record, struct err *err)
{
    (void)err;
    const struct price_state *state = stage->state;
    const struct unit_price *unit = price_book_for(state->book, record);
    struct cost_notes notes;
    cost_notes_init(&notes);
    json_t *cost = cost_of_record(record, unit, &notes);
    add_problems(record, cost, unit, &notes);
    json_object_set_new(record, "cost", cost == NULL ? json_null() : cost);
    if (cost == NULL && unit->pool != NULL) { /* its pods run there all the same; else the price tells it */
        json_object_set_new(record, "pool", json_string_safe(unit->pool));
    }
    cost_notes_release(&notes);
    return 0;
}

static void release(struct stage *stage)
{
    struct price_state *state = stage->state;
    price_book_free(state->book);
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
