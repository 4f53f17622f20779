#ifndef TARE_STAGES_COMMON_SPOOL_H
#define TARE_STAGES_COMMON_SPOOL_H

/* Records set aside in an unlinked temporary file, for stages that must see all of an artifact before they
 * decide. */

#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

struct spool;

/* New empty spool. ERR_CANTCREAT. Free with spool_free. */
int spool_new(struct spool **out, struct err *err);

/* Frees; NULL is allowed. */
void spool_free(struct spool *spool);

/* Adds a record (borrowed); *offset (may be NULL) receives where it stands. ERR_IO. */
int spool_add(struct spool *spool, const json_t *record, int64_t *offset, struct err *err);

/* Ends adding and goes to the first record. ERR_IO. */
int spool_rewind(struct spool *spool, struct err *err);

/* Next record: 1 and *record new, 0 at the end, -1 with ERR_IO. */
int spool_next(struct spool *spool, json_t **record, struct err *err);

/* The record at an offset that spool_add gave; *record new. ERR_IO. */
int spool_at(struct spool *spool, int64_t offset, json_t **record, struct err *err);

#endif
