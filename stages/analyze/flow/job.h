#ifndef TARE_ANALYZE_FLOW_JOB_H
#define TARE_ANALYZE_FLOW_JOB_H

/* One record on its way through the rooms: settled on the rules, perhaps asked about, written. It owns all that it needs on the way, so
 * that many can be on the way at once. */

#include "stages/analyze/asking/analyst.h"
#include "stages/analyze/forecast/forecast.h"
#include "stages/analyze/history/past.h"
#include "stages/analyze/opinion/proposal.h"
#include "stages/analyze/scaling/setup.h"

/* What all records of a run share. Borrowed. */
struct job_setup {
    const struct config *config;
    const char *namespace;        /* of workloads that name none; NULL: the usual one */
    const struct history_past *past;
    const struct scaling_setup *scaling;
    struct proposal *proposal;    /* NULL: none */
    double disagreement_from;     /* analysis.disagreement */
};

struct job {
    json_t *record;
    bool is_workload;
    struct arena arena;
    size_t bytes; /* of the arena, as the window counts it */
    struct subject subject;
    struct policy policy;
    struct class class;
    struct plan plan;
    struct forecasts forecasts;
    json_t *findings;
    struct inquiry inquiry;
};

/* Prepares a job that can take one record after the other. Release with job_release. */
void job_init(struct job *job);
void job_release(struct job *job);

/* Takes a record (stolen), and where it is a workload settles it on the rules. */
void job_take(struct job *job, const struct job_setup *setup, json_t *record, int64_t number);

/* Writes the recommendation into the record, once the inquiry is done. */
void job_finish(struct job *job, const struct job_setup *setup);

/* Forgets the record; the job can take another. */
void job_clear(struct job *job);

#endif
