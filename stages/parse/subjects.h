#ifndef TARE_STAGES_PARSE_SUBJECTS_H
#define TARE_STAGES_PARSE_SUBJECTS_H

/* What joins need of each workload besides its identity: its namespace, its name, the labels of its pods (those of its pod
 * template), and which other pods they keep to or keep away from. In memory stay 24 bytes a record; the rest lies on a
 * shelf. */

#include "stages/parse/labels.h"
#include "stages/parse/scheduling.h"
#include "stages/parse/shelf.h"

struct subject {
    unsigned char namespace[SHELF_ID];
    uint32_t labels; /* number of the entry on the shelf, from 1; 0: no workload */
    uint32_t terms;  /* the same of scheduling with terms; 0: none */
};

struct subjects {
    struct shelf labels;
    struct buf text; /* being put there */
    struct subject *items; /* by index of the record */
    size_t count;
    size_t capacity;
};

/* Prepares. ERR_CANTCREAT. */
int subjects_init(struct subjects *subjects, struct err *err);

/* Frees. */
void subjects_release(struct subjects *subjects);

/* Remembers the workload of record `index`, which `name` ("namespace/Kind/name") is told by. ERR_IO. */
int subjects_add(struct subjects *subjects, size_t index, const unsigned char namespace[SHELF_ID], const char *name,
                 struct manifest_reader *reader, const struct manifest_workload *workload,
                 const struct scheduling *scheduling, struct err *err);

/* Forgets the workloads of records from `count` on. */
void subjects_truncate(struct subjects *subjects, size_t count);

/* Reads the labels of the pods of record `index`: *out new. ERR_IO. */
int subjects_labels(struct subjects *subjects, size_t index, json_t **out, struct err *err);

/* Reads its name: *out is borrowed until the next call. ERR_IO. */
int subjects_name(struct subjects *subjects, size_t index, const char **out, struct err *err);

/* Reads its scheduling, where that has terms: *out holds new values, or nothing. ERR_IO. */
int subjects_scheduling(struct subjects *subjects, size_t index, struct scheduling *out, struct err *err);

#endif
