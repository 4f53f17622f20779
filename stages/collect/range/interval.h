#ifndef TARE_COLLECT_INTERVAL_H
#define TARE_COLLECT_INTERVAL_H

/* How often containers are scraped, from raw samples of a few of them. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "stages/collect/api/prom.h"
#include "stages/collect/namespace.h"
#include "stages/collect/source.h"
#include "stages/collect/window.h"

enum { INTERVAL_DEFAULT = 60, INTERVAL_MAX = HOUR };

/* Finds the scrape interval, in whole seconds, of the marked pods of a namespace (NULL: of all): the shortest median
 * distance between samples of those that have most of them. *interval is INTERVAL_DEFAULT where none has two. Errors and
 * *served as prom_series. */
int interval_find(struct prom *prom, const struct namespace *namespace, const bool *marked, const struct window *window,
                  int64_t *interval, enum served *served, struct err *err);

#endif
