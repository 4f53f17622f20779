#include "stages/notify/render_internal.h"

enum { TEXT_MAX = 32 * 1024 };

json_t *render_http(const struct message *message, const struct render_with *with)
{
    struct buf text;
    buf_init(&text, RENDER_TEXT_CAP);
    render_body(message, with, text_plain, &text);
    json_t *out = json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:O}", "tare", "notification", "version", 1, "id", message->id, "event",
                            message->event, "title", message->title, "text", render_text(buf_str(&text), TEXT_MAX, text_plain), "facts",
                            message->facts);
    buf_release(&text);
    return out;
}
