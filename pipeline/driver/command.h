#ifndef TARE_DRIVER_COMMAND_H
#define TARE_DRIVER_COMMAND_H

/*
 * The conductor's commands. To add one: a row in the table of main.c and its function here; options it takes get its program
 * bit in pipeline/cli/options.def. A command gets a session whose options and configuration are read, and whose ledger
 * is open where the row asks for it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "pipeline/cli/config.h"
#include "pipeline/cli/options.h"
#include "pipeline/driver/words.h"
#include "pipeline/run/ledger.h"

struct session {
    struct options *options;
    struct config *config;  /* as the cluster at hand sees it: `file`, or a view of it (session_follow) */
    struct config *file;    /* the configuration as it stands */
    char *config_file;      /* absolute path, NULL without one */
    struct ledger *ledger;  /* NULL where the command does not need it */
    char *bin_directory;    /* where the stages lie: beside this program */
    struct arena arena;     /* for the whole command */
    int interrupted; /* the signal that came while a stage ran that ends in its own way (line_exec), 0: none */
    const char *schedule;   /* whose firing this is, NULL: none */
    struct err verdict;     /* set by a command that did its work and must still not exit 0 */
};

enum command_needs { NEEDS_NOTHING = 0, NEEDS_LEDGER = 1, NEEDS_ANY_LEDGER = 2 };

struct command {
    const char *name;
    programs program;
    enum command_needs needs;
    const char *operands;
    const char *summary;
    int (*run)(struct session *session, struct err *err);
};

/* The commands: 0, or -1 with an error that decides the exit code. */
int command_run(struct session *session, struct err *err);
int command_rerun(struct session *session, struct err *err);
int command_propose(struct session *session, struct err *err);
int command_status(struct session *session, struct err *err);
int command_show(struct session *session, struct err *err);
int command_report(struct session *session, struct err *err);
int command_explain(struct session *session, struct err *err);
int command_ask(struct session *session, struct err *err);
int command_history(struct session *session, struct err *err);
int command_gate(struct session *session, struct err *err);
int command_approve(struct session *session, struct err *err);
int command_reject(struct session *session, struct err *err);
int command_withdraw(struct session *session, struct err *err);
int command_apply(struct session *session, struct err *err);
int command_rollback(struct session *session, struct err *err);
int command_prices(struct session *session, struct err *err);
int command_drift(struct session *session, struct err *err);
int command_windows(struct session *session, struct err *err);
int command_audit(struct session *session, struct err *err);
int command_prune(struct session *session, struct err *err);
int command_policy(struct session *session, struct err *err);
int command_grant(struct session *session, struct err *err);
int command_revoke(struct session *session, struct err *err);
int command_login(struct session *session, struct err *err);
int command_server(struct session *session, struct err *err);
int command_notify(struct session *session, struct err *err);
int command_schedule(struct session *session, struct err *err);
int command_migrate(struct session *session, struct err *err);
int command_doctor(struct session *session, struct err *err);

/* Goes on with the configuration as the cluster of this name sees it; where the file has no entry for it (or `cluster` is NULL), as it
 * stands. For every command that is about one run: the run's cluster. */
void session_follow(struct session *session, const char *cluster);

/* The same for a cluster that somebody named: ERR_USAGE where the file has clusters and none of this name. */
int session_take_cluster(struct session *session, const char *cluster, struct err *err);

/* Reads the configuration that the options name, else tare.yaml of the current folder. ERR_NOINPUT, ERR_CONFIG. */
int session_load_config(struct session *session, struct err *err);

/* Frees what session_load_config made. */
void session_release_config(struct session *session);

/* Operand `index` as a run's id. ERR_USAGE when it is missing or no positive integer. */
int session_run_id(const struct session *session, size_t index, int64_t *run, struct err *err);

/* Refuses more than `most` operands or fewer than `least`. ERR_USAGE. */
int session_operands(const struct session *session, size_t least, size_t most, const char *usage, struct err *err);

/* Whether --format is json; ERR_USAGE for anything but table or json. */
int session_json(const struct session *session, bool *json, struct err *err);

/* Runs the program that `words` (steals its items) begin with, which lies beside this one and says itself what is wrong; the list need
 * not be ended. It reads `in` (-1: nothing) and writes to `out`. What it exits with becomes the verdict. ERR_SOFTWARE: it cannot be run. */
int session_run_beside(struct session *session, struct words *words, int in, int out, struct err *err);

#endif
