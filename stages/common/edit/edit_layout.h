#ifndef TARE_STAGES_COMMON_EDIT_EDIT_LAYOUT_H
#define TARE_STAGES_COMMON_EDIT_EDIT_LAYOUT_H

/*
 * Putting entries into mappings and taking them out, as splices over the bytes, in the layout that is there:
 * block or flow, on a line of their own or not, with the indentation, line ends, quotes, colons and commas of
 * their neighbours.
 */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/io/yaml.h"
#include "stages/common/edit/edit.h"

/* What the splices of one plan are made over. */
struct layout {
    const char *bytes;
    size_t length;
    struct yaml_stream *stream;
    struct arena *arena;
    struct edit_splices *splices;
    bool json; /* flow mappings with quoted keys: write JSON */
};

/* An entry to write: a key with a scalar (already quoted), or with entries of its own. */
struct layout_entry {
    const char *key;
    const char *value; /* NULL: it has children */
    struct layout_entry *children;
    size_t count;
};

/* One pair of a mapping, and its neighbours. */
struct layout_pair {
    struct yaml_node *key;
    struct yaml_node *value;
    struct yaml_node *next_key;   /* NULL: it is the last */
    struct yaml_node *last_value; /* of the pair before, NULL: it is the first */
};

/* Adds a splice. */
void layout_splice(struct layout *layout, size_t start, size_t end, const char *text);

/* Offset of the first byte of the line of an offset. */
size_t layout_line_start(const struct layout *layout, size_t offset);

/* The end of the line of an offset, as it is written; that of the line before for the last line. */
const char *layout_line_end(const struct layout *layout, size_t offset);

/* What stands before a key on its line, if that is blank; else as many blanks as its column says. In the
 * arena.
 */
const char *layout_indent(const struct layout *layout, const struct yaml_node *key);

/* Puts whole lines, each with `eol`, behind the line of an offset. */
void layout_insert_lines(struct layout *layout, size_t offset, struct buf *lines, const char *eol);

/* The pair of a key node in its mapping. False when it is not there. */
bool layout_pair_of(struct yaml_node *map, const struct yaml_node *key, struct layout_pair *pair);

/* The last pair of a mapping. False when it is empty. */
bool layout_last(struct yaml_node *map, struct layout_pair *pair);

/* Whether only blanks stand before an offset on its line. */
bool layout_first_on_line(const struct layout *layout, size_t offset);

/* Whether a comment stands alone on the line before that of an offset. */
bool layout_comment_above(const struct layout *layout, size_t offset);

/* Offset of the first byte of a pair: of its key, or of the "?" before it. */
size_t layout_pair_start(const struct layout *layout, const struct yaml_node *key);

/* What has to stand between a key and a value put in place of `value`, which is empty or replaced: ": ", " "
 * or nothing. */
const char *layout_lead(const struct layout *layout, const struct yaml_node *key,
                        const struct yaml_node *value);

/* Adds an entry behind a pair of a mapping. `step` is the indentation of entries within it, in blanks. */
void layout_insert_after(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair,
                         const struct layout_entry *entry, size_t step);

/* Adds an entry before a pair of a mapping; in block style the pair has to be the first thing on its line. */
void layout_insert_before(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair,
                          const struct layout_entry *entry, size_t step);

/* Gives the pair of a mapping entries for its value, which is null, empty, an alias, or to be replaced as a
 * whole. `flow` asks for flow style in a block mapping. */
void layout_fill(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair,
                 const struct layout_entry *entries, size_t count, size_t step, bool flow);

/* Takes a pair out of a mapping, in block style with its lines. Comments in it and behind it stay. */
void layout_remove(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair);

/* Takes everything out of the mapping that is the value of a pair: {} remains, and its comments. */
void layout_empty(struct layout *layout, const struct layout_pair *pair);

#endif
