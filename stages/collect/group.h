#ifndef TARE_COLLECT_GROUP_H
#define TARE_COLLECT_GROUP_H

/* The records of one namespace that are worked on together. */

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "stages/collect/namespace.h"
#include "stages/collect/prom.h"

/* Adds `usage` to `count` records (borrowed) of a namespace, over the window (start, end]. What the server
 * cannot answer becomes a problem of the records concerned; `last` (may be NULL) receives the last of these
 * errors. -1 with *err only when the server has given no answer at all so far: then asking on makes no sense.
 */
int group_collect(struct prom *prom, struct namespace *namespace, json_t *const *records, size_t count,
                  int64_t start, int64_t end, struct err *last, struct err *err);

/* Gives a record no usage and the problem `metrics-error`. */
void group_fail(json_t *record, const struct err *why);

#endif
