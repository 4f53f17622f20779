#ifndef TARE_CLI_INFORCE_H
#define TARE_CLI_INFORCE_H

/*
 * The policy in force: what an administrator stored in the ledger, together with what the run's own file
 * says. The own file may only be stricter: a weaker value is ERR_CONFIG naming both. What the own file does
 * not give comes from the stored policy; where none was stored, the own file counts.
 *
 * Governed are `approvals`, `windows`, `policy.guardrails`, `policy.exclude`, `policy.overrides` and `apply.advice`.
 */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "pipeline/cli/config.h"
#include "pipeline/io/hash.h"
#include "pipeline/io/json.h"
#include "pipeline/run/window.h"

struct ledger;

struct inforce {
    const struct config *own;   /* borrowed */
    struct config *stored;      /* NULL where none was stored */
    json_t *own_files;          /* calendars {name: text} */
    json_t *stored_files;       /* those of the stored policy, NULL where it has none */
    struct window_set *windows; /* the stored group, then the own one */
    json_t *approvals;          /* the `approvals` that count */
    json_t *overrides;          /* policy.overrides of both */
    json_t *governed;           /* {"own","stored"}: the values that the digest is made of; apply tells by them what moved */
    json_t *labels;             /* keys of the labels that any of it asks about, each with null */
    char digest[DIGEST_HEX];    /* of everything governed, stored and own */
    char stored_digest[DIGEST_HEX]; /* by which the ledger lists the stored policy; empty where it came from elsewhere */
};

/* Asks the ledger (NULL: there is none to ask) for the stored policy and joins it with `own` (borrowed, must
 * outlive *out). Errors of the ledger; ERR_CONFIG. Free with inforce_release, also after a failure. */
int inforce_load(struct ledger *ledger, const struct config *own, struct inforce *out, struct err *err);

/* inforce_load with the stored policy's text instead of a ledger (NULL: none) and its calendars {name: text} (borrowed, NULL:
 * none); the own file's are read from the disk. For tests and `tare policy`. */
int inforce_join_files(const char *stored_text, json_t *stored_files, const struct config *own, struct inforce *out,
                       struct err *err);

/* inforce_join_files of a stored policy without calendars. */
int inforce_join(const char *stored_text, const struct config *own, struct inforce *out, struct err *err);

/* Frees what it holds; safe on a zeroed one. */
void inforce_release(struct inforce *inforce);

/* Adds a configuration's windows to a set as a group, with the calendars that config_calendars gave (calendars.h; borrowed, NULL:
 * none); errors name file, line and key. ERR_CONFIG. */
int config_windows(const struct config *config, const json_t *files, struct window_set *set, struct err *err);

#endif
