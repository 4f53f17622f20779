#ifndef TARE_ASK_MODEL_H
#define TARE_ASK_MODEL_H

/* Asks the models of the configuration, in their order, until one gives an answer that holds. */

#include "pipeline/cli/stage.h"
#include "stages/ask/reply.h"

/* What came of it. Strings are in the stage's arena. */
struct spoken {
    struct reply_read reply; /* reply.answer NULL: none answered, or none is configured */
    const char *provider;
    const char *model;
    const char *why; /* why none answered; NULL where none is configured */
    int64_t input_tokens, output_tokens; /* of all calls */
    int64_t cost_microusd;
    bool priced; /* all calls have a price */
    json_t *calls; /* new array: a row for the ledger of each */
};

/* Whether a model is to be asked: by --llm, else by the configuration. ERR_USAGE for options that do not fit together. */
int model_wanted(struct stage *stage, bool *wanted, struct err *err);

/* Asks. Where none answers, spoken->why says why and the facts must do. ERR_REFUSED
 * where the question passes the run's budget and analysis.over_budget is refuse. spoken_release in any case. */
int model_ask(struct stage *stage, const char *question, const json_t *facts, const json_t *totals, struct spoken *spoken, struct err *err);

/* Frees. */
void spoken_release(struct spoken *spoken);

/* Writes the calls for the ledger to a file, a line {"llm":{…}} each. ERR_CANTCREAT, ERR_IO. */
int spoken_keep(const struct spoken *spoken, const char *path, struct err *err);

#endif
