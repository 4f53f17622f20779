#ifndef TARE_DRIVER_NOTIFY_H
#define TARE_DRIVER_NOTIFY_H

/*
 * Telling people what became of a run. What is to be told goes to the ledger's outbox, then tare-notify is started to deliver it, and
 * nobody waits for it: whatever fails here is said in a warning and changes nothing about the run.
 */

#include "pipeline/driver/command.h"
#include "pipeline/driver/totals.h"

/* Puts what `command` (run, apply, rollback) made of a run into the outbox, for the receivers that are told of it, and starts the
 * delivery of whatever waits. Does nothing where there are no receivers. */
void notify_tell(struct session *session, const struct ledger_run *run, const char *command);

/* Before the work: refuses a `notify` that could never be (ERR_CONFIG), warns of files that are not there. */
int notify_check_config(struct session *session, struct err *err);

/* Whether the files of all receivers can be used; found: what to say of it. ERR_… of the first that cannot, or that others can read. */
int notify_check_files(struct session *session, struct buf *found, struct err *err);

/* Says in a warning how many notifications were given up of late, if any. */
void notify_mention(struct session *session);

/* What the outbox keeps about an event of a run: numbers and names, bounded, no address and no secret. `rows` are the run's flat rows.
 * New object. */
json_t *notify_facts(const struct ledger_run *run, const char *event, const char *command, const struct totals *totals,
                     const json_t *rows);

#endif
