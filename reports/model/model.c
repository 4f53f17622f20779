#include "reports/model/model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/record.h"
#include "reports/model/cuts.h"
#include "reports/model/sums.h"
#include "reports/text/insight.h"
#include "reports/text/opinion.h"

/* Where a record lies in the spool, and what the order needs. */
struct report_entry {
    int64_t offset;
    int64_t saving; /* magnitude of the change of money; −1 unpriced */
    uint32_t length;
    uint32_t number;
    uint8_t group;
};

int report_init(struct report *report, bool charts, struct err *err)
{
    *report = (struct report){
        .spool = -1, .charts = charts, .totals = {.waste_known = true, .resource_waste_known = true}, .meta.kind = ARTIFACT_NONE};
    report->problems = json_object();
    report->skipped = json_object();
    report->states = json_object();
    report->rules = json_object();
    report->voices = json_object();
    report->unused = json_object();
    return fs_spool(&report->spool, err);
}

static void release_meta(struct report_meta *meta)
{
    free(meta->created);
    free(meta->by);
    free(meta->digest);
    free(meta->plan);
    free(meta->cluster);
    json_decref(meta->settings);
    json_decref(meta->price);
}

void report_release(struct report *report)
{
    sums_release(report);
    for (size_t i = 0; i < report->first_count; i++) {
        free(report->first[i].workload);
        free(report->first[i].message);
    }
    free(report->entries);
    free(report->notes);
    json_decref(report->problems);
    json_decref(report->skipped);
    json_decref(report->states);
    json_decref(report->rules);
    json_decref(report->voices);
    json_decref(report->unused);
    release_meta(&report->meta);
    fleet_free(report->fleet);
    past_free(report->past);
    if (report->spool >= 0) {
        close(report->spool);
    }
}

static int spool_text(struct report *report, const char *text, size_t length, struct report_entry *entry, struct err *err)
{
    entry->offset = report->spool_size;
    entry->length = (uint32_t)length;
    report->spool_size += (int64_t)length;
    return fs_write_fd(report->spool, text, length, "the spool file", err);
}

static int load_text(const struct report *report, const struct report_entry *entry, char **out, struct err *err)
{
    char *text = xmalloc((size_t)entry->length + 1);
    size_t done = 0;
    while (done < entry->length) {
        ssize_t got =
            pread(report->spool, text + done, entry->length - done, (off_t)entry->offset + (off_t)done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            free(text);
            return err_errno(err, ERR_IO, got == 0 ? EIO : errno, "cannot read the spool file");
        }
        done += (size_t)got;
    }
    *out = text;
    return 0;
}

/* What was not read at first may still be no JSON, in an artifact that no digest vouches for. */
static json_t *read_text(const char *text, size_t length, const struct report_entry *entry, struct err *err)
{
    char name[64];
    snprintf(name, sizeof name, "workload %" PRIu32 " of the artifact", entry->number);
    return json_read(text, length, entry->number == 0 ? "a note of the artifact" : name, err);
}

static int load_whole(const struct report *report, const struct report_entry *entry, json_t **out, struct err *err)
{
    char *text = NULL;
    if (load_text(report, entry, &text, err)) {
        return -1;
    }
    *out = read_text(text, entry->length, entry, err);
    free(text);
    if (*out != NULL && report->charts) {
        report_draw_hours(*out);
    }
    return *out == NULL ? -1 : 0;
}

static int load_cut(const struct report *report, const struct report_entry *entry, const struct json_cut *cuts, json_t **out,
                    struct err *err)
{
    char *text = NULL;
    if (load_text(report, entry, &text, err)) {
        return -1;
    }
    struct buf kept;
    buf_init(&kept, ARTIFACT_LINE_MAX);
    bool cut = json_skim(text, entry->length, cuts, &kept);
    *out = cut ? read_text(buf_str(&kept), kept.length, entry, err) : read_text(text, entry->length, entry, err);
    buf_release(&kept);
    free(text);
    return *out == NULL ? -1 : 0;
}

static int load_brief(const struct report *report, const struct report_entry *entry, json_t **out, struct err *err)
{
    return load_cut(report, entry, report_cut_brief(), out, err);
}

static int load_told(const struct report *report, const struct report_entry *entry, json_t **out, struct err *err)
{
    return load_cut(report, entry, report_cut_told(), out, err);
}

static void count_one(json_t *counts, const char *key)
{
    if (key != NULL) {
        json_object_set_new(counts, key, json_integer(json_int_or(counts, key, 0) + 1));
    }
}

/* Keeps the REPORT_FIRST_MAX highest ranked, earlier ones first among equals. */
static void offer_first(struct report *report, int64_t rank, const struct report_row *row,
                        const char *message)
{
    size_t at = report->first_count;
    while (at > 0 && report->first[at - 1].rank < rank) {
        at--;
    }
    if (at == REPORT_FIRST_MAX) {
        return;
    }
    if (report->first_count == REPORT_FIRST_MAX) {
        free(report->first[REPORT_FIRST_MAX - 1].workload);
        free(report->first[REPORT_FIRST_MAX - 1].message);
    } else {
        report->first_count++;
    }
    memmove(&report->first[at + 1], &report->first[at],
            (report->first_count - at - 1) * sizeof report->first[0]);
    report->first[at] = (struct report_first){
        .rank = rank,
        .number = row->number,
        .workload = xasprintf("%s %s%s%s", row->kind, row->namespace == NULL ? "" : row->namespace,
                              row->namespace == NULL ? "" : "/", row->name),
        .message = xstrdup(message)};
}

/* Warnings and worse are worth a reader's first minute; of one workload, its worst finding. */
static void offer_findings(struct report *report, const struct report_row *row)
{
    if (row->severity >= 2) {
        offer_first(report, row->severity, row, report_message(insight_worst_finding(row->record)));
    }
}

/* Price and cluster of the first workload that has them. */
static void learn_meta(struct report *report, const struct report_row *row)
{
    json_t *price = json_at(row->record, "cost.price");
    if (report->meta.price == NULL && json_is_object(price)) {
        report->meta.price = json_incref(price);
    }
    if (report->meta.cluster == NULL && row->cluster != NULL) {
        report->meta.cluster = xstrdup(row->cluster);
    }
}

enum { RULES_MAX = 64, VOICES_MAX = 16 };

/* What no person need approve is allowed by a rule, which stands in for one. */
static void count_rule(struct report *report, const struct report_row *row)
{
    const json_t *asks = json_at(row->record, "gate.requirement");
    if (str_equal(row->verdict, "allowed") && json_int_or(asks, "approvals", 1) == 0) {
        const char *rule = json_string_or_null(asks, "rule");
        bool known = json_object_get(report->rules, rule == NULL ? "" : rule) != NULL;
        count_one(report->rules, known || json_object_size(report->rules) < RULES_MAX ? rule : "other rules");
    }
}

/* Counts a text of which there may be only so many; the others are one. */
static void count_text(json_t *counts, const char *text, const char *others)
{
    bool known = json_object_get(counts, text) != NULL;
    if (text[0] != '\0') {
        count_one(counts, known || json_object_size(counts) < VOICES_MAX ? text : others);
    }
}

/* Who recommended, and who was asked in vain. */
static void count_voice(struct report *report, const struct report_row *row)
{
    char who[OPINION_WHO_MAX];
    char reason[OPINION_REASON_MAX];
    count_text(report->voices, opinion_who(row->record, who), "others");
    count_text(report->unused, opinion_fallback(row->record, reason), "a provider was not used for other reasons");
}

static int add_row(struct report *report, struct report_row *row, const char *text, size_t length, struct err *err)
{
    struct report_entry entry = {.number = (uint32_t)report->entry_count + 1, .group = (uint8_t)row->group};
    row->number = entry.number;
    entry.saving = row->priced ? llabs(row->before - row->proposed) : -1;
    if (sums_add_row(report, row, err) || spool_text(report, text, length, &entry, err) ||
        (report->watch != NULL && report->watch(report, row, 0, report->watch_context, err))) {
        return -1;
    }
    GROW(report->entries, report->entry_capacity, report->entry_count + 1);
    report->entries[report->entry_count++] = entry;
    count_one(report->states, row->state);
    count_rule(report, row);
    count_voice(report, row);
    offer_findings(report, row);
    learn_meta(report, row);
    return 0;
}

static int add_workload(struct report *report, const json_t *record, const char *text, size_t length, struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    struct report_row row;
    json_t *shared = json_incref((json_t *)(uintptr_t)record);
    int failed = report_row_read(shared, report->team_label, &arena, &row, err) || add_row(report, &row, text, length, err);
    report_row_release(&row);
    arena_release(&arena);
    return failed ? -1 : 0;
}

static int add_note(struct report *report, const json_t *record, const char *text, size_t length, struct err *err)
{
    const json_t *note = json_object_get(record, "note");
    struct report_entry entry = {0};
    if (spool_text(report, text, length, &entry, err)) {
        return -1;
    }
    GROW(report->notes, report->note_capacity, report->note_count + 1);
    report->notes[report->note_count++] = entry;
    if (str_equal(json_string_or_null(note, "outcome"), "error")) {
        count_one(report->problems, json_string_or_null(note, "code"));
    }
    return 0;
}

/* `record` has at least what is read at first, `text` what is kept. */
static int add_record(struct report *report, const json_t *record, const char *text, size_t length, struct err *err)
{
    const json_t *problems = json_object_get(record, "problems");
    for (size_t i = 0; i < json_array_size(problems); i++) {
        count_one(report->problems, json_string_or_null(json_array_get(problems, i), "code"));
    }
    return record_workload(record) != NULL ? add_workload(report, record, text, length, err)
                                           : add_note(report, record, text, length, err);
}

int report_add(struct report *report, const json_t *record, struct err *err)
{
    char *text = json_text(record);
    struct buf kept;
    buf_init(&kept, ARTIFACT_LINE_MAX);
    int failed = json_skim(text, strlen(text), report_cut_kept(report->charts), &kept)
                     ? add_record(report, record, buf_str(&kept), kept.length, err)
                     : err_set(err, ERR_DATA, "a record is larger than %d MiB", ARTIFACT_LINE_MAX / (1024 * 1024));
    buf_release(&kept);
    free(text);
    return failed;
}

/* By group; in those that change, the biggest change of money first and what has no price last. */
static int compare_entries(const void *left, const void *right)
{
    const struct report_entry *a = left;
    const struct report_entry *b = right;
    if (a->group != b->group) {
        return a->group < b->group ? -1 : 1;
    }
    if (a->saving != b->saving && a->group != REPORT_STAYS) {
        return a->saving > b->saving ? -1 : 1;
    }
    return a->number < b->number ? -1 : 1;
}

void report_finish(struct report *report)
{
    if (report->entry_count > 0) {
        qsort(report->entries, report->entry_count, sizeof *report->entries, compare_entries);
    }
    sums_finish(report);
}

/* The plan is the changes artifact: this one, the one that a gated artifact was made from, or what a gate
 * before noted. */
static void read_meta(struct report *report, const struct artifact_reader *reader, int64_t run)
{
    struct report_meta *meta = &report->meta;
    const json_t *header = artifact_reader_header(reader);
    const json_t *end = artifact_reader_trailer(reader);
    meta->kind = artifact_reader_kind(reader);
    meta->run = run;
    meta->created = xstrdup_null(json_string_or_null(header, "created"));
    meta->by = xstrdup_null(json_string_or_null(header, "by"));
    meta->digest = xstrdup(artifact_reader_digest(reader));
    meta->settings = json_incref(json_object_get(header, "settings"));
    const char *gated = json_string_or_null(json_object_get(meta->settings, "gate"), "plan");
    meta->plan = xstrdup_null(meta->kind == ARTIFACT_CHANGES ? meta->digest
                              : meta->kind == ARTIFACT_GATED ? json_string_or_null(end, "input")
                                                             : gated);
    const json_t *price = json_object_get(meta->settings, "price");
    if (json_is_object(price)) {
        json_decref(meta->price);
        meta->price = json_incref((json_t *)(uintptr_t)price);
    }
    json_object_update(report->skipped, json_object_get(end, "skipped"));
}

int report_read(struct report *report, struct artifact_reader *reader, int64_t run, struct err *err)
{
    json_t *record = NULL;
    int got = 0;
    artifact_reader_skim(reader, report_cut_kept(report->charts), report_cut_brief());
    while ((got = artifact_read(reader, &record, err)) == 1) {
        size_t length = 0;
        const char *text = artifact_reader_kept(reader, &length);
        int failed = add_record(report, record, text, length, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
    if (got == 0) {
        read_meta(report, reader, run);
        report_finish(report);
    }
    return got;
}

/* How an entry's record is read back. */
typedef int load_record(const struct report *report, const struct report_entry *entry, json_t **out, struct err *err);

static int row_at(const struct report *report, size_t place, load_record *load, struct arena *arena, struct report_row *row,
                  struct err *err)
{
    const struct report_entry *entry = &report->entries[place];
    json_t *record = NULL;
    if (load(report, entry, &record, err)) {
        return -1;
    }
    if (report_row_read(record, report->team_label, arena, row, err)) {
        report_row_release(row);
        return -1;
    }
    row->number = entry->number;
    return 0;
}

int report_row_at(const struct report *report, size_t place, struct arena *arena, struct report_row *row,
                  struct err *err)
{
    return row_at(report, place, load_whole, arena, row, err);
}

int report_row_brief_at(const struct report *report, size_t place, struct arena *arena, struct report_row *row, struct err *err)
{
    return row_at(report, place, load_brief, arena, row, err);
}

static int each(const struct report *report, size_t from, size_t most, load_record *load, report_visit *visit, void *context,
                struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    int failed = 0;
    for (size_t i = from; !failed && i < report->entry_count && i - from < most; i++) {
        struct report_row row;
        failed = row_at(report, i, load, &arena, &row, err);
        if (!failed) {
            failed = visit(report, &row, i, context, err);
            report_row_release(&row);
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    return failed;
}

int report_each(const struct report *report, size_t from, size_t most, report_visit *visit, void *context,
                struct err *err)
{
    return each(report, from, most, load_whole, visit, context, err);
}

int report_each_told(const struct report *report, size_t from, size_t most, report_visit *visit, void *context, struct err *err)
{
    return each(report, from, most, load_told, visit, context, err);
}

int report_each_brief(const struct report *report, size_t from, size_t most, report_visit *visit, void *context, struct err *err)
{
    return each(report, from, most, load_brief, visit, context, err);
}

enum report_group report_group_at(const struct report *report, size_t place)
{
    return (enum report_group)report->entries[place].group;
}

int report_note_at(const struct report *report, size_t index, json_t **note, struct err *err)
{
    json_t *record = NULL;
    if (load_whole(report, &report->notes[index], &record, err)) {
        return -1;
    }
    *note = json_incref(json_object_get(record, "note"));
    json_decref(record);
    return 0;
}
