#ifndef TARE_DRIVER_PAST_H
#define TARE_DRIVER_PAST_H

/*
 * What earlier runs learned: tare-analyze reads it from a file and writes what it learned to another, and the conductor moves both
 * from and to the ledger: daily extremes of series, what models said, and what the month's calls cost. The files lie in a folder of
 * their own that only this user can enter, and are gone after the stage, unless the ledger was gone before.
 */

#include <stdbool.h>

#include "pipeline/driver/command.h"

enum { PAST_MARK = 25 };

struct past {
    int64_t run;
    int64_t attempt;
    int64_t replayed;    /* the run whose answers are replayed, 0: none */
    bool series;         /* false: without what earlier runs learned (--no-history) */
    const char *cluster; /* borrowed from the run */
    const char *created; /* when the run began, of a replay the one that is replayed; in the session's arena */
    char mark[PAST_MARK]; /* of the run, in the folder's name */
    char *folder;
    char *known;   /* file for --history; NULL where the ledger knows nothing: then the stage is run as without a ledger */
    char *learned; /* file for --history-out */
    bool waits;    /* `learned` is left to the run's next attempt */
};

/* Makes the folder and, where the ledger knows something that this run may use, the file `known`; by the run's `settings`, for an
 * attempt at analyze. ERR_CANTCREAT, ERR_IO and those of the ledger. past_close in any case. */
int past_open(struct session *session, const struct ledger_run *run, const json_t *settings, int64_t attempt, struct past *past,
              struct err *err);

/* Makes the folder and the file `known` with what the ledger knows of a run and of those before it, for tare-report. Errors as
 * past_open. past_close in any case. */
int past_tell(struct session *session, const struct ledger_run *run, struct past *past, struct err *err);

/* Stores what the stage learned: daily extremes of series, calls to models and their answers. For ledger_artifact_store_with; `context` is
 * the struct past. ERR_DATA naming a line that cannot be read. */
int past_store(struct ledger *ledger, void *context, struct err *err);

/* Stores what models said in an attempt that failed or was interrupted or killed: it was paid for, and is not asked again. Of series it
 * taught nothing. What cannot be stored is logged, and stays as past_leave says. */
void past_salvage(struct ledger *ledger, struct past *past);

/* Told why the ledger did not take what the stage learned: where it may take it later (ERR_TEMPFAIL), past_close leaves it, and past_open
 * of the run's next attempt stores it. */
void past_leave(struct past *past, const struct err *why);

/* Removes files and folder, but for what is left to a later attempt. Safe to call on one that is all zero. */
void past_close(struct past *past);

#endif
