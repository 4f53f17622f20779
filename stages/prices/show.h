#ifndef TARE_STAGES_PRICES_SHOW_H
#define TARE_STAGES_PRICES_SHOW_H

/* How a price came about, step by step. */

#include "pipeline/cli/stage.h"
#include "stages/common/pricing/book.h"
#include "stages/prices/sheet.h"

/* What options and configuration ask for: of every node pool its price and the steps to it. ERR_IO, ERR_CANTCREAT. */
int show_in_force(const struct price_book *book, enum sheet_format format, struct report_sink *sink, struct err *err);

/* One node type or serverless product, on the terms (discounts, shares) that options and configuration name. Without --provider
 * it is looked for at every provider, that of the configuration first. ERR_USAGE with near names where there is none. */
int show_one(const struct catalog *catalog, struct stage *stage, const char *name, enum sheet_format format,
             struct report_sink *sink, struct err *err);

#endif
