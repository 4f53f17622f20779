#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/confirm.h"
#include "pipeline/driver/rows.h"
#include "pipeline/driver/size.h"
#include "pipeline/run/ledger_keep.h"

/* Runs of one transaction. */
enum { PRUNE_RUNS = 50 };

/* Kinds of what goes, as the ledger names them and as people do. */
static const struct {
    const char *key;
    const char *name;
} kinds[] = {{"artifacts", "artifacts"},
             {"before_images", "before-images"},
             {"series_history", "series history"},
             {"llm_exchanges", "exchanges with an LLM"},
             {"llm_answers", "answers of models"},
             {"notifications", "notifications"},
             {"clock_overrides", "moved clocks"}};

/* "1 run", "2 runs". */
static const char *runs_text(const json_t *counts, char out[40])
{
    int64_t runs = json_int_or(counts, "runs", 0);
    snprintf(out, 40, "%" PRId64 " run%s", runs, runs == 1 ? "" : "s");
    return out;
}

static int read_wanted(const struct session *session, struct ledger_prune *out, struct err *err)
{
    out->older_seconds = options_integer(session->options, OPT_OLDER_THAN, &out->by_age);
    out->keep = options_integer(session->options, OPT_KEEP, &out->by_count);
    out->images_seconds = options_integer(session->options, OPT_BEFORE_IMAGES, &out->images);
    if (out->by_count && (out->keep < 0 || out->keep > INT32_MAX)) {
        return err_set(err, ERR_USAGE, "--keep is a number of runs: 0, or more");
    }
    return 0;
}

/* ---- What would go, and what is there ---- */

static void size_line(const json_t *size)
{
    struct buf text;
    buf_init(&text, 1024);
    size_sentence(size, &text);
    puts(buf_str(&text));
    buf_release(&text);
}

static void plan_table(const json_t *plan)
{
    static const char *const heads[] = {"WHAT", ">ROWS", ">BYTES"};
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const json_t *kind = json_object_get(plan, kinds[i].key);
        table_cell(table, kinds[i].name);
        rows_int_cell(table, kind, "rows");
        rows_int_cell(table, kind, "bytes");
    }
    table_print(table, stdout);
    table_free(table);
}

static int rehearse(struct session *session, const struct ledger_prune *what, bool json, struct err *err)
{
    char runs[40];
    json_t *plan = NULL;
    json_t *size = NULL;
    if (ledger_prune_plan(session->ledger, what, &plan, err) || ledger_size(session->ledger, &size, err)) {
        json_decref(plan);
        return -1;
    }
    if (json) {
        return rows_json(json_pack("{s:b, s:o, s:o}", "dry_run", 1, "would_go", plan, "size", size));
    }
    size_line(size);
    if (!what->by_age && !what->by_count) {
        puts("nothing would be pruned: neither --older-than nor --keep says what is old (retention in tare.yaml)");
    } else {
        printf("%s would be pruned\n", runs_text(plan, runs));
        plan_table(plan);
    }
    json_decref(plan);
    json_decref(size);
    return 0;
}

/* ---- Pruning ---- */

/* Adds what one transaction took. */
static void add_step(json_t *sum, const json_t *step)
{
    json_object_set_new(sum, "runs",
                        json_integer(json_int_or(sum, "runs", 0) + (json_int_t)json_array_size(json_object_get(step, "runs"))));
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        const json_t *went = json_object_get(step, kinds[i].key);
        const json_t *before = json_object_get(sum, kinds[i].key);
        json_object_set_new(sum, kinds[i].key,
                            json_pack("{s:I, s:I}", "rows", (json_int_t)(json_int_or(before, "rows", 0) + json_int_or(went, "rows", 0)),
                                      "bytes", (json_int_t)(json_int_or(before, "bytes", 0) + json_int_or(went, "bytes", 0))));
    }
}

/* Step by step, so that whoever ends it in the middle leaves whole steps. *sum is new, also after a failure. */
static int take_all(struct session *session, const struct ledger_prune *what, json_t **sum, struct err *err)
{
    bool more = true;
    *sum = json_object();
    add_step(*sum, NULL);
    while (more) {
        json_t *step = NULL;
        if (ledger_prune_step(session->ledger, what, PRUNE_RUNS, &step, err)) {
            return -1;
        }
        more = json_object_size(step) > 0;
        add_step(*sum, step);
        json_decref(step);
    }
    return 0;
}

/* Rows and bytes of each table before and after. */
static void counts_table(const json_t *before, const json_t *after)
{
    static const char *const heads[] = {"TABLE", ">ROWS BEFORE", ">ROWS AFTER", ">BYTES BEFORE", ">BYTES AFTER"};
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)before, index, row)
    {
        const json_t *now = json_array_get(after, index);
        table_cell(table, json_string_or_null(row, "table"));
        rows_int_cell(table, row, "rows");
        rows_int_cell(table, now, "rows");
        rows_int_cell(table, row, "bytes");
        rows_int_cell(table, now, "bytes");
    }
    table_print(table, stdout);
    table_free(table);
}

struct outcome {
    json_t *before;
    json_t *after;
    json_t *went;
    json_t *left; /* what is old and was not taken, since somebody works on it */
    json_t *size;
};

static void outcome_release(struct outcome *outcome)
{
    json_t *parts[] = {outcome->before, outcome->after, outcome->went, outcome->left, outcome->size};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        json_decref(parts[i]);
    }
}

static void tell(const struct outcome *outcome)
{
    char runs[40];
    printf("pruned: %s\n", runs_text(outcome->went, runs));
    counts_table(outcome->before, outcome->after);
    size_line(outcome->size);
    puts("Postgres uses the freed room again for itself (autovacuum); files on disk do not shrink by that");
    if (json_int_or(outcome->left, "runs", 0) > 0) {
        log_info("left, because somebody works on it: %s; the next tare prune takes them", runs_text(outcome->left, runs));
    }
}

static int prune(struct session *session, const struct ledger_prune *what, bool json, struct err *err)
{
    struct outcome all = {0};
    int failed = ledger_prune_counts(session->ledger, &all.before, err) || take_all(session, what, &all.went, err) ||
                 ledger_prune_counts(session->ledger, &all.after, err) || ledger_prune_plan(session->ledger, what, &all.left, err) ||
                 ledger_size(session->ledger, &all.size, err);
    if (!failed && json) {
        rows_json(json_pack("{s:b, s:O, s:O, s:O, s:O, s:O}", "dry_run", 0, "went", all.went, "before", all.before, "after", all.after,
                            "left", all.left, "size", all.size));
    } else if (!failed) {
        tell(&all);
    }
    outcome_release(&all);
    return failed ? -1 : 0;
}

/* What is about to go, so that a person knows what the answer means. */
static int ask(struct session *session, const struct ledger_prune *what, struct err *err)
{
    json_t *plan = NULL;
    char bytes[SIZE_TEXT];
    char runs[40];
    char question[200];
    if (ledger_prune_plan(session->ledger, what, &plan, err)) {
        return -1;
    }
    snprintf(question, sizeof question, "take the bytes of %s (artifacts %s) out of the ledger for good?", runs_text(plan, runs),
             size_text(json_int_or(json_object_get(plan, "artifacts"), "bytes", 0), bytes));
    json_decref(plan);
    return confirm(session, question, err);
}

int command_prune(struct session *session, struct err *err)
{
    struct ledger_prune what = {0};
    bool json;
    if (session_operands(session, 0, 0, "tare prune [--older-than TIME] [--keep N] [--dry-run] [--yes]", err) ||
        session_json(session, &json, err) || read_wanted(session, &what, err) || ledger_settle_due(session->ledger, err)) {
        return -1;
    }
    if (options_flag(session->options, OPT_DRY_RUN)) {
        return rehearse(session, &what, json, err);
    }
    if (!what.by_age && !what.by_count) {
        err_set(err, ERR_USAGE, "nothing is pruned unless it is said what is old: --older-than, --keep, or `retention` in tare.yaml");
        return err_hint(err, "tare prune --older-than 90d --keep 20 --dry-run shows what would go");
    }
    return ask(session, &what, err) || prune(session, &what, json, err) ? -1 : 0;
}
