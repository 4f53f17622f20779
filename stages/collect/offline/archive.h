#ifndef TARE_COLLECT_ARCHIVE_H
#define TARE_COLLECT_ARCHIVE_H

/*
 * The samples of a file, set aside by series in an unlinked temporary file: in memory stay a hundred bytes or so of each series and
 * a fixed number of samples that are not written yet. Filled once, from one thread; then read by any number of them. Series that
 * tell nothing about pods are passed over.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "stages/collect/labels.h"
#include "stages/collect/store.h"

struct archive;

/* New empty archive. ERR_CANTCREAT. Free with archive_free. */
int archive_new(struct archive **out, struct err *err);

/* Frees; NULL is allowed. */
void archive_free(struct archive *archive);

/* Whether series of this name are of any use here. */
bool archive_wants(const char *metric);

/* Announces a series; what is handed over next is of it. One that comes again is gone on with. ERR_IO; ERR_DATA past 4 G series. */
int archive_series(struct archive *archive, const struct labels *labels, struct err *err);

/* Hands over a sample of the announced series. ERR_IO. */
int archive_point(struct archive *archive, int64_t time_ms, double value, struct err *err);

/* Hands over a chunk of it, as store_chunk takes it. ERR_IO. */
int archive_chunk(struct archive *archive, enum chunk_encoding encoding, const unsigned char *bytes, size_t length, size_t samples,
                  int64_t first_ms, int64_t last_ms, struct err *err);

/* Says that nothing more comes; from here on it can be read. ERR_IO. */
int archive_settle(struct archive *archive, struct err *err);

/* Series kept, samples kept, and time of the latest one (0 when there is none). */
size_t archive_count(const struct archive *archive);
int64_t archive_samples(const struct archive *archive);
int64_t archive_latest(const struct archive *archive);

/* The series of a namespace, and of one of its pods ("": of none; NULL: all) are those at [*first, the result). */
size_t archive_find(const struct archive *archive, const char *namespace, const char *pod, size_t *first);

/* What one reader needs while it reads; each thread has its own. Zeroed to begin with. */
struct archive_reader {
    char *bytes;
    size_t size;
    uint64_t at; /* where in the file the bytes are from */
    size_t length;
};

/* Frees. */
void archive_reader_release(struct archive_reader *reader);

/* What a series is good for: telling of pods and owners, and samples. False where it has none in (from, to] (milliseconds). */
bool archive_tells(const struct archive *archive, size_t series, int64_t from_ms, int64_t to_ms);
bool archive_measures(const struct archive *archive, size_t series, int64_t from_ms, int64_t to_ms);

/* The labels of a series, valid until the reader is used again. ERR_IO. */
int archive_labels(const struct archive *archive, size_t series, struct archive_reader *reader, struct labels *out, struct err *err);

/* Hands the chunks of a series that overlap (from, to] to a store that took the series. Errors as store_chunk; ERR_IO. */
int archive_chunks(const struct archive *archive, size_t series, int64_t from_ms, int64_t to_ms, struct archive_reader *reader,
                   struct store *store, struct err *err);

#endif
