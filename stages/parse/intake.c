#include "stages/parse/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "pipeline/io/hash.h"
#include "pipeline/run/artifact.h"
#include "pipeline/run/record.h"
#include "stages/common/manifest/template.h"
#include "stages/parse/join.h"

enum { PLACED_MAX = ERR_MESSAGE_MAX + 64, SKIPPED_KINDS_MAX = 1000, KIND_NAME_MAX = 128 };

/* The text at work. */
struct pass {
    struct intake *intake;
    const struct intake_text *text;
    struct intake_found *found;
    char sha256[DIGEST_HEX]; /* "" until it is asked for */
    bool searched;           /* for actions of templates */
    bool open_action;
    struct yaml_stream *stream;
    struct yaml_document document;
    struct manifest_reader reader;
    struct err *err;
};

int intake_init(struct intake *intake, struct err *err)
{
    *intake = (struct intake){.limits = yaml_default_limits};
    intake->skipped = json_object();
    arena_init(&intake->arena);
    buf_init(&intake->record, ARTIFACT_LINE_MAX);
    return shelf_init(&intake->records, err) || shelf_init(&intake->joins, err) ||
                   subjects_init(&intake->subjects, err)
               ? -1
               : 0;
}

void intake_release(struct intake *intake)
{
    shelf_release(&intake->records);
    shelf_release(&intake->joins);
    subjects_release(&intake->subjects);
    namespaces_release(&intake->namespaces);
    peers_release(&intake->peers);
    json_decref(intake->skipped);
    arena_release(&intake->arena);
    buf_release(&intake->record);
}

static int add_note(struct intake *intake, const struct intake_place *place, const char *outcome, const char *code,
                    const char *message, struct err *err)
{
    json_t *source = json_object();
    if (place->file != NULL && str_utf8_valid(place->file, strlen(place->file), NULL)) {
        json_object_set_new(source, "file", json_string(place->file));
    }
    if (place->object != NULL) {
        json_object_set_new(source, "object", json_string_safe(place->object));
    }
    if (place->document > 0) {
        json_object_set_new(source, "document", json_integer(place->document));
    }
    if (place->item > 0) {
        json_object_set_new(source, "item", json_integer(place->item));
    }
    if (place->fault != NULL) {
        json_object_set_new(source, "line", json_integer((json_int_t)place->fault->line));
        json_object_set_new(source, "column", json_integer((json_int_t)place->fault->column));
    }
    json_t *note = json_pack("{s:{s:s, s:s, s:s, s:o, s:o}}", "note", "stage", "parse", "outcome", outcome, "code",
                             code, "message", json_string_safe(message), "source", source);
    int failed = shelf_add(&intake->records, NULL, note, err);
    json_decref(note);
    return failed;
}

int intake_note(struct intake *intake, const struct intake_place *place, const char *code, const char *message,
                struct err *err)
{
    return add_note(intake, place, "skipped", code, message, err);
}

/* A message with its place in front. */
static void set_placed(const struct intake_place *place, const char *message, char text[PLACED_MAX])
{
    if (place->object != NULL) {
        snprintf(text, PLACED_MAX, "%s: %s", place->object, message);
    } else if (place->fault == NULL) {
        snprintf(text, PLACED_MAX, "%s", message);
    } else {
        snprintf(text, PLACED_MAX, "%s, line %zu, column %zu: %s", place->file, place->fault->line,
                 place->fault->column, message);
    }
}

int intake_error(struct intake *intake, const struct intake_place *place, const char *code, const char *message,
                 struct err *err)
{
    char text[PLACED_MAX];
    set_placed(place, message, text);
    if (intake->errors++ == 0) {
        err_set(&intake->first, ERR_DATA, "%s", text);
        intake->first_limit = str_ends(code, "-limit");
    }
    return add_note(intake, place, "error", code, text, err);
}

static bool has_open_action(struct pass *pass)
{
    if (!pass->searched) {
        pass->open_action = template_has_open_action(pass->text->bytes, pass->text->length);
        pass->searched = true;
    }
    return pass->open_action;
}

/* Whether a file with this fault is a template. */
static bool is_template(struct pass *pass, const struct yaml_fault *fault)
{
    const struct intake_text *text = pass->text;
    bool file = text->rendered == NULL && text->object == NULL;
    bool syntax = str_equal(fault->code, "yaml-syntax");
    return file && (str_equal(fault->code, "helm-template") ||
                    template_on_line(text->bytes, text->length, fault->offset, syntax) || has_open_action(pass));
}

static struct intake_place place_of(const struct pass *pass, long item, const struct yaml_fault *fault)
{
    if (pass->text->object != NULL) { /* lines of what was never a file say nothing */
        return (struct intake_place){.object = pass->text->object};
    }
    return (struct intake_place){
        .file = pass->text->file, .document = pass->document.number, .item = item, .fault = fault};
}

static int add_error(struct pass *pass, long item, const struct yaml_fault *fault, const char *message)
{
    struct intake_place place = place_of(pass, item, fault);
    if (pass->found->errors++ == 0 && is_template(pass, fault)) {
        pass->found->template = true;
        return 0;
    }
    return intake_error(pass->intake, &place, fault->code, message, pass->err);
}

/* A note on an object that is left out, which spoils no workload. */
static int add_aside(struct pass *pass, long item, const struct yaml_fault *fault, const char *message)
{
    char text[PLACED_MAX];
    struct intake_place place = place_of(pass, item, fault);
    if (pass->found->errors == 0 && is_template(pass, fault)) {
        pass->found->template = true;
        return 0;
    }
    set_placed(&place, message, text);
    return add_note(pass->intake, &place, "skipped", fault->code, text, pass->err);
}

/* Notes for what was wrong with an object: a workload, or one that only `joins` one. */
static int add_faults(struct pass *pass, long item, bool joins)
{
    const struct manifest_reader *reader = &pass->reader;
    for (size_t i = 0; i < reader->fault_count; i++) {
        struct yaml_fault fault;
        if (!reader->faults[i].fatal) {
            continue;
        }
        yaml_fault_at(pass->stream, reader->faults[i].offset, reader->faults[i].code, &fault);
        int failed = joins || reader->faults[i].aside ? add_aside(pass, item, &fault, reader->faults[i].message)
                                                      : add_error(pass, item, &fault, reader->faults[i].message);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

/* The digest that a source of this document has, made when one is there: of the text or, where a program made the text
 * anew, of the document alone. */
static const char *source_digest(struct pass *pass)
{
    const struct intake_text *text = pass->text;
    if (pass->sha256[0] == '\0' && text->rendered != NULL) {
        hash_bytes(text->bytes + pass->document.start, pass->document.end - pass->document.start, pass->sha256);
    } else if (pass->sha256[0] == '\0' && text->file != NULL) {
        hash_bytes(text->bytes, text->length, pass->sha256);
    }
    return pass->sha256;
}

static int refuse_record(struct pass *pass, const struct manifest_object *object)
{
    struct yaml_fault fault;
    yaml_fault_at(pass->stream, object->node->start, "size-limit", &fault);
    return add_error(pass, object->item, &fault, "the record of the workload would be larger than 32 MiB");
}

/* Puts a workload's record on the shelf, with the name that a second one of its identity is told by, and what joins need. */
static int add_record(struct pass *pass, const struct manifest_workload *workload,
                      const struct inventory_source *source)
{
    struct scheduling scheduling;
    struct intake *intake = pass->intake;
    struct identity identity = {
        .namespace = workload->namespace, .kind = workload->object->type->kind, .name = workload->name};
    unsigned char id[SHELF_ID];
    shelf_id(identity.namespace == NULL ? intake->namespace : identity.namespace, identity.kind, identity.name, id);
    scheduling_read(&pass->reader, workload, source->object != NULL, &scheduling);
    if (intake->wants != NULL) {
        node_wants_add(intake->wants, &scheduling, source->object != NULL && str_equal(identity.kind, "Pod"));
    }
    inventory_record(&pass->reader, workload, source, &intake->options, scheduling.terms == NULL ? scheduling.member : NULL,
                     &intake->record);
    if (intake->record.overflow) {
        scheduling_release(&scheduling);
        return refuse_record(pass, workload->object);
    }
    char *name = identity_text(&identity, intake->namespace);
    int failed = shelf_add_text(&intake->records, id, name, &intake->record, pass->err) ||
                 join_subject(intake, &pass->reader, workload, name, &scheduling, pass->err);
    scheduling_release(&scheduling);
    free(name);
    return failed ? -1 : 0;
}

static int add_workload(struct pass *pass, const struct manifest_object *object)
{
    struct manifest_workload workload;
    size_t line;
    size_t column;
    if (manifest_read(&pass->reader, object, &workload)) {
        return add_faults(pass, object->item, false);
    }
    yaml_position(pass->stream, object->node->start, &line, &column);
    struct inventory_source source = {.file = pass->text->file,
                                      .rendered = pass->text->rendered,
                                      .object = pass->text->object,
                                      .cluster_id = pass->text->cluster_id,
                                      .sha256 = source_digest(pass),
                                      .document = pass->document.number,
                                      .line = (long)line};
    pass->found->workloads++;
    return add_record(pass, &workload, &source);
}

/* One more of a kind; past a number of kinds under "other". */
static void count_kind(json_t *kinds, const char *kind, json_int_t more)
{
    bool room = json_object_size(kinds) < SKIPPED_KINDS_MAX || json_object_get(kinds, kind) != NULL;
    const char *key = room ? kind : "other";
    json_object_set_new(kinds, key, json_integer(json_int_or(kinds, key, 0) + more));
}

/* Counts an object that is no workload, by kind; a foreign object of a workload's kind with its group. */
static void count_skipped(struct pass *pass, const struct manifest_object *object)
{
    char name[KIND_NAME_MAX];
    const char *slash = object->api_version == NULL ? NULL : strchr(object->api_version, '/');
    if (manifest_kind_named(object->kind) != NULL && slash != NULL) {
        snprintf(name, sizeof name, "%.60s.%.*s", object->kind,
                 (int)(slash - object->api_version > 60 ? 60 : slash - object->api_version), object->api_version);
    } else {
        snprintf(name, sizeof name, "%.60s", object->kind);
    }
    str_trim_utf8(name);
    str_mask_controls(name);
    count_kind(pass->found->kinds, name, 1);
}

static int take_object(void *context, const struct manifest_object *object)
{
    struct pass *pass = context;
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
        pass->found->kustomization |=
            object->api_version != NULL && str_starts(object->api_version, "kustomize.config.k8s.io/");
    }
    return join_take(pass->intake, &pass->reader, object, pass->err) || add_faults(pass, object->item, true) ? -1 : 0;
}

/* All documents; of a template, nothing behind the first fault. */
static int take_documents(struct pass *pass)
{
    struct intake *intake = pass->intake;
    struct yaml_fault fault;
    struct err problem = {0};
    while (!pass->found->template) {
        arena_clear(&intake->arena);
        int got = yaml_next(pass->stream, &intake->arena, &pass->document, &fault, &problem);
        if (got == 0) {
            return 0;
        }
        if (got < 0) {
            if (add_error(pass, 0, &fault, problem.message)) {
                return -1;
            }
            continue;
        }
        if (pass->text->rendered != NULL) {
            pass->sha256[0] = '\0';
        }
        manifest_reader_init(&pass->reader, pass->stream, &intake->arena);
        if (manifest_each(&pass->reader, pass->document.root, take_object, pass)) {
            return -1;
        }
    }
    return 0;
}

int intake_text(struct intake *intake, const struct intake_text *text, struct intake_found *found, struct err *err)
{
    struct pass pass = {.intake = intake, .text = text, .found = found, .err = err};
    struct yaml_fault fault;
    struct err problem = {0};
    *found = (struct intake_found){.kinds = json_object(),
                                   .records = intake->records.count,
                                   .joins = intake->joins.count,
                                   .errors_before = intake->errors};
    int failed;
    if (yaml_open(text->bytes, text->length, &intake->limits, &pass.stream, &fault, &problem)) {
        failed = add_error(&pass, 0, &fault, problem.message);
    } else {
        failed = take_documents(&pass);
        yaml_close(pass.stream);
    }
    if (failed) {
        json_decref(found->kinds);
        found->kinds = NULL;
    }
    return failed;
}

void intake_accept(struct intake *intake, struct intake_found *found)
{
    const char *kind;
    json_t *count;
    intake->workloads += found->workloads;
    json_object_foreach(found->kinds, kind, count)
    {
        count_kind(intake->skipped, kind, json_integer_value(count));
    }
    json_decref(found->kinds);
    found->kinds = NULL;
}

void intake_withdraw(struct intake *intake, struct intake_found *found)
{
    shelf_truncate(&intake->records, found->records);
    shelf_truncate(&intake->joins, found->joins);
    subjects_truncate(&intake->subjects, found->records);
    intake->errors = found->errors_before;
    if (intake->errors == 0) {
        intake->first = (struct err){0};
    }
    json_decref(found->kinds);
    found->kinds = NULL;
}
