#ifndef TARE_REPORTS_BATCH_H
#define TARE_REPORTS_BATCH_H

/*
 * Several runs together: those that one `tare run` started for the clusters of a configuration. Each run's artifact becomes a report
 * model, one after the other, so that the sums are those of the runs' own reports added up; of its workloads only the largest savings
 * and the critical findings stay in memory. Strings are owned.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "reports/text/figures.h"

enum { BATCH_TOP_MAX = 20, BATCH_CRITICAL_MAX = 50, BATCH_RUNS_MAX = 10000 };

struct batch_run {
    int64_t run;
    char *cluster;
    char *state;
    char *created;  /* NULL unknown */
    char *plan;     /* sha256, NULL none */
    char *reason;   /* why it is in this state, NULL none */
    bool counted;   /* its sums are in the batch's */
    int64_t later;  /* the run that took its place in the batch, 0 none */
    int64_t missing; /* workloads whose approval is missing, -1 does not apply */
    struct report_sums sums; /* of a counted one */
    int64_t problems;
    char *prices;              /* what it was priced with, NULL not counted */
    char saving[FIGURE_MAX];   /* in the other currency that it states, "" none */
};

/* A workload that stands out in all of them. */
struct batch_item {
    size_t run; /* index */
    char *workload; /* NAMESPACE/KIND/NAME */
    int64_t before;
    int64_t after;
    char *message; /* of a finding, NULL of a saving */
};

struct batch_report {
    char *name;
    char *created;
    char *started_by;
    bool narrowed; /* there may be runs that the login does not see */
    struct batch_run *runs;
    size_t run_count;
    size_t counted;
    struct report_sums totals; /* of the counted ones */
    int64_t problems;
    struct batch_item top[BATCH_TOP_MAX]; /* the largest saving first */
    size_t top_count;
    struct batch_item critical[BATCH_CRITICAL_MAX]; /* in the order of the runs */
    size_t critical_count;
    int64_t critical_total; /* workloads with a critical finding, those that are not kept too */
};

/* Reads the file that the conductor makes (see README.md) and the artifacts that lie beside it as run-N. ERR_NOINPUT, ERR_DATA; errors of
 * report_read. Release it in any case. */
int batch_read(struct batch_report *batch, const char *path, const char *team_label, struct err *err);

/* Frees everything; safe on one that is all zero. */
void batch_release(struct batch_report *batch);

#endif
