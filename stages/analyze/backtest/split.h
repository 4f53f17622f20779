#ifndef TARE_ANALYZE_BACKTEST_SPLIT_H
#define TARE_ANALYZE_BACKTEST_SPLIT_H

/* Where the learned part of a row of steps ends and the judged one begins. Time is counted where there is data: a
 * workload that is switched off at night has shorter days. */

#include "stages/analyze/subject/model.h"

struct split {
    const char *reason;     /* why the rows cannot be parted, a clause, static; NULL where they can */
    bool by_runs;           /* between two runs of a batch kind */
    size_t at, end;         /* steps before `at` are learned, those from `at` to before `end` judged */
    size_t learned, judged; /* steps of either part that hold data */
};

/* Parts a row. `batch`: by runs (learn on the first, judge the last third or the last of two). */
void split_steps(const struct steps *steps, bool batch, struct split *out);

/* How many of the steps [from, to) hold data. */
size_t steps_known(const struct steps *steps, size_t from, size_t to);

/* The steps [from, to) of a row, borrowed from it. */
struct steps steps_part(const struct steps *steps, size_t from, size_t to);

#endif
