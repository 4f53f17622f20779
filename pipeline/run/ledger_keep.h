#ifndef TARE_RUN_LEDGER_KEEP_H
#define TARE_RUN_LEDGER_KEEP_H

/* Verbs for what the ledger keeps and lets go of; conventions and errors as in ledger.h. What goes and what never does: sql/README.md. */

#include "pipeline/run/ledger.h"

/* What may go. Where neither age nor count is set, nothing does. */
struct ledger_prune {
    bool by_age;
    int64_t older_seconds; /* runs that ended longer ago */
    bool by_count;
    int64_t keep; /* the newest of each cluster stay */
    bool images;
    int64_t images_seconds; /* what stood there before a change that could still be rolled back goes too when it is older */
};

/* Moves the runs that the clock has ended (approvals that ran out, plans that lay too long), so that they can age. */
int ledger_settle_due(struct ledger *ledger, struct err *err);

/* What would go now: {"runs":n, kind:{"rows","bytes"} …}. ERR_REFUSED without tare_admin, or for a login that is narrowed to
 * namespaces. */
int ledger_prune_plan(struct ledger *ledger, const struct ledger_prune *what, json_t **out, struct err *err);

/* One transaction's worth of it: at most `limit` runs. *out is what went, as above but "runs" a list of numbers; an empty object
 * where nothing is left to do. */
int ledger_prune_step(struct ledger *ledger, const struct ledger_prune *what, int limit, json_t **out, struct err *err);

/* Rows and bytes of each table that pruning takes from: [{"table","rows","bytes"}]. ERR_REFUSED as above. */
int ledger_prune_counts(struct ledger *ledger, json_t **out, struct err *err);

/* Size on disk: {"database_bytes", "parts":[{"part","bytes"}] (largest first), "runs": with artifacts, null for a narrowed login}. */
int ledger_size(struct ledger *ledger, json_t **out, struct err *err);

#endif
