#ifndef TARE_ASK_FACTS_H
#define TARE_ASK_FACTS_H

/* The facts of a record, short and in people's numbers with their units: what answers are made of, and all that a model is sent. */

#include "reports/model/model.h"
#include "stages/ask/pick.h"

/* New object: what the workload is, each number with its reasons and bounds, money, risk, findings, verdict, outcome, problems. Nothing of
 * images, labels and annotations. Text from outside is masked and cut. ERR_DATA for a record without identity. */
int facts_of(const struct picked *picked, json_t **out, struct err *err);

/* New object: the sums of the run, and of the namespace that the picked records share where the question names it. */
json_t *facts_totals(const struct report *report, const struct pick *pick);

/* New array of the container's numbers ("CPU request" …) that a question is about; all where it names none of them. Borrowed items. */
json_t *facts_focus(const json_t *facts, const struct wording *wording);

#endif
