#ifndef TARE_COLLECT_INTERVAL_H
#define TARE_COLLECT_INTERVAL_H

#include "pipeline/base/err.h"
#include "stages/collect/namespace.h"
#include "stages/collect/prom.h"

enum { INTERVAL_DEFAULT = 60, INTERVAL_MAX = 3600 };

/* Finds the scrape interval of a namespace's containers, in whole seconds, from the raw samples of a few pods
 * that `wanted` marks (first those that are marked 2: long-lived ones). *interval is INTERVAL_DEFAULT where
 * no pod has two samples. ERR_UNAVAILABLE. */
int interval_find(struct prom *prom, const struct namespace *namespace, const unsigned char *wanted,
                  int64_t start, int64_t end, int64_t *interval, struct err *err);

#endif
