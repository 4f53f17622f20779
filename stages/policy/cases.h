#ifndef TARE_STAGES_POLICY_CASES_H
#define TARE_STAGES_POLICY_CASES_H

/* Reads a file of cases. Every key and value is checked; README.md has them all. */

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

/* Reads `path` into an array of cases as they were written (amounts and times as text, numbers as numbers), each with its `line`.
 * *out new. ERR_NOINPUT; ERR_CONFIG naming file, line and key. */
int cases_load(const char *path, json_t **out, struct err *err);

#endif
