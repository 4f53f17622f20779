#ifndef TARE_REPORTS_MARKDOWN_MARKDOWN_H
#define TARE_REPORTS_MARKDOWN_MARKDOWN_H

/* Pieces that the Markdown report is made of; markdown_name is for the change report too, the others for this folder. */

#include <stdbool.h>

#include "reports/markdown/page.h"
#include "reports/model/model.h"

/* How much of a name, and of a sentence from outside, is shown. */
enum { MARKDOWN_NAME_MAX = 253, MARKDOWN_SENTENCE_MAX = 600 };

/* A table of workloads, and which of its rows are there. */
struct markdown_rows {
    enum markdown_section section;
    enum report_group group;
    const char *title; /* of the fold, NULL: it stands open */
    int64_t count;     /* of the group */
    int64_t shown;
    bool *taken; /* for each of the group; NULL before the first */
    size_t misses;
};

/* What a fold says and what it leaves out. */
struct markdown_fold {
    bool full;      /* with backtest, forecast, outlook, scaling and manifests */
    bool diff;      /* has one … */
    bool shortened; /* … of which the end is left out */
};

/* Adds rows to a table while `keep` bytes are left; may be called again for more. The caller frees rows->taken. ERR_IO. */
int markdown_rows(const struct report *report, struct markdown_page *page, struct markdown_rows *rows, size_t keep, struct err *err);

/* Adds the nodes before and after the plan to the page, where they are known. */
void markdown_nodes(const struct report *report, struct markdown_page *page);

/* Adds sums by namespace and by team to the page; those beyond the first are one row. */
void markdown_parts(const struct report *report, struct markdown_page *page);

/* Adds earlier runs and what applied plans saved to the page. */
void markdown_past(const struct report *report, struct markdown_page *page);

/* Adds a fold of a workload (whole row) to `out`: reasons, findings, price, diff; with fold->full what the analysis says beside. */
void markdown_fold(const struct report_row *row, struct markdown_fold *fold, struct buf *out);

/* Adds what the analysis says of a workload beside its numbers: backtest, forecast, outlook, scaling and its manifests. */
void markdown_insight(const struct report_row *row, struct buf *out);

/* Adds the name of a workload, its kind behind it. */
void markdown_name(const struct report_row *row, struct buf *out);

#endif
