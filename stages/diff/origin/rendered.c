#include "stages/diff/origin/rendered.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/common/edit/edit_splice.h"
#include "stages/common/edit/edit_target.h"
#include "stages/common/edit/unidiff.h"
#include "stages/diff/origin/advice.h"
#include "stages/diff/origin/bench.h"
#include "stages/diff/root_path.h"

enum { PATCH_CAP = 64 * 1024 * 1024, TRIES_MAX = 20, FOLDERS_NAMED = 500 };

struct rendered {
    const json_t *settings_json;
    const char *root;
    struct folder folder;
    struct bench bench;
    bool bench_open;
    struct plain_files files;
};

/* One workload at work. */
struct task {
    struct rendered *rendered;
    struct render_settings base;     /* of all folders */
    struct render_settings settings; /* of this one */
    json_t *record;
    const json_t *source;
    const struct wishes *wishes;
    struct edit_done *done;
    struct arena *arena;
    struct search_result result;
    bool searched;
    bool found;
    const char *folders; /* others that would change, NULL: none */
    const char *file;
};

struct rendered *rendered_new(const json_t *settings, const char *root)
{
    struct rendered *rendered = xcalloc(sizeof *rendered);
    rendered->settings_json = settings;
    rendered->root = root;
    folder_init(&rendered->folder);
    return rendered;
}

static void close_bench(struct rendered *rendered)
{
    if (rendered->bench_open) {
        bench_close(&rendered->bench, &rendered->files);
        rendered->bench_open = false;
    }
}

void rendered_free(struct rendered *rendered)
{
    if (rendered == NULL) {
        return;
    }
    close_bench(rendered);
    folder_release(&rendered->folder);
    plain_files_release(&rendered->files);
    free(rendered);
}

bool rendered_is(const json_t *record)
{
    return json_string_or_null(json_at(record, "workload.source"), "rendered") != NULL;
}

/* What the record says the container has. */
static struct subject subject_of(const struct task *task, const char *name)
{
    const json_t *workload = record_workload(task->record);
    struct subject subject = {.kind = json_string_or_null(workload, "kind"),
                              .name = json_string_or_null(workload, "name"),
                              .container = name};
    size_t index;
    json_t *container;
    json_array_foreach(json_object_get(workload, "containers"), index, container)
    {
        for (enum manifest_field f = 0;
             str_equal(json_string_or_null(container, "name"), name) && f < FIELD_COUNT; f++) {
            struct manifest_amount *amount = &subject.amounts[f];
            amount->present =
                json_get_int(json_object_get(container, manifest_section(f)),
                             manifest_is_cpu(f) ? "cpu_millicores" : "memory_bytes", &amount->value);
        }
    }
    return subject;
}

/* Whether a container is in the document as the record has it. */
static bool same_container(struct edit_text *text, const struct task *task, const char *name)
{
    struct subject subject = subject_of(task, name);
    struct edit_request requests[FIELD_COUNT];
    struct edit_done done[FIELD_COUNT];
    struct edit_target target;
    struct err ignored = {0};
    bool same = name != NULL;
    for (enum manifest_field field = 0; field < FIELD_COUNT; field++) {
        const struct manifest_amount *amount = &subject.amounts[field];
        requests[field] = (struct edit_request){.document = text->document.number,
                                                .item = (long)json_int_or(task->source, "item", 0),
                                                .container = name,
                                                .field = field,
                                                .remove = !amount->present,
                                                .value = amount->value};
    }
    same = same &&
           edit_target_find(text, requests, FIELD_COUNT, &text->arena, &target, done, &ignored) == 0 &&
           str_equal(target.object.kind, subject.kind) && str_equal(target.workload.name, subject.name);
    for (size_t field = 0; same && field < FIELD_COUNT; field++) {
        same = !done[field].changed;
    }
    return same;
}

/* Whether a document that comes out otherwise each time still says of the workload what the record does. */
static bool same_facts(const struct task *task)
{
    const struct folder *folder = &task->rendered->folder;
    struct edit_text text;
    struct err ignored = {0};
    size_t index;
    json_t *container;
    edit_text_init(&text, buf_str(&folder->text), folder->text.length);
    bool same = edit_text_seek(&text, (long)json_int_or(task->source, "document", 0), &ignored) == 0;
    json_array_foreach(json_at(task->record, "workload.containers"), index, container)
    {
        same = same && same_container(&text, task, json_string_or_null(container, "name"));
    }
    edit_text_release(&text);
    return same;
}

/* Opens the folder of a record. False with a problem in the record when it is not what was parsed. */
static bool open_folder(struct task *task)
{
    struct folder *folder = &task->rendered->folder;
    const char *path = json_string_or_null(task->source, "file");
    enum render_tool tool;
    struct err why = {0};
    if (!render_tool_named(json_string_or_null(task->source, "rendered"), &tool) ||
        render_settings_read(task->rendered->settings_json, &task->base, &why) ||
        render_settings_over(&task->base,
                             bench_own(json_object_get(task->rendered->settings_json, "folders"), path),
                             &task->settings, &why)) {
        record_problem_at(task->record, "diff", "render-failed", path, 0, "%s",
                          why.message[0] == '\0' ? "the program that rendered it is not known" : why.message);
        return false;
    }
    if (!str_equal(folder->path, path) || folder->tool != tool) {
        close_bench(task->rendered);
        folder_open(folder, &task->settings, tool, path);
    }
    if (folder->missing) {
        bool installed = folder->why.class != ERR_UNAVAILABLE;
        record_problem_at(task->record, "diff", installed ? "render-failed" : "render-missing", path, 0, "%s",
                          folder->why.message);
        return false;
    }
    int64_t number = json_int_or(task->source, "document", 0);
    const struct folder_document *document = folder_document(folder, number);
    bool same = document != NULL && str_equal(json_string_or_null(task->source, "sha256"), document->sha256);
    if (!same && !(folder_varies(folder, &task->settings, number) && same_facts(task))) {
        record_problem_at(
            task->record, "diff", "source-changed", path, 0,
            "%s does not render to what was parsed any more (document %lld): run tare-parse again", path,
            (long long)number);
        return false;
    }
    return true;
}

/* Looks for the edits of one container after another; all have to be found. */
static int search_all(struct task *task, struct err *err)
{
    size_t tries = TRIES_MAX;
    task->found = task->searched = true;
    for (size_t i = 0, next; i < task->wishes->count && task->found; i = next) {
        const char *container = task->wishes->items[i].container;
        struct edit_request requests[FIELD_COUNT];
        size_t count = 0;
        for (next = i;
             next < task->wishes->count && str_equal(task->wishes->items[next].container, container);
             next++) {
            if (task->done[next].changed && count < FIELD_COUNT) {
                requests[count++] = task->wishes->items[next];
            }
        }
        struct subject subject = subject_of(task, container);
        if (count > 0 && search_container(&task->rendered->bench.work, &subject, requests, count, &tries,
                                          task->arena, &task->result, err)) {
            return -1;
        }
        task->found = count == 0 || task->result.found;
    }
    return 0;
}

/* Whether other folders would come out otherwise; then what was found is no edit of this one alone. */
static int check_others(struct task *task, struct err *err)
{
    struct rendered *rendered = task->rendered;
    struct buf others;
    buf_init(&others, FOLDERS_NAMED);
    int failed = bench_others(&rendered->bench, &rendered->folder, &task->base,
                              json_object_get(rendered->settings_json, "folders"), &others, err);
    if (others.length > 0 || others.overflow) {
        task->found = false;
        task->folders = arena_strdup(task->arena, buf_str(&others));
        for (size_t i = 0; i < rendered->bench.work.count; i++) {
            const struct plain_file *file = rendered->bench.work.files[i];
            task->file = file->trying.count > 0 ? arena_strdup(task->arena, file->relative) : task->file;
        }
    }
    buf_release(&others);
    return failed;
}

/* Searches, on a bench that is made when it is first needed; what was not found is undone. */
static int search(struct task *task, struct err *err)
{
    struct rendered *rendered = task->rendered;
    struct workbench *work = &rendered->bench.work;
    if (!rendered->bench_open) {
        rendered->bench_open = true;
        if (bench_open(&rendered->bench, &rendered->folder, &task->settings, &rendered->files, rendered->root,
                       err)) {
            return -1;
        }
    }
    if (!rendered->bench.ready) {
        return 0;
    }
    struct buf kept;
    buf_init(&kept, work->now.cap);
    buf_add(&kept, buf_str(&work->now), work->now.length);
    int failed = search_all(task, err) || (task->found && check_others(task, err)) ? -1 : 0;
    if (!failed && !task->found) {
        failed = search_undo(work, err);
        struct buf tried = work->now;
        work->now = kept;
        kept = tried;
    }
    buf_release(&kept);
    return failed;
}

/* What is tried on a file, as replacements of bytes. */
static json_t *replacements(const struct plain_file *file)
{
    char sha256[DIGEST_HEX];
    json_t *edits = json_array();
    for (size_t i = 0; i < file->trying.count; i++) {
        const struct edit_splice *splice = &file->trying.items[i];
        json_array_append_new(edits, json_pack("{s:I, s:I, s:o}", "start", (json_int_t)splice->start, "end",
                                               (json_int_t)splice->end, "text",
                                               json_stringn(splice->text, splice->length)));
    }
    hash_bytes(buf_str(&file->bytes), file->bytes.length, sha256);
    return json_pack("{s:o, s:s, s:o}", "file", json_string_safe(file->relative), "sha256", sha256, "edits",
                     edits);
}

/* The patch of the plain files that were found; from now on their edits are accepted. */
static int take_patch(struct task *task, struct rendered_plan *out, struct err *err)
{
    struct workbench *work = &task->rendered->bench.work;
    struct buf text;
    int failed = 0;
    buf_init(&text, PATCH_CAP);
    for (size_t i = 0; i < work->count && !failed; i++) {
        struct plain_file *file = work->files[i];
        failed = unidiff_write(file->relative, buf_str(&file->bytes), file->bytes.length, &file->trying,
                               &text, err);
        if (file->trying.count > 0) {
            json_array_append_new(out->files, replacements(file));
        }
        edit_splices_merge(&file->accepted, &file->trying);
        file->trying.count = 0;
    }
    out->patch = json_string_safe(buf_str(&text));
    buf_release(&text);
    return failed;
}

static void give_advice(struct task *task, struct rendered_plan *out)
{
    struct advice_facts facts = {.folder = &task->rendered->folder,
                                 .document = json_int_or(task->source, "document", 0),
                                 .wishes = task->wishes,
                                 .done = task->done,
                                 .trouble = task->searched ? NULL : task->rendered->bench.why.message,
                                 .result = task->result.found ? NULL : &task->result,
                                 .folders = task->folders,
                                 .file = task->file};
    char *text = advice_text(&facts);
    out->advice = json_string_safe(text);
    record_problem_at(task->record, "diff", "edit-by-hand", task->rendered->folder.path, 0, "%s", text);
    free(text);
}

/* The patch of the rendered text, under a name that is no file's. */
static json_t *rendered_patch(const struct task *task, const struct edit_splices *splices, struct err *err)
{
    const struct folder *folder = &task->rendered->folder;
    struct buf text;
    json_t *out = NULL;
    char *real = realpath(folder->path, NULL);
    char *relative = root_path(task->rendered->root, real == NULL ? folder->path : real);
    char *name = xasprintf("%s%srendered-by-%s.yaml", relative, relative[0] == '\0' ? "" : "/",
                           render_tool_name(folder->tool));
    buf_init(&text, PATCH_CAP);
    if (unidiff_write(name, buf_str(&folder->text), folder->text.length, splices, &text, err) == 0) {
        out = json_string_safe(buf_str(&text));
    }
    buf_release(&text);
    free(name);
    free(relative);
    free(real);
    return out;
}

static bool any_changed(const struct task *task)
{
    for (size_t i = 0; i < task->wishes->count; i++) {
        if (task->done[i].changed) {
            return true;
        }
    }
    return false;
}

/* Plans over the rendered text, then over the plain files. */
static int plan(struct task *task, struct rendered_plan *out, struct err *err)
{
    struct folder *folder = &task->rendered->folder;
    const struct edit_splices *splices;
    struct err why = {0};
    if (edit_session_plan(folder->session, task->wishes->items, task->wishes->count, task->done, &splices,
                          &why)) {
        record_problem_at(task->record, "diff", "edit-impossible", folder->path,
                          (long)json_int_or(task->source, "line", 0), "%s", why.message);
        return 0;
    }
    out->done = task->done;
    out->patch = json_null();
    out->files = json_array();
    out->advice = json_null();
    out->rendered_patch = rendered_patch(task, splices, err);
    if (out->rendered_patch == NULL) {
        return -1;
    }
    if (!any_changed(task)) {
        return 0;
    }
    if (search(task, err)) {
        return -1;
    }
    if (task->found) {
        json_decref(out->patch);
        return take_patch(task, out, err);
    }
    give_advice(task, out);
    return 0;
}

int rendered_change(struct rendered *rendered, json_t *record, const struct wishes *wishes,
                    struct rendered_plan *out, struct err *err)
{
    struct task task = {.rendered = rendered,
                        .record = record,
                        .source = json_at(record, "workload.source"),
                        .wishes = wishes,
                        .arena = &rendered->folder.arena};
    *out = (struct rendered_plan){.done = NULL};
    if (!open_folder(&task)) {
        return 0;
    }
    task.done = arena_alloc_array(task.arena, wishes->count + 1, sizeof *task.done);
    return plan(&task, out, err);
}

static int by_relative(const void *a, const void *b)
{
    return strcmp((*(struct plain_file *const *)a)->relative, (*(struct plain_file *const *)b)->relative);
}

int rendered_finish(struct rendered *rendered, struct patch_file *patch, struct err *err)
{
    int failed = 0;
    close_bench(rendered);
    if (rendered->files.count > 1) {
        qsort(rendered->files.items, rendered->files.count, sizeof *rendered->files.items, by_relative);
    }
    for (size_t i = 0; i < rendered->files.count && !failed; i++) {
        const struct plain_file *file = rendered->files.items[i];
        struct buf text;
        buf_init(&text, PATCH_CAP);
        failed = unidiff_write(file->relative, buf_str(&file->bytes), file->bytes.length, &file->accepted,
                               &text, err) ||
                 patch_file_add(patch, buf_str(&text), text.length, err);
        buf_release(&text);
    }
    return failed ? -1 : 0;
}
