#ifndef TARE_COLLECT_DISCOVER_H
#define TARE_COLLECT_DISCOVER_H

/* The pods of a namespace and who owns them, from the server's index of series: one question or two, no samples. */

#include "pipeline/base/err.h"
#include "stages/collect/api/prom.h"
#include "stages/collect/namespace.h"
#include "stages/collect/source.h"
#include "stages/collect/window.h"

/* Asks for what namespace_metric names in a namespace over the window. *out new and settled, free with namespace_free.
 * Errors and *served as prom_series. */
int api_discover(struct prom *prom, const char *name, const struct window *window, struct namespace **out,
                 enum served *served, struct err *err);

#endif
