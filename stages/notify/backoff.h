#ifndef TARE_NOTIFY_BACKOFF_H
#define TARE_NOTIFY_BACKOFF_H

/* When a message is tried again, and when it is given up. */

#include <stdint.h>

#include "pipeline/cli/receivers.h"

/* What came of one try. */
enum attempt_outcome {
    ATTEMPT_SENT,
    ATTEMPT_AGAIN, /* another try may end better */
    ATTEMPT_NEVER  /* it will not: the receiver refused this very message, or is not there any more */
};

struct attempt {
    enum attempt_outcome outcome;
    struct err err;              /* why it was not sent; shows neither address nor secret */
    int64_t retry_after_seconds; /* how long the receiver asked to be left alone, -1: it did not */
};

/* What the outbox is told. */
struct backoff {
    const char *outcome; /* sent | given-up | waiting. Static */
    int64_t wait_ms;
    int64_t pause_ms; /* for all messages to this receiver */
};

/* After try number `attempts` (from 1) of a message that is `age_seconds` old; `chance` in [0, 1) spreads tries. The wait is half to all of
 * 2 s, 6 s, 18 s, … at most an hour; Retry-After, up to a day, where the receiver gave one, plus up to a second. */
struct backoff backoff_after(const struct receiver *receiver, const struct attempt *attempt, int64_t attempts, int64_t age_seconds,
                             double chance);

#endif
