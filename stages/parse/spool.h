#ifndef TARE_STAGES_PARSE_SPOOL_H
#define TARE_STAGES_PARSE_SPOOL_H

/*
 * Records on their way: an autoscaler or a second object of one identity may come in the last file, so that records are
 * kept in an unlinked temporary file until all were read. In memory stay 40 bytes a record.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum { SPOOL_ID = 16 };

struct spool_entry {
    uint64_t offset;
    uint32_t length;
    bool known; /* it has an id */
    unsigned char id[SPOOL_ID];
};

struct spool {
    bool open;
    int fd;
    uint64_t size;      /* bytes handed to the file */
    struct buf pending; /* bytes that follow them */
    struct spool_entry *entries;
    size_t count;
    size_t capacity;
};

/* Prepares an empty spool. ERR_CANTCREAT. */
int spool_init(struct spool *spool, struct err *err);

/* Closes and frees. */
void spool_release(struct spool *spool);

/* The id of a namespaced name: half of a sha256. NULL parts are allowed. */
void spool_id(const char *namespace, const char *kind, const char *name, unsigned char id[SPOOL_ID]);

/* Adds a value (borrowed), under an id or, when it is NULL, without. ERR_IO, ERR_DATA. */
int spool_add(struct spool *spool, const unsigned char *id, const json_t *value, struct err *err);

/* Forgets all entries from `count` on. */
void spool_truncate(struct spool *spool, size_t count);

/* Reads an entry back. *value new. ERR_IO. */
int spool_get(struct spool *spool, const struct spool_entry *entry, json_t **value, struct err *err);

/* Sorts the entries by id, those of one id in the order they came; for spool_find. */
void spool_sort(struct spool *spool);

/* First entry of an id in a sorted spool, NULL when there is none; *count receives how many there are. Borrowed. */
const struct spool_entry *spool_find(const struct spool *spool, const unsigned char id[SPOOL_ID], size_t *count);

#endif
