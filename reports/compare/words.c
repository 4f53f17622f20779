#include "reports/compare/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "reports/compare/differ.h"
#include "reports/text/figures.h"
#include "reports/text/opinion.h"

static const char arrow[] = " → ";

static const struct {
    enum report_field field;
    const char *name;
} fields[] = {{CPU_REQUEST, "CPU request"}, {MEMORY_REQUEST, "memory request"}, {CPU_LIMIT, "CPU limit"}, {MEMORY_LIMIT, "memory limit"}};

void compare_side(const struct report *report, struct buf *out)
{
    if (report->meta.run > 0) {
        buf_printf(out, "run %" PRId64, report->meta.run);
    } else {
        buf_printf(out, "the artifact %.12s", report->meta.digest == NULL ? "" : report->meta.digest);
    }
}

static void money(struct buf *out, int64_t microusd)
{
    char text[MONEY_TEXT];
    buf_add_str(out, money_format(microusd, text));
}

/* "$20 → $18 (−$2, −10%)"; one amount where nothing moved. */
static void moved(struct buf *out, int64_t then, int64_t now)
{
    char change[FIGURE_MAX];
    char percent[FIGURE_MAX];
    money(out, then);
    if (then != now) {
        buf_add_str(out, arrow);
        money(out, now);
        figure_percent(then, now, "−", percent);
        buf_printf(out, " (%s%s%s)", figure_change(then, now, "−", change), percent[0] == '\0' ? "" : ", ", percent);
    }
}

static void money_sentence(const struct compare *compare, struct buf *out)
{
    const struct report_sums *then = &compare->then.totals;
    const struct report_sums *now = &compare->now.totals;
    if (then->workloads == then->unpriced && now->workloads == now->unpriced) {
        buf_add_str(out, " Nothing is priced.");
        return;
    }
    buf_add_str(out, " A month costs ");
    moved(out, then->before, now->before);
    buf_add_str(out, ", with the plan ");
    moved(out, then->after, now->after);
    buf_add_str(out, "; the plan saves ");
    moved(out, then->before - then->after, now->before - now->after);
    buf_add_char(out, '.');
}

static void added_to_list(struct buf *out, int64_t number, const char *one, const char *many, bool *any)
{
    if (number > 0) {
        buf_printf(out, "%s%" PRId64 " %s", *any ? ", " : "", number, number == 1 ? one : many);
        *any = true;
    }
}

void compare_total(const struct compare *compare, struct buf *out)
{
    const int64_t *kinds = compare->kinds;
    bool any = false;
    if (compare_different(compare) == 0) {
        buf_printf(out, "Nothing changed: %" PRId64 " %s as before.", kinds[COMPARE_SAME],
                   kinds[COMPARE_SAME] == 1 ? "workload is" : "workloads are");
        money_sentence(compare, out);
        return;
    }
    added_to_list(out, kinds[COMPARE_CHANGED], "workload differs", "workloads differ", &any);
    added_to_list(out, kinds[COMPARE_ADDED], "was added", "were added", &any);
    added_to_list(out, kinds[COMPARE_GONE], "is gone", "are gone", &any);
    added_to_list(out, kinds[COMPARE_SAME], "is as before", "are as before", &any);
    buf_add_str(out, ".");
    money_sentence(compare, out);
    if (compare->findings_new + compare->findings_gone > 0) {
        buf_printf(out, " Findings: %" PRId64 " new, %" PRId64 " gone.", compare->findings_new, compare->findings_gone);
    }
}

void compare_remarks(const struct compare *compare, struct buf *out)
{
    const struct report *then = &compare->then;
    const struct report *now = &compare->now;
    if (then->meta.kind != now->meta.kind) {
        buf_printf(out, "The artifacts are of different stages (%s then, %s now): only what both hold is compared.\n",
                   artifact_kind_name(then->meta.kind), artifact_kind_name(now->meta.kind));
    }
    if (!str_equal(then->meta.digest, now->meta.digest) && then->meta.price != NULL && now->meta.price != NULL &&
        !json_equal(then->meta.price, now->meta.price)) {
        buf_add_str(out, "What is priced with is not the same in both: a part of the money that moved may come from it.\n");
    }
    int64_t copies = json_int_or(now->problems, "duplicate-identity", 0) + json_int_or(then->problems, "duplicate-identity", 0);
    if (copies > 0) {
        buf_add_str(out, "Some workloads have the name of another one: those of one name are compared in the order of their sources.\n");
    }
    if (then->note_count != now->note_count) {
        buf_printf(out, "Parts of the sources that gave no workload: %zu then, %zu now.\n", then->note_count, now->note_count);
    }
}

/* Ends the line that began at `from`: what is in a name ends none. */
static void end_line(struct buf *out, size_t from)
{
    for (size_t i = from; i < out->length; i++) {
        out->data[i] = out->data[i] == '\n' ? ' ' : out->data[i];
    }
    buf_add_char(out, '\n');
}

static void number_line(struct buf *out, const char *container, const char *what, enum report_field field, int64_t then, int64_t now)
{
    char text[FIGURE_MAX];
    size_t from = out->length;
    if (then != now) {
        buf_printf(out, "%s: %s %s", container, what, figure_pair(field, then, now, arrow, text));
        end_line(out, from);
    }
}

static void container_lines(const struct compare *compare, const struct report_container *then, const struct report_container *now,
                            struct buf *out)
{
    bool advised = compare->then.meta.kind >= ARTIFACT_RECOMMENDATIONS && compare->now.meta.kind >= ARTIFACT_RECOMMENDATIONS;
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        enum report_field field = fields[i].field;
        number_line(out, now->name, fields[i].name, field, then->now[field], now->now[field]);
    }
    for (size_t i = 0; advised && i < ARRAY_COUNT(fields); i++) {
        enum report_field field = fields[i].field;
        char what[FIGURE_MAX];
        snprintf(what, sizeof what, "recommended %s", fields[i].name);
        number_line(out, now->name, what, field, then->next[field], now->next[field]);
    }
}

static void numbers(const struct compare *compare, const struct compare_pair *pair, struct buf *out)
{
    for (size_t i = 0; i < pair->now->container_count; i++) {
        const struct report_container *now = &pair->now->containers[i];
        const struct report_container *then = compare_container(pair->then, now->name, compare_copy(pair->now, i));
        if (then == NULL) {
            size_t from = out->length;
            buf_printf(out, "%s: the container is new", now->name);
            end_line(out, from);
        } else {
            container_lines(compare, then, now, out);
        }
    }
    for (size_t i = 0; i < pair->then->container_count; i++) {
        if (compare_container(pair->now, pair->then->containers[i].name, compare_copy(pair->then, i)) == NULL) {
            size_t from = out->length;
            buf_printf(out, "%s: the container is gone", pair->then->containers[i].name);
            end_line(out, from);
        }
    }
}

static void cost_line(struct buf *out, const char *what, const struct report_row *then, int64_t was, const struct report_row *now,
                      int64_t is)
{
    if (then->priced && now->priced && was == is) {
        return;
    }
    buf_printf(out, "%s: ", what);
    if (then->priced && now->priced) {
        moved(out, was, is);
    } else if (now->priced) {
        buf_add_str(out, "not priced → ");
        money(out, is);
    } else {
        money(out, was);
        buf_add_str(out, " → not priced");
    }
    buf_add_char(out, '\n');
}

static const char *word_or_none(const char *word)
{
    return word == NULL || word[0] == '\0' ? "none" : word;
}

static void word_line(struct buf *out, const char *what, const char *then, const char *now)
{
    size_t from = out->length;
    if (!str_equal(then, now)) {
        buf_printf(out, "%s: %s → %s", what, word_or_none(then), word_or_none(now));
        end_line(out, from);
    }
}

static const char *held_word(const struct report_row *row)
{
    return row->group == REPORT_HELD ? "held back" : "not held back";
}

static void finding_lines(struct buf *out, const char *what, const struct report_row *row, const struct report_row *other)
{
    const json_t *list = json_at(row->record, "recommendation.findings");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *finding = json_array_get(list, i);
        if (other == NULL || !compare_has_finding(other, finding)) {
            const char *severity = json_string_or_null(finding, "severity");
            size_t from = out->length;
            buf_printf(out, "%s, %s: %s", what, severity == NULL ? "info" : severity, report_message(finding));
            end_line(out, from);
        }
    }
}

static void one_side(const struct report_row *row, bool added, struct buf *out)
{
    if (row->priced) {
        buf_add_str(out, added ? "costs " : "cost ");
        money(out, row->before);
        buf_add_str(out, " a month");
        if (row->after != row->before) {
            buf_add_str(out, ", with the plan ");
            money(out, row->after);
        }
        buf_add_char(out, '\n');
    } else {
        buf_add_str(out, "not priced\n");
    }
    if (added) {
        finding_lines(out, "finding", row, NULL);
    }
}

void compare_lines(const struct compare *compare, const struct compare_pair *pair, struct buf *out)
{
    const struct report_row *then = pair->then;
    const struct report_row *now = pair->now;
    if (then == NULL || now == NULL) {
        one_side(now == NULL ? then : now, then == NULL, out);
        return;
    }
    numbers(compare, pair, out);
    if ((pair->entry->parts >> PART_COST & 1U) != 0) {
        cost_line(out, "cost of a month", then, then->before, now, now->before);
        cost_line(out, "with the recommendation", then, then->proposed, now, now->proposed);
    }
    if ((pair->entry->parts >> PART_RISK & 1U) != 0) {
        word_line(out, "risk", report_risk_name(then->risk), report_risk_name(now->risk));
    }
    if ((pair->entry->parts >> PART_VERDICT & 1U) != 0) {
        word_line(out, "verdict", then->verdict, now->verdict);
        word_line(out, "change", held_word(then), held_word(now));
    }
    if ((pair->entry->parts >> PART_VOICE & 1U) != 0) {
        char was[OPINION_WHO_MAX];
        char is[OPINION_WHO_MAX];
        word_line(out, "recommended by", opinion_who(then->record, was), opinion_who(now->record, is));
    }
    if ((pair->entry->parts >> PART_FINDINGS & 1U) != 0) {
        finding_lines(out, "new finding", now, then);
        finding_lines(out, "finding gone", then, now);
    }
}

void compare_split(const struct buf *text, void (*line)(const char *text, void *context), void *context)
{
    for (const char *c = buf_str(text); *c != '\0';) {
        size_t length = strcspn(c, "\n");
        char *copy = xstrndup(c, length);
        line(copy, context);
        free(copy);
        c += length + (c[length] == '\n');
    }
}
