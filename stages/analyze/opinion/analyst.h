#ifndef TARE_ANALYZE_OPINION_ANALYST_H
#define TARE_ANALYZE_OPINION_ANALYST_H

/*
 * The chain of providers: each is asked in order for each workload until one gives a usable answer; the rules
 * stand at the end of every chain. A provider that cannot be used (no key, refused, three failures in a row)
 * is passed over for the rest of the run, and each record says so in `fallback`.
 */

#include "pipeline/cli/stage.h"
#include "stages/analyze/history/history.h"
#include "stages/analyze/opinion/opinion.h"
#include "stages/analyze/sizing/sizing.h"
#include "stages/analyze/subject/class.h"

struct analyst;

/* New chain from --llm, --llm-model, --llm-url or analysis.* of the configuration; *out NULL where only the
 * rules are wanted. Fills `settings` (borrowed) with providers and models. ERR_USAGE, ERR_CONFIG. Free with
 * analyst_free. */
int analyst_new(const struct options *options, const struct config *config, json_t *settings,
                struct analyst **out, struct err *err);

/* Frees; NULL is allowed. */
void analyst_free(struct analyst *analyst);

/* Asks about a plan that is settled on the rules, and tells its findings (borrowed). Where a provider answers, the plan is settled
 * anew on its proposals. What came of it is in *opinion, whose strings live in `arena` or the analyst. Exchanges go to `history`
 * (may be NULL). */
void analyst_ask(struct analyst *analyst, struct plan *plan, const struct class *class, const json_t *findings,
                 struct arena *arena, struct history_out *history, struct opinion *opinion);

/* Logs what was asked and spent. */
void analyst_summary(const struct analyst *analyst);

#endif
