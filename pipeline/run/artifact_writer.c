#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/artifact.h"

enum { FLUSH_AT = 64 * 1024 };

struct artifact_writer {
    int fd;
    enum artifact_kind kind;
    int64_t created;
    char *by;
    json_t *settings;
    struct hash *hash;
    struct buf out;
    bool started;
    int64_t records;
    int64_t workloads;
    int64_t problems;
    char digest[DIGEST_HEX];
};

struct artifact_writer *artifact_writer_new(int fd, enum artifact_kind kind, int64_t created, const char *by,
                                            json_t *settings)
{
    struct artifact_writer *writer = xcalloc(sizeof *writer);
    writer->fd = fd;
    writer->kind = kind;
    writer->created = created;
    writer->by = xstrdup(by);
    writer->settings = settings;
    writer->hash = hash_new();
    buf_init(&writer->out, (size_t)ARTIFACT_LINE_MAX + FLUSH_AT);
    return writer;
}

void artifact_writer_free(struct artifact_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    json_decref(writer->settings);
    hash_free(writer->hash);
    buf_release(&writer->out);
    free(writer->by);
    free(writer);
}

json_t *artifact_writer_settings(struct artifact_writer *writer)
{
    return writer->settings;
}

static int flush(struct artifact_writer *writer, struct err *err)
{
    hash_add(writer->hash, writer->out.data, writer->out.length);
    if (fs_write_fd(writer->fd, buf_str(&writer->out), writer->out.length, "the artifact", err)) {
        return err_hint(err, "look for room on the disk, and whether the program that reads it still runs");
    }
    buf_clear(&writer->out);
    return 0;
}

/* Ends the line that began at `before` and hands full pieces on. What did not fit has left its mark in the buffer. */
static int end_line(struct artifact_writer *writer, size_t before, struct err *err)
{
    if (buf_add_char(&writer->out, '\n') || writer->out.length - before > ARTIFACT_LINE_MAX) {
        return err_set(err, ERR_DATA, "a record of %s is larger than %d bytes", artifact_kind_name(writer->kind),
                       ARTIFACT_LINE_MAX);
    }
    return writer->out.length >= FLUSH_AT ? flush(writer, err) : 0;
}

/* Adds one canonical line. */
static int add_line(struct artifact_writer *writer, const json_t *value, struct err *err)
{
    size_t before = writer->out.length;
    struct err large;
    json_write(value, &writer->out, &large);
    return end_line(writer, before, err);
}

static int start(struct artifact_writer *writer, struct err *err)
{
    if (writer->started) {
        return 0;
    }
    writer->started = true;
    char created[RFC3339_MAX];
    json_t *header = json_pack("{s:s, s:i, s:s, s:s, s:O}", "tare", artifact_kind_name(writer->kind), "version",
                               ARTIFACT_VERSION, "created", time_format(writer->created, created), "by", writer->by,
                               "settings", writer->settings);
    int failed = add_line(writer, header, err);
    json_decref(header);
    return failed;
}

static void count(struct artifact_writer *writer, const json_t *record)
{
    writer->records++;
    writer->workloads += json_object_get(record, "workload") != NULL;
    writer->problems += artifact_count_problems(record);
}

int artifact_write(struct artifact_writer *writer, const json_t *record, struct err *err)
{
    if (start(writer, err) || add_line(writer, record, err)) {
        return -1;
    }
    count(writer, record);
    return 0;
}

/* How a workload's record without problems begins, in front of the workload itself. */
static const char bare_head[] = "{\"problems\":[],\"workload\":";

enum { BARE_HEAD = sizeof bare_head - 1 };

bool artifact_line_fits(const char *line, size_t length)
{
    return length > BARE_HEAD && memcmp(line, bare_head, BARE_HEAD) == 0;
}

int artifact_write_line(struct artifact_writer *writer, const char *line, size_t length, const json_t *added,
                        struct err *err)
{
    const json_t *problems = json_object_get(added, "problems");
    const json_t *members = json_object_get(added, "workload");
    struct buf *out = &writer->out;
    struct err large;
    if (start(writer, err)) {
        return -1;
    }
    size_t before = out->length;
    buf_add_str(out, "{\"problems\":");
    if (json_array_size(problems) == 0) {
        buf_add_str(out, "[]");
    } else {
        json_write(problems, out, &large);
    }
    buf_add_str(out, ",\"workload\":");
    if (json_object_size(members) == 0) {
        buf_add(out, line + BARE_HEAD, length - BARE_HEAD);
    } else {
        json_write_over(line + BARE_HEAD, length - BARE_HEAD - 1, members, out);
        buf_add_char(out, '}');
    }
    writer->records++;
    writer->workloads++;
    writer->problems += artifact_count_problems(added);
    return end_line(writer, before, err);
}

int artifact_finish(struct artifact_writer *writer, const char *input, const json_t *skipped, struct err *err)
{
    if (start(writer, err)) {
        return -1;
    }
    /* The digest covers everything before the trailer, so what is buffered goes out first. */
    if (flush(writer, err)) {
        return -1;
    }
    hash_hex(writer->hash, writer->digest);
    json_t *end = json_pack("{s:I, s:I, s:I, s:s?, s:s}", "records", (json_int_t)writer->records, "workloads",
                            (json_int_t)writer->workloads, "problems", (json_int_t)writer->problems, "input", input,
                            "sha256", writer->digest);
    json_object_set_new(end, "skipped", skipped == NULL ? json_object() : json_deep_copy(skipped));
    json_t *line = json_pack("{s:o}", "end", end);
    int failed = add_line(writer, line, err) || flush(writer, err);
    json_decref(line);
    hash_hex(writer->hash, writer->digest);
    return failed ? -1 : 0;
}

const char *artifact_writer_digest(const struct artifact_writer *writer)
{
    return writer->digest;
}

int64_t artifact_writer_records(const struct artifact_writer *writer)
{
    return writer->records;
}

int64_t artifact_writer_workloads(const struct artifact_writer *writer)
{
    return writer->workloads;
}

int64_t artifact_writer_problems(const struct artifact_writer *writer)
{
    return writer->problems;
}
