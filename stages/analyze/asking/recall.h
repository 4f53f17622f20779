#ifndef TARE_ANALYZE_ASKING_RECALL_H
#define TARE_ANALYZE_ASKING_RECALL_H

/*
 * Answers that need no question: with --replay those of the run that is repeated, which decide alone; else those that earlier runs got for
 * evidence that is alike, for as long as analysis.cache_ttl says.
 */

#include "pipeline/cli/config.h"
#include "pipeline/cli/options.h"
#include "stages/analyze/history/answers.h"

struct recall {
    struct history_answers *answers; /* NULL: none */
    bool replay;
};

/* What is known of a workload and a provider. */
enum recalled {
    RECALL_NOTHING, /* it is to be asked */
    RECALL_ANSWER,  /* told->text */
    RECALL_PASSED,  /* it gave no answer then, for told->reason */
    RECALL_MISSING  /* nothing, and it must not be asked (replay) */
};

/* Opens what --history has, for a run that began at `created`. ERR_NOINPUT, ERR_DATA, ERR_IO; ERR_USAGE for a replay of nothing. Release
 * with recall_release also after an error. */
int recall_open(const struct options *options, const struct config *config, int64_t created, struct recall *out, struct err *err);
void recall_release(struct recall *recall);

/* Looks an inquiry up: told->provider, ->model, ->evidence and ->key are set, the rest is filled, in `arena`. */
enum recalled recall_look(const struct recall *recall, const struct subject *subject, struct arena *arena, struct told *told);

#endif
