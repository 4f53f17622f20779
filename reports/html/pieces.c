#include "reports/html/pieces.h"

#include <errno.h>
#include <unistd.h>

#include "pipeline/io/fs.h"

enum { FLUSH_AT = 256 * 1024, PENDING_MAX = 64 * 1024 * 1024, CHUNK = 16 * 1024 };

int pieces_init(struct pieces *pieces, struct err *err)
{
    *pieces = (struct pieces){.fd = -1};
    buf_init(&pieces->pending, PENDING_MAX);
    return fs_spool(&pieces->fd, err);
}

void pieces_release(struct pieces *pieces)
{
    buf_release(&pieces->pending);
    if (pieces->fd >= 0) {
        close(pieces->fd);
    }
}

int64_t pieces_size(const struct pieces *pieces)
{
    return pieces->written + (int64_t)pieces->pending.length;
}

int pieces_finish(struct pieces *pieces, struct err *err)
{
    if (pieces->pending.overflow) {
        return err_set(err, ERR_DATA, "a workload takes more than %d MiB to tell",
                       PENDING_MAX / (1024 * 1024));
    }
    if (fs_write_fd(pieces->fd, buf_str(&pieces->pending), pieces->pending.length, "the spool file", err)) {
        return -1;
    }
    pieces->written += (int64_t)pieces->pending.length;
    buf_clear(&pieces->pending);
    return 0;
}

int pieces_add(struct pieces *pieces, const struct buf *piece, struct err *err)
{
    buf_add(&pieces->pending, buf_str(piece), piece->length);
    return pieces->pending.length < FLUSH_AT && !pieces->pending.overflow ? 0 : pieces_finish(pieces, err);
}

int pieces_next(struct pieces *pieces, uint32_t length, bool wanted, struct report_sink *sink,
                struct err *err)
{
    char chunk[CHUNK];
    int64_t end = pieces->read + (int64_t)length;
    while (wanted && pieces->read < end) {
        int64_t left = end - pieces->read;
        ssize_t got = pread(pieces->fd, chunk, left < CHUNK ? (size_t)left : CHUNK, (off_t)pieces->read);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return err_errno(err, ERR_IO, got == 0 ? EIO : errno, "cannot read the spool file");
        }
        buf_add(&sink->out, chunk, (size_t)got);
        pieces->read += got;
        if (sink_poll(sink, err)) {
            return -1;
        }
    }
    pieces->read = end;
    return 0;
}
