#ifndef TARE_RUN_LEDGER_SCHEDULE_H
#define TARE_RUN_LEDGER_SCHEDULE_H

/*
 * Schedules in the ledger (0014_schedules.sql). Errors as in ledger.h. What is reckoned from a row is done by its
 * `revision`: where the row has moved on since, nothing happens and the caller reads it again.
 */

#include "pipeline/run/ledger.h"

struct ledger_schedule {
    const char *name;
    const char *cluster;
    const char *cron;
    const char *timezone;
    const char *overlap; /* skip | queue */
    const char *missed;  /* run | skip */
    int64_t grace_seconds;
    const json_t *request; /* borrowed */
};

enum ledger_claim { LEDGER_CLAIMED, LEDGER_CLAIM_CHANGED, LEDGER_CLAIM_BUSY, LEDGER_CLAIM_PAUSED };

/* Makes or changes one; *made tells which. ERR_REFUSED where it is somebody else's. */
int ledger_schedule_set(struct ledger *ledger, const struct ledger_schedule *schedule, bool *made, struct err *err);

/* New array of the schedules that this login sees, or with `name` of that one (empty where there is none), by name. */
int ledger_schedules(struct ledger *ledger, const char *name, json_t **out, struct err *err);

/* One schedule. *out new; ERR_NOINPUT where there is none. */
int ledger_schedule_get(struct ledger *ledger, const char *name, json_t **out, struct err *err);

/* Pauses or resumes; *changed is false where it was so already. */
int ledger_schedule_pause(struct ledger *ledger, const char *name, bool paused, bool *changed, struct err *err);

/* Forgets it; its runs and its audit events stay. */
int ledger_schedule_remove(struct ledger *ledger, const char *name, struct err *err);

/* Takes the instant `due` (NULL: whatever the time is) for this session, and `missed` more that come before it. *busy receives
 * the run that is in the way, 0 where it has no number yet. */
int ledger_schedule_claim(struct ledger *ledger, const char *name, int64_t revision, const char *due, int64_t missed,
                          enum ledger_claim *outcome, int64_t *busy, struct err *err);

/* Deals with the instants up to `due` without a run; *done is false where the row moved on. */
int ledger_schedule_skip(struct ledger *ledger, const char *name, int64_t revision, const char *due, int64_t missed, int64_t skipped,
                         const char *reason, bool *done, struct err *err);

/* Whether this session is the one firing that waits for the run under way. */
int ledger_schedule_wait(struct ledger *ledger, const char *name, bool *waiting, struct err *err);

/* What came of the firing of this session, or of one whose process died. With 75 it stays open. */
int ledger_schedule_end(struct ledger *ledger, const char *name, int exit_code, const char *reason, struct err *err);

/* After a clock that ran far ahead was set back: instants count from now on. */
int ledger_schedule_rewind(struct ledger *ledger, const char *name, int64_t revision, struct err *err);

#endif
