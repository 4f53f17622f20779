#include "reports/markdown/page.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/text/escape.h"

enum { ESCAPED_MOST = 3 };

void markdown_page_init(struct markdown_page *page, size_t size)
{
    *page = (struct markdown_page){.size = size, .left = size};
    for (int i = 0; i < MD_SECTIONS; i++) {
        buf_init(&page->sections[i], size);
        buf_init(&page->ends[i], size);
    }
    /* What does not fit into the whole page need not be held whole. */
    buf_init(&page->piece, size);
}

void markdown_page_release(struct markdown_page *page)
{
    for (int i = 0; i < MD_SECTIONS; i++) {
        buf_release(&page->sections[i]);
        buf_release(&page->ends[i]);
    }
    buf_release(&page->piece);
}

bool markdown_open(struct markdown_page *page, enum markdown_section section, const char *end, size_t keep)
{
    size_t length = strlen(end);
    if (!markdown_add(page, section, keep + length)) {
        return false;
    }
    buf_add_str(&page->ends[section], end);
    page->left -= length;
    return true;
}

bool markdown_add(struct markdown_page *page, enum markdown_section section, size_t keep)
{
    struct buf *piece = &page->piece;
    bool fits = !piece->overflow && piece->length + keep <= page->left;
    if (fits && piece->length > 0) {
        buf_add(&page->sections[section], piece->data, piece->length);
        page->left -= piece->length;
    }
    buf_clear(piece);
    return fits;
}

bool markdown_has(const struct markdown_page *page, enum markdown_section section)
{
    return page->sections[section].length > 0;
}

void markdown_put(const struct markdown_page *page, struct report_sink *sink)
{
    for (int i = 0; i < MD_SECTIONS; i++) {
        buf_add_str(&sink->out, buf_str(&page->sections[i]));
        buf_add_str(&sink->out, buf_str(&page->ends[i]));
    }
}

typedef void escaper(struct buf *out, const char *text);

/* Text of nothing but marks takes many times its length when it is escaped: of such there is less. */
static void add_cut(struct buf *out, const char *text, size_t most, escaper *escape)
{
    size_t from = out->length;
    size_t length = strlen(text);
    for (size_t take = length < most ? length : most; take > 0; take /= 2) {
        char *cut = xstrndup(text, take);
        if (take < length) {
            str_trim_utf8(cut);
        }
        out->length = from;
        escape(out, cut);
        buf_add_str(out, take < length ? "…" : "");
        free(cut);
        if (out->length - from <= ESCAPED_MOST * most) {
            return;
        }
    }
}

void markdown_text(struct buf *out, const char *text, size_t most)
{
    add_cut(out, text, most, escape_markdown);
}

void markdown_text_html(struct buf *out, const char *text, size_t most)
{
    add_cut(out, text, most, escape_markdown_html);
}
