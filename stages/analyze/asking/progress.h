#ifndef TARE_ANALYZE_ASKING_PROGRESS_H
#define TARE_ANALYZE_ASKING_PROGRESS_H

/* What asking came to so far, on a terminal while it goes on and in one line at the end. */

#include <stddef.h>
#include <stdint.h>

/* Counts of a run. */
struct counts {
    int64_t asked, answered; /* questions that were sent, and those that are over */
    int64_t repaired;        /* questions that were asked once more with a complaint */
    int64_t workloads;       /* that somebody was to be asked about */
    int64_t by_model;        /* answered, those below too */
    int64_t recalled;        /* answered from what was known */
    int64_t fell_back;       /* left to the rules */
    int64_t missing;         /* of these: a replay that found no row */
    int64_t tokens, microusd;
};

struct progress {
    int64_t shown_ms; /* when the line was written last */
};

/* Shows the counts, a few times a second; `waiting` questions are known and not sent yet. Only on a terminal (log_status). */
void progress_show(struct progress *progress, const struct counts *counts, size_t waiting);

/* Takes the line away. */
void progress_end(void);

/* Logs the counts as the last line. */
void progress_summary(const struct counts *counts);

#endif
