#ifndef TARE_STAGES_MCP_FRAME_H
#define TARE_STAGES_MCP_FRAME_H

/* Lines out of a stream of bytes, however it is cut into pieces; of one that is too long only that it was there. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/buf.h"

struct frame {
    struct buf line; /* what there is of the line so far; its cap is the longest line */
    bool too_long;
};

/* One line without its line end, borrowed until the function returns; NULL: it was longer than the cap. */
typedef void frame_line(void *context, const char *line, size_t length);

/* Prepares for lines of at most `cap` bytes. */
void frame_init(struct frame *frame, size_t cap);

/* Frees what there is. */
void frame_release(struct frame *frame);

/* Takes bytes and hands on each line that ends in them; those of nothing but blanks are left out. */
void frame_add(struct frame *frame, const char *bytes, size_t length, frame_line *each, void *context);

/* Hands on what stands after the last line end, if anything does. */
void frame_end(struct frame *frame, frame_line *each, void *context);

#endif
