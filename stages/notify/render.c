#include "stages/notify/render_internal.h"

#include "stages/notify/template.h"

typedef json_t *render_type(const struct message *message, const struct render_with *with);

static render_type *const types[] = {
    [RECEIVER_SLACK] = render_slack,         [RECEIVER_TEAMS] = render_teams, [RECEIVER_DISCORD] = render_discord,
    [RECEIVER_PAGERDUTY] = render_pagerduty, [RECEIVER_HTTP] = render_http,
};

json_t *render(enum receiver_type type, const struct message *message, const struct render_with *with)
{
    return types[type](message, with);
}

void render_body(const struct message *message, const struct render_with *with, text_escape *escape, struct buf *out)
{
    if (with->template != NULL) {
        template_fill(with->template, message->values, escape, out);
        return;
    }
    size_t index;
    json_t *line;
    json_array_foreach(message->lines, index, line)
    {
        if (index > 0) {
            buf_add_char(out, '\n');
        }
        escape(json_string_value(line), out);
    }
}

void render_summary(const struct message *message, struct buf *out)
{
    size_t index;
    json_t *field;
    buf_add_str(out, message->title);
    json_array_foreach(message->fields, index, field)
    {
        if (index == 1) {
            buf_printf(out, ": %s", json_string_value(json_array_get(field, 1)));
        }
    }
}

json_t *render_text(const char *text, size_t most, text_escape *escape)
{
    struct buf cut;
    struct buf escaped;
    buf_init(&cut, RENDER_TEXT_CAP);
    buf_init(&escaped, RENDER_TEXT_CAP);
    text_clip(text, most, &cut);
    escape(buf_str(&cut), &escaped);
    buf_clear(&cut);
    text_clip(buf_str(&escaped), most, &cut);
    json_t *value = json_string_safe(buf_str(&cut));
    buf_release(&cut);
    buf_release(&escaped);
    return value;
}
