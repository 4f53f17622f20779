#ifndef TARE_STAGES_PARSE_JOIN_H
#define TARE_STAGES_PARSE_JOIN_H

/* What other objects say of a workload, joined by names when all were read: its autoscaler, the annotations of its
 * namespace. */

#include "stages/parse/intake.h"

/* Puts an object that is no workload on the shelf of joins when it concerns any. ERR_IO. */
int join_take(struct intake *intake, struct manifest_reader *reader, const struct manifest_object *object,
              struct err *err);

/* Ends taking: from here on joins can be looked up. */
void join_ready(struct intake *intake);

/* Adds what was joined to a workload with this identity. ERR_IO. */
int join_workload(struct intake *intake, const unsigned char id[SHELF_ID], json_t *workload, struct err *err);

#endif
