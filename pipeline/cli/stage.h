#ifndef TARE_CLI_STAGE_H
#define TARE_CLI_STAGE_H

/*
 * A stage is a const descriptor and a few functions; stage_main does the rest: options, configuration, clock, logging,
 * reading and verifying the artifact on stdin, writing the next one on stdout, the ledger where it is needed, exit codes.
 *
 * To add a stage, touch these places: stages/<name>/ (main.c and logic), stages/README.md (its line), the list in
 * pipeline/run/line.def, its bit and options in pipeline/cli/options.def, a kind in pipeline/run/artifact.h if it writes
 * a new one, the stage table of README.md, tests/cli/. tests/lint checks that each place was touched.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "pipeline/cli/config.h"
#include "pipeline/cli/options.h"
#include "pipeline/io/json.h"
#include "pipeline/run/artifact.h"
#include "pipeline/run/record.h"

struct ledger;
struct stage;

/* What stage_main must satisfy before the stage runs. */
enum stage_needs {
    STAGE_NEEDS_NOTHING = 0,
    STAGE_NEEDS_LEDGER = 1, /* open connection in stage->ledger */
    STAGE_MUTATES = 2       /* changes the world; implies the ledger and a checked gate */
};

struct stage_spec {
    const char *name;              /* "collect": program tare-collect, bit of options.def */
    programs program;          /* which options it takes */
    const char *summary;           /* one line for --help */
    const char *operands;          /* "PATH…" or NULL when it takes none */
    unsigned reads;                /* set of ARTIFACT_BIT; 0 when it reads no artifact */
    bool (*reads_none)(const struct options *options); /* whether with these options it reads no artifact after all; may be NULL */
    enum artifact_kind writes;     /* ARTIFACT_NONE when stdout is no artifact */
    bool (*writes_none)(const struct options *options); /* whether with these options stdout is no artifact after all; may be NULL */
    unsigned needs;                /* enum stage_needs */
    size_t state_size;             /* zeroed bytes at stage->state */
    int (*begin)(struct stage *stage, struct err *err);                   /* may be NULL */
    int (*record)(struct stage *stage, json_t *record, struct err *err);  /* adds its member to a workload record */
    int (*run)(struct stage *stage, struct err *err);                     /* instead of `record`: the whole pass */
    int (*end)(struct stage *stage, struct err *err);                     /* after the last record, before the trailer */
    void (*release)(struct stage *stage);                                 /* frees the state; may be NULL */
};

struct stage {
    const struct stage_spec *spec;
    struct options *options;
    struct config *config;          /* never NULL: defaults where there is no file */
    struct artifact_reader *in;     /* NULL when spec->reads is 0 */
    struct artifact_writer *out;    /* NULL when spec->writes is ARTIFACT_NONE */
    struct ledger *ledger;          /* NULL unless needed */
    struct arena arena;             /* cleared after each record of `record` */
    json_t *skipped;                /* object for the trailer's `skipped`; a stage that reads keeps its input's */
    json_t *problem_counts;         /* codes of this stage's problems, for the summary on stderr */
    int64_t created;                /* the run's start: --created, else the clock */
    struct err verdict;             /* set by a stage whose artifact is complete although it must not exit 0 (77, 80, 81) */
    void *state;
};

/* Runs a stage as a program. Returns the exit code. */
int stage_main(const struct stage_spec *spec, int argc, char **argv);

/* Writes a record (borrowed) to stage->out and counts this stage's problems. For stages with `run`. */
int stage_write(struct stage *stage, const json_t *record, struct err *err);

/* stage_write for a record whose line is at hand: as artifact_write_line. */
int stage_write_line(struct stage *stage, const char *line, size_t length, const json_t *added, struct err *err);

/* Reads the next record; as artifact_read. For stages with `run`. */
int stage_read(struct stage *stage, json_t **record, struct err *err);

/* This stage's own object inside the header's `settings` ({"parse": {…}, "collect": {…}, …}: those of earlier stages are
 * carried along). Fill it in `begin`, before the first record. Borrowed; NULL when the stage writes no artifact. */
json_t *stage_settings(struct stage *stage);

/* Opens the ledger that --database, the environment or the configuration names (else the private cluster) as --as or
 * the usual login. A password in --database is refused. `by` is the program's name. *out new. */
int ledger_open_options(const struct options *options, const char *by, bool any_version, struct ledger **out,
                        struct err *err);

/* The same, but a private cluster that does not run is left alone: ERR_TEMPFAIL. */
int ledger_open_running(const struct options *options, const char *by, struct ledger **out, struct err *err);

/* ledger_open_options for statements that may take long, an hour each: a walk over a whole trail. */
int ledger_open_patient(const struct options *options, const char *by, struct ledger **out, struct err *err);

/* Version of the program ("0.1.0"). Borrowed, static. */
const char *tare_version(void);

#endif
