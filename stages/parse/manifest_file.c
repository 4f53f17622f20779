#include "stages/parse/manifest_file.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "stages/common/manifest/render_tree.h"

/* The one note of a file that gave no workload and no error. */
static int add_empty_note(struct intake *intake, const char *path, bool kustomization, struct err *err)
{
    struct intake_place place = {.file = path};
    if (kustomization || kustomization_named(path)) {
        intake->unrendered++;
        return intake_note(intake, &place, "kustomize",
                           "the file is a Kustomization: with --render its workloads are read as kustomize build "
                           "makes them",
                           err);
    }
    intake->unrendered += str_ends(path, "/Chart.yaml");
    return intake_note(intake, &place, "no-workload", "the file holds no workload", err);
}

/* The note of a template; where it is one of a chart's, what reads the chart. */
static int add_template_note(struct intake *intake, const char *path, struct err *err)
{
    enum { FOLDERS_UP = 8 };
    struct intake_place place = {.file = path};
    char *folder = fs_dirname(path);
    bool library;
    bool chart = chart_is(folder, &library);
    for (int i = 0; i < FOLDERS_UP && !chart && !str_equal(folder, ".") && !str_equal(folder, "/"); i++) {
        char *above = fs_dirname(folder);
        free(folder);
        folder = above;
        chart = chart_is(folder, &library);
    }
    char *message = chart ? xasprintf("the file is a template of the Helm chart %s: with --render its workloads are "
                                      "read as helm template makes them",
                                      folder)
                          : xstrdup("the file is a template (Helm or another): render it first (helm template) and "
                                    "name the result");
    intake->unrendered += chart;
    int failed = intake_note(intake, &place, "helm-template", message, err);
    free(message);
    free(folder);
    return failed;
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
    if (str_ends(path, "/")) {
        return intake_error(intake, &place, "size-limit", "the folder lies deeper than --max-folder-depth: it is not read",
                            err)
                   ? -1
                   : 0;
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
    if (found.template) {
        /* Forget all of it: parts of it may stand under an `if`. */
        intake_withdraw(intake, &found);
        return add_template_note(intake, path, err);
    }
    bool empty = intake->records.count == found.records; /* not even a note */
    bool kustomization = found.kustomization;
    intake_accept(intake, &found);
    return empty ? add_empty_note(intake, path, kustomization, err) : 0;
}
