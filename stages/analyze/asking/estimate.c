#include "stages/analyze/asking/estimate.h"

#include <inttypes.h>

enum { MICRO = 1000 * 1000 };

void estimate_add(struct estimate_row *row, const struct call *call)
{
    struct llm_reply reply = {.input_tokens = llm_estimate_input(&call->prompt),
                              .output_tokens = question_usual_tokens(call->asked, call->count)};
    row->questions++;
    row->asked += (int64_t)call->count;
    row->input_tokens += reply.input_tokens;
    row->output_tokens += reply.output_tokens;
    row->microusd += llm_cost_microusd(&call->link->price, &reply, row->batch);
}

static void print_row(const struct link *link, const struct estimate_row *row, FILE *out)
{
    (void)fprintf(out, "%-10s %-24s %10" PRId64 " %10" PRId64 " %10" PRId64 " %12" PRId64 " %12" PRId64, link->provider->name, link->model,
                  row->known, row->asked, row->questions, row->input_tokens, row->output_tokens);
    if (link->price.known) {
        (void)fprintf(out, " %10.4f\n", (double)row->microusd / MICRO);
    } else {
        (void)fprintf(out, " %10s\n", "not known");
    }
}

void estimate_print(const struct chain *chain, const struct estimate_row *rows, int64_t workloads, int64_t movable, FILE *out)
{
    if (chain->count == 0) {
        (void)fprintf(out, "%" PRId64 " workloads; no provider is asked: the rules decide alone\n", workloads);
        return;
    }
    (void)fprintf(out, "%" PRId64 " workloads: %" PRId64 " with something that can move, %" PRId64 " without\n", workloads, movable,
                  workloads - movable);
    (void)fprintf(out, "%-10s %-24s %10s %10s %10s %12s %12s %10s\n", "provider", "model", "known", "asked", "questions", "tokens in",
                  "tokens out", "USD");
    for (size_t i = 0; i < chain->count; i++) {
        print_row(&chain->links[i], &rows[i], out);
    }
    if (chain->count > 1) {
        (void)fputs("each row as if that provider answered for all; one is asked only about what those above it have no answer to\n", out);
    }
}

void estimate_print_budget(const struct estimate_row *rows, size_t count, const struct budget *budget, bool refuse, FILE *out)
{
    const char *then = refuse ? "the run would end with 77" : "beyond it the rules decide";
    int64_t most = 0;
    int64_t left = budget->month < budget->before ? 0 : budget->month - budget->before;
    for (size_t i = 0; i < count; i++) {
        int64_t tokens = rows[i].input_tokens + rows[i].output_tokens;
        most = tokens > most ? tokens : most;
    }
    if (budget->run >= 0 && most > budget->run) {
        (void)fprintf(out, "a run may spend %" PRId64 " tokens (analysis.max_tokens_per_run), which may not do: %s\n", budget->run, then);
    }
    if (budget->month >= 0 && most > left) {
        (void)fprintf(out,
                      "of this month's %" PRId64 " tokens (analysis.max_tokens_per_month) %" PRId64
                      " are left, which may not do: %s\n",
                      budget->month, left, then);
    }
}
