#ifndef TARE_STAGES_APPLY_PERMIT_H
#define TARE_STAGES_APPLY_PERMIT_H

/* May this be written now? Approvals and change windows by the ledger's clock, asked for the whole plan
 * before the first write and again before every file; and whether anything moved since the plan was made. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/cli/inforce.h"
#include "pipeline/cli/stage.h"
#include "pipeline/run/ledger.h"
#include "stages/apply/plan.h"

struct permit {
    struct stage *stage;
    const struct ledger_run *run;
    const struct inforce *inforce;
    const char *default_namespace;
    json_t *overrides; /* names of the deny windows that this run overrides; owned: permit_release */
};

/* What a plan or a file may not be written for. */
struct objection {
    bool stands;
    bool window; /* a change window, else an approval */
    bool has_next;
    int64_t next_opening;
    enum window_overrun overrun; /* of a window: what it asks of an apply that is under way */
    char why[ERR_MESSAGE_MAX];
};

/* Reads the run's recorded overrides. */
int permit_init(struct permit *permit, struct err *err);

/* Frees what it holds. */
void permit_release(struct permit *permit);

/* Takes `window` as overridden from now on (permit only; the ledger is told elsewhere). */
void permit_override(struct permit *permit, const char *window);

/* Identity of a record with its effective namespace; strings are borrowed from the record. */
int permit_workload(const struct permit *permit, const json_t *record, struct ledger_workload *out,
                    struct err *err);

/* Asks for all pending workloads of a file; the first objection counts. */
int permit_file(struct permit *permit, const struct apply_plan *plan, const struct apply_file *file,
                struct objection *out, struct err *err);

/* Asks for every pending item: those without approval become refused. A window's objection to any of the
 * others stands for the whole plan, with the first instant at which all of them may be written. */
int permit_plan(struct permit *permit, struct apply_plan *plan, struct objection *out, struct err *err);

/* Compares the policy in force and the prices with those the plan was made from, and (but for files in
 * `begun`, an object whose keys are paths) each file that would be written with its digest in the plan.
 * ERR_STALE naming what moved and both values. `root` is the folder of the paths. */
int permit_fresh(const struct permit *permit, const struct apply_plan *plan, const char *root,
                 const json_t *begun, struct err *err);

#endif
