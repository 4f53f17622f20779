#ifndef TARE_REPORTS_TEXT_SINK_H
#define TARE_REPORTS_TEXT_SINK_H

/* Where a renderer writes: straight to a descriptor in pieces, or whole into memory for replacing a file. */

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

enum { SINK_FLUSH_AT = 64 * 1024, SINK_CAP = 256 * 1024 * 1024 };

struct report_sink {
    struct buf out; /* renderers add here and call sink_poll between workloads */
    int fd;         /* −1: all stays in `out` */
};

/* Prepares a sink. */
void sink_init(struct report_sink *sink, int fd);

/* Frees what was not written. */
void sink_release(struct report_sink *sink);

/* Writes what has gathered when it is much. ERR_IO; ERR_CANTCREAT when a report is larger than SINK_CAP. */
int sink_poll(struct report_sink *sink, struct err *err);

/* Writes the rest. Errors as sink_poll. */
int sink_finish(struct report_sink *sink, struct err *err);

#endif
