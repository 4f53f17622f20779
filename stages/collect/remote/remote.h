#ifndef TARE_COLLECT_REMOTE_H
#define TARE_COLLECT_REMOTE_H

/* Samples at native resolution by Prometheus' remote read, in the chunks that the server keeps them in. */

#include "pipeline/base/err.h"
#include "stages/collect/api/prom.h"
#include "stages/collect/source.h"

/* Whether a server can be read from this way. */
enum remote_support {
    REMOTE_SPOKEN,
    REMOTE_NOT_SPOKEN, /* it answers, but not to this; other questions may be asked */
    REMOTE_NO_ANSWER   /* it does not answer, or not to us (401, 403, a web page) */
};

/* New source that asks `prom` (borrowed: it must live longer). Freed by its own member `free`. */
void remote_new(struct prom *prom, struct source **out);

/* Asks for no series of no time. *why is a sentence unless it is REMOTE_SPOKEN. */
enum remote_support remote_probe(struct prom *prom, struct err *why);

#endif
