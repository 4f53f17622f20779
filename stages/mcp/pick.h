#ifndef TARE_STAGES_MCP_PICK_H
#define TARE_STAGES_MCP_PICK_H

/* One page of items out of an artifact that passes by: filtered, ordered, bounded. What is kept is the page and what comes before it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/io/json.h"

/* New item of a record. */
typedef json_t *pick_item(const json_t *record);

struct pick_entry {
    double key;
    json_t *item;
};

struct pick {
    const json_t *arguments; /* of the call: filters, sort, limit, cursor; borrowed */
    pick_item *item;
    size_t offset;
    size_t limit;
    struct pick_entry *entries; /* in their order, at most offset + limit */
    size_t count;
    size_t capacity;
    int64_t matched;
    int64_t saving_microusd; /* of all that matched */
    int64_t left_out;        /* lines that are no records */
    json_t *created;         /* of the artifact */
};

enum { PICK_OFFSET_MAX = 20000, PICK_BYTES_MAX = 256 * 1024 };

/* The offset and the run of a cursor; ERR_USAGE where it is none. */
int pick_cursor(const char *cursor, int64_t *run, size_t *offset, struct err *err);

/* Prepares for a call (its checked arguments, borrowed). ERR_USAGE for a cursor that is none. */
int pick_init(struct pick *pick, const json_t *arguments, pick_item *item, struct err *err);

/* Frees what was picked. */
void pick_release(struct pick *pick);

/* Takes one line of an artifact; NULL: it was too long. */
void pick_line(struct pick *pick, const char *line, size_t length);

/* New object of what was picked: items, matched, next_cursor. */
json_t *pick_result(const struct pick *pick, int64_t run);

#endif
