#ifndef TARE_CLI_CALENDARS_H
#define TARE_CLI_CALENDARS_H

/* The calendar files that the windows of a configuration name, as {name: text}; the names are those of the configuration. */

#include "pipeline/base/err.h"
#include "pipeline/cli/config.h"
#include "pipeline/io/json.h"

enum { CALENDARS_BYTES_MAX = 1024 * 1024 };

/* Reads them from the disk; relative names are below `directory` (NULL: the current one, as config_load leaves them). They have at
 * most CALENDARS_BYTES_MAX bytes together. ERR_CONFIG naming file, line and key of the configuration. *out new. */
int config_calendars(const struct config *config, const char *directory, json_t **out, struct err *err);

/* Replaces each name in a list of windows by the file's name and the sha256 of its text, which is what a digest of the windows has
 * to depend on. `files` as config_calendars gives it. */
void calendars_digest(json_t *windows, const json_t *files);

#endif
