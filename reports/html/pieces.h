#ifndef TARE_REPORTS_HTML_PIECES_H
#define TARE_REPORTS_HTML_PIECES_H

/* Pieces of the page that wait in an unlinked file until it is known which of them there is room for. */

#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "reports/text/sink.h"

struct pieces {
    int fd;
    int64_t written;
    int64_t read;
    struct buf pending; /* not written yet */
};

/* Makes the file. ERR_CANTCREAT. Release in any case. */
int pieces_init(struct pieces *pieces, struct err *err);

/* Closes it; what waits is gone. */
void pieces_release(struct pieces *pieces);

/* Adds a piece. ERR_IO. */
int pieces_add(struct pieces *pieces, const struct buf *piece, struct err *err);

/* What has been added so far, in bytes. */
int64_t pieces_size(const struct pieces *pieces);

/* Ends the adding: what waits is written. ERR_IO. */
int pieces_finish(struct pieces *pieces, struct err *err);

/* Hands the next `length` bytes to the sink; with `wanted` false they are passed over. ERR_IO. */
int pieces_next(struct pieces *pieces, uint32_t length, bool wanted, struct report_sink *sink,
                struct err *err);

#endif
