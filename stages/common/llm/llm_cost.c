#include "stages/common/llm/llm_cost.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const double rounding = 1e-6; /* a sum that is whole but for the last bits is not rounded up */
static const double microusd_max = 1e15;

static const struct row {
    const char *provider;
    const char *model;
    double input, output, cache_read, cache_write;
} rows[] = {
#define X(provider, model, input, output, cache_read, cache_write) {provider, model, input, output, cache_read, cache_write},
#include "stages/common/llm/llm_prices.def"
#undef X
};

/* Whether `model` is the one that starts so, with a date or nothing behind: "claude-opus-4-70" is not "claude-opus-4-7". */
static bool is_model(const char *model, const char *beginning)
{
    size_t length = strlen(beginning);
    return str_starts(model, beginning) && (model[length] == '\0' || strchr("-@:", model[length]));
}

static const struct row *row_of(const char *provider, const char *model)
{
    const struct row *best = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (model && str_equal(rows[i].provider, provider) && is_model(model, rows[i].model) &&
            (!best || strlen(rows[i].model) > strlen(best->model))) {
            best = &rows[i];
        }
    }
    return best;
}

void llm_price_of(const char *provider, const char *model, double input, double output, struct llm_price *out)
{
    const struct row *row = row_of(provider, model);
    *out = (struct llm_price){.input = NAN, .output = NAN};
    if (row) {
        *out = (struct llm_price){row->input, row->output, row->cache_read, row->cache_write, true};
    }
    if (!isnan(input)) {
        bool cached = str_equal(provider, "anthropic");
        out->input = input;
        out->cache_read = cached ? input * 0.1 : input;
        out->cache_write = cached ? input * 1.25 : input;
    }
    if (!isnan(output)) {
        out->output = output;
    }
    out->known = !isnan(out->input) && !isnan(out->output);
}

int64_t llm_cost_microusd(const struct llm_price *price, const struct llm_reply *reply, bool batch)
{
    if (!price->known) {
        return 0;
    }
    int64_t cached = reply->cache_read_tokens + reply->cache_write_tokens;
    int64_t plain = reply->input_tokens > cached ? reply->input_tokens - cached : 0;
    double sum = (double)plain * price->input + (double)reply->cache_read_tokens * price->cache_read +
                 (double)reply->cache_write_tokens * price->cache_write + (double)reply->output_tokens * price->output;
    sum = batch ? sum / 2 : sum;
    return sum >= microusd_max ? (int64_t)microusd_max : sum > 0 ? (int64_t)ceil(sum - rounding) : 0;
}
