#include "reports/compare/compare.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/hash.h"
#include "reports/compare/differ.h"

enum { KEY_BYTES = 16, KEY_MAX = 16 * 1024 * 1024 };

/* A workload's identity as a digest, and where it stands. */
struct key {
    unsigned char digest[KEY_BYTES];
    size_t number; /* in the artifact: copies of one name are matched in this order */
    size_t place;
};

struct keys {
    struct key *items;
    size_t count;
    struct buf text;
};

const char *compare_kind_name(enum compare_kind kind)
{
    static const char *const names[COMPARE_KINDS] = {"changed", "added", "gone", "same"};
    return names[kind];
}

const char *compare_part_name(enum compare_part part)
{
    static const char *const names[COMPARE_PARTS] = {"today", "recommendation", "cost", "risk", "verdict", "findings", "recommended by"};
    return names[part];
}

static int hex_value(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static int add_key(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)err;
    struct keys *keys = context;
    struct key *key = &keys->items[keys->count++];
    const char *const words[] = {row->cluster, row->namespace, row->kind, row->name};
    char hex[DIGEST_HEX];
    buf_clear(&keys->text);
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        /* None given is not the same as empty. */
        buf_add_char(&keys->text, words[i] == NULL ? '-' : '+');
        buf_add_str(&keys->text, words[i] == NULL ? "" : words[i]);
        buf_add_char(&keys->text, '\0');
    }
    hash_bytes(keys->text.data, keys->text.length, hex);
    for (size_t i = 0; i < KEY_BYTES; i++) {
        key->digest[i] = (unsigned char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    }
    key->number = row->number;
    key->place = place;
    return 0;
}

static int compare_keys(const void *left, const void *right)
{
    const struct key *a = left;
    const struct key *b = right;
    int order = memcmp(a->digest, b->digest, KEY_BYTES);
    return order != 0 ? order : a->number < b->number ? -1 : a->number > b->number;
}

static int keys_read(const struct report *report, struct keys *keys, struct err *err)
{
    *keys = (struct keys){.items = xcalloc_array(report->entry_count + 1, sizeof *keys->items)};
    buf_init(&keys->text, KEY_MAX);
    int failed = report_each_brief(report, 0, SIZE_MAX, add_key, keys, err);
    if (!failed) {
        qsort(keys->items, keys->count, sizeof *keys->items, compare_keys);
    }
    buf_release(&keys->text);
    return failed;
}

/* Pairs workloads of one digest in the order of their artifacts; who is left alone was added or is gone. */
static void match(struct compare *compare, const struct keys *then, const struct keys *now)
{
    size_t i = 0;
    size_t k = 0;
    compare->entries = xcalloc_array(then->count + now->count + 1, sizeof *compare->entries);
    while (i < then->count || k < now->count) {
        int order = i == then->count  ? 1
                    : k == now->count ? -1
                                      : memcmp(then->items[i].digest, now->items[k].digest, KEY_BYTES);
        compare->entries[compare->count++] = (struct compare_entry){.then = order <= 0 ? (int64_t)then->items[i].place : COMPARE_NONE,
                                                                    .now = order >= 0 ? (int64_t)now->items[k].place : COMPARE_NONE};
        i += order <= 0;
        k += order >= 0;
    }
}

static struct compare_space *space_of(struct compare *compare, const char *name)
{
    for (size_t i = 0; i < compare->space_count; i++) {
        if (str_equal(compare->spaces[i].name, name)) {
            return &compare->spaces[i];
        }
    }
    return NULL;
}

static int compare_space_names(const void *left, const void *right)
{
    return str_compare(((const struct compare_space *)left)->name, ((const struct compare_space *)right)->name);
}

/* Namespaces of both sides: all of them, sorted by name, equal neighbours made one. */
static void merge_spaces(struct compare *compare)
{
    const struct report_parts *then = &compare->then.parts[BY_NAMESPACE];
    const struct report_parts *now = &compare->now.parts[BY_NAMESPACE];
    struct compare_space *all = xcalloc_array(then->count + now->count + 1, sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < then->count; i++) {
        all[count++] = (struct compare_space){.name = then->items[i].name, .then = &then->items[i].sums};
    }
    for (size_t i = 0; i < now->count; i++) {
        all[count++] = (struct compare_space){.name = now->items[i].name, .now = &now->items[i].sums};
    }
    qsort(all, count, sizeof *all, compare_space_names);
    for (size_t i = 0; i < count; i++) {
        struct compare_space *last = compare->space_count > 0 ? &all[compare->space_count - 1] : NULL;
        if (last != NULL && str_equal(last->name, all[i].name)) {
            last->then = last->then == NULL ? all[i].then : last->then;
            last->now = last->now == NULL ? all[i].now : last->now;
        } else {
            all[compare->space_count++] = all[i];
        }
    }
    compare->spaces = all;
}

/* Reads both rows of an entry and hands them on. */
static int with_pair(const struct compare *compare, const struct compare_entry *entry, struct arena *arena, compare_visit *visit,
                     void *context, struct err *err)
{
    struct report_row then = {0};
    struct report_row now = {0};
    int failed = (entry->then >= 0 && report_row_brief_at(&compare->then, (size_t)entry->then, arena, &then, err)) ||
                 (entry->now >= 0 && report_row_brief_at(&compare->now, (size_t)entry->now, arena, &now, err))
                     ? -1
                     : 0;
    if (!failed) {
        struct compare_pair pair = {entry, entry->then >= 0 ? &then : NULL, entry->now >= 0 ? &now : NULL};
        failed = visit(compare, &pair, context, err);
    }
    report_row_release(&then);
    report_row_release(&now);
    arena_clear(arena);
    return failed;
}

int compare_each(const struct compare *compare, size_t from, size_t most, compare_visit *visit, void *context, struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    int failed = 0;
    for (size_t i = from; !failed && i < compare->count && i - from < most; i++) {
        failed = with_pair(compare, &compare->entries[i], &arena, visit, context, err);
    }
    arena_release(&arena);
    return failed;
}

/* Judges a pair and counts what came of it. `context` is the comparison itself, which the walk only lends. */
static int judge(const struct compare *lent, const struct compare_pair *pair, void *context, struct err *err)
{
    (void)lent;
    (void)err;
    struct compare *compare = context;
    struct compare_entry *entry = &compare->entries[pair->entry - compare->entries];
    compare_rows(compare, pair->then, pair->now, entry);
    compare->kinds[entry->kind]++;
    for (unsigned i = 0; i < COMPARE_PARTS; i++) {
        compare->parts[i] += (entry->parts >> i) & 1U;
    }
    compare->findings_new += entry->findings_new;
    compare->findings_gone += entry->findings_gone;
    struct compare_space *space = space_of(compare, pair->now != NULL ? pair->now->namespace : pair->then->namespace);
    if (space != NULL) {
        space->kinds[entry->kind]++;
    }
    return 0;
}

static int64_t place_of(const struct compare_entry *entry)
{
    return entry->now >= 0 ? entry->now : entry->then;
}

/* What differs before what is the same, the most money first. */
static int compare_entries(const void *left, const void *right)
{
    const struct compare_entry *a = left;
    const struct compare_entry *b = right;
    if ((a->kind == COMPARE_SAME) != (b->kind == COMPARE_SAME)) {
        return a->kind == COMPARE_SAME ? 1 : -1;
    }
    if (a->moved != b->moved) {
        return a->moved > b->moved ? -1 : 1;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    return place_of(a) < place_of(b) ? -1 : place_of(a) > place_of(b);
}

static int64_t space_moved(const struct compare_space *space)
{
    int64_t before = (space->now == NULL ? 0 : space->now->before) - (space->then == NULL ? 0 : space->then->before);
    int64_t after = (space->now == NULL ? 0 : space->now->after) - (space->then == NULL ? 0 : space->then->after);
    return llabs(before) + llabs(after);
}

static int compare_spaces(const void *left, const void *right)
{
    int64_t a = space_moved(left);
    int64_t b = space_moved(right);
    return a != b ? (a > b ? -1 : 1) : compare_space_names(left, right);
}

static int check_cluster(const struct compare *compare, struct err *err)
{
    const char *then = compare->then.meta.cluster;
    const char *now = compare->now.meta.cluster;
    if (compare->then.entry_count == 0 || compare->now.entry_count == 0 || str_equal(then, now)) {
        return 0;
    }
    err_set(err, ERR_DATA, "the runs are of different clusters, %s%.100s%s then and %s%.100s%s now: none of their workloads is the same",
            then == NULL ? "" : "'", then == NULL ? "none" : then, then == NULL ? "" : "'", now == NULL ? "" : "'",
            now == NULL ? "none" : now, now == NULL ? "" : "'");
    return err_hint(err, "compare runs of one cluster: tare status lists them");
}

static int compare_all(struct compare *compare, struct err *err)
{
    struct keys then = {0};
    struct keys now = {0};
    int failed = keys_read(&compare->then, &then, err) || keys_read(&compare->now, &now, err) ? -1 : 0;
    if (!failed) {
        match(compare, &then, &now);
        merge_spaces(compare);
        failed = compare_each(compare, 0, SIZE_MAX, judge, compare, err);
    }
    free(then.items);
    free(now.items);
    if (!failed) {
        qsort(compare->entries, compare->count, sizeof *compare->entries, compare_entries);
        qsort(compare->spaces, compare->space_count, sizeof *compare->spaces, compare_spaces);
    }
    return failed;
}

int compare_read(struct compare *compare, struct artifact_reader *then, int64_t then_run, struct artifact_reader *now, int64_t now_run,
                 const char *team_label, struct err *err)
{
    *compare = (struct compare){.then.spool = -1, .now.spool = -1};
    if (report_init(&compare->then, false, err) || report_init(&compare->now, false, err)) {
        return -1;
    }
    compare->then.team_label = team_label;
    compare->now.team_label = team_label;
    return report_read(&compare->then, then, then_run, err) || report_read(&compare->now, now, now_run, err) ||
                   check_cluster(compare, err) || compare_all(compare, err)
               ? -1
               : 0;
}

void compare_release(struct compare *compare)
{
    report_release(&compare->then);
    report_release(&compare->now);
    free(compare->entries);
    free(compare->spaces);
}

size_t compare_different(const struct compare *compare)
{
    return (size_t)(compare->kinds[COMPARE_CHANGED] + compare->kinds[COMPARE_ADDED] + compare->kinds[COMPARE_GONE]);
}
