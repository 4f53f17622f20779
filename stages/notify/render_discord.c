#include "stages/notify/render_internal.h"

#include <string.h>

#include "pipeline/base/clock.h"

/* Limits of embeds, in units of UTF-16: https://discord.com/developers/docs/resources/message#embed-object-embed-limits */
enum { TITLE_MAX = 256, DESCRIPTION_MAX = 4096, FIELDS_MAX = 25, LABEL_MAX = 256, VALUE_MAX = 1024, EMBED_MAX = 6000 };

static const int colors[] = {
    [MESSAGE_INFO] = 0x2f6f4f, [MESSAGE_WARNING] = 0xb7791f, [MESSAGE_ERROR] = 0xc05621, [MESSAGE_CRITICAL] = 0xc53030};

/* The fields, and how many units they take. */
static json_t *fields_of(const struct message *message, size_t *units)
{
    json_t *fields = json_array();
    size_t index;
    json_t *field;
    json_array_foreach(message->fields, index, field)
    {
        if (index == FIELDS_MAX) {
            break;
        }
        json_t *label = render_text(json_string_value(json_array_get(field, 0)), LABEL_MAX, text_discord);
        json_t *value = render_text(json_string_value(json_array_get(field, 1)), VALUE_MAX, text_discord);
        *units += text_units(json_string_value(label)) + text_units(json_string_value(value));
        json_array_append_new(fields, json_pack("{s:o, s:o, s:b}", "name", label, "value", value, "inline", 1));
    }
    return fields;
}

json_t *render_discord(const struct message *message, const struct render_with *with)
{
    struct buf text;
    size_t used = 0;
    int64_t instant;
    buf_init(&text, RENDER_TEXT_CAP);
    json_t *title = render_text(message->title, TITLE_MAX, text_discord);
    json_t *fields = with->template == NULL ? fields_of(message, &used) : json_array();
    used += text_units(json_string_value(title));
    size_t room = used < EMBED_MAX ? EMBED_MAX - used : 0;
    render_body(message, with, text_discord, &text);
    json_t *description = render_text(buf_str(&text), room < DESCRIPTION_MAX ? room : DESCRIPTION_MAX, text_plain);
    json_t *embed = json_pack("{s:o, s:o, s:i, s:o}", "title", title, "description", description, "color", colors[message->severity],
                              "fields", fields);
    const char *at = json_string_or_null(message->facts, "at");
    if (at != NULL && time_parse(at, &instant, NULL) == 0) {
        char stamp[RFC3339_MAX];
        json_object_set_new(embed, "timestamp", json_string(time_format(instant, stamp)));
    }
    buf_release(&text);
    return json_pack("{s:[o], s:{s:[]}}", "embeds", embed, "allowed_mentions", "parse");
}
