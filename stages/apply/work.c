#include "stages/apply/work.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/edit/edit.h"
#include "stages/common/objects/objects.h"
#include "stages/common/target_files.h"

void file_work_release(struct file_work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        json_decref(work->records[i]);
    }
    free(work->records);
    free(work->workloads);
    buf_release(&work->before);
    buf_release(&work->after);
}

int file_work_open(const struct permit *permit, const struct apply_plan *plan, struct apply_file *file, struct file_work *work,
                   struct err *err)
{
    size_t most = file->last - file->first + 1;
    *work = (struct file_work){.file = file};
    buf_init(&work->before, TARGET_FILE_MAX);
    buf_init(&work->after, TARGET_FILE_MAX);
    work->records = xcalloc_array(most, sizeof *work->records);
    work->workloads = xcalloc_array(most, sizeof *work->workloads);
    for (size_t i = file->first; i <= file->last; i++) {
        const struct apply_item *item = &plan->items[i];
        if (!apply_plan_pending(plan, file, i)) {
            continue;
        }
        if (spool_at(plan->spool, item->offset, &work->records[work->count], err)) {
            return -1;
        }
        const json_t *record = work->records[work->count];
        if (permit_workload(permit, record, &work->workloads[work->count++], err)) {
            return -1;
        }
    }
    return 0;
}

int file_work_edit(struct file_work *work, struct err *err)
{
    buf_clear(&work->after);
    if (work->file->created ? objects_text(json_at(work->records[0], "change.objects"), &work->after, err)
                            : edit_apply_records(work->file->path, buf_str(&work->before), work->before.length, work->records,
                                                 work->count, &work->after, err)) {
        return err_prefix(err, "%s", work->file->path);
    }
    hash_bytes(buf_str(&work->after), work->after.length, work->after_sha256);
    return 0;
}

/* A file that is to be made must not be there. */
static int see_absent(const char *root, const struct file_work *work, struct err *err)
{
    enum file_content content = FILE_OTHER;
    char found[DIGEST_HEX];
    if (target_file_compare(root, work->file->path, "", "", &content, found, err)) {
        return -1;
    }
    if (content == FILE_BEFORE) {
        return 0;
    }
    return err_set(err, ERR_STALE, "the plan is stale: %s is to be a new file, and stands there already with the sha256 %s",
                   work->file->path, found);
}

int file_work_read(const char *root, struct file_work *work, struct err *err)
{
    if (work->file->created) {
        return see_absent(root, work, err) ? -1 : file_work_edit(work, err);
    }
    if (target_file_read(root, work->file->path, &work->before, work->before_sha256, err)) {
        return -1;
    }
    if (strcmp(work->before_sha256, work->file->source_sha256) != 0) {
        return err_set(err, ERR_STALE, "the plan is stale: %s has the sha256 %s, the plan was made from %s",
                       work->file->path, work->before_sha256, work->file->source_sha256);
    }
    return file_work_edit(work, err);
}

int file_work_lock(const struct permit *permit, const struct file_work *work, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        if (ledger_workload_lock(permit->stage->ledger, permit->run->id, &work->workloads[i], err)) {
            return -1;
        }
    }
    return 0;
}

int file_work_unlock(const struct permit *permit, const struct file_work *work, struct err *err)
{
    for (size_t i = 0; i < work->count; i++) {
        if (ledger_workload_unlock(permit->stage->ledger, permit->run->id, &work->workloads[i], err)) {
            return -1;
        }
    }
    return 0;
}

json_t *file_work_detail(const struct file_work *work, const char *root, const char *set)
{
    json_t *detail = json_object();
    json_object_set_new(detail, "after_sha256", json_string(work->after_sha256));
    json_object_set_new(detail, "root", json_string_safe(root));
    if (set != NULL) {
        json_object_set_new(detail, "set", json_string_safe(set));
    }
    if (work->file->created) {
        json_object_set_new(detail, "absent_before", json_true());
    }
    return detail;
}

int file_work_begin(const struct permit *permit, struct file_work *work, const json_t *detail, struct err *err)
{
    struct ledger_change_new change = {
        .object = work->file->path,
        .workloads = work->workloads,
        .workload_count = work->count,
        .before = buf_str(&work->before),
        .before_size = work->before.length,
        .detail = detail,
    };
    return ledger_change_begin(permit->stage->ledger, permit->run->id, &change, &work->change, &work->state, err);
}

int file_work_move(const struct permit *permit, struct file_work *work, enum ledger_change_state to, struct err *err)
{
    if (ledger_change_move(permit->stage->ledger, work->change, to, NULL, err)) {
        return -1;
    }
    work->state = to;
    return 0;
}
