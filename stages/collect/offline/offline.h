#ifndef TARE_COLLECT_OFFLINE_H
#define TARE_COLLECT_OFFLINE_H

/*
 * A file in place of a server: a saved remote-read answer, saved answers of query or query_range, or OpenMetrics text with
 * times. What it is, its bytes tell.
 */

#include <stdint.h>

#include "pipeline/base/err.h"
#include "stages/collect/source.h"

/* Reads a file whole: samples are set aside in an unlinked file in $TMPDIR, in memory stay the series. *out new; freed by its
 * own member `free`. ERR_NOINPUT (missing, unreadable), ERR_DATA (none of the forms, or broken: with line or byte),
 * ERR_USAGE for "-", ERR_CANTCREAT, ERR_IO. */
int offline_new(const char *path, struct source **out, struct err *err);

/* Time of the latest sample, rounded up to a whole minute; seconds since the epoch. 0 when there is none. */
int64_t offline_end(const struct source *source);

/* Questions answered so far, bytes of the file, samples in it that can be of use. */
void offline_counts(struct source *source, struct source_counts *out);

#endif
