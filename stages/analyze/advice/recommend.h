#ifndef TARE_ANALYZE_ADVICE_RECOMMEND_H
#define TARE_ANALYZE_ADVICE_RECOMMEND_H

/* The `recommendation` member of a record, made from a settled plan. Every number comes from the plan,
 * whoever proposed it; a model adds words, never amounts. */

#include "stages/analyze/opinion/opinion.h"
#include "stages/analyze/sizing/sizing.h"
#include "stages/analyze/subject/class.h"

/* What others found out about the workload; each becomes the member of its name. All new, stolen; NULL: null. A proposal is about numbers
 * alone: it comes without scaling advice. */
struct parts {
    json_t *findings, *forecast, *outlook, *scaling;
    double disagreement_from; /* analysis.disagreement: a model that differs from the rules by more raises the risk */
};

/* New recommendation. `opinion` may be NULL. */
json_t *recommendation_new(const struct plan *plan, const struct class *class, const struct opinion *opinion,
                           const struct parts *parts);

#endif
