#ifndef TARE_COLLECT_PROGRESS_H
#define TARE_COLLECT_PROGRESS_H

/* How far the work is, as a status line. */

#include <stdint.h>

struct progress {
    int64_t begun_ms;
    int64_t read;       /* records of the input so far; the caller counts them */
    int64_t input_size; /* of standard input where it is a file, else 0: then nobody knows how much is left */
};

/* Begins. */
void progress_begin(struct progress *progress);

/* Shows workloads, samples and bytes so far. */
void progress_show(struct progress *progress, int64_t workloads, int64_t samples, int64_t bytes);

/* Seconds since the beginning. */
double progress_seconds(const struct progress *progress);

#endif
