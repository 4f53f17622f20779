#ifndef TARE_REPORTS_MARKDOWN_PAGE_H
#define TARE_REPORTS_MARKDOWN_PAGE_H

/*
 * A Markdown text of a size that is never passed. It is made of sections that stand in a fixed order and are filled in the order of their
 * worth, piece by piece: a piece is there whole or not at all, and a section's end has its room from its beginning, so that folds and
 * tables are closed at every size.
 */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/buf.h"
#include "reports/text/sink.h"

/* In the order in which they stand. */
enum markdown_section {
    MD_HEAD,
    MD_CUT,
    MD_WORTH,
    MD_FIRST,
    MD_CHANGES,
    MD_NODES,
    MD_PARTS,
    MD_HELD,
    MD_FOLDS,
    MD_STAYS,
    MD_PAST,
    MD_GAPS,
    MD_NOTES,
    MD_METHOD,
    MD_FOOT,
    MD_SECTIONS
};

struct markdown_page {
    size_t size;
    size_t left; /* bytes that may still be added */
    struct buf sections[MD_SECTIONS];
    struct buf ends[MD_SECTIONS];
    struct buf piece; /* what is to be added next */
};

/* Prepares an empty page of at most `size` bytes. */
void markdown_page_init(struct markdown_page *page, size_t size);

/* Frees it. */
void markdown_page_release(struct markdown_page *page);

/* Opens a section with the piece; `end` (text) closes it. False, and nothing added, unless `keep` bytes are left after that.
 * The piece is empty again. */
bool markdown_open(struct markdown_page *page, enum markdown_section section, const char *end, size_t keep);

/* Adds the piece to a section; as markdown_open. */
bool markdown_add(struct markdown_page *page, enum markdown_section section, size_t keep);

/* Whether a section has been opened or added to. */
bool markdown_has(const struct markdown_page *page, enum markdown_section section);

/* Adds all of it to the sink's output. */
void markdown_put(const struct markdown_page *page, struct report_sink *sink);

/* Adds text, of long text the beginning and "…", escaped as for one line of Markdown or (html) for a summary in HTML. */
void markdown_text(struct buf *out, const char *text, size_t most);
void markdown_text_html(struct buf *out, const char *text, size_t most);

#endif
