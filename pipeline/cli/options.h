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

/* Programs and commands that take options: one bit each, and sets of them. */
typedef uint64_t programs;
#define FOR_PARSE (UINT64_C(1) << 0)
#define FOR_COLLECT (UINT64_C(1) << 1)
#define FOR_ANALYZE (UINT64_C(1) << 2)
#define FOR_PRICE (UINT64_C(1) << 3)
#define FOR_DIFF (UINT64_C(1) << 4)
#define FOR_GATE (UINT64_C(1) << 5)
#define FOR_APPLY (UINT64_C(1) << 6)
#define FOR_ROLLBACK (UINT64_C(1) << 7)
#define FOR_REPORT (UINT64_C(1) << 8)
#define FOR_RUN (UINT64_C(1) << 9) /* tare run, rerun: also everything the stages of a run take */
#define FOR_LIST (UINT64_C(1) << 10) /* tare status, history */
#define FOR_DECIDE (UINT64_C(1) << 11) /* tare withdraw */
#define FOR_ACT (UINT64_C(1) << 12) /* tare apply */
#define FOR_WINDOWS (UINT64_C(1) << 13)
#define FOR_ADMIN (UINT64_C(1) << 14) /* tare migrate, doctor, grant */
#define FOR_UNDO (UINT64_C(1) << 15) /* tare rollback */
#define FOR_REJECT (UINT64_C(1) << 16)
#define FOR_PRINT (UINT64_C(1) << 17) /* tare report */
#define FOR_SHOW (UINT64_C(1) << 18)
#define FOR_EXPLAIN (UINT64_C(1) << 19) /* tare explain */
#define FOR_PRICES (UINT64_C(1) << 20) /* tare prices and tare-prices, which it runs */
#define FOR_NOTIFY (UINT64_C(1) << 21) /* tare-notify */
#define FOR_SCHEDULE (UINT64_C(1) << 24) /* tare schedule */
#define FOR_AUDIT (UINT64_C(1) << 22) /* tare audit */
#define FOR_PRUNE (UINT64_C(1) << 23) /* tare prune */
#define FOR_APPROVE (UINT64_C(1) << 25)
#define FOR_VERDICT (UINT64_C(1) << 26) /* tare gate */
#define FOR_POLICY (UINT64_C(1) << 27) /* tare policy and tare-policy, which it runs */
#define FOR_GRANT (UINT64_C(1) << 28) /* tare grant, revoke */
#define FOR_DRIFT (UINT64_C(1) << 29) /* tare drift: what tare-parse takes, which it runs */
#define FOR_ASK (UINT64_C(1) << 30) /* tare ask, and tare-ask, which it runs */
#define FOR_MCP (UINT64_C(1) << 31) /* tare-mcp */
#define FOR_PROPOSE (UINT64_C(1) << 32) /* tare propose */

#define FOR_STAGES UINT64_C(0x1ff)
#define FOR_TARE \
    (FOR_RUN | FOR_LIST | FOR_DECIDE | FOR_ACT | FOR_WINDOWS | FOR_ADMIN | FOR_UNDO | FOR_REJECT | \
     FOR_PRINT | FOR_SHOW | FOR_EXPLAIN | FOR_AUDIT | FOR_PRUNE | FOR_SCHEDULE | FOR_APPROVE | \
     FOR_VERDICT | FOR_POLICY | FOR_GRANT | FOR_ASK | FOR_PROPOSE)
#define FOR_ALL (FOR_STAGES | FOR_TARE | FOR_PRICES | FOR_NOTIFY | FOR_DRIFT | FOR_MCP)
#define FOR_LEDGER (FOR_GATE | FOR_APPLY | FOR_ROLLBACK | FOR_NOTIFY | FOR_TARE | FOR_MCP)

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
    programs users;
    const char *help;
};

struct options;

/* Rows of the table in order; OPT_COUNT of them. Borrowed, static. */
const struct option_row *option_table(void);

/* Parses argv (argv[0] is skipped) for `program`; `command` is what messages call it ("tare-collect", "tare run"). Unknown options
 * are refused with the nearest known one: ERR_USAGE. *out new, free with options_free. */
int options_parse(int argc, char **argv, programs program, const char *command, struct options **out, struct err *err);

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
void options_help(programs program, FILE *out);

/* The argv words that hand typed options on to a program with bit `stage`: those that a run is made from, or (`invocation`) those
 * of this invocation alone (--database, --as, the form of messages). --config is never among them. New array of new strings,
 * NULL-terminated; the caller frees both. */
char **options_forward(const struct options *options, programs stage, bool invocation);

#endif
