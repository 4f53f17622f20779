#ifndef TARE_ASK_TELL_H
#define TARE_ASK_TELL_H

/* The answer without a model: the facts in plain sentences. */

#include "pipeline/base/buf.h"
#include "stages/ask/facts.h"

/* Adds the answer for a terminal to `out`: what was asked about, each record's numbers with reasons, bounds, money, risk and verdict.
 * `facts` is an array of facts_of, the best first. */
void tell_answer(const struct wording *wording, const struct pick *pick, const json_t *facts, const json_t *totals, struct buf *out);

/* Adds what a model said, wrapped and made safe, and who it was. */
void tell_spoken(const char *answer, const char *provider, const char *model, struct buf *out);

/* Adds the line that names the records used: "from: shop/Deployment/cart (record 12 of the gated artifact of run 3, sha256 …)". */
void tell_sources(const json_t *facts, const struct report_meta *meta, struct buf *out);

#endif
