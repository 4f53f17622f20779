#ifndef TARE_STAGES_PARSE_MANIFEST_FILE_H
#define TARE_STAGES_PARSE_MANIFEST_FILE_H

/* One manifest file: its records, notes and joins go to the shelves. */

#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "stages/parse/inventory.h"
#include "stages/parse/shelf.h"

/* What the files gave so far. */
struct intake {
    struct shelf records; /* records and notes in their order; a workload's id is its identity */
    struct shelf
        joins; /* {"autoscaler":…} under the target's identity, {"annotations":…} under a Namespace's */
    json_t *skipped;    /* kinds that are no workloads, and how many */
    struct arena arena; /* of the document being read */
    struct buf bytes;   /* of the file being read */
    struct yaml_limits limits;
    struct inventory_options options;
    const char *namespace; /* of objects that name none */
    int64_t workloads;
    int64_t errors;   /* error notes */
    struct err first; /* the first of them, for messages */
};

/* Prepares an intake for files of at most `max_bytes`. ERR_CANTCREAT. */
int intake_init(struct intake *intake, size_t max_bytes, struct err *err);

/* Frees. */
void intake_release(struct intake *intake);

/* Reads one file. Whatever is wrong with it becomes a note; -1 only for what ends the run (ERR_IO). */
int intake_file(struct intake *intake, const char *path, struct err *err);

#endif
