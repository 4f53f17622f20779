#include "stages/collect/offline/saved.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/str.h"
#include "stages/collect/api/answer.h"
#include "stages/collect/offline/exposition.h"
#include "stages/collect/remote/stream.h"
#include "stages/collect/remote/xor.h"

/* FRAME_HEAD: the longest length, checksum and field that a frame begins with. */
enum { PIECE = 64 * 1024, HEAD = 512, TAIL = 64, FRAME_HEAD = 10 };

/* A file that is being read: pieces go to `take`, and its end to `finish`. */
struct saved {
    const char *path;
    struct archive *archive;
    int64_t offset; /* of the piece in work */
    int (*take)(struct saved *saved, const char *bytes, size_t length, struct err *err);
    int (*finish)(struct saved *saved, struct err *err);
    struct stream stream; /* of a remote-read answer */
    struct points points; /* of a chunk of it */
    struct err problem;   /* that the listener cannot return at once */
    struct answer answer; /* of JSON */
    bool inside;          /* an answer */
    bool in_string;
    bool escaped;
    unsigned depth;
    int64_t began; /* where the answer in work does */
    struct exposition exposition; /* of text */
    struct buf line;              /* as far as it came */
    int64_t line_number;
};

/* Whose fault an error is: what damage does to the file is one of its data. */
static int refuse(struct saved *saved, const char *what, int64_t number, struct err *err)
{
    if (err->class != ERR_DATA && err->class != ERR_UNAVAILABLE) {
        return -1; /* of the temporary file */
    }
    err->class = ERR_DATA;
    if (what != NULL) {
        err_prefix(err, "%s, %s %" PRId64, saved->path, what, number);
    } else {
        err_prefix(err, "%s", saved->path);
    }
    return err_hint(err, "--offline reads a saved remote-read answer (streamed chunks), saved answers of query or query_range "
                         "(JSON), or OpenMetrics text with times");
}

/* ---- remote read ---- */

static bool stream_series(void *context, const struct labels *labels)
{
    struct saved *saved = context;
    return archive_series(saved->archive, labels, &saved->problem) == 0 && archive_wants(labels_get(labels, "__name__"));
}

/* The times are those of the samples themselves, where they can be read: servers leave the end of a chunk in work open. */
static int stream_chunk(void *context, const struct stream_chunk *chunk, struct err *err)
{
    struct saved *saved = context;
    int64_t first = chunk->first_ms;
    int64_t last = chunk->last_ms;
    saved->points.count = 0;
    if (xor_decode(chunk->bytes, chunk->length, &saved->points) == 0 && saved->points.count > 0) {
        first = saved->points.items[0].time_ms;
        last = saved->points.items[saved->points.count - 1].time_ms;
    }
    return archive_chunk(saved->archive, CHUNK_XOR, chunk->bytes, chunk->length, xor_count(chunk->bytes, chunk->length), first, last,
                         err);
}

static int take_frames(struct saved *saved, const char *bytes, size_t length, struct err *err)
{
    if (stream_feed(&saved->stream, bytes, length, err)) {
        return refuse(saved, NULL, 0, err);
    }
    if (saved->problem.class != ERR_NONE) {
        *err = saved->problem;
        return refuse(saved, NULL, 0, err);
    }
    return 0;
}

static int finish_frames(struct saved *saved, struct err *err)
{
    return stream_finish(&saved->stream, err) ? refuse(saved, NULL, 0, err) : 0;
}

/* ---- answers in JSON ---- */

static int answer_series(void *context, const struct labels *labels, struct err *err)
{
    struct saved *saved = context;
    return archive_series(saved->archive, labels, err);
}

static int answer_point(void *context, int64_t time_ms, double value, struct err *err)
{
    struct saved *saved = context;
    return archive_point(saved->archive, time_ms, value, err);
}

/* Where the object in work ends: behind its last bracket, or at the end of the piece. What stands in it is the answer's matter. */
static const char *object_end(struct saved *saved, const char *at, const char *end)
{
    for (; at < end; at++) {
        if (saved->in_string) {
            saved->in_string = saved->escaped || *at != '"';
            saved->escaped = !saved->escaped && *at == '\\';
        } else if (*at == '"') {
            saved->in_string = true;
        } else if (*at == '{') {
            saved->depth++;
        } else if (*at == '}' && --saved->depth == 0) {
            return at + 1;
        }
    }
    return end;
}

static int end_answer(struct saved *saved, struct err *err)
{
    saved->inside = false;
    return answer_finish(&saved->answer, err) ? refuse(saved, "the answer at byte", saved->began, err) : 0;
}

static int take_json(struct saved *saved, const char *bytes, size_t length, struct err *err)
{
    const char *end = bytes + length;
    for (const char *at = bytes; at < end;) {
        if (!saved->inside && strchr(" \t\r\n", *at) != NULL && *at != '\0') {
            at++;
            continue;
        }
        if (!saved->inside) {
            saved->began = saved->offset + (at - bytes);
            if (*at != '{') {
                err_set(err, ERR_DATA, "an answer begins with {");
                return refuse(saved, "byte", saved->began, err);
            }
            saved->inside = true;
            saved->depth = 0;
            answer_reset(&saved->answer);
        }
        const char *piece_end = object_end(saved, at, end);
        if (answer_feed(&saved->answer, at, (size_t)(piece_end - at), err)) {
            return refuse(saved, "the answer at byte", saved->began, err);
        }
        at = piece_end;
        if (saved->depth == 0 && end_answer(saved, err)) {
            return -1;
        }
    }
    return 0;
}

static int finish_json(struct saved *saved, struct err *err)
{
    return saved->inside ? end_answer(saved, err) : 0;
}

/* ---- text ---- */

static int take_line(struct saved *saved, const char *line, size_t length, struct err *err)
{
    struct exposition *exposition = &saved->exposition;
    saved->line_number++;
    switch (exposition_read(exposition, line, length, err)) {
    case EXPOSITION_BAD:
        return refuse(saved, "line", saved->line_number, err);
    case EXPOSITION_NOTHING:
        return 0;
    case EXPOSITION_SERIES:
        if (archive_series(saved->archive, &exposition->labels, err)) {
            return refuse(saved, "line", saved->line_number, err);
        }
        break;
    case EXPOSITION_SAMPLE:
        break;
    }
    return archive_point(saved->archive, exposition->time_ms, exposition->value, err);
}

static int take_text(struct saved *saved, const char *bytes, size_t length, struct err *err)
{
    const char *end = bytes + length;
    for (const char *at = bytes; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline == NULL ? end : newline;
        bool whole = newline != NULL && saved->line.length == 0;
        if (!whole && buf_add(&saved->line, at, (size_t)(stop - at))) {
            err_set(err, ERR_DATA, "the line is longer than %d bytes", EXPOSITION_LINE_MAX);
            return refuse(saved, "line", saved->line_number + 1, err);
        }
        if (newline != NULL) {
            const char *line = whole ? at : buf_str(&saved->line);
            if (take_line(saved, line, whole ? (size_t)(stop - at) : saved->line.length, err)) {
                return -1;
            }
            buf_clear(&saved->line);
        }
        at = newline == NULL ? end : newline + 1;
    }
    return 0;
}

static int finish_text(struct saved *saved, struct err *err)
{
    return saved->line.length > 0 ? take_line(saved, buf_str(&saved->line), saved->line.length, err) : 0;
}

/* ---- which one it is ---- */

/* Whether bytes are a letter that was cut: one that the least or the most that can follow makes whole. */
static bool is_cut(const unsigned char *bytes, size_t length)
{
    unsigned char least[4] = {0x80, 0x80, 0x80, 0x80};
    unsigned char most[4] = {0xbf, 0xbf, 0xbf, 0xbf};
    if (length >= sizeof least) {
        return false;
    }
    memcpy(least, bytes, length);
    memcpy(most, bytes, length);
    return str_utf8_length(least, sizeof least) > length || str_utf8_length(most, sizeof most) > length;
}

/* Whether the first bytes of a file could be text. Where they are all that was looked at, the last letter may be cut. */
static bool looks_like_text(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < ' ' && strchr("\t\r\n", bytes[i]) == NULL) {
            return false;
        }
    }
    size_t wrong;
    return memchr(bytes, '\0', length) == NULL &&
           (str_utf8_valid(bytes, length, &wrong) || (length == HEAD && is_cut(bytes + wrong, length - wrong)));
}

/* Whether a frame begins: a length, four bytes of checksum, the field of a series. */
static bool looks_like_frames(const unsigned char *bytes, size_t length)
{
    size_t at = 0;
    while (at < length && at < 5 && bytes[at] >= 0x80) {
        at++;
    }
    return at + 5 < length && bytes[at] < 0x80 && bytes[at + 5] == 0x0a && !looks_like_text(bytes, length);
}

/* Whether what begins with a bracket is JSON: text may begin with one, too, where a name stands in quotes ({"name", …} 1). */
static bool looks_like_json(const char *at, const char *end)
{
    static const char blanks[] = " \t\r\n";
    while (at < end && *at != '\0' && strchr(blanks, *at) != NULL) {
        at++;
    }
    if (at == end || (*at != '{' && *at != '[')) {
        return false;
    }
    const char *quote = memchr(at, '"', (size_t)(end - at));
    const char *closing = quote == NULL ? NULL : memchr(quote + 1, '"', (size_t)(end - quote - 1));
    for (at = closing == NULL ? end : closing + 1; at < end && *at != '\0' && strchr(blanks, *at) != NULL;) {
        at++;
    }
    return at == end || *at == ':' || *at == '{';
}

/* Whether text ends as OpenMetrics must: its times are in seconds then. */
static bool ends_with_eof(int fd, int64_t size)
{
    static const char mark[] = "# EOF";
    char tail[TAIL];
    size_t wanted = size < TAIL ? (size_t)size : TAIL;
    ssize_t got = pread(fd, tail, wanted, (off_t)(size - (int64_t)wanted));
    size_t length = got < 0 ? 0 : (size_t)got;
    while (length > 0 && strchr(" \t\r\n", tail[length - 1]) != NULL && tail[length - 1] != '\0') {
        length--;
    }
    size_t mark_length = sizeof mark - 1;
    return length >= mark_length && memcmp(tail + length - mark_length, mark, mark_length) == 0 &&
           (length == mark_length || tail[length - mark_length - 1] == '\n');
}

static int recognize(struct saved *saved, int fd, int64_t size, struct err *err)
{
    char head[HEAD];
    ssize_t got = pread(fd, head, sizeof head, 0);
    if (got < 0) {
        return err_errno(err, ERR_NOINPUT, errno, "%s", saved->path);
    }
    if (got == 0) {
        err_set(err, ERR_DATA, "the file is empty");
        return refuse(saved, NULL, 0, err);
    }
    if (got > 1 && memcmp(head, "\x1f\x8b", 2) == 0) {
        err_set(err, ERR_DATA, "%s is compressed", saved->path);
        return err_hint(err, "unpack it first: gunzip < FILE > OTHER");
    }
    if (looks_like_frames((const unsigned char *)head, (size_t)got)) {
        saved->take = take_frames;
        saved->finish = finish_frames;
    } else if (looks_like_json(head, head + got)) {
        saved->take = take_json;
        saved->finish = finish_json;
    } else if (got < FRAME_HEAD && !looks_like_text((const unsigned char *)head, (size_t)got)) {
        err_set(err, ERR_DATA, "the file is no text, and too short for anything else");
        return refuse(saved, NULL, 0, err);
    } else {
        saved->take = take_text;
        saved->finish = finish_text;
        saved->exposition.seconds = ends_with_eof(fd, size);
    }
    return 0;
}

static int read_pieces(struct saved *saved, int fd, struct err *err)
{
    char piece[PIECE];
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(err, ERR_NOINPUT, errno, "%s", saved->path);
        }
        if (got == 0) {
            return saved->finish(saved, err);
        }
        if (saved->take(saved, piece, (size_t)got, err)) {
            return -1;
        }
        saved->offset += got;
    }
}

int saved_read(int fd, int64_t size, const char *path, struct archive *archive, struct err *err)
{
    struct saved saved = {.path = path, .archive = archive};
    const struct stream_listener frames = {.series = stream_series, .chunk = stream_chunk, .context = &saved};
    const struct answer_listener answers = {.series = answer_series, .point = answer_point, .context = &saved};
    stream_init(&saved.stream, &frames);
    answer_init(&saved.answer, &answers, "the file");
    exposition_init(&saved.exposition, false, archive_wants);
    buf_init(&saved.line, EXPOSITION_LINE_MAX);
    int failed = recognize(&saved, fd, size, err) || read_pieces(&saved, fd, err);
    stream_release(&saved.stream);
    points_release(&saved.points);
    answer_release(&saved.answer);
    exposition_release(&saved.exposition);
    buf_release(&saved.line);
    return failed ? -1 : 0;
}
