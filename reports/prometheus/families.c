#include "reports/prometheus/families.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"

enum { GATHER_AT = 32 * 1024, GATHER_MAX = 1024 * 1024, PIECE = 64 * 1024 };

struct family {
    const struct family_text *text;
    struct buf gathered; /* what is not in the spool yet */
    int spool;           /* −1: everything is in `gathered` */
};

void families_init(struct families *families, const struct family_text *texts, size_t count)
{
    *families = (struct families){.items = xcalloc_array(count, sizeof *families->items), .count = count};
    for (size_t i = 0; i < count; i++) {
        families->items[i] = (struct family){.text = &texts[i], .spool = -1};
        buf_init(&families->items[i].gathered, GATHER_MAX);
    }
}

void families_release(struct families *families)
{
    for (size_t i = 0; i < families->count; i++) {
        buf_release(&families->items[i].gathered);
        if (families->items[i].spool >= 0) {
            close(families->items[i].spool);
        }
    }
    free(families->items);
}

static int spill(struct family *family, struct err *err)
{
    if (family->spool < 0 && fs_spool(&family->spool, err)) {
        return -1;
    }
    int failed = fs_write_fd(family->spool, buf_str(&family->gathered), family->gathered.length, "the spool file", err);
    buf_clear(&family->gathered);
    return failed;
}

int families_add(struct families *families, size_t number, const char *labels, const char *value, struct err *err)
{
    struct family *family = &families->items[number];
    struct buf *out = &family->gathered;
    if (labels[0] == '\0') {
        buf_printf(out, "%s %s\n", family->text->name, value);
    } else {
        buf_printf(out, "%s{%s} %s\n", family->text->name, labels, value);
    }
    return out->length >= GATHER_AT ? spill(family, err) : 0;
}

/* The spool's bytes from its start into the sink. */
static int copy_spool(const struct family *family, struct report_sink *sink, struct err *err)
{
    char piece[PIECE];
    off_t at = 0;
    for (;;) {
        ssize_t got = pread(family->spool, piece, sizeof piece, at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(err, ERR_IO, errno, "cannot read the spool file");
        }
        if (got == 0) {
            return 0;
        }
        buf_add(&sink->out, piece, (size_t)got);
        at += got;
        if (sink_poll(sink, err)) {
            return -1;
        }
    }
}

int families_write(struct families *families, struct report_sink *sink, struct err *err)
{
    for (size_t i = 0; i < families->count; i++) {
        struct family *family = &families->items[i];
        if (family->spool < 0 && family->gathered.length == 0) {
            continue;
        }
        buf_printf(&sink->out, "# HELP %s %s\n# TYPE %s gauge\n", family->text->name, family->text->help, family->text->name);
        if (family->spool >= 0 && copy_spool(family, sink, err)) {
            return -1;
        }
        buf_add(&sink->out, family->gathered.data, family->gathered.length);
        if (sink_poll(sink, err)) {
            return -1;
        }
    }
    return 0;
}
