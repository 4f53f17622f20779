#ifndef TARE_STAGES_ROLLBACK_CHOICE_H
#define TARE_STAGES_ROLLBACK_CHOICE_H

/* Which changes of a run are rolled back: all, or those of the workloads that --workload names. A file is put
 * back as a whole, so a file that holds other changed workloads too must be named with all of them. Pure. */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "pipeline/run/ledger.h"

struct choice {
    json_t *names; /* "NAMESPACE/KIND/NAME" of the wanted workloads; NULL: all */
};

/* Adds a wanted workload. ERR_USAGE where it is not NAMESPACE/KIND/NAME. */
int choice_add(struct choice *choice, const char *name, struct err *err);

/* Frees the names. */
void choice_release(struct choice *choice);

/* Whether a change is wanted. */
bool choice_wants(const struct choice *choice, const struct ledger_change *change);

/* Checks that every name is in some change, and that no wanted change holds a workload that is not named.
 * ERR_USAGE. */
int choice_check(const struct choice *choice, const struct ledger_changes *changes, struct err *err);

/* New "NAMESPACE/KIND/NAME" of an entry of a change's workloads. */
char *choice_name(const json_t *workload);

#endif
