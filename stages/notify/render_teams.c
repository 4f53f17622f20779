#include "stages/notify/render_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Teams takes messages of about 28 KB, all that it adds itself included. Adaptive Cards 1.4 are understood by all of its clients. */
enum { CARD_BYTES_MAX = 20 * 1024, LINES_MAX = 200, LINE_UNITS = 2000 };

/* A run of text: unlike a TextBlock it knows no Markdown, so text stays text. Steals `text`. */
static json_t *run_of(json_t *text, bool bold)
{
    return bold ? json_pack("{s:s, s:o, s:s}", "type", "TextRun", "text", text, "weight", "Bolder")
                : json_pack("{s:s, s:o}", "type", "TextRun", "text", text);
}

static void add_line(json_t *body, json_t *first, json_t *second)
{
    json_t *inlines = second == NULL ? json_pack("[o]", first) : json_pack("[o, o]", first, second);
    json_array_append_new(body, json_pack("{s:s, s:o, s:s}", "type", "RichTextBlock", "inlines", inlines, "spacing", "Small"));
}

static void add_title(json_t *body, const struct message *message)
{
    static const char *const colors[] = {
        [MESSAGE_INFO] = "Default", [MESSAGE_WARNING] = "Warning", [MESSAGE_ERROR] = "Attention", [MESSAGE_CRITICAL] = "Attention"};
    json_t *text = json_pack("{s:s, s:o, s:s, s:s, s:s}", "type", "TextRun", "text", render_text(message->title, LINE_UNITS, text_plain),
                             "weight", "Bolder", "size", "Medium", "color", colors[message->severity]);
    json_array_append_new(body, json_pack("{s:s, s:[o]}", "type", "RichTextBlock", "inlines", text));
}

static void add_fields(json_t *body, const struct message *message)
{
    size_t index;
    json_t *field;
    json_array_foreach(message->fields, index, field)
    {
        struct buf label;
        buf_init(&label, 256);
        buf_printf(&label, "%s: ", json_string_value(json_array_get(field, 0)));
        add_line(body, run_of(json_string_safe(buf_str(&label)), true), run_of(json_incref(json_array_get(field, 1)), false));
        buf_release(&label);
    }
}

/* The first `most` lines of the text, and how many are left out. */
static void add_body(json_t *body, const char *text, size_t most)
{
    size_t left_out = 0;
    for (size_t i = 0; *text != '\0'; i++) {
        size_t length = strcspn(text, "\n");
        if (i < most && length > 0) {
            struct buf line;
            buf_init(&line, RENDER_TEXT_CAP);
            buf_add(&line, text, length);
            add_line(body, run_of(render_text(buf_str(&line), LINE_UNITS, text_plain), false), NULL);
            buf_release(&line);
        }
        left_out += i >= most;
        text += length + (text[length] == '\n');
    }
    if (left_out > 0) {
        char more[64];
        snprintf(more, sizeof more, "\xe2\x80\xa6 and %zu more lines", left_out);
        add_line(body, run_of(json_string(more), false), NULL);
    }
}

static json_t *card(const struct message *message, const struct render_with *with, const char *text, size_t lines)
{
    json_t *body = json_array();
    add_title(body, message);
    if (with->template == NULL) {
        add_fields(body, message);
    }
    add_body(body, text, lines);
    json_t *content = json_pack("{s:s, s:s, s:s, s:o}", "$schema", "http://adaptivecards.io/schemas/adaptive-card.json", "type",
                                "AdaptiveCard", "version", "1.4", "body", body);
    return json_pack("{s:s, s:[{s:s, s:n, s:o}]}", "type", "message", "attachments", "contentType",
                     "application/vnd.microsoft.card.adaptive", "contentUrl", "content", content);
}

json_t *render_teams(const struct message *message, const struct render_with *with)
{
    struct buf text;
    buf_init(&text, RENDER_TEXT_CAP);
    render_body(message, with, text_plain, &text);
    for (size_t lines = LINES_MAX;; lines = lines * 3 / 4) {
        json_t *out = card(message, with, buf_str(&text), lines);
        char *bytes = json_text(out);
        size_t length = strlen(bytes);
        free(bytes);
        if (length <= CARD_BYTES_MAX || lines == 0) {
            buf_release(&text);
            return out;
        }
        json_decref(out);
    }
}
