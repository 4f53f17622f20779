#ifndef TARE_CLI_CONFIG_SCHEMA_H
#define TARE_CLI_CONFIG_SCHEMA_H

/* The table of config.def and what can be asked of it; private to pipeline/cli. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum config_type {
    CONFIG_STRING,
    CONFIG_PATH,     /* made relative to the file's folder */
    CONFIG_BOOL,
    CONFIG_INTEGER,  /* 0 and up */
    CONFIG_NUMBER,   /* 0 and up */
    CONFIG_DURATION, /* seconds */
    CONFIG_CPU,      /* millicores */
    CONFIG_MEMORY,   /* bytes */
    CONFIG_TIME,     /* RFC 3339, kept as text */
    CONFIG_CHOICE,
    CONFIG_MAP,      /* string to string */
    CONFIG_KEYS      /* a map of the keys of the file itself */
};

struct config_row {
    const char *key;
    enum config_type type;
    const char *choices;
    const char *fallback;
    const char *help;
};

/* What a key of the table stands for. */
enum config_shape { CONFIG_UNKNOWN, CONFIG_LEAF, CONFIG_LEAF_LIST, CONFIG_SECTION, CONFIG_SECTION_LIST };

/* Rows in order; *count receives their number. Borrowed, static. */
const struct config_row *config_rows(size_t *count);

/* Shape of a key written with [] for entries of lists; *row (may be NULL) receives the row of a leaf or leaf list, the first row of
 * a section. */
enum config_shape config_shape_of(const char *key, const struct config_row **row);

/* Whether a key is of the file and not of one cluster: its shape, the ledger that all runs are in, whom that ledger's outbox tells. */
bool config_of_whole_file(const char *key);

/* The nearest name to `word` among the keys directly below `section` ("" for the top). Borrowed until the next call; NULL when
 * none is near. */
const char *config_nearest(const char *section, const char *word);

/* Value of scalar text by a row's type, normalized. *out new. The error is ERR_CONFIG with a sentence that begins "must be …" or
 * says what is wrong, without place and key. */
int config_convert(const struct config_row *row, const char *text, json_t **out, struct err *err);

/* Name of a type for the reference. Borrowed, static. */
const char *config_type_name(enum config_type type);

#endif
