#include "stages/analyze/asking/progress.h"

#include <inttypes.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"

enum { SHOWN_EVERY_MS = 200, MICRO = 1000 * 1000 };

void progress_show(struct progress *progress, const struct counts *counts, size_t waiting)
{
    int64_t now = clock_monotonic_ms();
    if (progress->shown_ms != 0 && now - progress->shown_ms < SHOWN_EVERY_MS) {
        return;
    }
    progress->shown_ms = now;
    log_status("questions: %" PRId64 " of %" PRId64 " so far; %" PRId64 " tokens, USD %.4f", counts->answered,
               counts->asked + (int64_t)waiting, counts->tokens, (double)counts->microusd / MICRO);
}

void progress_end(void)
{
    log_status("%s", "");
}

void progress_summary(const struct counts *counts)
{
    log_info("%" PRId64 " question%s asked about %" PRId64 " workload%s (%" PRId64 " repaired), %" PRId64 " known already, %" PRId64
             " left to the rules; %" PRId64 " tokens, USD %.6f",
             counts->asked, counts->asked == 1 ? "" : "s", counts->workloads - counts->recalled,
             counts->workloads - counts->recalled == 1 ? "" : "s", counts->repaired, counts->recalled, counts->fell_back, counts->tokens,
             (double)counts->microusd / MICRO);
    if (counts->missing > 0) {
        log_warn("%" PRId64 " workload%s left to the rules: the ledger holds no answer about %s", counts->missing,
                 counts->missing == 1 ? " was" : "s were", counts->missing == 1 ? "it" : "them");
    }
}
