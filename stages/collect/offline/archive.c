#include "stages/collect/offline/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "stages/collect/namespace.h"

enum {
    WRITE_MAX = 64 * 1024,      /* bytes gathered before they are written */
    READ_AHEAD = 16 * 1024,     /* bytes read at once: several runs of a series often lie beside each other */
    PENDING_MAX = 1 << 18,      /* samples gathered before they are sorted by series and written */
    RUN_POINTS_MAX = 240,
    LABELS_BYTES_MAX = 1 << 20,
    TABLE_MIN = 1024
};

/* The year 9999: what a broken chunk says of itself may be later. */
static const int64_t latest_possible = INT64_C(253402300800000);

/* What stands before the bytes of a run in the file. */
struct run {
    uint64_t next; /* run of the same series, 0 after the last */
    int64_t first_ms;
    int64_t last_ms;
    uint32_t length;
    uint16_t samples;
    uint16_t encoding;
};

struct entry {
    uint64_t hash; /* of its labels */
    uint64_t labels_at;
    uint32_t labels_length;
    bool tells;    /* of pods and owners */
    bool measures; /* it is one of the metrics that figures are made of */
    const char *namespace;
    const char *pod;
    int64_t first_ms;
    int64_t last_ms;
    uint64_t first_run; /* 0: none */
    uint64_t last_run;
};

/* A sample that is not written yet. */
struct pending {
    uint32_t series;
    uint32_t order;
    struct point point;
};

struct archive {
    int fd;
    uint64_t written; /* bytes in the file; those in `out` come after them */
    struct buf out;
    struct entry *entries; /* in order of coming; sorted by namespace and pod once settled */
    size_t count;
    size_t capacity;
    uint32_t *table; /* by hash, index + 1; 0 is free */
    size_t table_size;
    struct arena names;
    struct pending *pending;
    size_t pending_count;
    struct buf packed; /* labels of the announced series */
    long current;      /* its number, −1 while it is of no use */
    struct archive_reader reader;
    int64_t samples;
    int64_t latest_ms;
};

static int failed(const char *verb, struct err *err)
{
    err_errno(err, ERR_IO, errno, "cannot %s a temporary file", verb);
    return err_hint(err, "set TMPDIR to a directory with room");
}

int archive_new(struct archive **out, struct err *err)
{
    int fd = -1;
    if (fs_spool(&fd, err)) {
        return -1;
    }
    struct archive *archive = xcalloc(sizeof *archive);
    archive->fd = fd;
    archive->current = -1;
    archive->table_size = TABLE_MIN;
    archive->table = xcalloc_array(TABLE_MIN, sizeof *archive->table);
    archive->pending = xrealloc_array(NULL, PENDING_MAX, sizeof *archive->pending);
    arena_init(&archive->names);
    buf_init(&archive->out, WRITE_MAX);
    buf_init(&archive->packed, LABELS_BYTES_MAX);
    buf_add_str(&archive->out, "tare"); /* so that no run is at 0 */
    *out = archive;
    return 0;
}

void archive_free(struct archive *archive)
{
    if (archive == NULL) {
        return;
    }
    close(archive->fd);
    free(archive->entries);
    free(archive->table);
    free(archive->pending);
    arena_release(&archive->names);
    buf_release(&archive->out);
    buf_release(&archive->packed);
    archive_reader_release(&archive->reader);
    free(archive);
}

/* ---- writing ---- */

static int write_out(struct archive *archive, struct err *err)
{
    size_t length = archive->out.length;
    if (fs_write_fd(archive->fd, buf_str(&archive->out), length, "a temporary file", err)) {
        return err_hint(err, "set TMPDIR to a directory with room");
    }
    archive->written += length;
    buf_clear(&archive->out);
    return 0;
}

/* Appends bytes that are read together later: what is not written yet is never the half of them. *at receives where. */
static int append(struct archive *archive, const void *bytes, size_t length, uint64_t *at, struct err *err)
{
    if (archive->out.length + length > WRITE_MAX && write_out(archive, err)) {
        return -1;
    }
    *at = archive->written + archive->out.length;
    if (length <= WRITE_MAX) {
        return buf_add(&archive->out, bytes, length);
    }
    if (fs_write_fd(archive->fd, bytes, length, "a temporary file", err)) {
        return -1;
    }
    archive->written += length;
    return 0;
}

/* Writes where the next run is into the one before it. */
static int link_run(struct archive *archive, uint64_t before, uint64_t next, struct err *err)
{
    uint64_t at = before + offsetof(struct run, next);
    if (at >= archive->written) {
        memcpy(archive->out.data + (at - archive->written), &next, sizeof next);
        return 0;
    }
    return pwrite(archive->fd, &next, sizeof next, (off_t)at) == (ssize_t)sizeof next ? 0 : failed("write", err);
}

/* An impossible time does not count, nor does it hide what stands beside it. */
static void see_time(struct archive *archive, int64_t time_ms)
{
    if (time_ms > archive->latest_ms && time_ms <= latest_possible) {
        archive->latest_ms = time_ms;
    }
}

static int add_run(struct archive *archive, struct entry *entry, const struct run *run, const void *bytes, struct err *err)
{
    uint64_t at;
    uint64_t ignored;
    if (archive->out.length + sizeof *run + run->length > WRITE_MAX && write_out(archive, err)) {
        return -1;
    }
    if (append(archive, run, sizeof *run, &at, err) || append(archive, bytes, run->length, &ignored, err) ||
        (entry->last_run != 0 && link_run(archive, entry->last_run, at, err))) {
        return -1;
    }
    bool first = entry->first_run == 0;
    entry->first_run = first ? at : entry->first_run;
    entry->last_run = at;
    entry->first_ms = first || run->first_ms < entry->first_ms ? run->first_ms : entry->first_ms;
    entry->last_ms = first || run->last_ms > entry->last_ms ? run->last_ms : entry->last_ms;
    see_time(archive, run->last_ms);
    archive->samples += run->samples;
    return 0;
}

static int add_points(struct archive *archive, struct entry *entry, const struct point *points, size_t count, struct err *err)
{
    struct run run = {.first_ms = points[0].time_ms,
                      .last_ms = points[0].time_ms,
                      .length = (uint32_t)(count * sizeof *points),
                      .samples = (uint16_t)count,
                      .encoding = CHUNK_POINTS};
    for (size_t i = 0; i < count; i++) {
        see_time(archive, points[i].time_ms);
        run.first_ms = points[i].time_ms < run.first_ms ? points[i].time_ms : run.first_ms;
        run.last_ms = points[i].time_ms > run.last_ms ? points[i].time_ms : run.last_ms;
    }
    return add_run(archive, entry, &run, points, err);
}

static int compare_pending(const void *a, const void *b)
{
    const struct pending *x = a;
    const struct pending *y = b;
    return x->series != y->series ? (x->series > y->series) - (x->series < y->series) : (x->order > y->order) - (x->order < y->order);
}

/* Writes the samples gathered, those of a series together. */
static int write_pending(struct archive *archive, struct err *err)
{
    struct point points[RUN_POINTS_MAX];
    size_t count = archive->pending_count;
    if (count == 0) {
        return 0;
    }
    qsort(archive->pending, count, sizeof *archive->pending, compare_pending);
    size_t gathered = 0;
    for (size_t i = 0; i < count; i++) {
        const struct pending *sample = &archive->pending[i];
        points[gathered++] = sample->point;
        bool last = i + 1 == count || archive->pending[i + 1].series != sample->series || gathered == RUN_POINTS_MAX;
        if (last && add_points(archive, &archive->entries[sample->series], points, gathered, err)) {
            return -1;
        }
        gathered = last ? 0 : gathered;
    }
    archive->pending_count = 0;
    return 0;
}

int archive_point(struct archive *archive, int64_t time_ms, double value, struct err *err)
{
    if (archive->current < 0) {
        return 0;
    }
    if (archive->pending_count == PENDING_MAX && write_pending(archive, err)) {
        return -1;
    }
    archive->pending[archive->pending_count] = (struct pending){
        .series = (uint32_t)archive->current,
        .order = (uint32_t)archive->pending_count,
        .point = {time_ms, value},
    };
    archive->pending_count++;
    return 0;
}

int archive_chunk(struct archive *archive, enum chunk_encoding encoding, const unsigned char *bytes, size_t length, size_t samples,
                  int64_t first_ms, int64_t last_ms, struct err *err)
{
    if (archive->current < 0) {
        return 0;
    }
    struct run run = {.first_ms = first_ms,
                      .last_ms = last_ms,
                      .length = (uint32_t)length,
                      .samples = (uint16_t)samples,
                      .encoding = (uint16_t)encoding};
    return add_run(archive, &archive->entries[archive->current], &run, bytes, err);
}

/* ---- series ---- */

/* What a name is good for. */
static void judge(const char *metric, const char *container, bool *tells, bool *measures)
{
    *measures = metric_of(metric) != METRIC_COUNT;
    *tells = false;
    bool of_container;
    for (size_t n = 0; namespace_metric(n, &of_container) != NULL; n++) {
        if (strcmp(namespace_metric(n, &of_container), metric) == 0) {
            *tells = !of_container || *container != '\0';
        }
    }
}

bool archive_wants(const char *metric)
{
    bool tells;
    bool measures;
    judge(metric, "?", &tells, &measures);
    return tells || measures;
}

struct label {
    const char *name;
    const char *value;
};

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

/* The labels in order of their names, each name and value with its NUL: the same bytes for the same series. */
static int pack(struct archive *archive, const struct labels *labels, struct err *err)
{
    struct label sorted[LABELS_MAX];
    for (size_t i = 0; i < labels->count; i++) {
        sorted[i] = (struct label){labels->names[i], labels->values[i]};
    }
    qsort(sorted, labels->count, sizeof *sorted, compare_labels);
    buf_clear(&archive->packed);
    for (size_t i = 0; i < labels->count; i++) {
        if (i > 0 && strcmp(sorted[i - 1].name, sorted[i].name) == 0) {
            return err_set(err, ERR_DATA, "a label stands there twice");
        }
        if (*sorted[i].value != '\0') {
            buf_add(&archive->packed, sorted[i].name, strlen(sorted[i].name) + 1);
            buf_add(&archive->packed, sorted[i].value, strlen(sorted[i].value) + 1);
        }
    }
    return archive->packed.overflow ? err_set(err, ERR_DATA, "a series has more than %d bytes of labels", LABELS_BYTES_MAX) : 0;
}

/* FNV-1a. */
static uint64_t hash_of(const struct buf *packed)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < packed->length; i++) {
        hash = (hash ^ (unsigned char)packed->data[i]) * 1099511628211u;
    }
    return hash ^ hash >> 32;
}

/* Bytes of the file, in the reader until it is used again. NULL with ERR_IO. */
static const char *fetch(const struct archive *archive, struct archive_reader *reader, uint64_t at, size_t length, struct err *err)
{
    if (at >= archive->written) {
        return archive->out.data + (at - archive->written);
    }
    if (at >= reader->at && at + length <= reader->at + reader->length) {
        return reader->bytes + (at - reader->at);
    }
    size_t wanted = length > READ_AHEAD ? length : READ_AHEAD;
    GROW(reader->bytes, reader->size, wanted);
    reader->at = at;
    reader->length = 0;
    while (reader->length < length) {
        ssize_t got = pread(archive->fd, reader->bytes + reader->length, wanted - reader->length, (off_t)(at + reader->length));
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            errno = got == 0 ? EIO : errno;
            failed("read", err);
            return NULL;
        }
        reader->length += got > 0 ? (size_t)got : 0;
    }
    return reader->bytes;
}

static void grow_table(struct archive *archive)
{
    archive->table_size *= 2;
    free(archive->table);
    archive->table = xcalloc_array(archive->table_size, sizeof *archive->table);
    for (size_t i = 0; i < archive->count; i++) {
        size_t slot = archive->entries[i].hash & (archive->table_size - 1);
        while (archive->table[slot] != 0) {
            slot = (slot + 1) & (archive->table_size - 1);
        }
        archive->table[slot] = (uint32_t)i + 1;
    }
}

/* The announced series among those that are there: *slot receives where it is, or belongs. 1, 0 when it is new, -1 with ERR_IO. */
static int find_slot(struct archive *archive, uint64_t hash, size_t *slot, struct err *err)
{
    for (*slot = hash & (archive->table_size - 1); archive->table[*slot] != 0; *slot = (*slot + 1) & (archive->table_size - 1)) {
        const struct entry *entry = &archive->entries[archive->table[*slot] - 1];
        if (entry->hash != hash || entry->labels_length != archive->packed.length) {
            continue;
        }
        const char *labels = fetch(archive, &archive->reader, entry->labels_at, entry->labels_length, err);
        if (labels == NULL) {
            return -1;
        }
        if (memcmp(labels, archive->packed.data, archive->packed.length) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A name in memory; series of one pod often come one after the other. */
static const char *keep(struct archive *archive, const char *name, const char *before)
{
    return before != NULL && strcmp(name, before) == 0 ? before : arena_strdup(&archive->names, name);
}

static int add_entry(struct archive *archive, const struct labels *labels, uint64_t hash, size_t slot, struct err *err)
{
    if (archive->count >= UINT32_MAX - 1) {
        return err_set(err, ERR_DATA, "there are more than 4 G series");
    }
    uint64_t at;
    if (append(archive, archive->packed.data, archive->packed.length, &at, err)) {
        return -1;
    }
    GROW(archive->entries, archive->capacity, archive->count + 1);
    const struct entry *before = archive->count == 0 ? NULL : &archive->entries[archive->count - 1];
    struct entry entry = {
        .hash = hash,
        .labels_at = at,
        .labels_length = (uint32_t)archive->packed.length,
        .namespace = keep(archive, labels_get(labels, "namespace"), before == NULL ? NULL : before->namespace),
        .pod = keep(archive, labels_get(labels, "pod"), before == NULL ? NULL : before->pod),
    };
    judge(labels_get(labels, "__name__"), labels_get(labels, "container"), &entry.tells, &entry.measures);
    archive->entries[archive->count++] = entry;
    archive->table[slot] = (uint32_t)archive->count;
    if (archive->count * 2 > archive->table_size) {
        grow_table(archive);
    }
    return 0;
}

int archive_series(struct archive *archive, const struct labels *labels, struct err *err)
{
    archive->current = -1;
    if (!archive_wants(labels_get(labels, "__name__")) || *labels_get(labels, "namespace") == '\0') {
        return 0;
    }
    if (pack(archive, labels, err)) {
        return -1;
    }
    size_t slot;
    uint64_t hash = hash_of(&archive->packed);
    int found = find_slot(archive, hash, &slot, err);
    if (found < 0) {
        return -1;
    }
    if (found) {
        archive->current = (long)archive->table[slot] - 1;
        return 0;
    }
    if (add_entry(archive, labels, hash, slot, err)) {
        return -1;
    }
    archive->current = (long)archive->count - 1;
    return 0;
}

static int compare_place(const struct entry *entry, const char *namespace, const char *pod)
{
    int order = strcmp(entry->namespace, namespace);
    return order != 0 || pod == NULL ? order : strcmp(entry->pod, pod);
}

/* In the order in which they are asked for; labels last, so that it does not hang on the order of the file. */
static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    int order = compare_place(x, y->namespace, y->pod);
    return order != 0 ? order : (x->hash > y->hash) - (x->hash < y->hash);
}

int archive_settle(struct archive *archive, struct err *err)
{
    archive->current = -1;
    if (write_pending(archive, err) || write_out(archive, err)) {
        return -1;
    }
    if (archive->count > 0) {
        qsort(archive->entries, archive->count, sizeof *archive->entries, compare_entries);
    }
    free(archive->table);
    free(archive->pending);
    archive->table = NULL;
    archive->pending = NULL;
    archive_reader_release(&archive->reader);
    return 0;
}

/* ---- reading ---- */

size_t archive_count(const struct archive *archive)
{
    return archive->count;
}

int64_t archive_samples(const struct archive *archive)
{
    return archive->samples;
}

int64_t archive_latest(const struct archive *archive)
{
    return archive->latest_ms;
}

/* The first series that is not before (past: that is after) a place. */
static size_t bound(const struct archive *archive, const char *namespace, const char *pod, bool past)
{
    size_t low = 0;
    size_t high = archive->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_place(&archive->entries[middle], namespace, pod) < (past ? 1 : 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t archive_find(const struct archive *archive, const char *namespace, const char *pod, size_t *first)
{
    *first = bound(archive, namespace, pod, false);
    return bound(archive, namespace, pod, true);
}

void archive_reader_release(struct archive_reader *reader)
{
    free(reader->bytes);
    *reader = (struct archive_reader){0};
}

static bool overlaps(const struct entry *entry, int64_t from_ms, int64_t to_ms)
{
    return entry->first_run != 0 && entry->first_ms <= to_ms && entry->last_ms > from_ms;
}

bool archive_tells(const struct archive *archive, size_t series, int64_t from_ms, int64_t to_ms)
{
    return archive->entries[series].tells && overlaps(&archive->entries[series], from_ms, to_ms);
}

bool archive_measures(const struct archive *archive, size_t series, int64_t from_ms, int64_t to_ms)
{
    return archive->entries[series].measures && overlaps(&archive->entries[series], from_ms, to_ms);
}

int archive_labels(const struct archive *archive, size_t series, struct archive_reader *reader, struct labels *out, struct err *err)
{
    const struct entry *entry = &archive->entries[series];
    const char *at = fetch(archive, reader, entry->labels_at, entry->labels_length, err);
    if (at == NULL) {
        return -1;
    }
    const char *end = at + entry->labels_length;
    for (out->count = 0; at < end && out->count < LABELS_MAX; out->count++) {
        out->names[out->count] = at;
        at += strlen(at) + 1;
        out->values[out->count] = at;
        at += strlen(at) + 1;
    }
    return 0;
}

int archive_chunks(const struct archive *archive, size_t series, int64_t from_ms, int64_t to_ms, struct archive_reader *reader,
                   struct store *store, struct err *err)
{
    struct run run;
    for (uint64_t at = archive->entries[series].first_run; at != 0; at = run.next) {
        const char *head = fetch(archive, reader, at, sizeof run, err);
        if (head == NULL) {
            return -1;
        }
        memcpy(&run, head, sizeof run);
        if (run.first_ms > to_ms || run.last_ms <= from_ms) {
            continue;
        }
        const char *bytes = fetch(archive, reader, at + sizeof run, run.length, err);
        if (bytes == NULL || store_chunk(store, (enum chunk_encoding)run.encoding, (const unsigned char *)bytes, run.length,
                                         run.samples, run.first_ms, run.last_ms, err)) {
            return -1;
        }
    }
    return 0;
}
