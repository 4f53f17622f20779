#ifndef TARE_STAGES_PARSE_SUBJECTS_H
#define TARE_STAGES_PARSE_SUBJECTS_H

/* What joins need of each workload besides its identity: its namespace, and the labels of its pods (those of its pod
 * template). In memory stay 20 bytes a record; labels lie on a shelf. */

#include "stages/parse/labels.h"
#include "stages/parse/shelf.h"

struct subject {
    unsigned char namespace[SHELF_ID];
    uint32_t labels; /* number of the entry on the shelf, from 1; 0: none */
};

struct subjects {
    struct shelf labels;
    struct subject *items; /* by index of the record */
    size_t capacity;
};

/* Prepares. ERR_CANTCREAT. */
int subjects_init(struct subjects *subjects, struct err *err);

/* Frees. */
void subjects_release(struct subjects *subjects);

/* Remembers the workload of record `index`. ERR_IO. */
int subjects_add(struct subjects *subjects, size_t index, const unsigned char namespace[SHELF_ID],
                 struct manifest_reader *reader, const struct manifest_workload *workload, struct err *err);

/* Reads the labels of the pods of record `index`: *out new, or NULL when they have none. ERR_IO. */
int subjects_labels(struct subjects *subjects, size_t index, json_t **out, struct err *err);

#endif
