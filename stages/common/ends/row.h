#ifndef TARE_STAGES_COMMON_ROW_H
#define TARE_STAGES_COMMON_ROW_H

/* What apply and rollback both make of the ledger and of the configuration for the machine. */

#include "pipeline/cli/stage.h"
#include "pipeline/run/ledger.h"
#include "stages/common/machine/machine.h"

/* What a row of the ledger left of an object: its detail, what stood there before, its id and state. Bytes live in `arena`, the detail
 * in the array `kept`. ERR_DATA for a damaged before-image. */
int row_take(struct ledger *ledger, const struct ledger_change *row, struct arena *arena, json_t *kept, struct machine_object *object,
             struct err *err);

/* Whether the rows of a run, whose lock is held by now, still are what they were when they were read: ERR_TEMPFAIL where the process
 * that held it then went on meanwhile. */
int row_unmoved(struct ledger *ledger, int64_t run, const struct ledger_changes *then, struct err *err);

/* What the configuration and the options of a stage ask of the machine. ERR_CONFIG. */
int row_policy(struct stage *stage, struct machine_policy *out, struct err *err);

/* The object's message without its name where that begins it, with its note; `detail` of ERR_MESSAGE_MAX bytes. `fallback` counts where
 * there is no message. */
void row_words(const struct machine_object *object, const char *fallback, char detail[ERR_MESSAGE_MAX]);

#endif
