#include "stages/parse/parse.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/manifest/input_limits.h"
#include "stages/parse/files.h"
#include "stages/parse/join.h"
#include "stages/parse/live.h"
#include "stages/parse/manifest_file.h"
#include "stages/parse/rendered.h"

struct state {
    struct input_limits limits;
    struct file_list files;
    struct rendered rendered; /* with --render: in the place of `files` */
    struct intake intake;
    struct live live; /* with a cluster: in the place of files, or beside them */
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
        failed = err_hint(err, "name files or folders: tare-parse deploy/, or a cluster: --kubeconfig FILE or --target cluster");
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
    intake->limits = ((struct state *)stage->state)->limits.yaml;
    intake->namespace = namespace == NULL ? "default" : namespace;
    intake->options.cluster = options_string(stage->options, OPT_CLUSTER);
    intake->options.skip_annotation = config_string(stage->config, "policy.exclude.annotation");
    json_t *settings = stage_settings(stage);
    json_object_set_new(settings, "namespace", json_string_safe(intake->namespace));
}

/* An option of rendering that would do nothing is refused. */
static int refuse_unrendered(const struct options *options, struct err *err)
{
    bool values = options_list_count(options, OPT_HELM_VALUES) > 0;
    if (!values && !options_typed(options, OPT_HELM_RELEASE)) {
        return 0;
    }
    err_set(err, ERR_USAGE, "%s is for charts that are rendered, and none is", values ? "--helm-values" : "--helm-release");
    return err_hint(err, "add --render");
}

/* With --render: which folders are rendered, and how. */
static int find_rendered(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    struct rendered *rendered = &state->rendered;
    const struct options *options = stage->options;
    struct render_settings *settings = &rendered->settings;
    size_t values = options_list_count(options, OPT_HELM_VALUES);
    if (!options_flag(options, OPT_RENDER) && !json_is_true(config_value(stage->config, "render.enabled"))) {
        return refuse_unrendered(options, err);
    }
    settings->namespace = state->intake.namespace;
    settings->release = options_string(options, OPT_HELM_RELEASE);
    settings->seconds = options_integer(options, OPT_RENDER_TIMEOUT, NULL);
    if (values > RENDER_VALUES_MAX || settings->seconds < 1 || settings->seconds > RENDER_SECONDS_MAX) {
        return err_set(err, ERR_USAGE, "there may be %d times --helm-values, and a --render-timeout of 1 s to 1 h",
                       RENDER_VALUES_MAX);
    }
    for (size_t i = 0; i < values; i++) {
        settings->values[settings->value_count++] = options_list_item(options, OPT_HELM_VALUES, i);
    }
    if (render_settings_check(settings, err)) {
        return -1;
    }
    buf_init(&rendered->text, state->bytes.cap);
    rendered_find(rendered, &state->files);
    if (rendered_configure(rendered, config_value(stage->config, "render.charts"), err)) {
        return -1;
    }
    json_object_set_new(stage_settings(stage), "render", rendered_settings(rendered));
    return 0;
}

static int begin(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    if (input_limits_read(&state->limits, stage->options, stage_settings(stage), err)) {
        return -1;
    }
    buf_init(&state->bytes, state->limits.max_file_bytes);
    state->files = (struct file_list){.most = state->limits.max_files, .deepest = state->limits.max_folder_depth};
    if (intake_init(&state->intake, err)) {
        return -1;
    }
    configure(stage);
    if (live_begin(&state->live, stage, err)) {
        return -1;
    }
    state->intake.wants = state->live.use == LIVE_NONE ? NULL : &state->live.wants;
    return state->live.use != LIVE_SOURCE && (list_files(stage, err) || find_rendered(stage, err)) ? -1 : 0;
}

/* Nothing was found: say why, with the first error where there was one. */
static int nothing_found(const struct state *state, struct err *err)
{
    const struct intake *intake = &state->intake;
    if (intake->errors > 0) {
        err_set(err, ERR_DATA, "no workload in %zu file(s); the first of %lld problem(s): %s",
                state->files.count, (long long)intake->errors, intake->first.message);
        return err_hint(err, "%s", intake->first_limit ? "name less, or allow more: tare-parse --help lists the --max options"
                                                       : "correct the file and run tare-parse again");
    }
    err_set(err, ERR_DATA, "no workload in %zu file(s) that were named or found", state->files.count);
    if (intake->unrendered > 0) {
        return err_hint(err, "%lld of them are parts of Helm charts and kustomizations: --render reads these",
                        (long long)intake->unrendered);
    }
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

/* Adds to the record of a workload what only is known when all were read. */
static int complete(struct state *state, size_t index, const char *name, json_t *record, struct err *err)
{
    struct intake *intake = &state->intake;
    if (state->same[index] > 1) {
        record_problem(record, "parse", "duplicate-identity", "%u objects are named %s", state->same[index], name);
    }
    if (join_workload(intake, index, record, err)) {
        return -1;
    }
    return state->live.use == LIVE_LOOKUP ? live_workload(&state->live, intake->records.entries[index].id, record, err)
                                          : 0;
}

/* Writes a workload as it lies on the shelf, with what is added. */
static int write_line(struct stage *stage, size_t index, const struct shelf_item *item, struct err *err)
{
    json_t *added = json_pack("{s:{}}", "workload");
    int failed = complete(stage->state, index, item->name, added, err) ||
                 stage_write_line(stage, item->text, item->length, added, err);
    json_decref(added);
    return failed ? -1 : 0;
}

static int write_record(struct stage *stage, size_t index, struct err *err)
{
    struct state *state = stage->state;
    struct shelf *records = &state->intake.records;
    const struct shelf_entry *entry = &records->entries[index];
    struct shelf_item item;
    json_t *record;
    if (shelf_read(records, entry, &item, err)) {
        return -1;
    }
    /* A look-up compares the whole record with what is live. */
    if (entry->known && state->live.use != LIVE_LOOKUP && artifact_line_fits(item.text, item.length)) {
        return write_line(stage, index, &item, err);
    }
    if (shelf_get(records, entry, &record, err)) {
        return -1;
    }
    int failed = (entry->known && complete(state, index, item.name, record, err)) || stage_write(stage, record, err);
    json_decref(record);
    return failed ? -1 : 0;
}

/* Reads every file or, with --render, every file that is none's part and every folder that is rendered; then the cluster. */
static int take_in(struct state *state, struct err *err)
{
    struct rendered *rendered = &state->rendered;
    for (size_t i = 0; i < rendered->count; i++) {
        const struct rendered_entry *entry = &rendered->entries[i];
        bool file = !entry->folder && entry->owner == NULL;
        if (file ? manifest_file_take(&state->intake, entry->path, &state->bytes, err)
                 : rendered_take(rendered, entry, &state->intake, err)) {
            return -1;
        }
    }
    for (size_t i = 0; rendered->count == 0 && i < state->files.count; i++) {
        if (manifest_file_take(&state->intake, state->files.paths[i], &state->bytes, err)) {
            return -1;
        }
    }
    return live_take(&state->live, &state->intake, err);
}

static int run(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    struct intake *intake = &state->intake;
    if (take_in(state, err)) {
        return -1;
    }
    if (intake->errors > 0 && options_flag(stage->options, OPT_STRICT)) {
        err_set(err, ERR_DATA, "%s", intake->first.message);
        return err_hint(err, "%s, or run without --strict to go on with the other files",
                        intake->first_limit ? "allow more with one of the --max options" : "correct it");
    }
    if (intake->workloads == 0) {
        return state->live.use == LIVE_SOURCE ? live_nothing_found(&state->live, intake, err) : nothing_found(state, err);
    }
    if (intake->unrendered > 0) {
        log_info("%lld file(s) are parts of Helm charts and kustomizations and were left out: --render reads these",
                 (long long)intake->unrendered);
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
    live_release(&state->live);
    buf_release(&state->bytes);
    file_list_release(&state->files);
    rendered_release(&state->rendered);
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
