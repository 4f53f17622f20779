#ifndef TARE_ANALYZE_RULES_FIGURES_H
#define TARE_ANALYZE_RULES_FIGURES_H

/*
 * Figures of a part of the window: what tare-collect would have said of the first days alone, or of business hours alone,
 * as near as steps of five minutes tell. The definitions are those of stages/collect/figures/README.md with a step's mean in
 * the place of a sample; weights fall by half every 3 days up to the END of the part.
 */

#include "stages/analyze/subject/model.h"

/*
 * Figures of the steps [from, to). `only` says for each of all steps->count steps whether it counts, NULL: all do. Not known
 * where no step that counts holds a value. max is the highest of the steps' highest; pods are one, for steps are of all of
 * them together; hours are not filled. The last hour is that of the steps that count; days are of 24 hours back from the end,
 * those with steps for a quarter of them, and of one such day alone its own p99 is the second. out->steps is the part itself
 * (borrowed, without regard to `only`). 60 µs for 2,016 steps.
 */
void figures_of_steps(const struct steps *steps, size_t from, size_t to, const bool *only, struct arena *arena,
                      struct figures *out);

/*
 * Brings the figures of a part to the scale of samples: each is multiplied by what the same figure of the whole window is by
 * the samples (`native`) ÷ by the steps (`whole`, of figures_of_steps), within 0.1 to 20. pods, and so what is said of the
 * highest pod, come from `native`. out->max stays as it is, it is exact. Figures stay in their order. What only steps tell
 * (weighted_p98, day_p99_second, recent_p50, recent_p90) goes by the figure nearest to it.
 */
void figures_calibrate(const struct figures *native, const struct figures *whole, struct figures *part);

/* Fills what only steps tell into the figures of the whole window, on the scale of samples; leaves it where there are no steps. by_steps
 * is set to the figures as the steps alone have them. */
void figures_complete(struct figures *native, struct arena *arena);

/* The same for every container of a workload. */
void figures_complete_all(struct subject *subject, struct arena *arena);

#endif
