#ifndef TARE_CLI_CONFIG_H
#define TARE_CLI_CONFIG_H

/*
 * tare.yaml: keys, types, defaults and help are declared once in config.def. The file is checked whole when it is read: an
 * unknown key is refused with the nearest known one, a wrong value with file, line and key (ERR_CONFIG). Values are
 * normalized: durations to seconds, CPU to millicores, memory to bytes; paths are made relative to the file's folder.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

struct config;

/* Reads and checks a file; NULL gives all defaults. *out new, free with config_free. ERR_NOINPUT, ERR_CONFIG. */
int config_load(const char *path, struct config **out, struct err *err);

/* Checks configuration text that came from elsewhere (the policy in the ledger); `name` is what errors call it. */
int config_parse(const char *text, size_t length, const char *name, struct config **out, struct err *err);

/* The configuration as the cluster of this name sees it: its entry of `clusters` over the rest of the file (see config_cluster.c), with
 * `cluster` the name and no `clusters`. New, independent of `config`; NULL where the file has no such entry. */
struct config *config_for_cluster(const struct config *config, const char *name);

/* Refuses a name where the file has `clusters`, none of them is called so, and its own `cluster` is not either. ERR_USAGE. */
int config_check_cluster(const struct config *config, const char *name, struct err *err);

/* Puts the view of a cluster in the place of the file's (*config, which is freed); a file without such an entry stays as it is. Errors of
 * config_check_cluster. */
int config_take_cluster(struct config **config, const char *name, struct err *err);

/* The name that config_for_cluster was given, NULL for a file as it stands. Borrowed. */
const char *config_cluster(const struct config *config);

/* Whether the cluster's own entry gives the key; never of a file as it stands. */
bool config_own(const struct config *config, const char *key);

/* Frees; NULL is allowed. */
void config_free(struct config *config);

/* Path of the file, NULL for defaults. Borrowed. */
const char *config_path(const struct config *config);

/* Normalized value at a dotted key ("policy.guardrails.min_cpu"), NULL where it is null or absent. Borrowed. */
const json_t *config_value(const struct config *config, const char *key);

/* Whether the file itself gives the key (not the default). */
bool config_given(const struct config *config, const char *key);

/* Sets ERR_CONFIG with "<file>, line N: <key>: <sentence>" for a value that only its reader can judge; `key` as in
 * "windows[2].schedule" (entries count from 0). Returns -1. */
int config_error(const struct config *config, struct err *err, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Where a key stands, as messages begin: "<file>, line N: <key>" (of a key that the file does not give, the line of the entry or section
 * it belongs to); of a cluster's own entry "<file>, line N: clusters[1].<key>". New, free(). */
char *config_place(const struct config *config, const char *key);

/* Typed shortcuts; the fallback is only for null. */
const char *config_string(const struct config *config, const char *key);
int64_t config_integer(const struct config *config, const char *key, int64_t fallback);
bool config_flag(const struct config *config, const char *key);

/* The whole normalized configuration. Borrowed. */
const json_t *config_root(const struct config *config);

/* Writes the reference (every key, type, default, meaning) as a Markdown table, for the README. */
void config_reference(FILE *out);

#endif
