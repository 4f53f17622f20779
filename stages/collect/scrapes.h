#ifndef TARE_COLLECT_SCRAPES_H
#define TARE_COLLECT_SCRAPES_H

#include <stddef.h>
#include <stdint.h>

#include "stages/collect/store.h"

/* Time between scrapes in milliseconds: the median distance of neighbouring samples, in chunks taken evenly from all over
 * `count` series, so that neither lost scrapes nor an hour with other settings make it. 0 where no chunk has two samples. */
int64_t scrapes_interval(const struct series *const *series, size_t count);

#endif
