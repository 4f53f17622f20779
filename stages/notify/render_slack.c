#include "stages/notify/render_internal.h"

#include <string.h>

/* Limits of Block Kit: https://docs.slack.dev/reference/block-kit/blocks. SECTIONS_MAX leaves room among its 50 blocks. */
enum { HEADER_MAX = 150, SECTION_MAX = 3000, FIELD_MAX = 2000, FIELDS_MAX = 10, SECTIONS_MAX = 20, FALLBACK_MAX = 3000 };

/* Text in which Slack looks for no mention, channel or link of its own. Steals `text`. */
static json_t *mrkdwn(json_t *text)
{
    return json_pack("{s:s, s:o, s:b}", "type", "mrkdwn", "text", text, "verbatim", 1);
}

static void add_section(json_t *blocks, struct buf *text)
{
    if (text->length > 0) {
        json_t *cut = render_text(buf_str(text), SECTION_MAX, text_plain);
        json_array_append_new(blocks, json_pack("{s:s, s:o}", "type", "section", "text", mrkdwn(cut)));
        buf_clear(text);
    }
}

/* The body as sections of whole lines. */
static void add_body(json_t *blocks, const char *body)
{
    struct buf section;
    size_t sections = 0;
    buf_init(&section, RENDER_TEXT_CAP);
    while (*body != '\0' && sections < SECTIONS_MAX) {
        size_t length = strcspn(body, "\n");
        if (section.length > 0 && section.length + length + 1 > SECTION_MAX) {
            add_section(blocks, &section);
            sections++;
        }
        buf_printf(&section, "%s%.*s", section.length > 0 ? "\n" : "", (int)length, body);
        body += length + (body[length] == '\n');
    }
    if (*body != '\0') {
        buf_clear(&section);
        buf_add_str(&section, "\xe2\x80\xa6");
    }
    add_section(blocks, &section);
    buf_release(&section);
}

static json_t *field_text(const json_t *field)
{
    struct buf text;
    buf_init(&text, RENDER_TEXT_CAP);
    buf_add_char(&text, '*');
    text_slack(json_string_value(json_array_get(field, 0)), &text);
    buf_add_str(&text, "*\n");
    text_slack(json_string_value(json_array_get(field, 1)), &text);
    json_t *value = render_text(buf_str(&text), FIELD_MAX, text_plain);
    buf_release(&text);
    return value;
}

static void add_fields(json_t *blocks, const struct message *message)
{
    json_t *fields = json_array();
    size_t index;
    json_t *field;
    json_array_foreach(message->fields, index, field)
    {
        if (index < FIELDS_MAX) {
            json_array_append_new(fields, mrkdwn(field_text(field)));
        }
    }
    if (json_array_size(fields) > 0) {
        json_array_append_new(blocks, json_pack("{s:s, s:o}", "type", "section", "fields", fields));
    } else {
        json_decref(fields);
    }
}

json_t *render_slack(const struct message *message, const struct render_with *with)
{
    json_t *blocks = json_array();
    struct buf text;
    buf_init(&text, RENDER_TEXT_CAP);
    json_array_append_new(blocks, json_pack("{s:s, s:{s:s, s:o, s:b}}", "type", "header", "text", "type", "plain_text", "text",
                                            render_text(message->title, HEADER_MAX, text_slack), "emoji", 0));
    if (with->template == NULL) {
        add_fields(blocks, message);
    }
    render_body(message, with, text_slack, &text);
    add_body(blocks, buf_str(&text));
    buf_clear(&text);
    render_summary(message, &text);
    json_t *out = json_pack("{s:o, s:o}", "text", render_text(buf_str(&text), FALLBACK_MAX, text_slack), "blocks", blocks);
    buf_release(&text);
    return out;
}
