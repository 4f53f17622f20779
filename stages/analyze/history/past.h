#ifndef TARE_ANALYZE_HISTORY_PAST_H
#define TARE_ANALYZE_HISTORY_PAST_H

/*
 * What earlier runs learned (--history): for each series the lowest and highest five-minute mean of each day,
 * held in memory for the whole run. Rows may come in any order; a row is 16 bytes, so 10,000 containers of 90
 * days, two series each, are 29 MB. More than PAST_ROWS_MAX rows are refused.
 */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "pipeline/io/hash.h"
#include "stages/analyze/subject/model.h"

enum { PAST_ROWS_MAX = 4 * 1000 * 1000 };

/* Some days of one series, the oldest first; `day` counts from 1970-01-01. count 0: none are known. */
struct past_days {
    size_t count;
    const int32_t *day;
    const float *low, *high;
};

struct history_past;

/* Reads a history file, a line at a time; digest receives the sha256 of its header and its rows of series ("" where it has rows about
 * models and no other: it tells nothing of the past). *out is new, free with history_past_free. ERR_NOINPUT, ERR_DATA naming the line. */
int history_past_open(const char *path, struct history_past **out, char digest[DIGEST_HEX], struct err *err);

/* Frees; NULL is allowed. */
void history_past_free(struct history_past *past);

/* The days of one series of a container that end before the window begins, in `arena`. `past` NULL: none. A
 * workload without a namespace is the one of the namespace that it is looked up in. */
void history_past_days(const struct history_past *past, const struct subject *subject,
                       const struct container *container, enum resource resource, struct arena *arena,
                       struct past_days *out);

#endif
