#ifndef TARE_STAGES_COMMON_ENDS_LEDGER_H
#define TARE_STAGES_COMMON_ENDS_LEDGER_H

/* The ledger as an end of the machine (stages/common/machine/ends.h, which says what each must do). */

#include "pipeline/run/ledger_object.h"
#include "stages/common/machine/ends.h"
#include "stages/common/machine/machine.h"
#include "stages/common/permit/permit.h"

struct ends_ledger {
    struct ledger *ledger;
    int64_t run;
    struct permit *permit;  /* NULL: nothing holds it back (a rollback) */
    const char *cluster_id; /* goes into each row; NULL: unknown */
    const char *command;    /* "apply" or "rollback", for hints */
    struct ledger_backoff backoff;
};

enum said ends_ledger_permit(struct ends_ledger *ends, const struct machine_object *object, struct machine_objection *objection,
                             struct err *err);
enum said ends_ledger_begin(struct ends_ledger *ends, const struct machine_object *object, const char *before, size_t size,
                            const json_t *detail, int64_t *change, struct err *err);
enum said ends_ledger_move(struct ends_ledger *ends, const struct machine_object *object, enum ledger_change_state to,
                           const json_t *detail, struct err *err);
enum said ends_ledger_lock(struct ends_ledger *ends, const struct machine_object *object, struct err *err);

#endif
