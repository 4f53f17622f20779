#include <inttypes.h>

#include "pipeline/base/mem.h"
#include "reports/batch/render.h"
#include "reports/csv/cells.h"
#include "reports/text/escape.h"

static const char header[] = "batch,cluster,run,state,counted,superseded_by,workloads,changed,held_back,unpriced,no_data,problems,"
                             "approvals_missing,monthly_before_microusd,monthly_after_microusd,monthly_saving_microusd,"
                             "proposed_after_microusd,plan,reason,created,prices,saving_in_currency" CSV_LINE_END;

static void add_run(const struct batch_report *batch, const struct batch_run *run, struct buf *out)
{
    const struct report_sums *s = &run->sums;
    csv_text(out, batch->name);
    csv_text(out, run->cluster);
    csv_number(out, true, run->run);
    csv_text(out, run->state);
    csv_text(out, run->counted ? "yes" : "no");
    csv_number(out, run->later > 0, run->later);
    const int64_t numbers[] = {s->workloads, s->changed, s->held, s->unpriced, s->no_data, run->problems};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        csv_number(out, run->counted, numbers[i]);
    }
    csv_number(out, run->missing >= 0, run->missing);
    const int64_t money[] = {s->before, s->after, s->before - s->after, s->proposed};
    for (size_t i = 0; i < ARRAY_COUNT(money); i++) {
        csv_number(out, run->counted, money[i]);
    }
    csv_text(out, run->plan);
    csv_text(out, run->reason);
    csv_text(out, run->created);
    csv_text(out, run->prices);
    if (run->saving[0] != '\0') {
        escape_csv(out, run->saving);
    }
    buf_add_str(out, CSV_LINE_END);
}

int batch_csv(const struct batch_report *batch, struct report_sink *sink, struct err *err)
{
    buf_add_str(&sink->out, header);
    for (size_t i = 0; i < batch->run_count; i++) {
        add_run(batch, &batch->runs[i], &sink->out);
        if (sink_poll(sink, err)) {
            return -1;
        }
    }
    return sink_finish(sink, err);
}
