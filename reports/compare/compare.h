#ifndef TARE_REPORTS_COMPARE_COMPARE_H
#define TARE_REPORTS_COMPARE_COMPARE_H

/*
 * What changed between two runs: workloads are matched by cluster, namespace, kind and name, and each pair is compared. Both sides
 * are report models, so that their sums are those of their own reports; in memory stay 80 bytes a workload besides.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/run/artifact.h"
#include "reports/model/model.h"

/* In the order of the report; what did not change is counted and comes last. */
enum compare_kind { COMPARE_CHANGED, COMPARE_ADDED, COMPARE_GONE, COMPARE_SAME, COMPARE_KINDS };

/* In what a workload that is in both runs differs. */
enum compare_part {
    PART_TODAY,    /* requests or limits of today */
    PART_ADVICE,   /* those that are recommended */
    PART_COST,     /* money a month */
    PART_RISK,
    PART_VERDICT,  /* of the gate, or whether the change is held back */
    PART_FINDINGS,
    PART_VOICE,    /* who recommended */
    COMPARE_PARTS
};

enum { COMPARE_NONE = -1 };

/* A workload of one run or of both: its places in their reports, COMPARE_NONE where it is not. */
struct compare_entry {
    int64_t then;
    int64_t now;
    int64_t moved; /* money, for the order */
    enum compare_kind kind;
    unsigned parts; /* bits of enum compare_part */
    uint32_t findings_new;
    uint32_t findings_gone;
};

/* Sums of a namespace then and now; strings borrowed from the reports. */
struct compare_space {
    const char *name; /* NULL: none given */
    const struct report_sums *then; /* NULL: it was not there */
    const struct report_sums *now;
    int64_t kinds[COMPARE_KINDS];
};

struct compare {
    struct report then;
    struct report now;
    struct compare_entry *entries;
    size_t count;
    struct compare_space *spaces; /* the most moved money first */
    size_t space_count;
    int64_t kinds[COMPARE_KINDS];
    int64_t parts[COMPARE_PARTS]; /* workloads that differ in it */
    int64_t findings_new;
    int64_t findings_gone;
};

/* A workload as compare_each shows it; a row is NULL where the run does not have it. Rows are brief (report_row_brief_at). */
struct compare_pair {
    const struct compare_entry *entry;
    const struct report_row *then;
    const struct report_row *now;
};

/* Reads both artifacts and compares them. `then_run`, `now_run`: ids in the ledger, 0 unknown. ERR_DATA where they are of different
 * clusters; errors of report_read. Release it in any case. */
int compare_read(struct compare *compare, struct artifact_reader *then, int64_t then_run, struct artifact_reader *now, int64_t now_run,
                 const char *team_label, struct err *err);

/* Frees everything. */
void compare_release(struct compare *compare);

/* What compare_each calls for each workload. The pair is the walk's. */
typedef int compare_visit(const struct compare *compare, const struct compare_pair *pair, void *context, struct err *err);

/* Calls `visit` for the entries from `from` on, at most `most`, until one fails (its value is returned). */
int compare_each(const struct compare *compare, size_t from, size_t most, compare_visit *visit, void *context, struct err *err);

/* Entries that are not as before: these come first. */
size_t compare_different(const struct compare *compare);

/* "changed", "added", "gone", "same". Borrowed, static. */
const char *compare_kind_name(enum compare_kind kind);

/* "today", "recommendation", "cost", "risk", "verdict", "findings". Borrowed, static. */
const char *compare_part_name(enum compare_part part);

#endif
