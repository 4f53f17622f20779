#ifndef TARE_COLLECT_SELECTOR_H
#define TARE_COLLECT_SELECTOR_H

/* Selectors of the containers of some pods. */

#include <stdbool.h>

#include "pipeline/base/buf.h"
#include "stages/collect/api/prom.h"
#include "stages/collect/namespace.h"

/* What all questions about some pods have in common: what a query may have in bytes at most. */
enum { QUERY_MAX = 8 * 1024 * 1024 };

/* Adds the selector of a metric (several are joined by '|') for the marked pods of a namespace (NULL: all), `extra`
 * (",a=\"b\"" or "") included. buf's overflow tells when there are too many. */
void selector_add(struct buf *out, const struct prom *prom, const struct namespace *namespace, const bool *marked,
                  const char *metric, const char *extra);

#endif
