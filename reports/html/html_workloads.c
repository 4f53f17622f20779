#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/html/pieces.h"
#include "reports/html/svg.h"
#include "reports/html/workload.h"
#include "reports/text/escape.h"

/*
 * How a page that may have only so many bytes is spent. Each workload has its row. The first by rank have all
 * there is to tell. Then as many as there is room for have their details in text, then, from the first again,
 * their charts. Rank is the order of the report.
 */
enum { PASSED_NAMED_UPTO = 500, WHOLE = 300, UNPRICED_MAX = 200, PIECE_MAX = 64 * 1024 * 1024, AROUND = 8192, AT_ONCE = 64 };

/* How long the pieces of a workload are. */
struct lengths {
    uint32_t row;
    uint32_t begin; /* of the details */
    uint32_t end;
    uint32_t drawings;
};

struct board {
    const struct report *report;
    struct plot_axis axis; /* that most charts share: that of the first which has one */
    int64_t room;          /* for all of it, in bytes … */
    int64_t details;       /* … and for what is not a row */
    struct pieces rows;
    struct pieces texts;
    struct pieces drawings;
    struct buf piece;
    struct lengths *lengths; /* by place */
    struct buf unpriced;     /* what has no price, and why */
    size_t unpriced_count;
    size_t made_upto; /* places below have their drawings made */
    size_t rows_upto; /* places below have their row, … */
    size_t texts_upto;
    size_t drawn_upto;
};

/* The reason is the problem that pricing noted. */
static void note_unpriced(struct board *board, const struct report_row *row)
{
    const json_t *problems = json_object_get(row->record, "problems");
    struct buf *out = &board->unpriced;
    if (row->priced || board->report->meta.kind < ARTIFACT_COSTS || board->unpriced_count++ >= UNPRICED_MAX) {
        return;
    }
    buf_printf(out, "<li><a href=#w%zu><bdi>", row->number);
    escape_html(out, row->namespace == NULL ? "" : row->namespace);
    buf_add_str(out, row->namespace == NULL ? "" : "/");
    escape_html(out, row->name);
    buf_add_str(out, "</bdi></a>");
    for (size_t i = 0; i < json_array_size(problems); i++) {
        const json_t *problem = json_array_get(problems, i);
        const char *stage = json_string_or_null(problem, "stage");
        if (stage != NULL && (str_equal(stage, "price") || json_array_size(problems) == 1)) {
            buf_add_str(out, " ");
            escape_html(out, report_message(problem));
        }
    }
    buf_add_char(out, '\n');
}

static int keep(struct pieces *pieces, struct buf *piece, uint32_t *length, struct err *err)
{
    *length = (uint32_t)piece->length;
    int failed = pieces_add(pieces, piece, err);
    buf_clear(piece);
    return failed;
}

/* The first pass makes each workload's row. */
static int make_row(const struct report *report, const struct report_row *row, size_t place, void *context,
                    struct err *err)
{
    struct board *board = context;
    (void)report;
    note_unpriced(board, row);
    html_workload_row(row, &board->piece);
    return keep(&board->rows, &board->piece, &board->lengths[place].row, err);
}

/* Whether there may be room for the drawings of the workloads from a place on: texts come before them, so
 * those of all are guessed from these so far. */
static bool draws(const struct board *board, size_t place)
{
    int64_t count = (int64_t)board->report->entry_count;
    return place < WHOLE ||
           pieces_size(&board->texts) / (int64_t)place * count + pieces_size(&board->drawings) <
               board->details;
}

/* The second makes the details, as long as there may be room for them. */
static int make_details(const struct report *report, const struct report_row *row, size_t place,
                        void *context, struct err *err)
{
    struct board *board = context;
    struct lengths *lengths = &board->lengths[place];
    struct buf *piece = &board->piece;
    if (board->axis.count == 0) {
        (void)svg_usage_axis(row, &board->axis);
    }
    html_details_begin(row, piece);
    if (keep(&board->texts, piece, &lengths->begin, err)) {
        return -1;
    }
    html_details_end(row, report->entry_count <= PASSED_NAMED_UPTO, piece);
    if (keep(&board->texts, piece, &lengths->end, err)) {
        return -1;
    }
    if (draws(board, place)) {
        board->made_upto = place + 1;
        html_drawings(row, &board->axis, piece);
        return keep(&board->drawings, piece, &lengths->drawings, err);
    }
    return 0;
}

static bool take(int64_t *left, int64_t bytes)
{
    if (bytes > *left) {
        return false;
    }
    *left -= bytes;
    return true;
}

static int64_t text_bytes(const struct lengths *lengths)
{
    return (int64_t)lengths->begin + (int64_t)lengths->end;
}

/* Decides how far each kind of piece goes. */
static void spend(struct board *board)
{
    size_t count = board->report->entry_count;
    size_t place = 0;
    int64_t left = board->room;
    while (board->rows_upto < count && take(&left, (int64_t)board->lengths[board->rows_upto].row)) {
        board->rows_upto++;
    }
    size_t whole = board->rows_upto < WHOLE ? board->rows_upto : WHOLE;
    for (; place < whole; place++) {
        const struct lengths *lengths = &board->lengths[place];
        if (lengths->begin == 0 || !take(&left, text_bytes(lengths) + (int64_t)lengths->drawings)) {
            break;
        }
    }
    board->texts_upto = place;
    board->drawn_upto = place;
    while (board->texts_upto < board->rows_upto && board->lengths[board->texts_upto].begin > 0 &&
           take(&left, text_bytes(&board->lengths[board->texts_upto]))) {
        board->texts_upto++;
    }
    while (board->drawn_upto < board->texts_upto && board->drawn_upto < board->made_upto &&
           take(&left, (int64_t)board->lengths[board->drawn_upto].drawings)) {
        board->drawn_upto++;
    }
}

/* What the page leaves out, and what shows it. */
static void left_out(const struct board *board, struct buf *out)
{
    const struct report *report = board->report;
    size_t count = report->entry_count;
    if (board->drawn_upto == count) {
        return;
    }
    buf_printf(out, "<p class=cut>%zu workloads are too many to tell all of each in one page. ", count);
    if (board->rows_upto < count) {
        buf_printf(out, "The first %zu have a row; the report as CSV or JSON has the rest. ",
                   board->rows_upto);
    }
    if (board->texts_upto < board->rows_upto) {
        buf_printf(out, "The first %zu have their reasons, findings and diff. ", board->texts_upto);
    }
    buf_printf(out, "The first %zu have charts too. All of any workload: <code>tare explain ",
               board->drawn_upto);
    if (report->meta.run > 0) {
        buf_printf(out, "%" PRId64, report->meta.run);
    } else {
        buf_add_str(out, "RUN");
    }
    buf_add_str(out, " NAMESPACE/KIND/NAME</code></p>\n");
}

static int put(struct board *board, size_t place, struct report_sink *sink, struct err *err)
{
    const struct lengths *lengths = &board->lengths[place];
    bool row = place < board->rows_upto;
    bool text = place < board->texts_upto;
    bool drawn = place < board->drawn_upto;
    return pieces_next(&board->rows, lengths->row, row, sink, err) ||
           pieces_next(&board->texts, lengths->begin, text, sink, err) ||
           pieces_next(&board->drawings, lengths->drawings, drawn, sink, err) ||
           pieces_next(&board->texts, lengths->end, text, sink, err);
}

/* The workloads of a group, where there are any, in a fold: those that stay stand behind those that change.
 */
static int put_group(struct board *board, enum report_group group, const char *title, int64_t count,
                     bool open, struct report_sink *sink, struct err *err)
{
    if (count == 0) {
        return 0;
    }
    buf_printf(&sink->out, "<details class=\"rest\"%s><summary>%s (%" PRId64 ")</summary>\n",
               open ? " open" : "", title, count);
    html_workloads_begin(&sink->out, title);
    for (size_t i = 0; i < board->report->entry_count; i++) {
        if (report_group_at(board->report, i) == group && put(board, i, sink, err)) {
            return -1;
        }
    }
    html_workloads_end(&sink->out);
    buf_add_str(&sink->out, "</details>\n");
    return 0;
}

/* The reasons, and under them the workloads. */
static void put_unpriced(struct board *board, struct buf *out)
{
    const struct report *report = board->report;
    if (board->unpriced_count == 0) {
        return;
    }
    html_section_begin(out, "unpriced", "Not priced, and in no sum");
    buf_add_str(out, "<ul>\n");
    for (size_t i = 0; i < report->reason_count; i++) {
        buf_printf(out, "<li>%" PRId64 " × ", report->reasons[i].count);
        escape_html(out, report->reasons[i].text);
        buf_add_char(out, '\n');
    }
    buf_printf(out, "</ul><details><summary>Which (%zu)</summary><ul class=\"gaps\">\n",
               board->unpriced_count);
    buf_add(out, buf_str(&board->unpriced), board->unpriced.length);
    if (board->unpriced_count > UNPRICED_MAX) {
        buf_printf(out, "<li>and %zu more: each is marked “not priced” in its row",
                   board->unpriced_count - UNPRICED_MAX);
    }
    buf_add_str(out, "</ul></details>\n");
    html_section_end(out);
}

static int put_all(struct board *board, struct report_sink *sink, struct err *err)
{
    const struct report_sums *t = &board->report->totals;
    plot_definitions(&board->axis, &sink->out);
    html_section_begin(&sink->out, "workloads", "Workloads");
    buf_add_str(&sink->out, "<div id=\"tools\" role=\"search\" aria-label=\"Workloads\"></div>\n");
    left_out(board, &sink->out);
    if (put_group(board, REPORT_CHANGES, "What would change, the most money first", t->changed, true, sink,
                  err) ||
        put_group(board, REPORT_HELD, "Held back, not in the sums", t->held, true, sink, err) ||
        put_group(board, REPORT_STAYS, "Without a change", t->kept + t->no_advice, t->changed == 0, sink,
                  err)) {
        return -1;
    }
    html_section_end(&sink->out);
    put_unpriced(board, &sink->out);
    return sink_poll(sink, err);
}

static int fill(struct board *board, struct err *err)
{
    const struct report *report = board->report;
    size_t count = report->entry_count;
    if (pieces_init(&board->rows, err) || pieces_init(&board->texts, err) ||
        pieces_init(&board->drawings, err) || report_each_brief(report, 0, count, make_row, board, err)) {
        return -1;
    }
    board->room -= AROUND + (int64_t)board->unpriced.length;
    board->details = board->room - pieces_size(&board->rows);
    for (size_t place = 0; place < count && pieces_size(&board->texts) < board->details; place += AT_ONCE) {
        /* Once there is no room for drawings, what they are made from is not read either. */
        if ((draws(board, place) ? report_each : report_each_told)(report, place, AT_ONCE, make_details,
                                                                   board, err)) {
            return -1;
        }
    }
    if (pieces_finish(&board->rows, err) || pieces_finish(&board->texts, err) ||
        pieces_finish(&board->drawings, err)) {
        return -1;
    }
    spend(board);
    return 0;
}

int html_workloads(const struct report *report, size_t room, struct report_sink *sink, struct err *err)
{
    struct board board = {
        .report = report, .room = (int64_t)room, .rows.fd = -1, .texts.fd = -1, .drawings.fd = -1};
    buf_init(&board.piece, PIECE_MAX);
    buf_init(&board.unpriced, PIECE_MAX);
    board.lengths = xcalloc_array(report->entry_count + 1, sizeof *board.lengths);
    int failed = fill(&board, err) || put_all(&board, sink, err);
    pieces_release(&board.rows);
    pieces_release(&board.texts);
    pieces_release(&board.drawings);
    buf_release(&board.piece);
    buf_release(&board.unpriced);
    free(board.lengths);
    return failed ? -1 : 0;
}
