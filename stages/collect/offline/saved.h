#ifndef TARE_COLLECT_SAVED_H
#define TARE_COLLECT_SAVED_H

/*
 * What a saved file is, told from its bytes, and how it is read: frames of a remote-read answer, answers of query and
 * query_range (JSON, one after the other), OpenMetrics or Prometheus text.
 */

#include <stdint.h>

#include "pipeline/base/err.h"
#include "stages/collect/offline/archive.h"

/* Puts what a regular file of `size` bytes, opened at its beginning, tells into an archive. ERR_DATA naming `path` and line or byte;
 * ERR_NOINPUT when it cannot be read; the archive's errors. */
int saved_read(int fd, int64_t size, const char *path, struct archive *archive, struct err *err);

#endif
