#include "reports/compare/differ.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "reports/text/opinion.h"

const struct report_container *compare_container(const struct report_row *row, const char *name, size_t copy)
{
    for (size_t i = 0; i < row->container_count; i++) {
        if (strcmp(row->containers[i].name, name) == 0 && copy-- == 0) {
            return &row->containers[i];
        }
    }
    return NULL;
}

size_t compare_copy(const struct report_row *row, size_t index)
{
    size_t copy = 0;
    for (size_t i = 0; i < index; i++) {
        copy += strcmp(row->containers[i].name, row->containers[index].name) == 0;
    }
    return copy;
}

bool compare_has_finding(const struct report_row *row, const json_t *finding)
{
    const json_t *list = json_at(row->record, "recommendation.findings");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *other = json_array_get(list, i);
        if (str_equal(json_string_or_null(other, "code"), json_string_or_null(finding, "code")) &&
            str_equal(json_string_or_null(other, "container"), json_string_or_null(finding, "container"))) {
            return true;
        }
    }
    return false;
}

/* Findings of `row` that `other` does not have. */
static uint32_t missing_findings(const struct report_row *row, const struct report_row *other)
{
    const json_t *list = json_at(row->record, "recommendation.findings");
    uint32_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        count += !compare_has_finding(other, json_array_get(list, i));
    }
    return count;
}

/* Whether the numbers of a container, today's or the recommended ones, are those of its namesake. */
static void compare_numbers(const struct report_row *then, const struct report_row *now, bool *today, bool *advice)
{
    *today = then->container_count != now->container_count;
    *advice = *today;
    for (size_t i = 0; i < now->container_count; i++) {
        const struct report_container *is = &now->containers[i];
        const struct report_container *was = compare_container(then, is->name, compare_copy(now, i));
        *today = *today || was == NULL || memcmp(was->now, is->now, sizeof is->now) != 0;
        *advice = *advice || was == NULL || memcmp(was->next, is->next, sizeof is->next) != 0;
    }
}

static bool costs_differ(const struct report_row *then, const struct report_row *now)
{
    return then->priced != now->priced ||
           (now->priced && (then->before != now->before || then->proposed != now->proposed || then->after != now->after));
}

static bool both_are(const struct compare *compare, enum artifact_kind kind)
{
    return compare->then.meta.kind >= kind && compare->now.meta.kind >= kind;
}

/* Whether somebody else recommends now; that a proposal is about another workload is nobody's recommendation. */
static bool voices_differ(const struct report_row *then, const struct report_row *now)
{
    char was[OPINION_WHO_MAX];
    char is[OPINION_WHO_MAX];
    opinion_who(then->record, was);
    opinion_who(now->record, is);
    return strcmp(was, is) != 0 && !str_starts(was, "nobody") && !str_starts(is, "nobody");
}

/* Only what both artifacts can hold is compared. */
static unsigned parts_of(const struct compare *compare, const struct report_row *then, const struct report_row *now)
{
    bool differs[COMPARE_PARTS] = {false};
    compare_numbers(then, now, &differs[PART_TODAY], &differs[PART_ADVICE]);
    bool advised = both_are(compare, ARTIFACT_RECOMMENDATIONS);
    bool gated = both_are(compare, ARTIFACT_GATED);
    differs[PART_ADVICE] = differs[PART_ADVICE] && advised;
    differs[PART_RISK] = advised && then->risk != now->risk;
    differs[PART_VOICE] = advised && voices_differ(then, now);
    differs[PART_COST] = both_are(compare, ARTIFACT_COSTS) && costs_differ(then, now);
    differs[PART_VERDICT] = (gated && !str_equal(then->verdict, now->verdict)) ||
                            (both_are(compare, ARTIFACT_CHANGES) && (then->group == REPORT_HELD) != (now->group == REPORT_HELD));
    unsigned parts = 0;
    for (int i = 0; i < COMPARE_PARTS; i++) {
        parts |= differs[i] ? 1U << (unsigned)i : 0;
    }
    return parts;
}

/* Money that moved: what today costs, and what the plan takes off. */
static int64_t moved(const struct report_row *then, const struct report_row *now)
{
    bool was = then != NULL && then->priced;
    bool is = now != NULL && now->priced;
    int64_t before = (is ? now->before : 0) - (was ? then->before : 0);
    int64_t after = (is ? now->after : 0) - (was ? then->after : 0);
    return llabs(before) + llabs(after);
}

void compare_rows(const struct compare *compare, const struct report_row *then, const struct report_row *now, struct compare_entry *entry)
{
    entry->moved = moved(then, now);
    if (then == NULL || now == NULL) {
        entry->kind = then == NULL ? COMPARE_ADDED : COMPARE_GONE;
        return;
    }
    entry->parts = parts_of(compare, then, now);
    if (both_are(compare, ARTIFACT_RECOMMENDATIONS)) {
        entry->findings_new = missing_findings(now, then);
        entry->findings_gone = missing_findings(then, now);
    }
    if (entry->findings_new + entry->findings_gone > 0) {
        entry->parts |= 1U << (unsigned)PART_FINDINGS;
    }
    entry->kind = entry->parts != 0 ? COMPARE_CHANGED : COMPARE_SAME;
}
