#ifndef TARE_RUN_ARTIFACT_H
#define TARE_RUN_ARTIFACT_H

/*
 * Artifacts: JSON Lines with a header, records in the order of their sources, and a trailer that carries counts and
 * the sha256 of all bytes before it. Both ends stream: one record is in memory at a time. A reader verifies kind,
 * version, order, counts and digests, and hands out no end of file before all of that holds.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/io/hash.h"
#include "pipeline/io/json.h"
#include "pipeline/io/json_skim.h"

/* In the order of the line; ARTIFACT_NONE where a stage reads or writes none. */
enum artifact_kind {
    ARTIFACT_NONE = -1,
    ARTIFACT_INVENTORY = 0,
    ARTIFACT_USAGE,
    ARTIFACT_RECOMMENDATIONS,
    ARTIFACT_COSTS,
    ARTIFACT_CHANGES,
    ARTIFACT_GATED,
    ARTIFACT_OUTCOME,
    ARTIFACT_KINDS
};

enum { ARTIFACT_VERSION = 1, ARTIFACT_LINE_MAX = 32 * 1024 * 1024 };

/* Bit of a kind, for sets of kinds. */
#define ARTIFACT_BIT(kind) (1U << (unsigned)(kind))
#define ARTIFACT_ANY ((1U << (unsigned)ARTIFACT_KINDS) - 1U)

/* Name of a kind as in the header ("inventory"). Borrowed, static. */
const char *artifact_kind_name(enum artifact_kind kind);

/* Kind of a name, ARTIFACT_NONE when unknown. */
enum artifact_kind artifact_kind_of(const char *name);

/* What a record adds to the trailer's `problems`: its `problems` entries, and one for a note of an error. */
int64_t artifact_count_problems(const json_t *record);

struct artifact_reader;

/* New reader over a descriptor (borrowed; not closed), which reads the header and refuses a kind that is not in the
 * set `accept` (ARTIFACT_BIT…) or a newer version. `name` is what errors call it ("standard input"). ERR_DATA; ERR_IO.
 * Free with artifact_reader_free. */
int artifact_reader_new(int fd, const char *name, unsigned accept, struct artifact_reader **out, struct err *err);

/* Frees; NULL is allowed. */
void artifact_reader_free(struct artifact_reader *reader);

/* Next record: 1 and *record new (json_decref it), 0 at an end whose trailer holds (*record NULL), -1 with ERR_DATA
 * (truncated, reordered, foreign, changed) or ERR_IO. */
int artifact_read(struct artifact_reader *reader, json_t **record, struct err *err);

/* Whether artifact_read would have to wait: nothing is at hand, and nothing can be read without waiting. */
bool artifact_reader_waits(const struct artifact_reader *reader);

/* From now on records are read without most of what this reader has no use for: `keep` drops what it will never need from a
 * record's text, and `read` from that what the records that artifact_read gives need not have. Both are borrowed. What is
 * dropped is not looked at (see pipeline/io/json_skim.h); counts, order and digests are those of the whole. */
void artifact_reader_skim(struct artifact_reader *reader, const struct json_cut *keep, const struct json_cut *read);

/* The text of the record that artifact_read gave last, as `keep` leaves it. Borrowed until the next one is read. */
const char *artifact_reader_kept(const struct artifact_reader *reader, size_t *length);

/* The header line as read. Borrowed. */
const json_t *artifact_reader_header(const struct artifact_reader *reader);

/* The kind in the header. */
enum artifact_kind artifact_reader_kind(const struct artifact_reader *reader);

/* sha256 of all bytes of the artifact, trailer included; valid after artifact_read returned 0. Borrowed. */
const char *artifact_reader_digest(const struct artifact_reader *reader);

/* The trailer's `end` object; valid after artifact_read returned 0. Borrowed. */
const json_t *artifact_reader_trailer(const struct artifact_reader *reader);

struct artifact_writer;

/* New writer to a descriptor (borrowed). Steals `settings` (an object, goes into the header, which is written with the
 * first record). `created` is the run's start. `by` is "tare-collect 0.1.0". Free with artifact_writer_free. */
struct artifact_writer *artifact_writer_new(int fd, enum artifact_kind kind, int64_t created, const char *by,
                                            json_t *settings);

/* Frees without finishing (an artifact without a trailer is refused by every reader). NULL is allowed. */
void artifact_writer_free(struct artifact_writer *writer);

/* The settings object of the header, to fill before the first record. Borrowed. */
json_t *artifact_writer_settings(struct artifact_writer *writer);

/* Writes one record (borrowed) and counts it. ERR_IO. */
int artifact_write(struct artifact_writer *writer, const json_t *record, struct err *err);

/* Whether `line` is the canonical text of a workload's record without problems, which artifact_write_line takes. */
bool artifact_line_fits(const char *line, size_t length);

/* Writes a record whose line is at hand, so that it need not be read and written anew, and counts it. What `added`
 * (borrowed, NULL: nothing) has is added: its `problems`, and members of its `workload`, which take the place of those
 * of the same name. ERR_IO. */
int artifact_write_line(struct artifact_writer *writer, const char *line, size_t length, const json_t *added,
                        struct err *err);

/* Writes the trailer and flushes. `input` is the digest of the artifact this was made from, NULL for the first;
 * `skipped` (borrowed, may be NULL) maps kinds to counts. ERR_IO. */
int artifact_finish(struct artifact_writer *writer, const char *input, const json_t *skipped, struct err *err);

/* sha256 of all bytes written; valid after artifact_finish. Borrowed. */
const char *artifact_writer_digest(const struct artifact_writer *writer);

/* Counts so far. */
int64_t artifact_writer_records(const struct artifact_writer *writer);
int64_t artifact_writer_workloads(const struct artifact_writer *writer);
int64_t artifact_writer_problems(const struct artifact_writer *writer);

#endif
