#ifndef TARE_REPORTS_HTML_PAGE_H
#define TARE_REPORTS_HTML_PAGE_H

/*
 * The shell of a page, the same for each kind of report: one file with its style and script inside and a
 * content policy that allows just these two. Between begin and end come <section>s of <main>. What is given
 * as text is escaped here.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "reports/text/figures.h"

struct html_page {
    const char *title;   /* text: heading and title of the window */
    const char *cluster; /* text; "… for CLUSTER" behind the title, NULL none */
    const char *plan;    /* hex digest that an approval names, NULL none */
    const char *created; /* RFC 3339, NULL unknown */
    int64_t run;         /* 0 unknown */
    const char *skip;    /* id of the heading that the skip link leads to */
};

/* How a card is coloured. Its words must say the same. */
enum html_tone { TONE_PLAIN, TONE_GOOD, TONE_BAD };

/* Adds everything from the doctype to the opening of <main>. */
void html_page_begin(struct buf *out, const struct html_page *page);

/* Closes <main>; what follows is the page's foot. */
void html_page_foot(struct buf *out);

/* Adds the script and closes the page (after html_page_foot). */
void html_page_end(struct buf *out);

/* Opens and closes a <section> with a heading of the second level; `id` is the heading's. */
void html_section_begin(struct buf *out, const char *id, const char *heading);
void html_section_end(struct buf *out);

/* Opens and closes the row of summary cards, and adds a card to it; `below` may be "". Texts are escaped. */
void html_cards_begin(struct buf *out);
void html_cards_end(struct buf *out);
void html_card(struct buf *out, enum html_tone tone, const char *label, const char *value, const char *below);

/* Adds plain text as escaped HTML in an element of this name ("p", "li"); nothing when it is empty. */
void html_sentence(struct buf *out, const char *element, const struct buf *text);

/* Adds text in a badge of a class of the style: "low", "medium", "high", "state". */
void html_badge(struct buf *out, const char *class, const char *text);

/* Adds text as the head of a row that leads to no line break in its direction (<th scope="row"><bdi>); "no
 * namespace" is the caller's. */
void html_row_head(struct buf *out, const char *text);

/* Adds cells of a table: a count, an amount of money a month (– unless known), a change of it. */
void html_count_cell(struct buf *out, int64_t count);
void html_money_cell(struct buf *out, bool known, int64_t microusd);
void html_change_cell(struct buf *out, bool known, int64_t before, int64_t after);

#endif
