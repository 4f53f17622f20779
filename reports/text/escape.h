#ifndef TARE_REPORTS_TEXT_ESCAPE_H
#define TARE_REPORTS_TEXT_ESCAPE_H

/*
 * Text from outside, made safe to show. In every form bytes that are not UTF-8 become U+FFFD, and characters
 * that could steer the reader (control bytes, bidirectional and zero-width marks, line separators) become
 * visible: "\u202e".
 */

#include <stddef.h>

#include "pipeline/base/buf.h"

/* For text and double-quoted attributes of HTML and of XML 1.0, which holds no control characters in any form; line feeds and
 * tabs stay. */
void escape_html(struct buf *out, const char *text);

/* For one line of GitHub-flavoured Markdown, table cells included: nothing in it is markup, a link, an image,
 * HTML or a mention. Line feeds and tabs become spaces. */
void escape_markdown(struct buf *out, const char *text);

/* escape_markdown for text inside a block of HTML in Markdown, as between <summary> and </summary>. */
void escape_markdown_html(struct buf *out, const char *text);

/* For a label's value in the Prometheus text format, without its quotes. */
void escape_label(struct buf *out, const char *text);

/* A whole CSV cell with its quotes (RFC 4180); text that a spreadsheet would take for a formula gets a
 * leading apostrophe. */
void escape_csv(struct buf *out, const char *text);

/* For a terminal, cut to `columns` characters with "…" at the end when it is longer. Line feeds and tabs
 * become spaces. Returns the number of characters added. */
size_t escape_terminal(struct buf *out, const char *text, size_t columns);

#endif
