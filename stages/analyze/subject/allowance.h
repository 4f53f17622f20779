#ifndef TARE_ANALYZE_SUBJECT_ALLOWANCE_H
#define TARE_ANALYZE_SUBJECT_ALLOWANCE_H

/*
 * What the namespace allows: its LimitRanges and ResourceQuotas, read once from `workload.limit_ranges` and
 * `workload.quotas`. Amounts that an object does not set are AMOUNT_ABSENT. What they mean is Kubernetes' (admission
 * plugins LimitRanger and ResourceQuota); what becomes of it is in sizing/README.md.
 */

#include "stages/analyze/subject/model.h"

enum { ALLOWANCES_MAX = 32 };

/* One entry of a LimitRange: for each container, or for the pod as a whole. */
struct limit_range {
    const char *name;
    const char *by; /* "limit-range:NAME", as it stands in reasons */
    bool pod;
    int64_t min[RESOURCES], max[RESOURCES]; /* hold for requests and for limits */
    int64_t limit[RESOURCES];               /* default: what a container without a limit gets */
    int64_t request[RESOURCES];             /* default: what one with neither gets */
    int64_t ratio[RESOURCES];               /* most of limit ÷ request, in thousandths */
};

/* One ResourceQuota; the first index is 0 for requests, 1 for limits. */
struct quota {
    const char *name;
    const char *by; /* "quota:NAME" */
    int64_t hard[2][RESOURCES];
    int64_t used[2][RESOURCES];
    bool counts; /* it is about this workload's pods for sure: no scope that asks for more than is known */
};

struct allowance {
    struct limit_range ranges[ALLOWANCES_MAX];
    size_t range_count;
    struct quota quotas[ALLOWANCES_MAX];
    size_t quota_count;
};

/* Reads what concerns a workload. New in the arena, never NULL; names are cut to 100 bytes without control bytes. */
const struct allowance *allowance_read(const json_t *workload, bool batch, struct arena *arena);

/* Fills in what the pods get by these defaults, as the API server does: a limit where none is set and the request lies
 * below, a request where neither was set. Only amounts that are AMOUNT_ABSENT change. */
void allowance_fill(const struct allowance *allowance, int64_t request[RESOURCES], int64_t limit[RESOURCES]);

#endif
