#ifndef TARE_STAGES_PARSE_SHELF_H
#define TARE_STAGES_PARSE_SHELF_H

/*
 * Records on their way: an autoscaler or a second object of one identity may come in the last file, so that
 * records are kept in an unlinked temporary file until all were read. In memory stay 32 bytes a record.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum { SHELF_ID = 16 };

struct shelf_entry {
    uint64_t offset;
    uint32_t length;
    bool known; /* it has an id */
    unsigned char id[SHELF_ID];
};

/* What lies on a shelf: canonical JSON, and a name that messages use ("" where none was given). */
struct shelf_item {
    const char *name;
    const char *text; /* NOT terminated */
    size_t length;
};

struct shelf {
    bool open;
    int fd;
    uint64_t size;      /* bytes handed to the file */
    struct buf pending; /* bytes that follow them */
    char *window;       /* bytes read back, those behind an entry as well: entries are mostly read in their order */
    size_t window_size;
    size_t window_length;
    uint64_t window_at;
    struct shelf_entry *entries;
    size_t count;
    size_t capacity;
};

/* Prepares an empty shelf. ERR_CANTCREAT. */
int shelf_init(struct shelf *shelf, struct err *err);

/* Closes and frees. */
void shelf_release(struct shelf *shelf);

/* The id of a namespaced name: half of a sha256. NULL parts are allowed. */
void shelf_id(const char *namespace, const char *kind, const char *name, unsigned char id[SHELF_ID]);

/* Adds a value (borrowed), under an id or, when it is NULL, without. ERR_IO, ERR_DATA. */
int shelf_add(struct shelf *shelf, const unsigned char *id, const json_t *value, struct err *err);

/* Adds a value whose canonical text is at hand, with a name. ERR_IO, ERR_DATA. */
int shelf_add_text(struct shelf *shelf, const unsigned char *id, const char *name, const struct buf *text,
                   struct err *err);

/* Forgets all entries from `count` on. */
void shelf_truncate(struct shelf *shelf, size_t count);

/* Reads an entry back as it lies there: *item is borrowed until the next call for this shelf. ERR_IO. */
int shelf_read(struct shelf *shelf, const struct shelf_entry *entry, struct shelf_item *item, struct err *err);

/* Reads an entry back. *value new. ERR_IO. */
int shelf_get(struct shelf *shelf, const struct shelf_entry *entry, json_t **value, struct err *err);

/* Sorts the entries by id, those of one id in the order they came; for shelf_find. */
void shelf_sort(struct shelf *shelf);

/* First entry of an id in a sorted shelf, NULL when there is none; *count receives how many there are.
 * Borrowed. */
const struct shelf_entry *shelf_find(const struct shelf *shelf, const unsigned char id[SHELF_ID],
                                     size_t *count);

#endif
