#ifndef TARE_STAGES_COMMON_LLM_LLM_COST_H
#define TARE_STAGES_COMMON_LLM_LLM_COST_H

/* What tokens cost: prices of a model from the configuration, else from the dated table llm_prices.def, else unknown. */

#include <stdbool.h>
#include <stdint.h>

#include "stages/common/llm/llm_provider.h"

/* US dollars a million tokens (= micro-dollars a token). */
struct llm_price {
    double input, output, cache_read, cache_write;
    bool known; /* both input and output are */
};

/* The price of a model; `input` and `output` of the configuration (NaN: not given) come first. With an input price of one's own, what
 * goes through a cache costs as its vendor's rule says: at Anthropic a tenth read and 1.25 times written, else the same. `model` may be
 * NULL. Source of the table: its head. */
void llm_price_of(const char *provider, const char *model, double input, double output, struct llm_price *out);

/* Cost of what a reply counts, in millionths of a dollar, rounded up; half of it in a batch. 0 where the price is not known. */
int64_t llm_cost_microusd(const struct llm_price *price, const struct llm_reply *reply, bool batch);

#endif
