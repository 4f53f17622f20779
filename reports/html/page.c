#include "reports/html/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asset_embed.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/money.h"
#include "pipeline/io/hash.h"
#include "reports/text/escape.h"

enum { DIGEST_BYTES = 32, BASE64_MAX = 48, DIGEST_SHOWN = 12 };

static const char minus[] = "\xe2\x88\x92";
static const char none[] = "\xe2\x80\x93";

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The digest of inline text as a content policy wants it: base64 of the 32 bytes. */
static void policy_hash(const unsigned char *text, size_t length, char out[BASE64_MAX])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char hex[DIGEST_HEX];
    unsigned bytes[DIGEST_BYTES + 1] = {0};
    hash_bytes(text, length, hex);
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        bytes[i] = hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]);
    }
    size_t at = 0;
    for (size_t i = 0; i < DIGEST_BYTES; i += 3) {
        unsigned group = bytes[i] << 16 | bytes[i + 1] << 8 | (i + 2 < DIGEST_BYTES ? bytes[i + 2] : 0);
        out[at++] = alphabet[group >> 18 & 63];
        out[at++] = alphabet[group >> 12 & 63];
        out[at++] = alphabet[group >> 6 & 63];
        out[at++] = alphabet[group & 63];
    }
    /* 32 bytes are ten groups and two bytes. */
    out[at - 1] = '=';
    out[at] = '\0';
}

static void add_title(struct buf *out, const struct html_page *page)
{
    escape_html(out, page->title);
    if (page->cluster != NULL) {
        buf_add_str(out, " for ");
        escape_html(out, page->cluster);
    }
}

static void document_head(struct buf *out, const struct html_page *page)
{
    char style[BASE64_MAX];
    char script[BASE64_MAX];
    policy_hash(asset_report_css, asset_report_css_length, style);
    policy_hash(asset_report_js, asset_report_js_length, script);
    buf_printf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; "
        "script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n",
        style, script);
    buf_add_str(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<meta name=\"referrer\" content=\"no-referrer\">\n");
    if (page->plan != NULL) {
        buf_add_str(out, "<meta name=\"tare-plan\" content=\"");
        escape_html(out, page->plan);
        buf_add_str(out, "\">\n");
    }
    buf_add_str(out, "<title>");
    add_title(out, page);
    buf_add_str(out, "</title>\n<style>");
    buf_add(out, asset_report_css, asset_report_css_length);
    buf_printf(out, "</style></head>\n<body>\n<a class=\"skip\" href=\"#%s\">Skip to the %s</a>\n",
               page->skip, page->skip);
}

/* "2026-11-22T03:00:00Z" as "2026-11-22 03:00 UTC"; what has another form is shown as it is. */
static void started(const char *created, struct buf *out)
{
    int64_t instant = 0;
    char text[RFC3339_MAX];
    if (created == NULL || time_parse(created, &instant, NULL)) {
        escape_html(out, created == NULL ? "start unknown" : created);
        return;
    }
    time_format(instant, text);
    buf_printf(out, "started <time datetime=\"%s\">%.10s %.5s UTC</time>", text, text, text + 11);
}

void html_page_begin(struct buf *out, const struct html_page *page)
{
    document_head(out, page);
    buf_add_str(out, "<header><p class=\"brand\">tare</p><h1>");
    add_title(out, page);
    buf_add_str(out, "</h1><p class=\"quiet\">");
    if (page->run > 0) {
        buf_printf(out, "Run %" PRId64 " · ", page->run);
    }
    started(page->created, out);
    if (page->plan != NULL) {
        buf_add_str(out, " · plan <code>");
        buf_add(out, page->plan, strnlen(page->plan, DIGEST_SHOWN));
        buf_add_str(out, "</code>");
    }
    buf_add_str(out, "</p></header>\n<main>\n");
}

void html_page_foot(struct buf *out)
{
    buf_add_str(out, "</main>\n<footer>\n");
}

void html_page_end(struct buf *out)
{
    buf_add_str(out, "</footer>\n<script>");
    buf_add(out, asset_report_js, asset_report_js_length);
    buf_add_str(out, "</script>\n</body></html>\n");
}

void html_section_begin(struct buf *out, const char *id, const char *heading)
{
    buf_printf(out, "<section aria-labelledby=\"%s\"><h2 id=\"%s\" tabindex=\"-1\">%s</h2>\n", id, id,
               heading);
}

void html_section_end(struct buf *out)
{
    buf_add_str(out, "</section>\n");
}

void html_cards_begin(struct buf *out)
{
    buf_add_str(out, "<dl class=\"cards\">\n");
}

void html_cards_end(struct buf *out)
{
    buf_add_str(out, "</dl>\n");
}

void html_card(struct buf *out, enum html_tone tone, const char *label, const char *value, const char *below)
{
    static const char *const classes[] = {
        [TONE_PLAIN] = "card", [TONE_GOOD] = "card good", [TONE_BAD] = "card bad"};
    buf_printf(out, "<div class=\"%s\"><dt>", classes[tone]);
    escape_html(out, label);
    buf_add_str(out, "</dt><dd><b>");
    escape_html(out, value);
    buf_add_str(out, "</b>");
    if (below[0] != '\0') {
        buf_add_str(out, "<small>");
        escape_html(out, below);
        buf_add_str(out, "</small>");
    }
    buf_add_str(out, "</dd></div>\n");
}

void html_sentence(struct buf *out, const char *element, const struct buf *text)
{
    if (text->length > 0) {
        buf_printf(out, "<%s>", element);
        escape_html(out, buf_str(text));
        buf_printf(out, "</%s>\n", element);
    }
}

void html_badge(struct buf *out, const char *class, const char *text)
{
    buf_printf(out, " <em class=%s>", class);
    escape_html(out, text);
    buf_add_str(out, "</em>");
}

void html_row_head(struct buf *out, const char *text)
{
    buf_add_str(out, "<tr><th scope=\"row\"><bdi>");
    escape_html(out, text);
    buf_add_str(out, "</bdi></th>");
}

void html_count_cell(struct buf *out, int64_t count)
{
    buf_printf(out, "<td class=\"num\">%" PRId64 "</td>", count);
}

void html_money_cell(struct buf *out, bool known, int64_t microusd)
{
    char money[MONEY_TEXT];
    buf_printf(out, "<td class=\"num\">%s%s</td>", known && microusd < 0 ? minus : "", known ? money_format(llabs(microusd), money) : none);
}

void html_change_cell(struct buf *out, bool known, int64_t before, int64_t after)
{
    char text[FIGURE_MAX];
    const char *class = !known || before == after ? "num" : after < before ? "num less" : "num more";
    buf_printf(out, "<td class=\"%s\">%s</td>", class,
               known ? figure_change(before, after, minus, text) : none);
}
