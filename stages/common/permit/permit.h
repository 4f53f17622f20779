#ifndef TARE_STAGES_COMMON_PERMIT_H
#define TARE_STAGES_COMMON_PERMIT_H

/*
 * May this be written now? Approvals and change windows by the ledger's clock, asked of one workload. A clock that goes backwards is
 * not believed. For apply, and for a rollback that is taken back.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/clock.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/cli/stage.h"
#include "pipeline/run/ledger.h"

struct permit {
    struct stage *stage;
    const struct ledger_run *run;
    const struct inforce *inforce;
    const char *default_namespace;
    json_t *overrides; /* names of the deny windows that this run overrides; owned: permit_release */
    bool begun;        /* this apply has begun to write */
    bool stepped;      /* the ledger's clock went backwards: nothing is judged or written any more */
    bool has_latest;
    int64_t latest;    /* the latest instant that the ledger is known to have had … */
    int64_t latest_ms; /* … and when that was, on this machine's steady clock */
};

/* What something may not be written for. */
struct objection {
    bool stands;
    bool window; /* a change window, else an approval */
    bool has_next;
    int64_t next_opening;
    enum window_overrun overrun; /* of a window: what it asks of an apply that is under way */
    char why[ERR_MESSAGE_MAX];
    bool rejected; /* somebody rejected this workload: the others may go on */
};

/* Reads the run's recorded overrides, and the newest time on record for it. */
int permit_init(struct permit *permit, struct err *err);

/* Frees what it holds. */
void permit_release(struct permit *permit);

/* Takes `window` as overridden from now on (permit only; the ledger is told elsewhere). */
void permit_override(struct permit *permit, const char *window);

/* Reads the ledger's clock. Where it is earlier than an instant that has been (of this apply, or on record for the run), by more
 * than a few seconds, an approval that ran out or a window that closed would come back to life: ERR_TEMPFAIL, and
 * permit->stepped. */
int permit_clock(struct permit *permit, int64_t *instant, struct err *err);

/* The least that the ledger's clock may read now, as RFC 3339; false where nothing is known of it yet. */
bool permit_floor(const struct permit *permit, char out[RFC3339_MAX]);

/* Identity of a record with its effective namespace; strings are borrowed from the record. */
int permit_workload(const struct permit *permit, const json_t *record, struct ledger_workload *out,
                    struct err *err);

/* Asks for the approvals of a record. Returns -1 only where the ledger does not answer. */
int permit_approval(struct permit *permit, const json_t *record, struct objection *out, struct err *err);

/* What the windows have against a record at an instant. */
void permit_windows(const struct permit *permit, const json_t *record, int64_t instant, struct objection *out);

/* Asks approvals, clock and windows for one record. Returns -1 only where the ledger does not answer, or its clock stepped. */
int permit_record(struct permit *permit, const json_t *record, struct objection *out, struct err *err);

/* Windows once more, right before a write, by the clock as it must have run on; asks nobody. */
void permit_again(const struct permit *permit, const json_t *record, struct objection *out);

#endif
