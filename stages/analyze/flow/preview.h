#ifndef TARE_ANALYZE_FLOW_PREVIEW_H
#define TARE_ANALYZE_FLOW_PREVIEW_H

/* --prompt-for: exactly what a model would be sent about one workload. */

#include <stdio.h>

#include "stages/analyze/flow/flow.h"

/* Reads all records and prints the prompt about the first of this name ("NAMESPACE/KIND/NAME") to `out`; nothing where nothing would
 * be sent, and says why. ERR_DATA with the nearest names where there is none; ERR_CONFIG where no provider is asked. */
int preview_run(struct stage *stage, const struct flow_means *means, const char *name, FILE *out, struct err *err);

#endif
