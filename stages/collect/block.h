#ifndef TARE_COLLECT_BLOCK_H
#define TARE_COLLECT_BLOCK_H

/* Some records at once: sorted by cluster and namespace, whose pods and owners are found, and then worked on in pieces by
 * several threads. */

#include <stdatomic.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "stages/collect/piece.h"
#include "stages/collect/sources.h"

struct collector;

/* New collector of usage over a window, from sources; both are borrowed. `fallback`: namespace of records that name none. `policies`:
 * scaling.policies of the configuration (borrowed, NULL for none), whose queries are asked too. `tick` (may be NULL) is called with
 * `context` about four times a second while threads work. */
struct collector *collector_new(struct sources *sources, const struct window *window, const char *fallback, const json_t *policies,
                                void (*tick)(void *context), void *context);

/* Frees. */
void collector_free(struct collector *collector);

/* Adds `usage` to `count` records (borrowed; notes are passed over). What a source cannot answer becomes a problem of the
 * records concerned. ERR_DATA for a record without identity. */
int collector_take(struct collector *collector, json_t *const *records, size_t count, struct err *err);

/* Whether anything was asked for so far. */
bool collector_asked(const struct collector *collector);

/* Workloads that are done, and samples that came; another thread may ask. */
int64_t collector_done(struct collector *collector);
int64_t collector_samples(struct collector *collector);

/* What came and is not read: chunks of native histograms, CPU series of single processors. */
int64_t collector_left_out(struct collector *collector);

/* The last problem of a source; of class ERR_NONE when there was none. Borrowed. */
const struct err *collector_problem(const struct collector *collector);

#endif
