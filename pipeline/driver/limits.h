#ifndef TARE_DRIVER_LIMITS_H
#define TARE_DRIVER_LIMITS_H

/* Limits in the ledger's flat rows, so that who approves from them sees those too. */

#include "pipeline/io/json.h"

/* Sets in `detail` "cpu_limit_before_millicores", "cpu_limit_after_millicores", "memory_limit_before_bytes" and
 * "memory_limit_after_bytes" (null: at least one container that runs has none), each pair only where the record's plan changes it. */
void limits_note(const json_t *record, json_t *detail);

#endif
