#ifndef TARE_ANALYZE_ASKING_KEPT_H
#define TARE_ANALYZE_ASKING_KEPT_H

/* What --history-out is told of asking: a row for each call, failed ones too, and one for each provider that was consulted about a
 * workload. */

#include "stages/analyze/asking/call.h"
#include "stages/analyze/history/answers.h"
#include "stages/analyze/history/history.h"

/* How a call ended, for its row. */
struct call_end {
    const char *outcome; /* as history.h lists them */
    const char *error;   /* NULL for none */
    int64_t microusd;
    bool batch;
    char key[DIGEST_HEX]; /* set by kept_call */
};

/* Adds the row of a call (`history` may be NULL); end->key receives its key. */
void kept_call(struct history_out *history, const struct call *call, const struct llm_reply *reply, struct call_end *end);

/* Adds what came of consulting a provider; told->provider to ->key are filled here, the rest is the caller's. */
void kept_told(struct history_out *history, const struct inquiry *inquiry, const struct link *link, struct told *told);

#endif
