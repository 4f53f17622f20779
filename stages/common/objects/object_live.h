#ifndef TARE_COMMON_OBJECTS_OBJECT_LIVE_H
#define TARE_COMMON_OBJECTS_OBJECT_LIVE_H

/* Objects that tare made, as they are in a cluster. Pure. */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

/* Whether all that the manifest says stands in the live object, too, however the server and others completed it: then there is
 * nothing to make. Otherwise `why` names the first place that differs. */
bool object_as_planned(const json_t *live, const json_t *manifest, char why[ERR_MESSAGE_MAX]);

/* Whether somebody changed the object since: it differs from `after`, which the server answered when it was made, in anything but
 * `metadata` and `status`, or it is being deleted. `why` names the first place. */
bool object_edited(const json_t *live, const json_t *after, char why[ERR_MESSAGE_MAX]);

#endif
