#ifndef TARE_NOTIFY_TEXT_H
#define TARE_NOTIFY_TEXT_H

/* Text for receivers: made visible, cut to their limits, escaped for their markup, so that a name stays a name. */

#include <stddef.h>

#include "pipeline/base/buf.h"

/* Adds text with what cannot be seen made visible: control characters as their pictures (U+2400 and on), marks that turn the direction
 * of writing, that join or that have no width as "[U+202E]", bytes that are no UTF-8 as U+FFFD. NULL adds nothing. */
void text_visible(const char *text, struct buf *out);

/* Adds at most `most` units of valid UTF-8, the last of them "…" where something was cut. A unit is one of UTF-16, which is how
 * receivers count: a character outside the basic plane is two. Returns the units added. */
size_t text_clip(const char *text, size_t most, struct buf *out);

/* Units of UTF-16 in valid UTF-8. */
size_t text_units(const char *text);

/* How a receiver's markup takes text as text. */
typedef void text_escape(const char *text, struct buf *out);

/* As it is. */
void text_plain(const char *text, struct buf *out);

/* Slack mrkdwn: & < > as entities, so that no mention, link or command can begin. */
void text_slack(const char *text, struct buf *out);

/* Discord Markdown: a backslash before its marks, and before those of a heading or list where a line begins; a mark without width
 * after @, so that nobody is called. */
void text_discord(const char *text, struct buf *out);

#endif
