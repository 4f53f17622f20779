#ifndef TARE_STAGES_MCP_EXTRACT_H
#define TARE_STAGES_MCP_EXTRACT_H

/* One page of items out of an artifact that passes by: filtered, ordered, bounded. What is kept is the page and what comes before it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/io/json.h"

/* New item of a record. */
typedef json_t *extract_item(const json_t *record);

struct extract_entry {
    double key;
    json_t *item;
};

struct extract {
    const json_t *arguments; /* of the call: filters, sort, limit, cursor; borrowed */
    extract_item *item;
    size_t offset;
    size_t limit;
    struct extract_entry *entries; /* in their order, at most offset + limit */
    size_t count;
    size_t capacity;
    int64_t matched;
    int64_t saving_microusd; /* of all that matched */
    int64_t left_out;        /* lines that are no records */
    json_t *created;         /* of the artifact */
};

enum { EXTRACT_OFFSET_MAX = 20000, EXTRACT_BYTES_MAX = 256 * 1024 };

/* The offset and the run of a cursor; ERR_USAGE where it is none. */
int extract_cursor(const char *cursor, int64_t *run, size_t *offset, struct err *err);

/* Prepares for a call (its checked arguments, borrowed). ERR_USAGE for a cursor that is none. */
int extract_init(struct extract *extract, const json_t *arguments, extract_item *item, struct err *err);

/* Frees what was picked. */
void extract_release(struct extract *extract);

/* Takes one line of an artifact; NULL: it was too long. */
void extract_line(struct extract *extract, const char *line, size_t length);

/* New object of what was picked: items, matched, next_cursor. */
json_t *extract_result(const struct extract *extract, int64_t run);

#endif
