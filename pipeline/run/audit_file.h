#ifndef TARE_RUN_AUDIT_FILE_H
#define TARE_RUN_AUDIT_FILE_H

/* Checking an exported audit trail, without any database. */

#include "pipeline/run/audit_trail.h"

enum { AUDIT_WHY = 400 };

/* What came of a check. */
struct audit_verdict {
    bool intact;
    int64_t line;                  /* the first that is broken, 0 where none is */
    int64_t broken_at;             /* the event there, or that should be there; 0 where none is */
    int64_t events;                /* that fitted */
    int64_t first;                 /* position that the file begins with */
    char ledger[AUDIT_LEDGER];     /* "" where the header cannot be read */
    struct audit_anchor head;      /* of the last event that fitted */
    char why[AUDIT_WHY];           /* one sentence where it is not intact */
    size_t anchors_held;           /* of the anchors that were given */
    size_t anchors_before;         /* those that stand before the file's first event, which it says nothing about */
};

/* Is given every event that fits, in order. -1 with an error ends the check. */
typedef int audit_visit(void *context, const struct audit_event *event, struct err *err);

/* Reads the file and checks every line of it: that it is in its one right form, that each event follows from the one before, that
 * the anchor at its end is there and right, and that it has each of `anchors` (may be empty; NULL: none; they are put in the order
 * of positions). `visit` may be NULL. -1 where the file cannot be read (ERR_NOINPUT) or `visit` failed; else 0 and the verdict. */
int audit_file_check(const char *path, struct audit_anchors *anchors, audit_visit *visit, void *context, struct audit_verdict *out,
                     struct err *err);

#endif
