#ifndef TARE_STAGES_COMMON_EDIT_EDIT_COMMENT_H
#define TARE_STAGES_COMMON_EDIT_EDIT_COMMENT_H

/* Comments within a piece of YAML: they stay, whatever goes. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/io/yaml.h"

/* From the "#" to the end of its line, without the line's end. */
struct edit_comment {
    size_t start;
    size_t end;
};

struct edit_comments {
    struct edit_comment *items; /* in the order of the text */
    size_t count;
    size_t capacity;
};

/* Collects the comments in [start, end) of `bytes`. `first` and those that follow it (`count` of them) are
 * the nodes that stand there. In the arena. */
struct edit_comments edit_comments_in(struct arena *arena, const char *bytes, size_t start, size_t end,
                                      const struct yaml_node *first, size_t count);

/* The first comment that begins in [start, end); NULL when there is none. */
const struct edit_comment *edit_comment_within(const struct edit_comments *comments, size_t start,
                                               size_t end);

#endif
