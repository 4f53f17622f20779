#ifndef TARE_REPORTS_MODEL_H
#define TARE_REPORTS_MODEL_H

/*
 * The model behind every report: numbers are computed here once, and all renderers print them. It is built
 * from a stream of records, which are spooled to an unlinked file; in memory stay totals, namespaces and
 * about 50 bytes a workload. Workloads are read back one at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "pipeline/run/artifact.h"

enum { REPORT_CONTAINERS_MAX = 256, REPORT_FIRST_MAX = 8 };

/* The four numbers of a container that can change. CPU in millicores, memory in bytes. */
enum report_field { CPU_REQUEST, MEMORY_REQUEST, CPU_LIMIT, MEMORY_LIMIT, REPORT_FIELDS };

enum { REPORT_ABSENT = -1, REPORT_RESOURCES = 2 };

/* What is proposed for a workload. */
enum report_action { REPORT_NO_ADVICE, REPORT_KEEP, REPORT_CHANGE };

/* What becomes of it, in the order of a report: it changes; it should but is held back (blocked by the gate,
 * or its manifest cannot be edited); it stays. Only the first kind moves the sums. */
enum report_group { REPORT_CHANGES, REPORT_HELD, REPORT_STAYS, REPORT_GROUPS };

enum report_risk { RISK_UNKNOWN, RISK_LOW, RISK_MEDIUM, RISK_HIGH, REPORT_RISKS };

/* One container; strings and JSON are borrowed from the row. Absent numbers are REPORT_ABSENT. */
struct report_container {
    const char *name;
    const char *role;
    int64_t now[REPORT_FIELDS];
    int64_t next[REPORT_FIELDS];
    bool priced;
    int64_t before[REPORT_RESOURCES]; /* micro-dollars a month: CPU, memory */
    int64_t after[REPORT_RESOURCES];
    const json_t *usage; /* of this container, or NULL */
};

/* One workload as the renderers see it. */
struct report_row {
    json_t *record; /* owned by the row */
    const char
        *cluster; /* strings are borrowed from the record; namespace NULL where the manifest gives none */
    const char *namespace;
    const char *kind;
    const char *name;
    size_t number; /* from 1, in the order of the artifact */
    enum report_action action;
    enum report_group group;
    bool blocked; /* by the gate */
    enum report_risk risk;
    bool has_confidence;
    double confidence;
    bool no_data;
    bool priced;
    int64_t before;   /* micro-dollars a month */
    int64_t after;    /* what it would cost then: `before` where the change is held back */
    int64_t proposed; /* what it would cost with the recommendation, held back or not */
    bool has_replicas;
    double replicas;
    const char *verdict;        /* of the gate, NULL before it */
    const char *state;          /* of an outcome, NULL before apply */
    int64_t now[REPORT_FIELDS]; /* sums of report_effective over the containers that run all the time (no init
                                   containers) */
    int64_t next[REPORT_FIELDS];
    struct report_container *containers;
    size_t container_count;
};

/* Sums of a set of workloads: money over the priced ones. */
struct report_sums {
    int64_t workloads;
    int64_t changed;
    int64_t held;    /* changes that are held back: of these … */
    int64_t blocked; /* … the gate forbids so many, the rest cannot be written into their manifests */
    int64_t kept;
    int64_t no_advice;
    int64_t unpriced;
    int64_t no_data;
    int64_t before;
    int64_t after;
    int64_t proposed; /* as `after`, with what is held back */
    bool waste_known;
    int64_t waste_before; /* asked for and not used, over workloads with usage */
    int64_t waste_after;
    int64_t risks[REPORT_RISKS]; /* of the changed ones */
};

struct report_namespace {
    char *name; /* NULL: none given */
    struct report_sums sums;
};

/* Something a reader should look at first: a finding of a workload. Strings are owned. */
struct report_first {
    int64_t rank;  /* higher comes first */
    size_t number; /* of the workload's row */
    char *workload;
    char *message;
};

/* Where the numbers come from. Strings are owned; NULL where unknown. */
struct report_meta {
    enum artifact_kind kind;
    char *created;
    char *by;
    char *digest; /* of the artifact that was read */
    char *plan;   /* sha256 of the changes artifact, NULL where this is not, or not directly, made from one */
    char *cluster;
    json_t *settings; /* of the header */
    json_t *price;    /* {provider, region, …} of the run, or of the first priced workload; NULL: none */
    int64_t run;      /* 0: unknown */
};

struct report_entry;

struct report {
    struct report_meta meta;
    struct report_sums totals;
    struct report_namespace *namespaces; /* after report_finish: most money first */
    size_t namespace_count;
    size_t namespace_capacity;
    struct report_entry *entries; /* after report_finish: in the order of the report */
    size_t entry_count;
    size_t entry_capacity;
    struct report_entry *notes;
    size_t note_count;
    size_t note_capacity;
    struct report_first first[REPORT_FIRST_MAX];
    size_t first_count;
    json_t *problems; /* code → count, over workloads and error notes */
    json_t *skipped;  /* kind → count */
    json_t *states;   /* state of an outcome → count */
    bool charts;
    int spool;
    int64_t spool_size;
};

/* Prepares an empty report; `charts`: hourly profiles and forecasts are kept for the renderer. ERR_CANTCREAT when no spool
 * file can be made. Release it in any case. */
int report_init(struct report *report, bool charts, struct err *err);

/* Frees everything and closes the spool. */
void report_release(struct report *report);

/* Adds one record (borrowed), workload or note. ERR_IO, ERR_CANTCREAT; ERR_DATA for a record without
 * identity. */
int report_add(struct report *report, const json_t *record, struct err *err);

/* Reads a whole artifact into the report and finishes it. `run` is the run's id, 0 unknown. */
int report_read(struct report *report, struct artifact_reader *reader, int64_t run, struct err *err);

/* Sorts by group, then the biggest change of money first, then unpriced ones, ties in the order of the
 * artifact. */
void report_finish(struct report *report);

/* Reads back the workload at a place of the report's order. The row lives until the arena is cleared and
 * report_row_release is called. */
int report_row_at(const struct report *report, size_t place, struct arena *arena, struct report_row *row,
                  struct err *err);

/* The group of the workload at a place, without reading it back. */
enum report_group report_group_at(const struct report *report, size_t place);

/* Drops the row's record. */
void report_row_release(struct report_row *row);

/* New note object at an index, in the order of the artifact; json_decref it. */
int report_note_at(const struct report *report, size_t index, json_t **note, struct err *err);

/* Fills a row from a record (steals it). ERR_DATA without identity. */
int report_row_read(json_t *record, struct arena *arena, struct report_row *row, struct err *err);

/* What counts as a field of a container: a request that is left out is its limit, as Kubernetes has it.
 * REPORT_ABSENT where neither is there. */
int64_t report_effective(const int64_t fields[REPORT_FIELDS], enum report_field field);

/* Whether a container gets a new number. */
bool report_container_changes(const struct report_container *container);

/* "low", "medium", "high", "" unknown. Borrowed, static. */
const char *report_risk_name(enum report_risk risk);

/* A problem's text for people, of one entry of `problems` or `reasons`: a string, or its message. Borrowed,
 * "" none. */
const char *report_message(const json_t *entry);

#endif
