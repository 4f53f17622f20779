#include "stages/parse/manifest_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "stages/common/template.h"
#include "stages/parse/scaler.h"

enum { SKIPPED_KINDS_MAX = 1000, KIND_NAME_MAX = 128 };

/* The file at work. */
struct file_pass {
    struct intake *intake;
    const char *path;
    char sha256[DIGEST_HEX];
    struct yaml_stream *stream;
    struct yaml_document document;
    struct manifest_reader reader;
    int64_t workloads; /* of this file */
    int64_t errors;
    size_t fault_offset; /* of the first error */
    bool kustomization;
    json_t *kinds; /* skipped in this file: kind → count */
    struct err *err;
};

int intake_init(struct intake *intake, size_t max_bytes, struct err *err)
{
    *intake = (struct intake){.limits = yaml_default_limits};
    intake->skipped = json_object();
    arena_init(&intake->arena);
    buf_init(&intake->bytes, max_bytes);
    return shelf_init(&intake->records, err) || shelf_init(&intake->joins, err) ? -1 : 0;
}

void intake_release(struct intake *intake)
{
    shelf_release(&intake->records);
    shelf_release(&intake->joins);
    json_decref(intake->skipped);
    arena_release(&intake->arena);
    buf_release(&intake->bytes);
}

/* Writes a note. A document of 0 means the whole file, a line of 0 none. */
static int add_note(struct file_pass *pass, const char *outcome, const char *code, long document, long item,
                    const struct yaml_fault *fault, const char *message)
{
    json_t *source = json_object();
    if (str_utf8_valid(pass->path, strlen(pass->path), NULL)) {
        json_object_set_new(source, "file", json_string(pass->path));
    }
    if (document > 0) {
        json_object_set_new(source, "document", json_integer(document));
    }
    if (item > 0) {
        json_object_set_new(source, "item", json_integer(item));
    }
    if (fault != NULL) {
        json_object_set_new(source, "line", json_integer((json_int_t)fault->line));
        json_object_set_new(source, "column", json_integer((json_int_t)fault->column));
    }
    json_t *note = json_pack("{s:{s:s, s:s, s:s, s:o, s:o}}", "note", "stage", "parse", "outcome", outcome,
                             "code", code, "message", json_string_safe(message), "source", source);
    int failed = shelf_add(&pass->intake->records, NULL, note, pass->err);
    json_decref(note);
    return failed;
}

static int add_error(struct file_pass *pass, const char *code, long document, long item,
                     const struct yaml_fault *fault, const char *message)
{
    char text[ERR_MESSAGE_MAX + 64];
    struct intake *intake = pass->intake;
    if (fault == NULL) {
        snprintf(text, sizeof text, "%s", message);
    } else {
        snprintf(text, sizeof text, "%s, line %zu, column %zu: %s", pass->path, fault->line, fault->column,
                 message);
    }
    if (pass->errors++ == 0) {
        pass->fault_offset = fault == NULL ? 0 : fault->offset;
    }
    if (intake->errors++ == 0) {
        err_set(&intake->first, ERR_DATA, "%s", text);
    }
    return add_note(pass, "error", code, document, item, fault, text);
}

/* Notes for what was wrong with an object. */
static int add_faults(struct file_pass *pass, long item)
{
    const struct manifest_reader *reader = &pass->reader;
    for (size_t i = 0; i < reader->fault_count; i++) {
        struct yaml_fault fault;
        if (!reader->faults[i].fatal) {
            continue;
        }
        yaml_fault_at(pass->stream, reader->faults[i].offset, reader->faults[i].code, &fault);
        if (add_error(pass, fault.code, pass->document.number, item, &fault, reader->faults[i].message)) {
            return -1;
        }
    }
    return 0;
}

static int add_workload(struct file_pass *pass, const struct manifest_object *object)
{
    struct intake *intake = pass->intake;
    struct manifest_workload workload;
    unsigned char id[SHELF_ID];
    size_t line;
    size_t column;
    if (manifest_read(&pass->reader, object, &workload)) {
        return add_faults(pass, object->item);
    }
    yaml_position(pass->stream, object->node->start, &line, &column);
    struct inventory_source source = {
        .file = pass->path, .sha256 = pass->sha256, .document = pass->document.number, .line = (long)line};
    json_t *record = inventory_record(&pass->reader, &workload, &source, &intake->options);
    shelf_id(workload.namespace == NULL ? intake->namespace : workload.namespace, object->type->kind,
             workload.name, id);
    int failed = shelf_add(&intake->records, id, record, pass->err);
    json_decref(record);
    pass->workloads++;
    return failed;
}

static int add_join(struct file_pass *pass, const unsigned char *id, const char *key, json_t *value)
{
    json_t *join = json_pack("{s:o}", key, value);
    int failed = shelf_add(&pass->intake->joins, id, join, pass->err);
    json_decref(join);
    return failed;
}

/* A Namespace matters for its opt-out annotation. */
static int add_namespace(struct file_pass *pass, const struct manifest_object *object)
{
    struct manifest_reader *r = &pass->reader;
    unsigned char id[SHELF_ID];
    struct yaml_node *metadata = yaml_get(r->stream, object->node, "metadata");
    const char *name = yaml_string(r->arena, yaml_get(r->stream, metadata, "name"));
    json_t *annotations = inventory_annotations(r, metadata, pass->intake->options.skip_annotation);
    if (name == NULL || json_object_size(annotations) == 0) {
        json_decref(annotations);
        return 0;
    }
    shelf_id(name, "Namespace", NULL, id);
    return add_join(pass, id, "annotations", annotations);
}

static int add_scaler(struct file_pass *pass, const struct manifest_object *object)
{
    struct scaler scaler;
    unsigned char id[SHELF_ID];
    if (!scaler_read(&pass->reader, object, &scaler)) {
        return 0;
    }
    shelf_id(scaler.namespace == NULL ? pass->intake->namespace : scaler.namespace, scaler.kind, scaler.name,
             id);
    return add_join(pass, id, "autoscaler", scaler.member);
}

/* Counts an object that is no workload, by kind; a foreign object of a workload's kind with its group. */
static void count_skipped(struct file_pass *pass, const struct manifest_object *object)
{
    char name[KIND_NAME_MAX];
    const char *slash = object->api_version == NULL ? NULL : strchr(object->api_version, '/');
    if (manifest_kind_named(object->kind) != NULL && slash != NULL) {
        snprintf(name, sizeof name, "%.60s.%.*s", object->kind,
                 (int)(slash - object->api_version > 60 ? 60 : slash - object->api_version),
                 object->api_version);
    } else {
        snprintf(name, sizeof name, "%.60s", object->kind);
    }
    str_trim_utf8(name);
    str_mask_controls(name);
    bool room =
        json_object_size(pass->kinds) < SKIPPED_KINDS_MAX || json_object_get(pass->kinds, name) != NULL;
    const char *key = room ? name : "other";
    json_object_set_new(pass->kinds, key, json_integer(json_int_or(pass->kinds, key, 0) + 1));
}

static int take_object(void *context, const struct manifest_object *object)
{
    struct file_pass *pass = context;
    pass->reader.fault_count = 0;
    pass->reader.fatal = false;
    if (object->type != NULL) {
        return add_workload(pass, object);
    }
    if (object->kind == NULL) {
        return 0;
    }
    count_skipped(pass, object);
    if (str_equal(object->kind, "Kustomization") || str_equal(object->kind, "Component")) {
        pass->kustomization =
            object->api_version != NULL && str_starts(object->api_version, "kustomize.config.k8s.io/");
    }
    if (str_equal(object->kind, "Namespace") && str_equal(object->api_version, "v1")) {
        return add_namespace(pass, object);
    }
    return scaler_is(object) ? add_scaler(pass, object) : 0;
}

/* All documents of the file. */
static int take_documents(struct file_pass *pass)
{
    struct intake *intake = pass->intake;
    struct yaml_fault fault;
    struct err problem = {0};
    for (;;) {
        arena_clear(&intake->arena);
        int got = yaml_next(pass->stream, &intake->arena, &pass->document, &fault, &problem);
        if (got == 0) {
            return 0;
        }
        if (got < 0) {
            if (add_error(pass, fault.code, pass->document.number, 0, &fault, problem.message)) {
                return -1;
            }
            continue;
        }
        manifest_reader_init(&pass->reader, pass->stream, &intake->arena);
        if (manifest_each(&pass->reader, pass->document.root, take_object, pass)) {
            return -1;
        }
    }
}

/* Forgets what a file gave when it turned out to be a template: parts of it may stand under an `if`. */
static int withdraw(struct file_pass *pass, size_t records, size_t joins, int64_t errors)
{
    struct intake *intake = pass->intake;
    shelf_truncate(&intake->records, records);
    shelf_truncate(&intake->joins, joins);
    intake->errors = errors;
    if (errors == 0) {
        intake->first = (struct err){0};
    }
    json_object_clear(pass->kinds);
    pass->workloads = 0;
    return add_note(
        pass, "skipped", "helm-template", 0, 0, NULL,
        "the file is a template (Helm or another): render it first (helm template) and name the result");
}

static bool named_kustomization(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    return str_equal(name, "kustomization.yaml") || str_equal(name, "kustomization.yml");
}

/* The one note of a file that gave no workload and no error. */
static int add_empty_note(struct file_pass *pass)
{
    if (pass->kustomization || named_kustomization(pass->path)) {
        return add_note(pass, "skipped", "kustomize", 0, 0, NULL,
                        "the file is a Kustomization: build it (kustomize build) and name the result to have "
                        "its workloads");
    }
    return add_note(pass, "skipped", "no-workload", 0, 0, NULL, "the file holds no workload");
}

static int take_file(struct file_pass *pass)
{
    struct intake *intake = pass->intake;
    size_t records = intake->records.count;
    size_t joins = intake->joins.count;
    int64_t errors = intake->errors;
    if (take_documents(pass)) {
        return -1;
    }
    if (pass->errors > 0 && template_is(buf_str(&intake->bytes), intake->bytes.length, pass->fault_offset)) {
        return withdraw(pass, records, joins, errors);
    }
    return pass->workloads == 0 && pass->errors == 0 ? add_empty_note(pass) : 0;
}

static void add_skipped(struct file_pass *pass)
{
    json_t *total = pass->intake->skipped;
    const char *kind;
    json_t *count;
    json_object_foreach(pass->kinds, kind, count)
    {
        bool room = json_object_size(total) < SKIPPED_KINDS_MAX || json_object_get(total, kind) != NULL;
        const char *key = room ? kind : "other";
        json_object_set_new(total, key, json_integer(json_int_or(total, key, 0) + json_integer_value(count)));
    }
}

/* Reads the bytes; what stands in the way becomes a note. 1 they are there, 0 noted, -1 the run ends. */
static int read_bytes(struct file_pass *pass)
{
    struct err problem = {0};
    struct intake *intake = pass->intake;
    buf_clear(&intake->bytes);
    if (!str_utf8_valid(pass->path, strlen(pass->path), NULL)) {
        return add_error(pass, "unreadable", 0, 0, NULL, "the name of a file is not UTF-8") ? -1 : 0;
    }
    if (fs_read(pass->path, &intake->bytes, &problem)) {
        bool large = strstr(problem.message, "the limit is") != NULL || intake->bytes.overflow;
        return add_error(pass, large ? "size-limit" : "unreadable", 0, 0, NULL, problem.message) ? -1 : 0;
    }
    hash_bytes(buf_str(&intake->bytes), intake->bytes.length, pass->sha256);
    return 1;
}

int intake_file(struct intake *intake, const char *path, struct err *err)
{
    struct file_pass pass = {.intake = intake, .path = path, .err = err};
    struct yaml_fault fault;
    struct err problem = {0};
    int result = read_bytes(&pass);
    if (result <= 0) {
        return result;
    }
    if (yaml_open(buf_str(&intake->bytes), intake->bytes.length, &intake->limits, &pass.stream, &fault,
                  &problem)) {
        return add_error(&pass, fault.code, 0, 0, &fault, problem.message);
    }
    pass.kinds = json_object();
    result = take_file(&pass);
    intake->workloads += pass.workloads;
    add_skipped(&pass);
    json_decref(pass.kinds);
    yaml_close(pass.stream);
    return result;
}
