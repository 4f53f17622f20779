#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json_quick.h"
#include "pipeline/run/artifact.h"

enum { PIECE = 64 * 1024 };

/* Where a record stands among the sources, to check the documented order. */
struct place {
    char *file; /* NULL where the record has no source file */
    char *object;
    int64_t document; /* 0: the whole file */
    int64_t item;
};

struct artifact_reader {
    int fd;
    char *name;
    enum artifact_kind kind;
    json_t *header;
    json_t *trailer;
    struct hash *hash;
    struct buf line;
    const struct json_cut *keep; /* NULL: records are read whole */
    const struct json_cut *read;
    bool skimmed;      /* the last line */
    struct buf kept;   /* of the line, as `keep` leaves it */
    struct buf wanted; /* of that, as `read` leaves it */
    char *piece;
    size_t piece_length;
    size_t piece_at;
    int64_t line_number;
    int64_t records;
    int64_t workloads;
    int64_t problems;
    struct place last;
    char before[DIGEST_HEX]; /* digest of everything before the line that was read last */
    char digest[DIGEST_HEX];
};

static int refuse(const struct artifact_reader *reader, struct err *err, const char *what)
{
    err_set(err, ERR_DATA, "%s, line %" PRId64 ": %s", reader->name, reader->line_number, what);
    return err_hint(err, "run the stage that writes this artifact again and hand its whole output on");
}

/* Makes the next piece available: 1, 0 at the end of the input, -1 on error. */
static int fill(struct artifact_reader *reader, struct err *err)
{
    for (;;) {
        ssize_t got = read(reader->fd, reader->piece, PIECE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(err, ERR_IO, errno, "cannot read %s", reader->name);
        }
        reader->piece_at = 0;
        reader->piece_length = (size_t)got;
        return got > 0;
    }
}

bool artifact_reader_waits(const struct artifact_reader *reader)
{
    struct pollfd polled = {.fd = reader->fd, .events = POLLIN};
    return reader->piece_at == reader->piece_length && poll(&polled, 1, 0) == 0;
}

/* Reads one line with its newline into reader->line: 1, 0 at the end of the input, -1 on error. */
static int read_line(struct artifact_reader *reader, struct err *err)
{
    buf_clear(&reader->line);
    reader->line_number++;
    for (;;) {
        if (reader->piece_at == reader->piece_length) {
            int more = fill(reader, err);
            if (more < 0) {
                return -1;
            }
            if (more == 0) {
                return reader->line.length == 0 ? 0 : refuse(reader, err, "the artifact ends in the middle of a line");
            }
        }
        const char *start = reader->piece + reader->piece_at;
        size_t left = reader->piece_length - reader->piece_at;
        const char *newline = memchr(start, '\n', left);
        size_t take = newline == NULL ? left : (size_t)(newline - start) + 1;
        reader->piece_at += take;
        if (buf_add(&reader->line, start, take)) {
            return refuse(reader, err, "the line is longer than 32 MiB");
        }
        if (newline != NULL) {
            return 1;
        }
    }
}

/* What of the line is made values of. A line that cannot be told apart is read whole, so that what is wrong with it is found. */
static const struct buf *wanted_of(struct artifact_reader *reader)
{
    if (reader->keep == NULL) {
        return &reader->line;
    }
    buf_clear(&reader->kept);
    buf_clear(&reader->wanted);
    reader->skimmed = json_skim(buf_str(&reader->line), reader->line.length, reader->keep, &reader->kept) &&
                      json_skim(buf_str(&reader->kept), reader->kept.length, reader->read, &reader->wanted);
    return reader->skimmed ? &reader->wanted : &reader->line;
}

/* Reads and parses a line into *value (new), and adds it to the digest: 1, 0 at the end, -1 on error. */
static int read_value(struct artifact_reader *reader, json_t **value, struct err *err)
{
    int got = read_line(reader, err);
    if (got <= 0) {
        return got;
    }
    hash_hex(reader->hash, reader->before);
    hash_add(reader->hash, reader->line.data, reader->line.length);
    json_error_t where;
    const struct buf *wanted = wanted_of(reader);
    *value = json_quick(buf_str(wanted), wanted->length);
    if (*value == NULL) {
        *value = json_loadb(buf_str(wanted), wanted->length, JSON_REJECT_DUPLICATES, &where);
    }
    if (!json_is_object(*value)) {
        json_decref(*value);
        *value = NULL;
        return refuse(reader, err, "this is not a JSON object");
    }
    return 1;
}

static int check_header(struct artifact_reader *reader, unsigned accept, struct err *err)
{
    const char *kind = json_string_or_null(reader->header, "tare");
    int64_t version = json_int_or(reader->header, "version", 0);
    if (kind == NULL || version < 1) {
        return refuse(reader, err, "this is not the header of a tare artifact");
    }
    reader->kind = artifact_kind_of(kind);
    if (reader->kind == ARTIFACT_NONE) {
        err_set(err, ERR_DATA, "%s: unknown kind of artifact \"%s\"", reader->name, kind);
        return err_hint(err, "the line is: parse, collect, analyze, price, diff, gate, apply");
    }
    if (version > ARTIFACT_VERSION) {
        err_set(err, ERR_DATA, "%s: version %" PRId64 " of \"%s\" is newer than this program reads (%d)", reader->name,
                version, kind, ARTIFACT_VERSION);
        return err_hint(err, "use the tare version that wrote it, or a newer one");
    }
    if ((accept & ARTIFACT_BIT(reader->kind)) == 0) {
        struct buf wanted;
        buf_init(&wanted, 256);
        for (int i = 0; i < ARTIFACT_KINDS; i++) {
            if (accept & ARTIFACT_BIT(i)) {
                buf_printf(&wanted, "%s%s", wanted.length > 0 ? " or " : "", artifact_kind_name((enum artifact_kind)i));
            }
        }
        err_set(err, ERR_DATA, "%s is an artifact of kind \"%s\"; this stage reads %s", reader->name, kind,
                buf_str(&wanted));
        err_hint(err, "the line is: parse, collect, analyze, price, diff, gate, apply");
        buf_release(&wanted);
        return -1;
    }
    return 0;
}

static int read_header(struct artifact_reader *reader, unsigned accept, struct err *err)
{
    int got = read_value(reader, &reader->header, err);
    if (got < 0) {
        return -1;
    }
    if (got == 0) {
        err_set(err, ERR_DATA, "%s is empty: there is no artifact", reader->name);
        return err_hint(err, "pipe the output of the former stage in");
    }
    return check_header(reader, accept, err);
}

int artifact_reader_new(int fd, const char *name, unsigned accept, struct artifact_reader **out, struct err *err)
{
    struct artifact_reader *reader = xcalloc(sizeof *reader);
    reader->fd = fd;
    reader->name = xstrdup(name);
    reader->hash = hash_new();
    reader->piece = xmalloc(PIECE);
    buf_init(&reader->line, ARTIFACT_LINE_MAX);
    buf_init(&reader->kept, ARTIFACT_LINE_MAX);
    buf_init(&reader->wanted, ARTIFACT_LINE_MAX);
    if (read_header(reader, accept, err)) {
        artifact_reader_free(reader);
        return -1;
    }
    *out = reader;
    return 0;
}

static void place_release(struct place *place)
{
    free(place->file);
    free(place->object);
    *place = (struct place){0};
}

void artifact_reader_free(struct artifact_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    json_decref(reader->header);
    json_decref(reader->trailer);
    hash_free(reader->hash);
    buf_release(&reader->line);
    buf_release(&reader->kept);
    buf_release(&reader->wanted);
    place_release(&reader->last);
    free(reader->piece);
    free(reader->name);
    free(reader);
}

static struct place place_of(const json_t *record)
{
    const json_t *body = json_object_get(record, "workload");
    body = body == NULL ? json_object_get(record, "note") : body;
    const json_t *source = json_object_get(body, "source");
    return (struct place){
        .file = xstrdup_null(json_string_or_null(source, "file")),
        .object = xstrdup_null(json_string_or_null(source, "object")),
        .document = json_int_or(source, "document", 0),
        .item = json_int_or(source, "item", 0),
    };
}

/* "NAMESPACE/KIND/NAME" part by part: the slash sorts before every other byte, so that "shop/…" comes before "shop-eu/…". */
static int compare_objects(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    int left = *a == '/' ? 1 : (unsigned char)*a;
    int right = *b == '/' ? 1 : (unsigned char)*b;
    return left - right;
}

/* A note about a whole file has no document; then only the files are compared. */
static bool out_of_order(const struct place *last, const struct place *next)
{
    if (last->object != NULL && next->object != NULL) {
        return compare_objects(last->object, next->object) > 0;
    }
    if (last->file == NULL || next->file == NULL) {
        return false;
    }
    int files = strcmp(last->file, next->file);
    if (files != 0) {
        return files > 0;
    }
    if (last->document == 0 || next->document == 0 || last->document != next->document) {
        return next->document != 0 && last->document > next->document;
    }
    return last->item > next->item;
}

static int check_order(struct artifact_reader *reader, const json_t *record, struct err *err)
{
    struct place next = place_of(record);
    if (next.file == NULL && next.object == NULL) {
        place_release(&next);
        return 0;
    }
    if (out_of_order(&reader->last, &next)) {
        place_release(&next);
        return refuse(reader, err, "the records are not in the order of their sources");
    }
    place_release(&reader->last);
    reader->last = next;
    return 0;
}

/* Whether an artifact made by hand left a member out. */
static bool left_out(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

static int check_count(struct artifact_reader *reader, const char *key, int64_t found, struct err *err)
{
    if (left_out(json_object_get(reader->trailer, key))) {
        return 0;
    }
    int64_t said = -1;
    json_get_int(reader->trailer, key, &said);
    if (said != found) {
        err_set(err, ERR_DATA, "%s has %" PRId64 " %s, its last line says %" PRId64, reader->name, found, key, said);
        return err_hint(err, "it was cut or changed: run the stage that writes it again");
    }
    return 0;
}

static int check_end(struct artifact_reader *reader, struct err *err)
{
    if (!json_is_object(reader->trailer)) {
        return refuse(reader, err, "the end of the artifact is not a JSON object");
    }
    if (check_count(reader, "records", reader->records, err) || check_count(reader, "workloads", reader->workloads, err) ||
        check_count(reader, "problems", reader->problems, err)) {
        return -1;
    }
    const json_t *digest = json_object_get(reader->trailer, "sha256");
    if (!left_out(digest) && !str_equal(json_string_value(digest), reader->before)) {
        err_set(err, ERR_DATA, "%s was changed: its digest is %s, its last line says %s", reader->name, reader->before,
                json_is_string(digest) ? json_string_value(digest) : "something else");
        return err_hint(err, "run the stage that writes it again, or take the line \"sha256\" out if you edited it");
    }
    int more = read_line(reader, err);
    if (more != 0) {
        return more < 0 ? -1 : refuse(reader, err, "there is more after the last line of the artifact");
    }
    hash_hex(reader->hash, reader->digest);
    return 0;
}

/* Takes the trailer out of `value` (steals it). Returns 0 at an end that holds, -1 otherwise. */
static int take_end(struct artifact_reader *reader, json_t *value, struct err *err)
{
    reader->trailer = json_incref(json_object_get(value, "end"));
    json_decref(value);
    return check_end(reader, err);
}

int artifact_read(struct artifact_reader *reader, json_t **record, struct err *err)
{
    *record = NULL;
    if (reader->trailer != NULL) {
        return 0;
    }
    json_t *value = NULL;
    int got = read_value(reader, &value, err);
    if (got < 0) {
        return -1;
    }
    if (got == 0) {
        err_set(err, ERR_DATA, "%s has no last line (\"end\"): it was cut after %" PRId64 " records", reader->name,
                reader->records);
        return err_hint(err, "the former stage failed or was interrupted: run it again");
    }
    if (json_object_get(value, "end") != NULL) {
        return take_end(reader, value, err);
    }
    const json_t *named = json_object_get(value, "workload");
    bool workload = named != NULL;
    int failed = 0;
    if (!json_is_object(workload ? named : json_object_get(value, "note"))) {
        failed = refuse(reader, err, "the record is neither a workload nor a note");
    } else if (workload && (json_string_or_null(named, "kind") == NULL || json_string_or_null(named, "name") == NULL)) {
        failed = refuse(reader, err, "the workload has no kind or no name");
    }
    if (failed || check_order(reader, value, err)) {
        json_decref(value);
        return -1;
    }
    reader->records++;
    reader->workloads += workload;
    reader->problems += artifact_count_problems(value);
    *record = value;
    return 1;
}

void artifact_reader_skim(struct artifact_reader *reader, const struct json_cut *keep, const struct json_cut *read)
{
    reader->keep = keep;
    reader->read = read;
}

const char *artifact_reader_kept(const struct artifact_reader *reader, size_t *length)
{
    const struct buf *text = reader->skimmed ? &reader->kept : &reader->line;
    *length = text->length;
    return buf_str(text);
}

const json_t *artifact_reader_header(const struct artifact_reader *reader)
{
    return reader->header;
}

enum artifact_kind artifact_reader_kind(const struct artifact_reader *reader)
{
    return reader->kind;
}

const char *artifact_reader_digest(const struct artifact_reader *reader)
{
    return reader->digest;
}

const json_t *artifact_reader_trailer(const struct artifact_reader *reader)
{
    return reader->trailer;
}
