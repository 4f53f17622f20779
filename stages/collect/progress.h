#ifndef TARE_COLLECT_PROGRESS_H
#define TARE_COLLECT_PROGRESS_H

/* How far the work is, on a terminal: a line on stderr that is written over. Where stderr is none, or messages are JSON or not
 * wanted, nothing. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/cli/options.h"

struct progress {
    bool shown;
    int64_t begun_ms;
    int64_t input_size; /* of standard input where it is a file, else 0: then nobody knows how much is left */
    size_t width;       /* of what stands there */
};

/* Begins. */
void progress_begin(struct progress *progress, const struct options *options);

/* Shows workloads, samples and bytes so far. */
void progress_show(struct progress *progress, int64_t workloads, int64_t samples, int64_t bytes);

/* Takes the line away. */
void progress_end(struct progress *progress);

/* Seconds since the beginning. */
double progress_seconds(const struct progress *progress);

#endif
