/* What arrives on a stage's stdin. Whatever is accepted holds what the format promises, and written again it reads the same. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/io/fs.h"
#include "pipeline/run/artifact.h"
#include "pipeline/run/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static int file_of(const void *bytes, size_t length)
{
    struct err err = {0};
    int fd = -1;
    must(fs_spool(&fd, &err) == 0 && fs_write_fd(fd, bytes, length, "the input", &err) == 0);
    must(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

/* Reads all records into `writer` (or nowhere). Whether the artifact was accepted to its end. */
static bool copy(int fd, struct artifact_writer *writer, struct artifact_reader **out)
{
    struct err err = {0};
    if (artifact_reader_new(fd, "standard input", ARTIFACT_ANY, out, &err)) {
        must(err.class == ERR_DATA && err.message[0] != '\0');
        return false;
    }
    json_t *record = NULL;
    int got;
    while ((got = artifact_read(*out, &record, &err)) > 0) {
        struct identity identity;
        struct err ignored;
        record_identity(record, &identity, &ignored);
        must(writer == NULL || artifact_write(writer, record, &err) == 0);
        json_decref(record);
    }
    must(got == 0 || err.class == ERR_DATA);
    return got == 0;
}

/* An accepted artifact, written again, has the same records and is accepted with its digest. */
static void check_again(int fd)
{
    struct err err = {0};
    struct artifact_reader *reader = NULL;
    struct artifact_reader *again = NULL;
    int out = file_of("", 0);
    struct artifact_writer *writer = artifact_writer_new(out, ARTIFACT_USAGE, 0, "fuzz", json_object());
    must(lseek(fd, 0, SEEK_SET) == 0 && copy(fd, writer, &reader));
    must(artifact_finish(writer, artifact_reader_digest(reader), NULL, &err) == 0);
    must(lseek(out, 0, SEEK_SET) == 0 && copy(out, NULL, &again));
    must(strcmp(artifact_reader_digest(again), artifact_writer_digest(writer)) == 0);
    must(json_int_or(artifact_reader_trailer(again), "records", -1) == artifact_writer_records(writer));
    artifact_writer_free(writer);
    artifact_reader_free(reader);
    artifact_reader_free(again);
    close(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    if (!ready) {
        json_init();
        ready = true;
    }
    struct artifact_reader *reader = NULL;
    int fd = file_of(data, size);
    if (copy(fd, NULL, &reader)) {
        check_again(fd);
    }
    artifact_reader_free(reader);
    close(fd);
    return 0;
}
