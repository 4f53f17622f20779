/* Files for --offline in each of their forms. What is accepted has only series that can be asked for, with labels in order and in
 * UTF-8, and the same file once more behind itself tells the same series with twice the samples. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "stages/collect/offline/saved.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The archive of a file with these bytes; NULL when it is refused. */
static struct archive *read_bytes(const char *bytes, size_t size)
{
    struct err err = {0};
    struct archive *archive = NULL;
    int fd = -1;
    must(fs_spool(&fd, &err) == 0 && fs_write_fd(fd, bytes, size, "a file", &err) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    must(archive_new(&archive, &err) == 0);
    if (saved_read(fd, (int64_t)size, "saved", archive, &err)) {
        must(err.class == ERR_DATA && str_starts(err.message, "saved"));
        archive_free(archive);
        archive = NULL;
    } else {
        must(archive_settle(archive, &err) == 0);
    }
    close(fd);
    return archive;
}

static void check_series(const struct archive *archive, size_t series, struct archive_reader *reader)
{
    struct labels labels;
    struct err err = {0};
    must(archive_labels(archive, series, reader, &labels, &err) == 0);
    for (size_t i = 0; i < labels.count; i++) {
        must(str_utf8_valid(labels.names[i], strlen(labels.names[i]), NULL) && *labels.values[i] != '\0' &&
             str_utf8_valid(labels.values[i], strlen(labels.values[i]), NULL));
        must(i == 0 || strcmp(labels.names[i - 1], labels.names[i]) <= 0);
    }
    must(archive_wants(labels_get(&labels, "__name__")));
    size_t first;
    size_t end = archive_find(archive, labels_get(&labels, "namespace"), labels_get(&labels, "pod"), &first);
    must(first <= series && series < end);
    end = archive_find(archive, labels_get(&labels, "namespace"), NULL, &first);
    must(first <= series && series < end);
}

/* Whether the file and the file again, with `between` between them, tell the same. */
static bool doubles(const struct archive *once, const char *bytes, size_t size, const char *between)
{
    struct buf twice;
    buf_init(&twice, 4 * size + 8);
    buf_add(&twice, bytes, size);
    buf_add_str(&twice, between);
    buf_add(&twice, bytes, size);
    struct archive *archive = read_bytes(twice.data, twice.length);
    bool same = archive != NULL && archive_count(archive) == archive_count(once) &&
                archive_samples(archive) == 2 * archive_samples(once) && archive_latest(archive) == archive_latest(once);
    archive_free(archive);
    buf_release(&twice);
    return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct archive *archive = read_bytes((const char *)data, size);
    if (archive == NULL) {
        return 0;
    }
    struct archive_reader reader = {0};
    for (size_t i = 0; i < archive_count(archive); i++) {
        check_series(archive, i, &reader);
    }
    must(doubles(archive, (const char *)data, size, "\n") || doubles(archive, (const char *)data, size, ""));
    archive_reader_release(&reader);
    archive_free(archive);
    return 0;
}
