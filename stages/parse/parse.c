#include "stages/parse/parse.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/parse/files.h"
#include "stages/parse/join.h"
#include "stages/parse/manifest_file.h"

struct state {
    struct file_list files;
    struct intake intake;
    struct buf bytes; /* of the file being read */
    uint32_t *same; /* for each record: how many have its identity (capped), 0 for notes */
};

/* Operands, else what the configuration names. */
static int list_files(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    size_t operands = options_operands(stage->options);
    const json_t *configured = config_value(stage->config, "manifests");
    size_t count = operands > 0 ? operands : json_array_size(configured);
    json_t *paths = json_array();
    int failed = 0;
    if (count == 0) {
        err_set(err, ERR_USAGE, "no manifest is named");
        failed = err_hint(err, "name files or folders: tare-parse deploy/");
    }
    for (size_t i = 0; i < count && !failed; i++) {
        const char *path = operands > 0 ? options_operand(stage->options, i)
                                        : json_string_value(json_array_get(configured, i));
        json_array_append_new(paths, json_string_safe(path));
        failed = file_list_add(&state->files, path == NULL ? "" : path, err);
    }
    file_list_sort(&state->files);
    json_object_set_new(stage_settings(stage), "paths", paths);
    return failed;
}

static void configure(struct stage *stage)
{
    struct intake *intake = &((struct state *)stage->state)->intake;
    const char *namespace = options_string(stage->options, OPT_NAMESPACE);
    intake->limits.max_depth = (size_t)options_integer(stage->options, OPT_MAX_DEPTH, NULL);
    intake->namespace = namespace == NULL ? "default" : namespace;
    intake->options.cluster = options_string(stage->options, OPT_CLUSTER);
    intake->options.skip_annotation = config_string(stage->config, "policy.exclude.annotation");
    json_t *settings = stage_settings(stage);
    json_object_set_new(settings, "namespace", json_string_safe(intake->namespace));
    json_object_set_new(settings, "max_depth", json_integer((json_int_t)intake->limits.max_depth));
    json_object_set_new(settings, "max_file_bytes", json_integer(options_integer(stage->options, OPT_MAX_FILE, NULL)));
}

static int begin(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    int64_t max_bytes = options_integer(stage->options, OPT_MAX_FILE, NULL);
    int64_t max_depth = options_integer(stage->options, OPT_MAX_DEPTH, NULL);
    if (max_bytes < 1 || max_bytes >= INT32_MAX) {
        return err_set(err, ERR_USAGE, "--max-file-bytes is not between 1 and %d", INT32_MAX - 1);
    }
    if (max_depth < 1 || max_depth > 1000) {
        return err_set(err, ERR_USAGE, "--max-depth is not between 1 and 1000");
    }
    buf_init(&state->bytes, (size_t)max_bytes);
    if (intake_init(&state->intake, err)) {
        return -1;
    }
    configure(stage);
    return list_files(stage, err);
}

/* Nothing was found: say why, with the first error where there was one. */
static int nothing_found(const struct state *state, struct err *err)
{
    const struct intake *intake = &state->intake;
    if (intake->errors > 0) {
        err_set(err, ERR_DATA, "no workload in %zu file(s); the first of %lld problem(s): %s",
                state->files.count, (long long)intake->errors, intake->first.message);
        return err_hint(err, "correct the file and run tare-parse again");
    }
    err_set(err, ERR_DATA, "no workload in %zu file(s) that were named or found", state->files.count);
    return err_hint(
        err, "name files or folders that hold Deployments, StatefulSets, DaemonSets, Jobs or the like");
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp((*(const struct shelf_entry *const *)a)->id, (*(const struct shelf_entry *const *)b)->id,
                  SHELF_ID);
}

/* Counts for each record how many have its identity. */
static void count_same(struct state *state)
{
    const struct shelf *records = &state->intake.records;
    const struct shelf_entry **sorted = xcalloc_array(records->count + 1, sizeof *sorted);
    size_t count = 0;
    state->same = xcalloc_array(records->count + 1, sizeof *state->same);
    for (size_t i = 0; i < records->count; i++) {
        if (records->entries[i].known) {
            sorted[count++] = &records->entries[i];
        }
    }
    qsort(sorted, count, sizeof *sorted, compare_ids);
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && compare_ids(&sorted[i], &sorted[next]) == 0;) {
            next++;
        }
        for (size_t j = i; j < next; j++) {
            state->same[sorted[j] - records->entries] = (uint32_t)(next - i);
        }
    }
    free(sorted);
}

static void flag_same(json_t *record, uint32_t same)
{
    struct identity identity;
    struct err ignored;
    if (same > 1 && record_identity(record, &identity, &ignored) == 0) {
        char *name = identity_text(&identity, "default");
        record_problem(record, "parse", "duplicate-identity", "%u objects are named %s", same, name);
        free(name);
    }
}

static int write_record(struct stage *stage, size_t index, struct err *err)
{
    struct state *state = stage->state;
    struct intake *intake = &state->intake;
    const struct shelf_entry *entry = &intake->records.entries[index];
    json_t *record;
    if (shelf_get(&intake->records, entry, &record, err)) {
        return -1;
    }
    json_t *workload = record_workload(record);
    int failed = 0;
    if (workload != NULL) {
        flag_same(record, state->same[index]);
        failed = join_workload(intake, entry->id, workload, err);
    }
    failed = failed || stage_write(stage, record, err);
    json_decref(record);
    return failed ? -1 : 0;
}

static int run(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    struct intake *intake = &state->intake;
    for (size_t i = 0; i < state->files.count; i++) {
        if (manifest_file_take(intake, state->files.paths[i], &state->bytes, err)) {
            return -1;
        }
    }
    if (intake->errors > 0 && options_flag(stage->options, OPT_STRICT)) {
        err_set(err, ERR_DATA, "%s", intake->first.message);
        return err_hint(err, "correct it, or run without --strict to go on with the other files");
    }
    if (intake->workloads == 0) {
        return nothing_found(state, err);
    }
    count_same(state);
    join_ready(intake);
    for (size_t i = 0; i < intake->records.count; i++) {
        if (write_record(stage, i, err)) {
            return -1;
        }
    }
    json_object_update(stage->skipped, intake->skipped);
    return 0;
}

static void release(struct stage *stage)
{
    struct state *state = stage->state;
    intake_release(&state->intake);
    buf_release(&state->bytes);
    file_list_release(&state->files);
    free(state->same);
}

const struct stage_spec parse_stage = {
    .name = "parse",
    .program = FOR_PARSE,
    .summary = "reads manifests and writes the inventory: one record a workload",
    .operands = "PATH…",
    .writes = ARTIFACT_INVENTORY,
    .state_size = sizeof(struct state),
    .begin = begin,
    .run = run,
    .release = release,
};
