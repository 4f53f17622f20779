#include "reports/model/sums.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { PART_NAME_MAX = 256, REASON_MAX = 200 };

/* Adds to a sum; false, and the sum stays, where it would be past what a year of it can be told in. */
static bool add(int64_t *sum, int64_t amount)
{
    int64_t more = *sum + amount; /* both lie within ±REPORT_MONEY_MAX, which is a twelfth of what fits */
    if (more > REPORT_MONEY_MAX) {
        return false;
    }
    *sum = more;
    return true;
}

/* What is held back goes on wasting what it wastes. By resource a waste is known where each container's is. */
static bool add_waste(struct report_sums *sums, const struct report_row *row)
{
    sums->waste_known &= row->waste_known;
    sums->resource_waste_known &= row->waste_known && row->waste_by_resource;
    if (!row->waste_known) {
        return true;
    }
    bool held = row->group == REPORT_HELD;
    bool fits = add(&sums->waste_before, row->waste_before) &&
                add(&sums->waste_after, held ? row->waste_before : row->waste_after);
    for (size_t i = 0; fits && row->waste_by_resource && i < row->container_count; i++) {
        const struct report_container *c = &row->containers[i];
        for (int r = 0; fits && c->priced && r < REPORT_RESOURCES; r++) {
            fits = add(&sums->resource_waste_before[r], c->waste_before[r]) &&
                   add(&sums->resource_waste_after[r], held ? c->waste_before[r] : c->waste_after[r]);
        }
    }
    return fits;
}

/* The money of the containers, by resource. */
static bool add_resources(struct report_sums *sums, const struct report_row *row)
{
    bool held = row->group == REPORT_HELD;
    bool fits = true;
    for (size_t i = 0; i < row->container_count; i++) {
        const struct report_container *c = &row->containers[i];
        for (int r = 0; fits && c->priced && r < REPORT_RESOURCES; r++) {
            fits = add(&sums->resource_before[r], c->before[r]) &&
                   add(&sums->resource_after[r], held ? c->before[r] : c->after[r]);
        }
    }
    return fits;
}

static void count(struct report_sums *sums, const struct report_row *row)
{
    sums->workloads++;
    sums->changed += row->group == REPORT_CHANGES;
    sums->held += row->group == REPORT_HELD;
    sums->blocked += row->blocked;
    sums->trifles += row->trifle;
    sums->kept += row->action == REPORT_KEEP;
    sums->no_advice += row->action == REPORT_NO_ADVICE;
    sums->no_data += row->no_data;
    sums->unpriced += !row->priced;
    sums->uneven += row->uneven;
    if (row->severity >= 0) {
        sums->severities[row->severity]++;
    }
    if (row->group == REPORT_CHANGES) {
        sums->objects += (int64_t)row->objects;
        sums->risks[row->risk]++;
    }
}

static bool add_money(struct report_sums *sums, const struct report_row *row)
{
    return add(&sums->before, row->before) && add(&sums->after, row->after) && add(&sums->proposed, row->proposed) &&
           add_waste(sums, row) && add_resources(sums, row);
}

struct report_sums report_no_sums(void)
{
    return (struct report_sums){.waste_known = true, .resource_waste_known = true};
}

/* A name from outside, as long as names are. What is longer than any name may be is one with others that begin like it. */
static char *part_name(const char *name)
{
    char *copy = name == NULL ? NULL : xstrndup(name, strnlen(name, PART_NAME_MAX));
    if (copy != NULL) {
        str_trim_utf8(copy);
    }
    return copy;
}

/* The part of a name (NULL: of those without), found or new. A name's key begins with a letter so that none is the key of no name. */
static struct report_part *part_of(struct report_parts *parts, const char *given)
{
    char *name = part_name(given);
    char *key = name == NULL ? xstrdup("") : xasprintf("n%s", name);
    parts->index = parts->index == NULL ? json_object() : parts->index;
    const json_t *there = json_object_get(parts->index, key);
    size_t at = there == NULL ? parts->count : (size_t)json_integer_value(there);
    if (there == NULL) {
        json_object_set_new(parts->index, key, json_integer((json_int_t)at));
        GROW(parts->items, parts->capacity, parts->count + 1);
        parts->items[parts->count++] = (struct report_part){.name = name, .sums = report_no_sums()};
    } else {
        free(name);
    }
    free(key);
    return &parts->items[at];
}

/* Takes quoted names out of a reason, so that it is the same for all that have it. */
static char *reason_text(const char *message)
{
    struct buf out;
    buf_init(&out, REASON_MAX);
    for (const char *at = message; *at != '\0';) {
        const char *end = *at == '\'' ? strchr(at + 1, '\'') : NULL;
        if (end != NULL && buf_add_str(&out, "\xe2\x80\xa6") == 0) {
            at = end + 1;
        } else if (buf_add_char(&out, *at++) != 0) {
            break;
        }
    }
    char *text = buf_steal(&out);
    str_trim_utf8(text);
    return text;
}

static const char *reason_of(const struct report_row *row)
{
    const json_t *problems = json_object_get(row->record, "problems");
    for (size_t i = 0; i < json_array_size(problems); i++) {
        const json_t *problem = json_array_get(problems, i);
        if (str_equal(json_string_or_null(problem, "code"), "unpriced")) {
            return report_message(problem);
        }
    }
    return "the record does not say why";
}

/* The last of the list is for all reasons that found no place. */
static void count_unpriced(struct report *report, const struct report_row *row)
{
    char *text = reason_text(reason_of(row));
    size_t at = 0;
    while (at < report->reason_count && strcmp(report->reasons[at].text, text) != 0) {
        at++;
    }
    if (at >= REPORT_REASONS_MAX - 1) {
        at = REPORT_REASONS_MAX - 1;
        free(text);
        text = xstrdup("other reasons");
    }
    struct report_reason *reason = &report->reasons[at];
    if (reason->text == NULL) {
        reason->text = text;
        reason->example = xasprintf("%s%s%s/%s", row->namespace == NULL ? "" : row->namespace,
                                    row->namespace == NULL ? "" : "/", row->kind, row->name);
        report->reason_count = at + 1;
    } else {
        free(text);
    }
    reason->count++;
}

int sums_add_row(struct report *report, const struct report_row *row, struct err *err)
{
    const char *const names[REPORT_DIMENSIONS] = {
        [BY_NAMESPACE] = row->namespace, [BY_TEAM] = row->team, [BY_CLUSTER] = row->cluster, [BY_CLASS] = row->class};
    count(&report->totals, row);
    bool fits = !row->priced || add_money(&report->totals, row);
    for (int i = 0; i < REPORT_DIMENSIONS; i++) {
        struct report_sums *sums = &part_of(&report->parts[i], names[i])->sums;
        count(sums, row);
        fits = fits && (!row->priced || add_money(sums, row));
    }
    if (!fits) {
        err_set(err, ERR_DATA, "the costs up to %s %s come to more than can be added up: no cluster costs so much", row->kind, row->name);
        return err_hint(err, "run tare-price again over the recommendations; its artifact was changed by hand");
    }
    if (!row->priced) {
        count_unpriced(report, row);
    }
    return 0;
}

static int compare_parts(const void *left, const void *right)
{
    const struct report_part *a = left;
    const struct report_part *b = right;
    int64_t x = a->sums.before - a->sums.after;
    int64_t y = b->sums.before - b->sums.after;
    return x != y ? (x > y ? -1 : 1) : str_compare(a->name, b->name);
}

static int compare_reasons(const void *left, const void *right)
{
    const struct report_reason *a = left;
    const struct report_reason *b = right;
    return a->count != b->count ? (a->count > b->count ? -1 : 1) : strcmp(a->text, b->text);
}

void sums_finish(struct report *report)
{
    for (int i = 0; i < REPORT_DIMENSIONS; i++) {
        struct report_parts *parts = &report->parts[i];
        json_decref(parts->index);
        parts->index = NULL;
        if (parts->count > 0) {
            qsort(parts->items, parts->count, sizeof *parts->items, compare_parts);
        }
    }
    qsort(report->reasons, report->reason_count, sizeof report->reasons[0], compare_reasons);
}

static void add_counts(struct report_sums *sums, const struct report_sums *more)
{
    sums->workloads += more->workloads;
    sums->changed += more->changed;
    sums->held += more->held;
    sums->blocked += more->blocked;
    sums->trifles += more->trifles;
    sums->objects += more->objects;
    sums->kept += more->kept;
    sums->no_advice += more->no_advice;
    sums->unpriced += more->unpriced;
    sums->no_data += more->no_data;
    sums->uneven += more->uneven;
    for (int i = 0; i < REPORT_RISKS; i++) {
        sums->risks[i] += more->risks[i];
    }
    for (int i = 0; i < REPORT_SEVERITIES; i++) {
        sums->severities[i] += more->severities[i];
    }
}

bool report_sums_add(struct report_sums *sums, const struct report_sums *more)
{
    add_counts(sums, more);
    sums->waste_known &= more->waste_known;
    sums->resource_waste_known &= more->resource_waste_known;
    bool fits = add(&sums->before, more->before) && add(&sums->after, more->after) && add(&sums->proposed, more->proposed) &&
                add(&sums->waste_before, more->waste_before) && add(&sums->waste_after, more->waste_after);
    for (int i = 0; fits && i < REPORT_RESOURCES; i++) {
        fits = add(&sums->resource_before[i], more->resource_before[i]) && add(&sums->resource_after[i], more->resource_after[i]) &&
               add(&sums->resource_waste_before[i], more->resource_waste_before[i]) &&
               add(&sums->resource_waste_after[i], more->resource_waste_after[i]);
    }
    return fits;
}

struct report_sums report_rest(const struct report_parts *parts, size_t from)
{
    struct report_sums rest = report_no_sums();
    for (size_t i = from; i < parts->count; i++) {
        const struct report_sums *sums = &parts->items[i].sums;
        rest.workloads += sums->workloads;
        rest.changed += sums->changed;
        rest.unpriced += sums->unpriced;
        rest.before += sums->before;
        rest.after += sums->after;
        rest.waste_before += sums->waste_before;
        rest.waste_after += sums->waste_after;
        rest.waste_known = rest.waste_known && sums->waste_known;
    }
    return rest;
}

void sums_release(struct report *report)
{
    for (int i = 0; i < REPORT_DIMENSIONS; i++) {
        struct report_parts *parts = &report->parts[i];
        for (size_t at = 0; at < parts->count; at++) {
            free(parts->items[at].name);
        }
        free(parts->items);
        json_decref(parts->index);
    }
    for (size_t i = 0; i < report->reason_count; i++) {
        free(report->reasons[i].text);
        free(report->reasons[i].example);
    }
}
