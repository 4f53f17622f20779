#ifndef TARE_STAGES_ROLLBACK_OBJECTS_H
#define TARE_STAGES_ROLLBACK_OBJECTS_H

/*
 * Rolling back objects of a cluster, and taking such a rollback back: from the rows of the ledger and the live objects alone, by the
 * machine that wrote them (stages/common/machine).
 */

#include "pipeline/cli/stage.h"
#include "pipeline/run/ledger.h"
#include "stages/common/spool.h"
#include "stages/rollback/choice.h"

/* What became of one change: its outcome ("rolled-back", "refused", …) and a sentence. */
typedef void objects_told(void *context, const struct ledger_change *change, const char *outcome, const char *detail);

struct objects_order {
    struct stage *stage;
    const struct ledger_run *run;
    const struct ledger_changes *changes;
    const struct choice *choice;
    struct spool *records; /* of the run: what windows and approvals are asked about; rewound */
    const char *default_namespace;
    objects_told *told;
    void *context;
};

struct objects_report {
    size_t left;    /* still written after, whether wanted or not */
    size_t failed;  /* of the wanted ones, that could not be put back, or were changed since by somebody else */
    struct err why; /* of the first of them, with its hint */
};

/* Checks what --force names. ERR_USAGE. */
int objects_check(const struct objects_order *order, struct err *err);

/* Says what a rollback would do to each wanted object; writes nothing. */
int objects_rehearse(const struct objects_order *order, struct err *err);

/* Puts the wanted objects back, last written first. The run's apply lock must be held. -1 only where ledger or API server are lost, or
 * somebody asked to end. */
int objects_put_back(const struct objects_order *order, struct objects_report *out, struct err *err);

/* Writes again what was put back, where it still is as before: windows and approvals are asked as for the first time. ledger_redo_begin
 * must have been called. `out` counts what is not written again; -1 as above. */
int objects_redo(const struct objects_order *order, struct objects_report *out, struct err *err);

#endif
