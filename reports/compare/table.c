#include <inttypes.h>
#include <string.h>

#include "reports/compare/render.h"
#include "reports/compare/words.h"
#include "reports/text/escape.h"

enum { TEXT_MAX = 1024 * 1024, LINE_COLUMNS = 4096 };

struct writing {
    struct report_sink *sink;
    struct buf text;
};

static void add_line(const char *text, void *context)
{
    struct writing *w = context;
    buf_add_str(&w->sink->out, "    ");
    escape_terminal(&w->sink->out, text, LINE_COLUMNS);
    buf_add_char(&w->sink->out, '\n');
}

static int add_pair(const struct compare *compare, const struct compare_pair *pair, void *context, struct err *err)
{
    static const char signs[COMPARE_KINDS] = {'~', '+', '-', ' '};
    struct writing *w = context;
    const struct report_row *row = pair->now != NULL ? pair->now : pair->then;
    buf_clear(&w->text);
    buf_printf(&w->text, "%c %s%s%s/%s", signs[pair->entry->kind], row->namespace == NULL ? "" : row->namespace,
               row->namespace == NULL ? "" : "/", row->kind, row->name);
    escape_terminal(&w->sink->out, buf_str(&w->text), LINE_COLUMNS);
    buf_printf(&w->sink->out, "  %s\n", compare_kind_name(pair->entry->kind));
    buf_clear(&w->text);
    compare_lines(compare, pair, &w->text);
    compare_split(&w->text, add_line, w);
    return sink_poll(w->sink, err);
}

static void add_text(const char *text, void *context)
{
    struct writing *w = context;
    escape_terminal(&w->sink->out, text, LINE_COLUMNS);
    buf_add_char(&w->sink->out, '\n');
}

int compare_table(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err)
{
    (void)max_bytes;
    struct writing w = {.sink = sink};
    buf_init(&w.text, TEXT_MAX);
    int failed = compare_each(compare, 0, compare_different(compare), add_pair, &w, err);
    if (!failed) {
        buf_clear(&w.text);
        compare_side(&compare->then, &w.text);
        buf_add_str(&w.text, " → ");
        compare_side(&compare->now, &w.text);
        buf_add_str(&w.text, ": ");
        compare_total(compare, &w.text);
        buf_add_char(&w.text, '\n');
        compare_remarks(compare, &w.text);
        buf_add_str(&sink->out, compare_different(compare) > 0 ? "\n" : "");
        compare_split(&w.text, add_text, &w);
        failed = sink_finish(sink, err);
    }
    buf_release(&w.text);
    return failed ? -1 : 0;
}
