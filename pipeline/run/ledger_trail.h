#ifndef TARE_RUN_LEDGER_TRAIL_H
#define TARE_RUN_LEDGER_TRAIL_H

/* Verbs over the ledger's audit trail; conventions and errors as in ledger.h. */

#include "pipeline/run/audit_trail.h"
#include "pipeline/run/ledger.h"

/* The end of the chain now. */
int ledger_audit_anchor(struct ledger *ledger, struct audit_anchor *out, struct err *err);

/* How the chain stands to anchors that were kept elsewhere: [{"position","state"}] in the order of positions, state being holds,
 * beyond (the chain ends before it) or differs. The ledgers they name are not compared. */
int ledger_audit_anchors(struct ledger *ledger, const struct audit_anchors *anchors, json_t **out, struct err *err);

/* A walk over events, page by page. */
struct ledger_trail;

/* Begins after position `after`, ends with `to`. Free with ledger_trail_free. */
struct ledger_trail *ledger_trail_new(struct ledger *ledger, int64_t after, int64_t to);

/* Frees; NULL is allowed. */
void ledger_trail_free(struct ledger_trail *trail);

/* The next event, borrowed until the next call; *found is false at the end. ERR_REFUSED for a login that is narrowed to namespaces. */
int ledger_trail_next(struct ledger_trail *trail, struct audit_event *event, bool *found, struct err *err);

#endif
