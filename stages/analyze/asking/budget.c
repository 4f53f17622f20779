#include "stages/analyze/asking/budget.h"

#include <inttypes.h>
#include <stdio.h>

/* Whether `tokens` more stay within a limit of which so many are gone. Subtracted, so that no sum can overflow. */
static bool fits(int64_t limit, int64_t gone, int64_t tokens)
{
    return limit < 0 || (gone <= limit && tokens <= limit - gone);
}

static bool run_fits(const struct budget *budget, int64_t tokens)
{
    return fits(budget->run, budget->spent + budget->reserved, tokens);
}

bool budget_take(struct budget *budget, int64_t tokens)
{
    if (!run_fits(budget, tokens) || !fits(budget->month, budget->before + budget->spent + budget->reserved, tokens)) {
        return false;
    }
    budget->reserved += tokens;
    return true;
}

void budget_settle(struct budget *budget, int64_t reserved, int64_t spent)
{
    budget->reserved -= reserved;
    budget->spent += spent;
}

const char *budget_reason(const struct budget *budget, int64_t tokens, char *out, size_t size)
{
    bool run = !run_fits(budget, tokens);
    (void)snprintf(out, size, "the %s budget of %" PRId64 " tokens (%s) does not allow another question", run ? "run's" : "month's",
                   run ? budget->run : budget->month, run ? "analysis.max_tokens_per_run" : "analysis.max_tokens_per_month");
    return out;
}

int budget_refuse(const char *reason, struct err *err)
{
    (void)err_set(err, ERR_REFUSED, "%s", reason);
    return err_hint(err, "raise it, or let the rules decide beyond it with analysis.over_budget: rules");
}
