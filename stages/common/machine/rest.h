#ifndef TARE_STAGES_COMMON_MACHINE_REST_H
#define TARE_STAGES_COMMON_MACHINE_REST_H

/* What an object's controller is doing, and will do with a change; pure. */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

/* Whether an object may be changed now: it is not paused, not in the middle of a rollout, its last one did not fail. ERR_REFUSED with
 * a hint, naming `name`. */
int rest_check(const char *name, const json_t *object, struct err *err);

/* Whether the controller makes new pods of a new template by itself, all of them. */
bool rest_replaces_pods(const json_t *object);

#endif
