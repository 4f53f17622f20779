#include "stages/mcp/frame.h"

#include <string.h>

void frame_init(struct frame *frame, size_t cap)
{
    *frame = (struct frame){0};
    buf_init(&frame->line, cap);
}

void frame_release(struct frame *frame)
{
    buf_release(&frame->line);
}

static bool blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r') {
            return false;
        }
    }
    return true;
}

static void hand_on(struct frame *frame, frame_line *each, void *context)
{
    if (frame->too_long) {
        each(context, NULL, 0);
    } else if (!blank(frame->line.data, frame->line.length)) {
        each(context, frame->line.data, frame->line.length);
    }
    frame->too_long = false;
    buf_clear(&frame->line);
}

void frame_add(struct frame *frame, const char *bytes, size_t length, frame_line *each, void *context)
{
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t part = end == NULL ? length : (size_t)(end - bytes);
        if (!frame->too_long && buf_add(&frame->line, bytes, part)) {
            frame->too_long = true;
            buf_release(&frame->line);
        }
        if (end == NULL) {
            return;
        }
        hand_on(frame, each, context);
        bytes += part + 1;
        length -= part + 1;
    }
}

void frame_end(struct frame *frame, frame_line *each, void *context)
{
    hand_on(frame, each, context);
}
