#include "pipeline/run/window_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { OPENINGS_MAX = 100, SPANS_MAX = 500, LOCAL_MAX = 48 };

/* What is asked. */
struct question {
    const struct window_set *set;
    const struct window_subject *subject;
    const char *name; /* of the only window that is listed, or NULL */
    int64_t instant;
    int64_t until;
    bool cut;
};

/* Windows of one set of selectors together with those that are about everything: no window is owned. */
struct slice {
    struct window_set set;
    const struct window *like; /* NULL: those about everything only */
};

bool window_set_has(const struct window_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_equal(set->items[i].name, name)) {
            return true;
        }
    }
    return false;
}

static json_t *time_or_null(bool present, int64_t instant)
{
    char text[RFC3339_MAX];
    return present ? json_string(time_format(instant, text)) : json_null();
}

static const struct tz *zone_of(const struct window *window, const char **name)
{
    if (window->calendar != NULL) {
        return calendar_zone(window->calendar, name);
    }
    *name = window->zone == NULL ? "UTC" : window->zone;
    return window->tz;
}

/* "2026-12-20T00:00:00+01:00" of an instant on a zone's clocks (NULL: UTC). */
static json_t *local_time(const struct tz *tz, int64_t instant)
{
    char text[RFC3339_MAX];
    char local[LOCAL_MAX];
    int64_t wall = tz == NULL ? instant : tz_wall(tz, instant);
    int64_t minutes = (wall - instant) / 60;
    time_format(wall, text);
    snprintf(local, sizeof local, "%.19s%c%02" PRId64 ":%02" PRId64, text, minutes < 0 ? '-' : '+', (minutes < 0 ? -minutes : minutes) / 60,
             (minutes < 0 ? -minutes : minutes) % 60);
    return json_string(local);
}

/* Adds the openings that begin in the span to both lists, and the one that is open at its begin to that of all windows. */
static void list_openings(struct question *question, const struct window *window, json_t *own, json_t *all)
{
    struct opening opening;
    const char *zone = NULL;
    const struct tz *tz = zone_of(window, &zone);
    bool more = window_open_at(window, question->instant, &opening) ||
                window_next_opening(window, question->instant, &opening);
    for (size_t count = 0; more && opening.start < question->until; count++) {
        if (count == OPENINGS_MAX) {
            question->cut = true;
            return;
        }
        if (opening.start >= question->instant) {
            json_array_append_new(own, json_pack("{s:o,s:o}", "start", time_or_null(true, opening.start), "end",
                                                 time_or_null(true, opening.end)));
        }
        json_array_append_new(
            all, json_pack("{s:o,s:o,s:o,s:s,s:o,s:o,s:o}", "start", time_or_null(true, opening.start), "end",
                           time_or_null(true, opening.end), "window", json_string_safe(window->name), "kind",
                           window_kind_name(window->kind), "timezone", json_string_safe(zone), "local_start",
                           local_time(tz, opening.start), "local_end", local_time(tz, opening.end)));
        int64_t after = opening.start > question->instant ? opening.start : question->instant;
        more = window_next_opening(window, after, &opening);
    }
}

static json_t *or_empty(const json_t *value, json_t *empty)
{
    if (value == NULL) {
        return empty;
    }
    json_decref(empty);
    return json_deep_copy(value);
}

static void set_selectors(json_t *entry, const struct window *window)
{
    json_object_set_new(entry, "namespaces", or_empty(window == NULL ? NULL : window->namespaces, json_array()));
    json_object_set_new(entry, "clusters", or_empty(window == NULL ? NULL : window->clusters, json_array()));
    json_object_set_new(entry, "labels", or_empty(window == NULL ? NULL : window->labels, json_object()));
}

static json_t *window_entry(struct question *question, const struct window *window, json_t *all)
{
    struct opening opening = {0, 0};
    const char *zone = NULL;
    bool active = window_open_at(window, question->instant, &opening);
    bool comes = active || window_next_opening(window, question->instant, &opening);
    json_t *openings = json_array();
    json_t *entry = json_object();
    zone_of(window, &zone);
    json_object_set_new(entry, "name", json_string_safe(window->name));
    json_object_set_new(entry, "kind", json_string(window_kind_name(window->kind)));
    json_object_set_new(entry, "timezone", json_string_safe(zone));
    json_object_set_new(entry, "active", json_boolean(active));
    json_object_set_new(entry, "override", json_boolean(window->override));
    json_object_set_new(entry, "on_overrun", json_string(window_overrun_name(window->overrun)));
    json_object_set_new(entry, "opens", time_or_null(comes, opening.start));
    json_object_set_new(entry, "closes", time_or_null(comes, opening.end));
    set_selectors(entry, window);
    list_openings(question, window, openings, all);
    json_object_set_new(entry, "openings", openings);
    return entry;
}

static int by_start(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a;
    const json_t *y = *(json_t *const *)b;
    int order = str_compare(json_string_or_null(x, "start"), json_string_or_null(y, "start"));
    return order != 0 ? order : str_compare(json_string_or_null(x, "window"), json_string_or_null(y, "window"));
}

/* A list of openings in order of time. Steals. New. */
static json_t *in_order(json_t *list)
{
    size_t count = json_array_size(list);
    json_t **items = xcalloc_array(count, sizeof *items);
    json_t *sorted = json_array();
    for (size_t i = 0; i < count; i++) {
        items[i] = json_array_get(list, i);
    }
    if (count > 0) {
        qsort(items, count, sizeof *items, by_start);
    }
    for (size_t i = 0; i < count; i++) {
        json_array_append(sorted, items[i]);
    }
    free(items);
    json_decref(list);
    return sorted;
}

/* ---- Verdicts ---- */

static bool selects(const struct window *window)
{
    return window->namespaces != NULL || window->clusters != NULL || window->labels != NULL;
}

static bool same_json(const json_t *a, const json_t *b)
{
    return a == b || (a != NULL && b != NULL && json_equal(a, b));
}

static bool alike(const struct window *a, const struct window *b)
{
    return same_json(a->namespaces, b->namespaces) && same_json(a->clusters, b->clusters) && same_json(a->labels, b->labels);
}

/* The windows about everything and those whose selectors are those of `like` (NULL: no others); or those that match a subject. */
static struct slice slice_of(const struct question *question, const struct window *like)
{
    struct slice slice = {.set = {.groups = question->set->groups}, .like = like};
    slice.set.items = xcalloc_array(question->set->count, sizeof *slice.set.items);
    for (size_t i = 0; i < question->set->count; i++) {
        const struct window *window = &question->set->items[i];
        if (question->subject != NULL ? window_matches(window, question->subject)
                                      : !selects(window) || (like != NULL && alike(window, like))) {
            slice.set.items[slice.set.count++] = *window;
        }
    }
    return slice;
}

/* A slice for the subject; without one, a slice for each set of selectors. */
static struct slice *slices_of(const struct question *question, size_t *count)
{
    const struct window_set *set = question->set;
    struct slice *slices = xcalloc_array(set->count + 1, sizeof *slices);
    bool everything = question->subject != NULL || set->count == 0;
    *count = 0;
    for (size_t i = 0; i < set->count && question->subject == NULL; i++) {
        const struct window *window = &set->items[i];
        bool known = !selects(window);
        everything = everything || known;
        for (size_t j = 0; j < *count && !known; j++) {
            known = alike(slices[j].like, window);
        }
        if (!known) {
            slices[(*count)++] = slice_of(question, window);
        }
    }
    if (everything) {
        slices[(*count)++] = slice_of(question, NULL);
    }
    return slices;
}

/* The first instant from which on a verdict may be another one. */
static int64_t next_change(const struct window_set *set, int64_t instant, int64_t until)
{
    int64_t change = until;
    for (size_t i = 0; i < set->count; i++) {
        struct opening opening;
        const struct window *window = &set->items[i];
        int64_t at = until;
        if (window_open_at(window, instant, &opening)) {
            at = window_closes_at(window, instant, until);
        } else if (window_next_opening(window, instant, &opening)) {
            at = opening.start;
        }
        change = at < change ? at : change;
    }
    return change;
}

static bool all_allow(const struct slice *slices, size_t count, int64_t instant)
{
    struct window_verdict verdict = {.allowed = true};
    for (size_t i = 0; i < count && verdict.allowed; i++) {
        window_judge(&slices[i].set, NULL, instant, NULL, &verdict);
    }
    return verdict.allowed;
}

/* The spans of the question in which every slice allows. */
static json_t *list_spans(struct question *question, const struct slice *slices, size_t count)
{
    json_t *list = json_array();
    json_t *span = NULL;
    size_t steps = 0;
    for (int64_t at = question->instant; at < question->until; steps++) {
        if (steps == SPANS_MAX) {
            question->cut = true;
            break;
        }
        int64_t change = question->until;
        for (size_t i = 0; i < count; i++) {
            change = next_change(&slices[i].set, at, change);
        }
        if (!all_allow(slices, count, at)) {
            span = NULL;
        } else if (span == NULL) {
            span = json_pack("{s:o,s:o}", "from", time_or_null(true, at), "to", time_or_null(true, change));
            json_array_append_new(list, span);
        } else {
            json_object_set_new(span, "to", time_or_null(true, change));
        }
        at = change;
    }
    return list;
}

/* Goes from opening to opening of the slices that deny until none does. */
static bool common_opening(const struct question *question, const struct slice *slices, size_t count, int64_t *out)
{
    int64_t at = question->instant;
    for (int round = 0; round < SPANS_MAX && at < question->instant + WINDOW_HORIZON; round++) {
        bool denied = false;
        for (size_t i = 0; i < count; i++) {
            struct window_verdict verdict;
            window_judge(&slices[i].set, NULL, at, NULL, &verdict);
            if (!verdict.allowed && !verdict.has_next) {
                return false;
            }
            denied = denied || !verdict.allowed;
            at = verdict.allowed ? at : verdict.next_opening;
        }
        if (!denied) {
            *out = at;
            return true;
        }
    }
    return false;
}

static json_t *names_of(const struct window_set *set)
{
    json_t *list = json_array();
    for (size_t i = 0; i < set->count; i++) {
        json_array_append_new(list, json_string_safe(set->items[i].name));
    }
    return list;
}

static json_t *slice_entry(struct question *question, const struct slice *slice)
{
    struct window_verdict verdict;
    json_t *entry = json_object();
    window_judge(&slice->set, NULL, question->instant, NULL, &verdict);
    set_selectors(entry, slice->like);
    json_object_set_new(entry, "windows", names_of(&slice->set));
    json_object_set_new(entry, "verdict", json_string(verdict.allowed ? "allowed" : "denied"));
    json_object_set_new(entry, "reason", json_string_safe(verdict.reason));
    json_object_set_new(entry, "next_opening", time_or_null(!verdict.allowed && verdict.has_next, verdict.next_opening));
    json_object_set_new(entry, "allowed", list_spans(question, slice, 1));
    return entry;
}

/* Verdict, reason and next opening: of the first slice that denies, else of the first. */
static void set_verdict(const struct question *question, const struct slice *slices, size_t count, json_t *report)
{
    struct window_verdict verdict;
    int64_t opening = 0;
    size_t index = 0;
    do {
        window_judge(&slices[index].set, NULL, question->instant, NULL, &verdict);
    } while (verdict.allowed && ++index < count);
    if (verdict.allowed) {
        window_judge(&slices[0].set, NULL, question->instant, NULL, &verdict);
    }
    bool comes = !verdict.allowed && common_opening(question, slices, count, &opening);
    json_object_set_new(report, "verdict", json_string(verdict.allowed ? "allowed" : "denied"));
    json_object_set_new(report, "reason", json_string_safe(verdict.reason));
    json_object_set_new(report, "next_opening", time_or_null(comes, opening));
}

json_t *window_report(const struct window_set *set, const struct window_subject *subject, const char *name, int64_t instant,
                      int64_t until)
{
    struct question question = {set, subject, name, instant, until, false};
    size_t count = 0;
    struct slice *slices = slices_of(&question, &count);
    json_t *report = json_object();
    json_t *windows = json_array();
    json_t *openings = json_array();
    json_t *selectors = json_array();
    set_verdict(&question, slices, count, report);
    for (size_t i = 0; i < set->count; i++) {
        const struct window *window = &set->items[i];
        if (window_matches(window, subject) && (name == NULL || str_equal(name, window->name))) {
            json_array_append_new(windows, window_entry(&question, window, openings));
        }
    }
    for (size_t i = 0; i < count && subject == NULL; i++) {
        json_array_append_new(selectors, slice_entry(&question, &slices[i]));
    }
    json_object_set_new(report, "at", time_or_null(true, instant));
    json_object_set_new(report, "until", time_or_null(true, until));
    json_object_set_new(report, "windows", windows);
    json_object_set_new(report, "openings", in_order(openings));
    json_object_set_new(report, "selectors", selectors);
    json_object_set_new(report, "allowed", list_spans(&question, slices, count));
    json_object_set_new(report, "cut", json_boolean(question.cut));
    for (size_t i = 0; i < count; i++) {
        free(slices[i].set.items);
    }
    free(slices);
    return report;
}
