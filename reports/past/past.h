#ifndef TARE_REPORTS_PAST_H
#define TARE_REPORTS_PAST_H

/*
 * What the ledger knows of a run and of those before it, as the conductor hands it over (`--past FILE`): the
 * tokens that the analysis spent, the money of each run, and what earlier plans saved in fact. Money is
 * micro-dollars a month. Strings are owned.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

enum { PAST_RUNS_MAX = 1000 };

/* A run of the cluster, the newest first. */
struct past_run {
    int64_t run;
    char *created;
    char *state;
    int64_t workloads;
    int64_t changes;
    int64_t before;
    int64_t after;
    int64_t saving;
};

/* A plan that was applied and stands: what it was said to save, and what it saved. */
struct past_applied {
    int64_t run;
    char *applied;
    int64_t workloads; /* that it changed */
    int64_t expected;  /* what it was said to save over all of them */
    int64_t measured;  /* of these, priced again by a later run */
    int64_t predicted; /* what was said, over the measured ones */
    int64_t realized;
    int64_t measured_by; /* newest run that priced them; 0 none yet */
};

struct report_past {
    int64_t run;
    bool narrowed; /* the login that asked may see only a part of the runs */
    int64_t exchanges; /* calls to a language model */
    int64_t failed;    /* of them: without an answer */
    int64_t unpriced;  /* of them: answered at a price that is not known */
    int64_t cache_read_tokens; /* of input_tokens */
    int64_t input_tokens;
    int64_t output_tokens;
    int64_t llm_microusd;
    struct past_run *trend;
    size_t trend_count;
    struct past_applied *applied;
    size_t applied_count;
};

/* New from a file of the form that the conductor writes; lists longer than PAST_RUNS_MAX are cut. ERR_NOINPUT, ERR_DATA naming the
 * file, also for counts and money that are none. past_free. */
int past_read(const char *path, struct report_past **out, struct err *err);

/* Sums over the plans that were measured: how many, said and saved. */
struct past_sums {
    int64_t plans;
    int64_t workloads;
    int64_t predicted;
    int64_t realized;
    int64_t waiting; /* plans that no later run has measured yet */
};
struct past_sums past_sum(const struct report_past *past);

/* Frees it; NULL is allowed. */
void past_free(struct report_past *past);

#endif
