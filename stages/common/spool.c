#include "stages/common/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/artifact.h"

struct spool {
    FILE *file;
    char *line;
    size_t size;
    struct buf text;
};

int spool_new(struct spool **out, struct err *err)
{
    int fd = -1;
    if (fs_spool(&fd, err)) {
        return -1;
    }
    FILE *file = fdopen(fd, "w+");
    if (file == NULL) {
        close(fd);
        return err_errno(err, ERR_CANTCREAT, errno, "cannot open a temporary file");
    }
    *out = xcalloc(sizeof **out);
    (*out)->file = file;
    buf_init(&(*out)->text, ARTIFACT_LINE_MAX);
    return 0;
}

void spool_free(struct spool *spool)
{
    if (spool != NULL) {
        fclose(spool->file);
        free(spool->line);
        buf_release(&spool->text);
        free(spool);
    }
}

static int broken(const char *verb, struct err *err)
{
    err_errno(err, ERR_IO, errno, "cannot %s a temporary file", verb);
    return err_hint(err, "set TMPDIR to a directory with room");
}

int spool_add(struct spool *spool, const json_t *record, int64_t *offset, struct err *err)
{
    off_t at = ftello(spool->file);
    buf_clear(&spool->text);
    if (json_write(record, &spool->text, err)) {
        return -1;
    }
    buf_add_char(&spool->text, '\n');
    if (at < 0 || fwrite(spool->text.data, 1, spool->text.length, spool->file) != spool->text.length) {
        return broken("write", err);
    }
    if (offset != NULL) {
        *offset = (int64_t)at;
    }
    return 0;
}

int spool_rewind(struct spool *spool, struct err *err)
{
    return fflush(spool->file) || fseeko(spool->file, 0, SEEK_SET) ? broken("write", err) : 0;
}

int spool_next(struct spool *spool, json_t **record, struct err *err)
{
    ssize_t length = getline(&spool->line, &spool->size, spool->file);
    if (length < 0) {
        return ferror(spool->file) ? broken("read", err) : 0;
    }
    *record = json_read(spool->line, (size_t)length, "a temporary file", err);
    return *record == NULL ? -1 : 1;
}

int spool_at(struct spool *spool, int64_t offset, json_t **record, struct err *err)
{
    if (fseeko(spool->file, (off_t)offset, SEEK_SET)) {
        return broken("read", err);
    }
    return spool_next(spool, record, err) == 1 ? 0 : -1;
}
