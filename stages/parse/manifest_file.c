#include "stages/parse/manifest_file.h"

#include <string.h>

#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "stages/common/template.h"

static bool named_kustomization(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    return str_equal(name, "kustomization.yaml") || str_equal(name, "kustomization.yml");
}

/* The one note of a file that gave no workload and no error. */
static int add_empty_note(struct intake *intake, const char *path, bool kustomization, struct err *err)
{
    struct intake_place place = {.file = path};
    if (kustomization || named_kustomization(path)) {
        return intake_note(intake, &place, "kustomize",
                           "the file is a Kustomization: build it (kustomize build) and name the result to have its "
                           "workloads",
                           err);
    }
    return intake_note(intake, &place, "no-workload", "the file holds no workload", err);
}

/* Reads the bytes; what stands in the way becomes a note. 1 they are there, 0 noted, -1 the run ends. */
static int read_bytes(struct intake *intake, const char *path, struct buf *bytes, struct err *err)
{
    struct intake_place place = {.file = path};
    struct err problem = {0};
    buf_clear(bytes);
    if (!str_utf8_valid(path, strlen(path), NULL)) {
        return intake_error(intake, &place, "unreadable", "the name of a file is not UTF-8", err) ? -1 : 0;
    }
    if (fs_read(path, bytes, &problem)) {
        bool large = strstr(problem.message, "the limit is") != NULL || bytes->overflow;
        return intake_error(intake, &place, large ? "size-limit" : "unreadable", problem.message, err) ? -1 : 0;
    }
    return 1;
}

int manifest_file_take(struct intake *intake, const char *path, struct buf *bytes, struct err *err)
{
    struct intake_found found;
    int result = read_bytes(intake, path, bytes, err);
    if (result <= 0) {
        return result;
    }
    struct intake_text text = {.file = path, .bytes = buf_str(bytes), .length = bytes->length};
    if (intake_text(intake, &text, &found, err)) {
        return -1;
    }
    if (found.errors > 0 && template_is(text.bytes, text.length, found.fault_offset)) {
        /* Forget all of it: parts of it may stand under an `if`. */
        struct intake_place place = {.file = path};
        intake_withdraw(intake, &found);
        return intake_note(intake, &place, "helm-template",
                           "the file is a template (Helm or another): render it first (helm template) and name the "
                           "result",
                           err);
    }
    bool empty = found.workloads == 0 && found.errors == 0;
    bool kustomization = found.kustomization;
    intake_accept(intake, &found);
    return empty ? add_empty_note(intake, path, kustomization, err) : 0;
}
