#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "stages/common/edit/edit_splice.h"

/* The field at the end of an edit's path. */
static int field_of_path(const char *path, enum manifest_field *field, struct err *err)
{
    for (enum manifest_field at = 0; path != NULL && at < FIELD_COUNT; at++) {
        char end[64];
        struct buf text;
        buf_init(&text, sizeof end);
        buf_printf(&text, ".resources.%s.%s", manifest_section(at), manifest_resource(at));
        bool match = str_ends(path, buf_str(&text));
        buf_release(&text);
        if (match) {
            *field = at;
            return 0;
        }
    }
    return err_set(err, ERR_DATA, "an edit has the path \"%.200s\", which is no request or limit",
                   path == NULL ? "" : path);
}

static int request_of(const json_t *source, const json_t *edit, struct edit_request *request, struct err *err)
{
    *request = (struct edit_request){.document = (long)json_int_or(source, "document", 1),
                                     .item = (long)json_int_or(source, "item", 0),
                                     .container = json_string_or_null(edit, "container"),
                                     .text = json_string_or_null(edit, "to"),
                                     .from = json_string_or_null(edit, "from"),
                                     .check_from = true};
    if (request->container == NULL) {
        return err_set(err, ERR_DATA, "an edit names no container");
    }
    if (field_of_path(json_string_or_null(edit, "path"), &request->field, err)) {
        return -1;
    }
    if (request->text == NULL) {
        request->remove = true;
        return 0;
    }
    size_t length = strlen(request->text);
    return manifest_is_cpu(request->field) ? quantity_cpu(request->text, length, &request->value, err)
                                           : quantity_memory(request->text, length, &request->value, err);
}

/* Adds the replacements that tare-diff proved for a rendered workload. They are over these very bytes:
 * whoever applies them has compared the digest. */
static int add_replacements(const json_t *file, struct edit_splices *splices, struct err *err)
{
    size_t index;
    json_t *edit;
    json_array_foreach(json_object_get(file, "edits"), index, edit)
    {
        int64_t start = json_int_or(edit, "start", -1);
        int64_t end = json_int_or(edit, "end", -1);
        const char *text = json_string_or_null(edit, "text");
        if (start < 0 || end < start || text == NULL) {
            return err_set(err, ERR_DATA, "an edit of a file of values is no replacement of bytes");
        }
        edit_splices_add(splices, (size_t)start, (size_t)end, text, strlen(text));
    }
    return 0;
}

/* The replacements of one record in one file. NULL where it has none. */
static const json_t *file_of(const json_t *record, const char *name)
{
    size_t index;
    const json_t *file;
    json_array_foreach(json_at(record, "change.files"), index, file)
    {
        if (str_equal(json_string_or_null(file, "file"), name)) {
            return file;
        }
    }
    return NULL;
}

/* The replacements of all records; every one has to have some. */
static int apply_replacements(const char *name, const char *bytes, size_t length, json_t *const *records, size_t count,
                              struct buf *out, struct err *err)
{
    struct edit_splices splices = {0};
    int failed = 0;
    for (size_t i = 0; i < count && !failed; i++) {
        const json_t *file = file_of(records[i], name);
        failed = file == NULL ? err_set(err, ERR_DATA, "a record does not say how its file is changed")
                              : add_replacements(file, &splices, err);
    }
    edit_splices_sort(&splices);
    if (!failed && edit_splices_overlap(&splices)) {
        failed = err_set(err, ERR_DATA, "two changes of one place in the file do not go together");
    }
    failed = failed || edit_splices_apply(bytes, length, &splices, out, err);
    free(splices.items);
    return failed ? -1 : 0;
}

int edit_apply_records(const char *file, const char *bytes, size_t length, json_t *const *records, size_t count,
                       struct buf *out, struct err *err)
{
    struct edit_request *requests = NULL;
    size_t used = 0;
    size_t capacity = 0;
    int failed = 0;
    if (count > 0 && json_at(records[0], "change.files") != NULL) {
        return apply_replacements(file, bytes, length, records, count, out, err);
    }
    for (size_t i = 0; i < count && !failed; i++) {
        const json_t *source = json_at(records[i], "workload.source");
        const json_t *edits = json_at(records[i], "change.edits");
        for (size_t j = 0; j < json_array_size(edits) && !failed; j++) {
            GROW(requests, capacity, used + 1);
            failed = request_of(source, json_array_get(edits, j), &requests[used++], err);
        }
    }
    failed = failed || edit_apply(bytes, length, requests, used, out, err);
    free(requests);
    return failed ? -1 : 0;
}
