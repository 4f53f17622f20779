#ifndef TARE_STAGES_PARSE_INTAKE_H
#define TARE_STAGES_PARSE_INTAKE_H

/*
 * What comes in: YAML text, wherever it is from (a file, a rendered chart, an answer of the API server), becomes
 * records, notes and joins on the shelves.
 */

#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "stages/parse/inventory.h"
#include "stages/parse/namespaces.h"
#include "stages/parse/node_wants.h"
#include "stages/parse/peers.h"
#include "stages/parse/shelf.h"
#include "stages/parse/subjects.h"

/* What came in so far. */
struct intake {
    struct shelf records; /* records and notes in their order; a workload's id is its identity */
    struct shelf joins;   /* what other objects say of workloads: join.h */
    struct subjects subjects;     /* what joins need of each record's workload */
    struct namespaces namespaces; /* joins in use */
    struct peers peers;           /* whom affinity between pods means */
    json_t *skipped;      /* kinds that are no workloads, and how many */
    struct arena arena;   /* of the document being read */
    struct buf record;    /* the text of the record being made */
    struct yaml_limits limits;
    struct inventory_options options;
    const char *namespace; /* of objects that name none */
    struct node_wants *wants; /* borrowed: receives what workloads want of nodes; NULL: nobody asks */
    int64_t workloads;
    int64_t errors;   /* error notes */
    struct err first; /* the first of them, for messages */
    bool first_limit; /* it is beyond a limit */
    int64_t unrendered; /* files that say nothing until a chart or a kustomization is rendered */
};

/* A text; everything is borrowed. */
struct intake_text {
    const char *file;       /* as records have it; NULL for a live cluster */
    const char *rendered;   /* the program that made the text from the folder `file`; NULL: `file` holds it */
    const char *object;     /* of a live cluster: "namespace/Kind/name" of its one object; else NULL */
    const char *cluster_id; /* and whose it is, NULL where that may not be read */
    const char *bytes;
    size_t length;
};

/* What a text gave; it is in the intake only after intake_accept. */
struct intake_found {
    int64_t workloads;
    int64_t errors;
    bool template;      /* a file that has to be filled in first: to be withdrawn, and read up to its first fault only */
    bool kustomization; /* it holds a Kustomization or a Component */
    json_t *kinds;      /* skipped: kind → how many */
    size_t records;     /* on the shelves before it */
    size_t joins;
    int64_t errors_before;
};

/* Where a note points to. Zero and NULL mean: not said. */
struct intake_place {
    const char *file;
    const char *object; /* of a live cluster */
    long document;
    long item;
    const struct yaml_fault *fault;
};

/* Prepares an empty intake. ERR_CANTCREAT. */
int intake_init(struct intake *intake, struct err *err);

/* Frees. */
void intake_release(struct intake *intake);

/* Reads all documents of a text. Whatever is wrong with it becomes a note; -1 only for what ends the run (ERR_IO): then
 * *found is released. Otherwise hand *found to intake_accept or intake_withdraw. */
int intake_text(struct intake *intake, const struct intake_text *text, struct intake_found *found, struct err *err);

/* Counts what a text gave; releases *found. */
void intake_accept(struct intake *intake, struct intake_found *found);

/* Forgets what a text gave, its notes too; releases *found. Only for the last text. */
void intake_withdraw(struct intake *intake, struct intake_found *found);

/* Adds a note with the outcome "skipped". ERR_IO. */
int intake_note(struct intake *intake, const struct intake_place *place, const char *code, const char *message,
                struct err *err);

/* Adds a note with the outcome "error"; a place with a fault is put before the message. ERR_IO. */
int intake_error(struct intake *intake, const struct intake_place *place, const char *code, const char *message,
                 struct err *err);

#endif
