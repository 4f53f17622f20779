#ifndef TARE_CLI_OPTIONS_H
#define TARE_CLI_OPTIONS_H

/*
 * Options, declared once in options.def: long and short name, type, configuration key, environment name, default and
 * help. The table feeds the parser, --help and the README. A value comes from the command line, else the environment,
 * else the configuration file, else the table.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

struct config;

/* Programs and commands that take options: one bit each. */
enum program {
    FOR_PARSE = 1 << 0,
    FOR_COLLECT = 1 << 1,
    FOR_ANALYZE = 1 << 2,
    FOR_PRICE = 1 << 3,
    FOR_DIFF = 1 << 4,
    FOR_GATE = 1 << 5,
    FOR_APPLY = 1 << 6,
    FOR_ROLLBACK = 1 << 7,
    FOR_REPORT = 1 << 8,
    FOR_RUN = 1 << 9,       /* tare run, rerun: also everything the stages of a run take */
    FOR_LIST = 1 << 10,     /* tare status, history */
    FOR_DECIDE = 1 << 11,   /* tare withdraw */
    FOR_ACT = 1 << 12,      /* tare apply */
    FOR_WINDOWS = 1 << 13,
    FOR_ADMIN = 1 << 14,    /* tare migrate, doctor, grant */
    FOR_UNDO = 1 << 15,     /* tare rollback */
    FOR_REJECT = 1 << 16,
    FOR_PRINT = 1 << 17,    /* tare report */
    FOR_SHOW = 1 << 18,
    FOR_EXPLAIN = 1 << 19,  /* tare explain */
    FOR_PRICES = 1 << 20,   /* tare prices and tare-prices, which it runs */
    FOR_NOTIFY = 1 << 21,   /* tare-notify */
    FOR_SCHEDULE = 1 << 24, /* tare schedule */
    FOR_AUDIT = 1 << 22,    /* tare audit */
    FOR_PRUNE = 1 << 23,    /* tare prune */
    FOR_APPROVE = 1 << 25,
    FOR_VERDICT = 1 << 26,  /* tare gate */
    FOR_POLICY = 1 << 27,   /* tare policy and tare-policy, which it runs */
    FOR_GRANT = 1 << 28,    /* tare grant, revoke */
    FOR_DRIFT = 1 << 29     /* tare drift: what tare-parse takes, which it runs */
};

#define FOR_STAGES 0x1ff
#define FOR_TARE \
    (FOR_RUN | FOR_LIST | FOR_DECIDE | FOR_ACT | FOR_WINDOWS | FOR_ADMIN | FOR_UNDO | FOR_REJECT | \
     FOR_PRINT | FOR_SHOW | FOR_EXPLAIN | FOR_AUDIT | FOR_PRUNE | FOR_SCHEDULE | FOR_APPROVE | \
     FOR_VERDICT | FOR_POLICY | FOR_GRANT)
#define FOR_ALL (FOR_STAGES | FOR_TARE | FOR_PRICES | FOR_NOTIFY | FOR_DRIFT)
#define FOR_LEDGER (FOR_GATE | FOR_APPLY | FOR_ROLLBACK | FOR_NOTIFY | FOR_TARE)

enum option_type { OPTION_FLAG, OPTION_STRING, OPTION_LIST, OPTION_INTEGER, OPTION_DURATION, OPTION_TIME, OPTION_CHOICE };

enum option_id {
#define X(id, long_name, short_name, type, argument, key, env, fallback, users, help) OPT_##id,
#include "pipeline/cli/options.def"
#undef X
    OPT_COUNT
};

/* A row of the table. `argument` names the value in --help; for a choice it is the list "a|b|c". `key` is the
 * configuration key it overrides, NULL for none. */
struct option_row {
    enum option_id id;
    const char *long_name;
    char short_name;
    enum option_type type;
    const char *argument;
    const char *key;
    const char *env;
    const char *fallback;
    int users;
    const char *help;
};

struct options;

/* Rows of the table in order; OPT_COUNT of them. Borrowed, static. */
const struct option_row *option_table(void);

/* Parses argv (argv[0] is skipped) for `program`; `command` is what messages call it ("tare-collect", "tare run"). Unknown options
 * are refused with the nearest known one: ERR_USAGE. *out new, free with options_free. */
int options_parse(int argc, char **argv, int program, const char *command, struct options **out, struct err *err);

/* Frees; NULL is allowed. */
void options_free(struct options *options);

/* Lets values that were given neither on the command line nor in the environment come from the configuration
 * (borrowed, must outlive the options). */
void options_use_config(struct options *options, const struct config *config);

/* Number of operands and one of them. Borrowed. */
size_t options_operands(const struct options *options);
const char *options_operand(const struct options *options, size_t index);

/* Whether the option was given on the command line or in the environment. */
bool options_given(const struct options *options, enum option_id id);

/* Whether the option was typed on the command line. */
bool options_typed(const struct options *options, enum option_id id);

/* Values; a string, choice or time is NULL and a flag false when nobody gave one. Borrowed. Times are seconds since the
 * epoch, durations seconds; `present` (may be NULL) tells whether there is a value at all. */
const char *options_string(const struct options *options, enum option_id id);
bool options_flag(const struct options *options, enum option_id id);
int64_t options_integer(const struct options *options, enum option_id id, bool *present);

/* Values of a repeatable option: count and one of them (options_string gives the last). Borrowed. */
size_t options_list_count(const struct options *options, enum option_id id);
const char *options_list_item(const struct options *options, enum option_id id, size_t index);

/* Writes the option lines of a program for --help, aligned, to `out`. */
void options_help(int program, FILE *out);

/* The argv words that hand typed options on to a program with bit `stage`: those that a run is made from, or (`invocation`) those
 * of this invocation alone (--database, --as, the form of messages). --config is never among them. New array of new strings,
 * NULL-terminated; the caller frees both. */
char **options_forward(const struct options *options, int stage, bool invocation);

#endif
