#ifndef TARE_COLLECT_SOURCES_H
#define TARE_COLLECT_SOURCES_H

/*
 * From options and configuration to sources: a file (--offline), or one Prometheus for each cluster. A server is asked for the
 * first time when a record of its cluster comes, so that one that is down costs the records of the others nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/cli/config.h"
#include "pipeline/cli/options.h"
#include "pipeline/io/json.h"
#include "stages/collect/source.h"

struct sources;

/* Reads what options and configuration (both borrowed, must outlive it) say of sources; reads the file of --offline. *out new,
 * free with sources_free. ERR_USAGE where nothing tells where to read, ERR_CONFIG, ERR_NOINPUT, ERR_DATA. */
int sources_open(const struct options *options, const struct config *config, struct sources **out, struct err *err);

/* The source for records with this `cluster` (may be NULL), made when first asked for and then kept; *out borrowed. A failure is
 * kept too: ERR_UNAVAILABLE when the server does not answer, or does not speak what --source asks for. Threads may ask. */
int sources_get(struct sources *sources, const char *cluster, struct source **out, struct err *err);

/* How many questions may be under way at once (1 to 32): --parallel, metrics.parallel. */
size_t sources_parallel(const struct sources *sources);

/* End of the window where the source is a file: its latest sample, rounded up to the minute. False without --offline, and for a
 * file without samples. */
bool sources_end(const struct sources *sources, int64_t *end);

/* Puts what is read from into the header's settings: `source`, and `prometheus` (address without secrets), `file`, or `clusters`.
 * `source` is what was taken where a server was asked already, else what was asked for. */
void sources_describe(struct sources *sources, json_t *settings);

/* What all sources were asked and answered, in sum. */
struct source_counts sources_counts(struct sources *sources);

/* What is read from, for messages: an address without secrets, "the metrics servers of 2 clusters", a file. Borrowed. */
const char *sources_name(const struct sources *sources);

/* Frees; NULL is allowed. */
void sources_free(struct sources *sources);

#endif
