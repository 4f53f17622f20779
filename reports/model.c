#include "reports/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/record.h"
#include "reports/insight.h"
#include "reports/slim.h"

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
        .spool = -1, .charts = charts, .totals.waste_known = true, .meta.kind = ARTIFACT_NONE};
    report->problems = json_object();
    report->skipped = json_object();
    report->states = json_object();
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
    for (size_t i = 0; i < report->namespace_count; i++) {
        free(report->namespaces[i].name);
    }
    for (size_t i = 0; i < report->first_count; i++) {
        free(report->first[i].workload);
        free(report->first[i].message);
    }
    free(report->namespaces);
    free(report->entries);
    free(report->notes);
    json_decref(report->problems);
    json_decref(report->skipped);
    json_decref(report->states);
    release_meta(&report->meta);
    if (report->spool >= 0) {
        close(report->spool);
    }
}

static int spool_record(struct report *report, const json_t *record, struct report_entry *entry,
                        struct err *err)
{
    struct buf line;
    buf_init(&line, ARTIFACT_LINE_MAX);
    json_t *slim = report_slim(record, report->charts);
    int failed = json_write(slim, &line, err) ||
                 fs_write_fd(report->spool, buf_str(&line), line.length, "the spool file", err);
    entry->offset = report->spool_size;
    entry->length = (uint32_t)line.length;
    report->spool_size += (int64_t)line.length;
    json_decref(slim);
    buf_release(&line);
    return failed ? -1 : 0;
}

static int load_record(const struct report *report, const struct report_entry *entry, json_t **out,
                       struct err *err)
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
    *out = json_read(text, entry->length, "the spool file", err);
    free(text);
    return *out == NULL ? -1 : 0;
}

static void count_one(json_t *counts, const char *key)
{
    if (key != NULL) {
        json_object_set_new(counts, key, json_integer(json_int_or(counts, key, 0) + 1));
    }
}

static struct report_namespace *namespace_of(struct report *report, const char *name)
{
    /* Records come sorted by file or namespace, so the last one is mostly right. */
    for (size_t i = report->namespace_count; i > 0; i--) {
        if (str_equal(report->namespaces[i - 1].name, name)) {
            return &report->namespaces[i - 1];
        }
    }
    GROW(report->namespaces, report->namespace_capacity, report->namespace_count + 1);
    struct report_namespace *space = &report->namespaces[report->namespace_count++];
    *space = (struct report_namespace){.name = xstrdup_null(name), .sums.waste_known = true};
    return space;
}

/* What is held back goes on wasting what it wastes. */
static void add_waste(struct report_sums *sums, const json_t *cost, bool held)
{
    int64_t before = 0;
    int64_t after = 0;
    if (!json_get_int(cost, "waste_before_microusd", &before) ||
        !json_get_int(cost, "waste_after_microusd", &after)) {
        sums->waste_known = false;
        return;
    }
    sums->waste_before += before;
    sums->waste_after += held ? before : after;
}

static void add_sums(struct report_sums *sums, const struct report_row *row)
{
    sums->workloads++;
    sums->changed += row->group == REPORT_CHANGES;
    sums->held += row->group == REPORT_HELD;
    sums->blocked += row->blocked;
    sums->kept += row->action == REPORT_KEEP;
    sums->no_advice += row->action == REPORT_NO_ADVICE;
    sums->no_data += row->no_data;
    sums->unpriced += !row->priced;
    if (row->group == REPORT_CHANGES) {
        sums->risks[row->risk]++;
    }
    if (row->priced) {
        sums->before += row->before;
        sums->after += row->after;
        sums->proposed += row->proposed;
        add_waste(sums, json_object_get(row->record, "cost"), row->group == REPORT_HELD);
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
    const json_t *findings = json_at(row->record, "recommendation.findings");
    int64_t best = 0;
    const json_t *worst = NULL;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        int64_t rank = insight_severity(finding);
        if (rank > best) {
            best = rank;
            worst = finding;
        }
    }
    if (best >= 2) {
        offer_first(report, best, row, report_message(worst));
    }
}

static int add_workload(struct report *report, const json_t *record, struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    struct report_row row;
    struct report_entry entry = {.saving = -1};
    int failed = report_row_read(json_incref((json_t *)(uintptr_t)record), &arena, &row, err) ||
                 spool_record(report, record, &entry, err);
    if (!failed) {
        row.number = report->entry_count + 1;
        entry.number = (uint32_t)row.number;
        entry.group = (uint8_t)row.group;
        entry.saving = row.priced ? llabs(row.before - row.proposed) : -1;
        GROW(report->entries, report->entry_capacity, report->entry_count + 1);
        report->entries[report->entry_count++] = entry;
        add_sums(&report->totals, &row);
        add_sums(&namespace_of(report, row.namespace)->sums, &row);
        count_one(report->states, row.state);
        offer_findings(report, &row);
        if (report->meta.price == NULL && json_is_object(json_at(record, "cost.price"))) {
            report->meta.price = json_incref(json_at(record, "cost.price"));
        }
        if (report->meta.cluster == NULL && row.cluster != NULL) {
            report->meta.cluster = xstrdup(row.cluster);
        }
    }
    report_row_release(&row);
    arena_release(&arena);
    return failed ? -1 : 0;
}

static int add_note(struct report *report, const json_t *record, struct err *err)
{
    const json_t *note = json_object_get(record, "note");
    struct report_entry entry = {0};
    if (spool_record(report, record, &entry, err)) {
        return -1;
    }
    GROW(report->notes, report->note_capacity, report->note_count + 1);
    report->notes[report->note_count++] = entry;
    if (str_equal(json_string_or_null(note, "outcome"), "error")) {
        count_one(report->problems, json_string_or_null(note, "code"));
    }
    return 0;
}

int report_add(struct report *report, const json_t *record, struct err *err)
{
    const json_t *problems = json_object_get(record, "problems");
    for (size_t i = 0; i < json_array_size(problems); i++) {
        count_one(report->problems, json_string_or_null(json_array_get(problems, i), "code"));
    }
    return record_workload(record) != NULL ? add_workload(report, record, err)
                                           : add_note(report, record, err);
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

static int compare_namespaces(const void *left, const void *right)
{
    const struct report_namespace *a = left;
    const struct report_namespace *b = right;
    int64_t x = a->sums.before - a->sums.after;
    int64_t y = b->sums.before - b->sums.after;
    return x != y ? (x > y ? -1 : 1) : str_compare(a->name, b->name);
}

void report_finish(struct report *report)
{
    if (report->entry_count > 0) {
        qsort(report->entries, report->entry_count, sizeof *report->entries, compare_entries);
    }
    if (report->namespace_count > 0) {
        qsort(report->namespaces, report->namespace_count, sizeof *report->namespaces, compare_namespaces);
    }
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
    while ((got = artifact_read(reader, &record, err)) == 1) {
        int failed = report_add(report, record, err);
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

int report_row_at(const struct report *report, size_t place, struct arena *arena, struct report_row *row,
                  struct err *err)
{
    const struct report_entry *entry = &report->entries[place];
    json_t *record = NULL;
    if (load_record(report, entry, &record, err)) {
        return -1;
    }
    if (report_row_read(record, arena, row, err)) {
        report_row_release(row);
        return -1;
    }
    row->number = entry->number;
    return 0;
}

enum report_group report_group_at(const struct report *report, size_t place)
{
    return (enum report_group)report->entries[place].group;
}

int report_note_at(const struct report *report, size_t index, json_t **note, struct err *err)
{
    json_t *record = NULL;
    if (load_record(report, &report->notes[index], &record, err)) {
        return -1;
    }
    *note = json_incref(json_object_get(record, "note"));
    json_decref(record);
    return 0;
}
