#include "reports/text/sink.h"

#include "pipeline/io/fs.h"

void sink_init(struct report_sink *sink, int fd)
{
    buf_init(&sink->out, SINK_CAP);
    sink->fd = fd;
}

void sink_release(struct report_sink *sink)
{
    buf_release(&sink->out);
}

static int write_out(struct report_sink *sink, struct err *err)
{
    if (sink->out.overflow) {
        return err_set(err, ERR_CANTCREAT, "the report is larger than %d MiB", SINK_CAP / (1024 * 1024));
    }
    if (sink->fd < 0) {
        return 0;
    }
    if (fs_write_fd(sink->fd, buf_str(&sink->out), sink->out.length, "the report", err)) {
        return -1;
    }
    buf_clear(&sink->out);
    return 0;
}

int sink_poll(struct report_sink *sink, struct err *err)
{
    return sink->out.length < SINK_FLUSH_AT && !sink->out.overflow ? 0 : write_out(sink, err);
}

int sink_finish(struct report_sink *sink, struct err *err)
{
    return write_out(sink, err);
}
