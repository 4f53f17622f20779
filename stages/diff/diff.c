#include "stages/diff/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "stages/common/edit/edit.h"
#include "stages/common/edit/unidiff.h"
#include "stages/diff/api_patch.h"
#include "stages/diff/new_objects.h"
#include "stages/diff/patch_file.h"
#include "stages/diff/origin/rendered.h"
#include "stages/diff/root_path.h"
#include "stages/diff/wishes.h"

enum { PATCH_CAP = 64 * 1024 * 1024, FILE_CAP = INT32_MAX - 1 };

/* The manifest that is open: records come file by file. */
struct manifest_state {
    char *file;     /* as in the records; NULL: none */
    char *relative; /* to the root, for patches */
    struct buf bytes;
    char sha256[DIGEST_HEX];
    bool missing;
    struct err why;
    struct arena arena; /* what plans return */
    struct edit_session *session;
};

struct state {
    struct manifest_state manifest;
    struct patch_file patch;
    struct rendered *rendered; /* what comes out of charts and kustomizations */
    struct new_objects *objects;
    char *root;     /* resolved */
    size_t outside; /* manifests that do not lie below it */
    char *first_outside;
};

/* What a workload's member is made of. */
struct change {
    const struct edit_request *requests;
    const struct edit_done *done;
    size_t count;
    json_t *patch; /* stolen when it is written */
};

static void set_relative(struct state *state, const char *file)
{
    struct manifest_state *manifest = &state->manifest;
    char *real = realpath(file, NULL);
    manifest->relative = root_path(state->root, real == NULL ? file : real);
    if (str_starts(manifest->relative, "../") && state->outside++ == 0) {
        state->first_outside = xstrdup(file);
    }
    free(real);
}

/* Adds what was planned for the file to the combined patch and forgets the file. */
static int close_manifest(struct state *state, struct err *err)
{
    struct manifest_state *manifest = &state->manifest;
    int failed = 0;
    if (manifest->session != NULL && state->patch.path != NULL) {
        struct buf text;
        buf_init(&text, FILE_CAP);
        failed = unidiff_write(manifest->relative, buf_str(&manifest->bytes), manifest->bytes.length,
                               edit_session_splices(manifest->session), &text, err) ||
                 patch_file_add(&state->patch, buf_str(&text), text.length, err);
        buf_release(&text);
    }
    edit_session_free(manifest->session);
    manifest->session = NULL;
    arena_clear(&manifest->arena);
    free(manifest->file);
    free(manifest->relative);
    manifest->file = manifest->relative = NULL;
    return failed ? -1 : 0;
}

static int open_manifest(struct state *state, const char *file, struct err *err)
{
    struct manifest_state *manifest = &state->manifest;
    if (str_equal(manifest->file, file)) {
        return 0;
    }
    if (close_manifest(state, err)) {
        return -1;
    }
    manifest->file = xstrdup(file);
    manifest->why = (struct err){0};
    buf_clear(&manifest->bytes);
    manifest->missing = fs_read(file, &manifest->bytes, &manifest->why) != 0;
    if (!manifest->missing) {
        hash_bytes(buf_str(&manifest->bytes), manifest->bytes.length, manifest->sha256);
        manifest->session =
            edit_session_new(buf_str(&manifest->bytes), manifest->bytes.length, &manifest->arena);
        set_relative(state, file);
    }
    return 0;
}

static void set_empty(json_t *record)
{
    json_object_set_new(record, "change",
                        json_pack("{s:[], s:n, s:n, s:n}", "edits", "patch", "merge_patch", "json_patch"));
}

/* Sets `change`; without any changed field, the empty one. Steals change->patch. */
static void set_change(json_t *record, const struct change *change)
{
    json_t *edits = json_array();
    const struct manifest_kind *type =
        manifest_kind_named(json_string_or_null(record_workload(record), "kind"));
    for (size_t i = 0; i < change->count; i++) {
        const struct edit_done *done = &change->done[i];
        if (done->changed) {
            json_array_append_new(edits,
                                  json_pack("{s:s, s:s, s:o, s:o}", "container",
                                            change->requests[i].container, "path", done->path, "from",
                                            json_string_safe(done->from), "to", json_string_safe(done->to)));
        }
    }
    if (json_array_size(edits) == 0 || type == NULL) {
        json_decref(edits);
        json_decref(change->patch);
        set_empty(record);
        return;
    }
    json_t *merge =
        type->strategic ? api_merge_patch(type, change->requests, change->done, change->count) : json_null();
    json_t *json = type->strategic
                       ? json_null()
                       : api_json_patch(type, record, change->requests, change->done, change->count);
    json_object_set_new(record, "change",
                        json_pack("{s:o, s:o, s:o, s:o}", "edits", edits, "patch", change->patch,
                                  "merge_patch", merge, "json_patch", json));
}

/* One problem for all values that were overridden locally. */
static void note_local(json_t *record, const struct edit_done *done, size_t count)
{
    struct buf paths;
    buf_init(&paths, 512);
    for (size_t i = 0; i < count; i++) {
        if (done[i].local) {
            buf_printf(&paths, "%s%s", paths.length == 0 ? "" : ", ", done[i].path);
        }
    }
    if (paths.length > 0 || paths.overflow) {
        record_problem(record, "diff", "edit-local",
                       "shared by an anchor or merge key and written for this container alone: %s%s",
                       buf_str(&paths), paths.overflow ? " …" : "");
    }
    buf_release(&paths);
}

/* Whether the manifest is what was parsed; else notes why not. */
static bool source_holds(const struct manifest_state *manifest, json_t *record)
{
    const json_t *source = json_at(record, "workload.source");
    const char *sha256 = json_string_or_null(source, "sha256");
    if (manifest->missing) {
        record_problem_at(record, "diff", "source-missing", manifest->file, 0, "%s", manifest->why.message);
        return false;
    }
    if (!str_equal(sha256, manifest->sha256)) {
        record_problem_at(
            record, "diff", "source-changed", manifest->file, 0,
            "%s is not the manifest that was parsed (sha256 %.12s, then %.12s): run tare-parse again",
            manifest->file, manifest->sha256, sha256 == NULL ? "unknown" : sha256);
        return false;
    }
    return true;
}

/* Plans the wishes over the manifest and writes the member. */
static int change_file(struct state *state, json_t *record, const struct wishes *wishes, struct err *err)
{
    struct manifest_state *manifest = &state->manifest;
    struct edit_done *done = arena_alloc_array(&manifest->arena, wishes->count + 1, sizeof *done);
    const struct edit_splices *splices;
    struct err why = {0};
    struct buf text;
    if (edit_session_plan(manifest->session, wishes->items, wishes->count, done, &splices, &why)) {
        record_problem_at(record, "diff", "edit-impossible", manifest->file,
                          (long)json_int_or(json_at(record, "workload.source"), "line", 0), "%s",
                          why.message);
        set_empty(record);
        return 0;
    }
    buf_init(&text, PATCH_CAP);
    int failed = unidiff_write(manifest->relative, buf_str(&manifest->bytes), manifest->bytes.length, splices,
                               &text, err);
    if (!failed) {
        struct change change = {.requests = wishes->items,
                                .done = done,
                                .count = wishes->count,
                                .patch = json_string_safe(buf_str(&text))};
        set_change(record, &change);
        note_local(record, done, wishes->count);
    }
    buf_release(&text);
    return failed;
}

/* The change of what a program rendered: of the object as it is rendered, and of the files it comes from. */
static int change_rendered(struct state *state, json_t *record, const struct wishes *wishes, struct err *err)
{
    struct rendered_plan plan;
    if (rendered_change(state->rendered, record, wishes, &plan, err)) {
        return -1;
    }
    if (plan.done == NULL) {
        return 0;
    }
    struct change change = {
        .requests = wishes->items, .done = plan.done, .count = wishes->count, .patch = plan.patch};
    set_change(record, &change);
    json_t *member = json_object_get(record, "change");
    if (json_array_size(json_object_get(member, "edits")) > 0) {
        json_object_set(member, "files", plan.files);
        json_object_set(member, "rendered_patch", plan.rendered_patch);
        json_object_set(member, "advice", plan.advice);
    }
    json_decref(plan.files);
    json_decref(plan.rendered_patch);
    json_decref(plan.advice);
    return 0;
}

static int record_edits(struct stage *stage, json_t *record, struct err *err)
{
    struct state *state = stage->state;
    struct wishes wishes;
    struct err why = {0};
    const char *file = json_string_or_null(json_at(record, "workload.source"), "file");
    set_empty(record);
    if (wishes_read(record, &stage->arena, &wishes, &why)) {
        record_problem(record, "diff", "edit-impossible", "%s", why.message);
        return 0;
    }
    if (wishes.count == 0) {
        return 0;
    }
    if (file == NULL) {
        struct change change = {.requests = wishes.items, .count = wishes.count, .patch = json_null()};
        change.done = wishes_without_file(record, &wishes, &stage->arena);
        set_change(record, &change);
        return 0;
    }
    if (rendered_is(record)) {
        return change_rendered(state, record, &wishes, err);
    }
    if (open_manifest(state, file, err)) {
        return -1;
    }
    return source_holds(&state->manifest, record) ? change_file(state, record, &wishes, err) : 0;
}

static int record_change(struct stage *stage, json_t *record, struct err *err)
{
    struct state *state = stage->state;
    return record_edits(stage, record, err) || new_objects_add(state->objects, record, &state->patch, err) ? -1 : 0;
}

static int begin(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    const char *root = options_string(stage->options, OPT_ROOT);
    const char *patch = options_string(stage->options, OPT_PATCH);
    buf_init(&state->manifest.bytes, FILE_CAP);
    arena_init(&state->manifest.arena);
    json_object_set_new(stage_settings(stage), "root", json_string_safe(root == NULL ? "." : root));
    state->root = realpath(root == NULL ? "." : root, NULL);
    if (state->root == NULL) {
        err_errno(err, ERR_NOINPUT, errno, "the root %s cannot be used", root == NULL ? "." : root);
        return err_hint(err, "name a folder above the manifests with --root");
    }
    state->rendered = rendered_new(json_at(artifact_reader_header(stage->in), "settings.parse.render"), state->root);
    state->objects = new_objects_new(stage->config, state->root, options_string(stage->options, OPT_NAMESPACE));
    return patch == NULL ? 0 : patch_file_open(&state->patch, patch, err);
}

static int end(struct stage *stage, struct err *err)
{
    struct state *state = stage->state;
    if (state->outside > 0) {
        log_warn("%zu file(s) lie outside of the root %s, the first is %s: their patches cannot be applied "
                 "there; name a "
                 "folder above them with --root DIR",
                 state->outside, state->root, state->first_outside);
    }
    return close_manifest(state, err) || rendered_finish(state->rendered, &state->patch, err) ||
                   patch_file_finish(&state->patch, err) ? -1 : 0;
}

static void release(struct stage *stage)
{
    struct state *state = stage->state;
    edit_session_free(state->manifest.session);
    buf_release(&state->manifest.bytes);
    arena_release(&state->manifest.arena);
    free(state->manifest.file);
    free(state->manifest.relative);
    rendered_free(state->rendered);
    new_objects_free(state->objects);
    patch_file_release(&state->patch);
    free(state->root);
    free(state->first_outside);
}

const struct stage_spec diff_stage = {
    .name = "diff",
    .program = FOR_DIFF,
    .summary = "adds the change of each manifest: edits, a unified diff, a patch for the API",
    .reads = ARTIFACT_BIT(ARTIFACT_COSTS),
    .writes = ARTIFACT_CHANGES,
    .state_size = sizeof(struct state),
    .begin = begin,
    .record = record_change,
    .end = end,
    .release = release,
};
