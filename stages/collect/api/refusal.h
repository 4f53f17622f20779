#ifndef TARE_COLLECT_REFUSAL_H
#define TARE_COLLECT_REFUSAL_H

/* What a server means that does not answer a question: whether a smaller one may do, another one, or none. */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "pipeline/io/http.h"
#include "stages/collect/source.h"

/* Whether a status that asks for another try (503) comes with words that say that the same question will fail again. */
bool refusal_is_final(const struct http_reply *reply);

/* Whether a refusal speaks of a limit or of time that ran out, as Prometheus, Thanos, Mimir and VictoriaMetrics do. */
bool refusal_of_size(const char *text);

/* Reads an answer whose status is not 2xx: sets *err to what `who` ("the metrics server http://…") says and returns
 * what may still be answered, never SERVED. */
enum served refusal_read(const struct http_reply *reply, const char *who, struct err *err);

#endif
