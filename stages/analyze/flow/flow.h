#ifndef TARE_ANALYZE_FLOW_FLOW_H
#define TARE_ANALYZE_FLOW_FLOW_H

/*
 * The pass over the records. So many are on the way at once as fit a window: they are read and settled in order, answered in any order,
 * and written in order. Memory is that of the window, however many records come.
 */

#include "pipeline/cli/stage.h"
#include "stages/analyze/flow/job.h"

struct flow_means {
    const struct job_setup *setup; /* all borrowed */
    struct analyst *analyst;       /* NULL: the rules decide alone, one record at a time */
    struct history_out *history;   /* what runs learn; may be NULL */
    bool silent;                   /* nothing is written: an estimate */
};

/* Reads all records of stage->in and writes them. ERR_TEMPFAIL where a signal ended it; what the stage reads and writes; what the analyst
 * returns. */
int flow_run(struct stage *stage, const struct flow_means *means, struct err *err);

#endif
