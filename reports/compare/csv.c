#include <inttypes.h>

#include "pipeline/base/mem.h"
#include "reports/compare/render.h"
#include "reports/csv/cells.h"

static const char header[] =
    "cluster,namespace,kind,workload,change,differs,"
    "monthly_before_then_microusd,monthly_before_now_microusd,monthly_after_then_microusd,monthly_after_now_microusd,"
    "monthly_saving_then_microusd,monthly_saving_now_microusd,"
    "cpu_request_then_millicores,cpu_request_now_millicores,memory_request_then_bytes,memory_request_now_bytes,"
    "cpu_recommended_then_millicores,cpu_recommended_now_millicores,memory_recommended_then_bytes,memory_recommended_now_bytes,"
    "risk_then,risk_now,verdict_then,verdict_now,confidence_then,confidence_now,findings_new,findings_gone" CSV_LINE_END;

/* The money of both sides side by side; a row that is not there has none. */
static void money_cells(struct buf *out, const struct report_row *const sides[2])
{
    for (int what = 0; what < 3; what++) {
        for (int i = 0; i < 2; i++) {
            const struct report_row *row = sides[i];
            bool priced = row != NULL && row->priced;
            int64_t money[] = {priced ? row->before : 0, priced ? row->after : 0, priced ? row->before - row->after : 0};
            csv_number(out, priced, money[what]);
        }
    }
}

static void amount_cells(struct buf *out, const struct report_row *const sides[2])
{
    static const enum report_field requests[] = {CPU_REQUEST, MEMORY_REQUEST};
    for (int next = 0; next < 2; next++) {
        for (size_t f = 0; f < ARRAY_COUNT(requests); f++) {
            for (int i = 0; i < 2; i++) {
                int64_t amount = sides[i] == NULL ? REPORT_ABSENT
                                                  : report_effective(next == 1 ? sides[i]->next : sides[i]->now, requests[f]);
                csv_number(out, amount != REPORT_ABSENT, amount);
            }
        }
    }
}

static int add_line(const struct compare *compare, const struct compare_pair *pair, void *context, struct err *err)
{
    (void)compare;
    struct report_sink *sink = context;
    struct buf *out = &sink->out;
    const struct report_row *any = pair->now != NULL ? pair->now : pair->then;
    const struct report_row *const sides[2] = {pair->then, pair->now};
    csv_text(out, any->cluster);
    csv_text(out, any->namespace);
    csv_text(out, any->kind);
    csv_text(out, any->name);
    csv_text(out, compare_kind_name(pair->entry->kind));
    const char *between = "";
    for (int i = 0; i < COMPARE_PARTS; i++) {
        if ((pair->entry->parts >> (unsigned)i & 1U) != 0) {
            buf_printf(out, "%s%s", between, compare_part_name((enum compare_part)i));
            between = " ";
        }
    }
    buf_add_char(out, ',');
    money_cells(out, sides);
    amount_cells(out, sides);
    for (int i = 0; i < 2; i++) {
        csv_text(out, sides[i] == NULL || sides[i]->risk == RISK_UNKNOWN ? NULL : report_risk_name(sides[i]->risk));
    }
    for (int i = 0; i < 2; i++) {
        csv_text(out, sides[i] == NULL ? NULL : sides[i]->verdict);
    }
    for (int i = 0; i < 2; i++) {
        csv_real(out, sides[i] != NULL && sides[i]->has_confidence, sides[i] == NULL ? 0 : sides[i]->confidence);
    }
    buf_printf(out, "%" PRIu32 ",%" PRIu32 CSV_LINE_END, pair->entry->findings_new, pair->entry->findings_gone);
    return sink_poll(sink, err);
}

int compare_csv(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err)
{
    (void)max_bytes;
    buf_add_str(&sink->out, header);
    return compare_each(compare, 0, SIZE_MAX, add_line, sink, err) || sink_finish(sink, err) ? -1 : 0;
}
