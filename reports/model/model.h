#ifndef TARE_REPORTS_MODEL_MODEL_H
#define TARE_REPORTS_MODEL_MODEL_H

/*
 * The model behind every report: numbers are computed here once, and all renderers print them. It is built
 * from a stream of records, which are spooled to an unlinked file; in memory stay totals, namespaces and
 * 32 bytes a workload. Workloads are read back one at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "pipeline/run/artifact.h"
#include "pricing/packing/fleet.h"
#include "reports/past/past.h"

enum { REPORT_CONTAINERS_MAX = 256, REPORT_FIRST_MAX = 8, REPORT_REASONS_MAX = 16 };

/* Sums that pass this are refused: twelve months of it are what 64 bits hold. */
#define REPORT_MONEY_MAX (INT64_MAX / 12)

/* The four numbers of a container that can change. CPU in millicores, memory in bytes. */
enum report_field { CPU_REQUEST, MEMORY_REQUEST, CPU_LIMIT, MEMORY_LIMIT, REPORT_FIELDS };

enum { REPORT_ABSENT = -1, REPORT_RESOURCES = 2, REPORT_SEVERITIES = 5 };

/* What is proposed for a workload. */
enum report_action { REPORT_NO_ADVICE, REPORT_KEEP, REPORT_CHANGE };

/* What becomes of it, in the order of a report: it changes; it should but is held back (blocked by the gate,
 * worth too little, or its manifest cannot be edited); it stays. Only the first kind moves the sums. */
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
    bool waste_known[REPORT_RESOURCES];
    int64_t waste_before[REPORT_RESOURCES];
    int64_t waste_after[REPORT_RESOURCES];
    const json_t *usage; /* of this container, or NULL */
};

/* One workload as the renderers see it. */
struct report_row {
    json_t *record; /* owned by the row; all of it, or what report_row_brief_at leaves */
    const char
        *cluster; /* strings are borrowed from the record; namespace NULL where the manifest gives none */
    const char *namespace;
    const char *kind;
    const char *name;
    const char *team;  /* by report->team_label, NULL none */
    const char *class; /* of the recommendation, NULL none */
    size_t number; /* from 1, in the order of the artifact */
    enum report_action action;
    bool resizes;   /* a number moves; else a change brings new objects only */
    size_t objects; /* new objects that the change brings */
    enum report_group group;
    bool blocked; /* by the gate */
    bool trifle;  /* the gate leaves it, since it saves too little */
    enum report_risk risk;
    bool has_confidence;
    double confidence;
    bool no_data;
    bool priced;
    int64_t before;   /* micro-dollars a month */
    int64_t after;    /* what it would cost then: `before` where the change is held back */
    int64_t proposed; /* what it would cost with the recommendation, held back or not */
    bool waste_known;
    int64_t waste_before; /* asked for and not used, micro-dollars a month */
    int64_t waste_after;  /* with the recommendation, held back or not */
    bool waste_by_resource; /* that of each container is known too, and adds up */
    bool uneven;            /* the containers' money is not that of the workload: the record was changed */
    bool has_replicas;
    double replicas;
    int severity;               /* of the worst finding, as insight_severity ranks it (4: critical); −1 no finding */
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
    int64_t blocked; /* … the gate forbids so many, */
    int64_t trifles; /* … so many save too little, the rest cannot be written into their manifests */
    int64_t objects; /* new objects of those that change */
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
    int64_t uneven; /* workloads whose containers do not add up to their money; 0 in what tare-price wrote */
    int64_t resource_before[REPORT_RESOURCES]; /* CPU, memory: without uneven ones they add up to `before` … */
    int64_t resource_after[REPORT_RESOURCES];
    bool resource_waste_known;                       /* false: the wastes by resource are not of all workloads */
    int64_t resource_waste_before[REPORT_RESOURCES]; /* … and these to `waste_before` */
    int64_t resource_waste_after[REPORT_RESOURCES];
    int64_t risks[REPORT_RISKS]; /* of the changed ones */
    int64_t severities[REPORT_SEVERITIES]; /* workloads by their worst finding, [4] critical */
};

/* What workloads are added up by. */
enum report_dimension { BY_NAMESPACE, BY_TEAM, BY_CLUSTER, BY_CLASS, REPORT_DIMENSIONS };

/* Those that have one namespace, team, cluster or class. */
struct report_part {
    char *name; /* NULL: none given */
    struct report_sums sums;
};

/* After report_finish: most money first. */
struct report_parts {
    struct report_part *items;
    size_t count;
    size_t capacity;
    json_t *index; /* while parts are added: name → place */
};

/* Why workloads could not be priced, most of them first. Strings are owned. */
struct report_reason {
    char *text;    /* without names, so that alike ones are one */
    char *example; /* the first workload that has it */
    int64_t count;
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
struct report;

/* What report_each calls for each workload. The row is the walk's. */
typedef int report_visit(const struct report *report, const struct report_row *row, size_t place, void *context,
                         struct err *err);

struct report {
    struct report_meta meta;
    struct report_sums totals;
    struct report_parts parts[REPORT_DIMENSIONS];
    struct report_entry *entries; /* after report_finish: in the order of the report */
    size_t entry_count;
    size_t entry_capacity;
    struct report_entry *notes;
    size_t note_count;
    size_t note_capacity;
    struct report_first first[REPORT_FIRST_MAX];
    size_t first_count;
    struct report_reason reasons[REPORT_REASONS_MAX]; /* of the unpriced; the last is for all the others */
    size_t reason_count;
    json_t *problems; /* code → count, over workloads and error notes */
    json_t *skipped;  /* kind → count */
    json_t *states;   /* state of an outcome → count */
    json_t *voices;   /* who recommended (opinion_who) → count */
    json_t *unused;   /* "PROVIDER was not used: REASON" → count */
    json_t *rules;    /* rule that allowed changes without approval → count */
    struct fleet *fleet;      /* what the nodes come to; NULL: not computed. Owned */
    struct report_past *past; /* what the ledger knows; NULL: nothing. Owned */
    const char *team_label;   /* label that names a team; borrowed */
    int64_t max_bytes;        /* of what is rendered; 0: what the format holds by itself */
    report_visit *watch;      /* called for each workload's brief row as it is added, place 0; NULL: nothing */
    void *watch_context;      /* borrowed */
    bool charts;
    int spool;
    int64_t spool_size;
};

/* Prepares an empty report; `charts`: hourly profiles and forecasts are kept for the renderer. ERR_CANTCREAT when no spool
 * file can be made. Release it in any case. */
int report_init(struct report *report, bool charts, struct err *err);

/* Frees everything and closes the spool. */
void report_release(struct report *report);

/* Adds one record (borrowed), workload or note. ERR_IO, ERR_CANTCREAT; ERR_DATA for a record without identity, or with money that no
 * price gives, or where sums pass REPORT_MONEY_MAX. */
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

/* report_row_at without what only a workload's details show (reasoning, outlook, scaling, forecast, series, patch; see cuts.c): a
 * tenth of the time. For tables, lists and everything that passes over all workloads. */
int report_row_brief_at(const struct report *report, size_t place, struct arena *arena, struct report_row *row, struct err *err);

/* The group of the workload at a place, without reading it back. */
enum report_group report_group_at(const struct report *report, size_t place);

/* Drops the row's record. */
void report_row_release(struct report_row *row);

/* New note object at an index, in the order of the artifact; json_decref it. */
int report_note_at(const struct report *report, size_t index, json_t **note, struct err *err);

/* Fills a row from a record (steals it). `team_label` (NULL: none) is the label that names its team. ERR_DATA
 * without identity, or with money that no price gives. */
int report_row_read(json_t *record, const char *team_label, struct arena *arena, struct report_row *row,
                    struct err *err);

/* Calls `visit` for the workloads from place `from` on, at most `most` of them, in the order of the report, until one fails. */
int report_each(const struct report *report, size_t from, size_t most, report_visit *visit, void *context,
                struct err *err);

/* report_each without what is drawn: usage by hour and forecasts. */
int report_each_told(const struct report *report, size_t from, size_t most, report_visit *visit, void *context, struct err *err);

/* report_each with brief rows. */
int report_each_brief(const struct report *report, size_t from, size_t most, report_visit *visit, void *context, struct err *err);

/* The sums of the parts from index `from` on, as one: workloads, those that change or have no price, money and waste. */
struct report_sums report_rest(const struct report_parts *parts, size_t from);

/* Sums of nothing, to add to. */
struct report_sums report_no_sums(void);

/* Adds the sums of another set of workloads. False, and `sums` is of no use any more, where one would pass REPORT_MONEY_MAX. */
bool report_sums_add(struct report_sums *sums, const struct report_sums *more);

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
