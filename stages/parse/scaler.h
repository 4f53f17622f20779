#ifndef TARE_STAGES_PARSE_SCALER_H
#define TARE_STAGES_PARSE_SCALER_H

/* Objects that scale a workload: HorizontalPodAutoscaler (all versions), VerticalPodAutoscaler, KEDA's
 * ScaledObject. */

#include <stdbool.h>

#include "pipeline/io/json.h"
#include "stages/common/manifest/manifest.h"

/* What an autoscaler aims at, and what artifacts say about it. */
struct scaler {
    const char *kind; /* strings live in the reader's arena */
    const char *name;
    json_t *member; /* new: {"kind","name","min","max","metrics":[…]}, a VerticalPodAutoscaler also
                       "update_mode" */
};

/* Whether an object is an autoscaler. */
bool scaler_is(const struct manifest_object *object);

/* Reads an autoscaler. False when its target cannot be told or is no workload (of the API group it names): then *out is
 * not set. */
bool scaler_read(struct manifest_reader *reader, const struct manifest_object *object, struct scaler *out);

#endif
