#include "pipeline/run/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const struct {
    const char *code;
    const char *stage;
    const char *meaning;
} codes[] = {
#define X(code, stage, meaning) {code, stage, meaning},
#include "pipeline/run/problems.def"
#undef X
};

json_t *record_workload(const json_t *record)
{
    return json_object_get(record, "workload");
}

json_t *record_note(const json_t *record)
{
    return json_object_get(record, "note");
}

bool record_changes(const json_t *record)
{
    const json_t *change = json_object_get(record, "change");
    return json_array_size(json_object_get(change, "edits")) > 0 || json_array_size(json_object_get(change, "objects")) > 0;
}

int record_identity(const json_t *record, struct identity *identity, struct err *err)
{
    const json_t *workload = record_workload(record);
    const char *kind;
    const char *name;
    if (json_get_string(workload, "kind", &kind, err) || json_get_string(workload, "name", &name, err)) {
        return err_prefix(err, "a workload record");
    }
    *identity = (struct identity){
        .cluster = json_string_or_null(workload, "cluster"),
        .namespace = json_string_or_null(workload, "namespace"),
        .kind = kind,
        .name = name,
    };
    return 0;
}

char *identity_text(const struct identity *identity, const char *fallback)
{
    const char *namespace = identity->namespace == NULL ? fallback : identity->namespace;
    return xasprintf("%s/%s/%s", namespace, identity->kind, identity->name);
}

__attribute__((format(printf, 6, 0))) static void add_problem(json_t *record, const char *stage, const char *code,
                                                              const char *file, long line, const char *format,
                                                              va_list args)
{
    char message[ERR_MESSAGE_MAX];
    vsnprintf(message, sizeof message, format, args);
    str_trim_utf8(message);
    json_t *problem = json_pack("{s:s, s:s, s:o}", "stage", stage, "code", code, "message", json_string_safe(message));
    if (file != NULL) {
        json_t *source = json_pack("{s:o}", "file", json_string_safe(file));
        json_object_set_new(source, "line", json_int_or_null(line > 0, line));
        json_object_set_new(problem, "source", source);
    }
    json_t *problems = json_object_get(record, "problems");
    if (!json_is_array(problems)) {
        problems = json_array();
        json_object_set_new(record, "problems", problems);
    }
    json_array_append_new(problems, problem);
}

void record_problem_at(json_t *record, const char *stage, const char *code, const char *file, long line,
                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_problem(record, stage, code, file, line, format, args);
    va_end(args);
}

void record_problem(json_t *record, const char *stage, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_problem(record, stage, code, NULL, 0, format, args);
    va_end(args);
}

bool record_has_problem(const json_t *record, const char *code)
{
    size_t index;
    json_t *problem;
    json_array_foreach(json_object_get(record, "problems"), index, problem)
    {
        if (str_equal(json_string_or_null(problem, "code"), code)) {
            return true;
        }
    }
    return false;
}

static void count_code(json_t *counts, const json_t *entry, const char *stage)
{
    const char *code = json_string_or_null(entry, "code");
    if (code != NULL && str_equal(json_string_or_null(entry, "stage"), stage)) {
        json_object_set_new(counts, code, json_integer(json_int_or(counts, code, 0) + 1));
    }
}

void record_count_problems(const json_t *record, const char *stage, json_t *counts)
{
    size_t index;
    json_t *problem;
    json_array_foreach(json_object_get(record, "problems"), index, problem)
    {
        count_code(counts, problem, stage);
    }
    const json_t *note = record_note(record);
    if (note != NULL && str_equal(json_string_or_null(note, "outcome"), "error")) {
        count_code(counts, note, stage);
    }
}

const char *problem_meaning(const char *code)
{
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        if (strcmp(codes[i].code, code) == 0) {
            return codes[i].meaning;
        }
    }
    return NULL;
}
