#ifndef TARE_RUN_RECORD_H
#define TARE_RUN_RECORD_H

/* One record of an artifact: a workload with the members the stages add, or a note. Problem codes are the fixed list
 * of problems.def. */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

/* Identity of a workload; strings are borrowed from the record. `namespace` is NULL where the manifest gives none. */
struct identity {
    const char *cluster;
    const char *namespace;
    const char *kind;
    const char *name;
};

/* Fills *identity from a workload record. ERR_DATA when kind or name is missing. */
int record_identity(const json_t *record, struct identity *identity, struct err *err);

/* New "NAMESPACE/KIND/NAME" as the command line writes it; a null namespace is written as `fallback`. free(). */
char *identity_text(const struct identity *identity, const char *fallback);

/* The `workload` member, NULL for a note. Borrowed. */
json_t *record_workload(const json_t *record);

/* The `note` member, NULL for a workload. Borrowed. */
json_t *record_note(const json_t *record);

/* Appends {"stage","code","message"} to `problems`, with a source of file and line when `file` is not NULL
 * (line 0 = none). `code` must be in problems.def. */
void record_problem_at(json_t *record, const char *stage, const char *code, const char *file, long line,
                       const char *format, ...) __attribute__((format(printf, 6, 7)));

/* record_problem_at without a source. */
void record_problem(json_t *record, const char *stage, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Whether tare-diff found something to change: an edit of the workload, or a new object beside it. */
bool record_changes(const json_t *record);

/* Whether the record already has a problem with this code. */
bool record_has_problem(const json_t *record, const char *code);

/* Adds a step to a summary of problems for stderr: counts by code of one record, into the object `counts`. */
void record_count_problems(const json_t *record, const char *stage, json_t *counts);

/* Whether a code is in the fixed list; its meaning. NULL when unknown. Borrowed, static. */
const char *problem_meaning(const char *code);

#endif
