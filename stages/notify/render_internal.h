#ifndef TARE_NOTIFY_RENDER_INTERNAL_H
#define TARE_NOTIFY_RENDER_INTERNAL_H

/* Shared by the render*.c files only. */

#include "pipeline/base/buf.h"
#include "stages/notify/render.h"
#include "stages/notify/text.h"

enum { RENDER_TEXT_CAP = 256 * 1024 };

/* Slack: Block Kit (header, section, context) and the text that notifications on a phone show. */
json_t *render_slack(const struct message *message, const struct render_with *with);

/* Microsoft Teams: an Adaptive Card for a workflow's webhook. */
json_t *render_teams(const struct message *message, const struct render_with *with);

/* Discord: one embed that calls nobody. */
json_t *render_discord(const struct message *message, const struct render_with *with);

/* PagerDuty: an event of the Events API v2. */
json_t *render_pagerduty(const struct message *message, const struct render_with *with);

/* Anybody: the facts and the text. */
json_t *render_http(const struct message *message, const struct render_with *with);

/* The text of the body: the template filled, or the built-in lines, escaped. */
void render_body(const struct message *message, const struct render_with *with, text_escape *escape, struct buf *out);

/* Title and first figure in one line, plain. */
void render_summary(const struct message *message, struct buf *out);

/* New string of at most `most` units of the plain text, escaped. */
json_t *render_text(const char *text, size_t most, text_escape *escape);

#endif
