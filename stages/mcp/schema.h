#ifndef TARE_STAGES_MCP_SCHEMA_H
#define TARE_STAGES_MCP_SCHEMA_H

/* Checks arguments against the JSON schema that a tool is listed with, so that what is told and what is taken are one. Of JSON Schema
 * it knows what tools.json uses: type, enum, pattern, minimum, maximum, minLength, maxLength (in bytes), minItems, maxItems, items,
 * properties, required, additionalProperties false. */

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

/* ERR_USAGE with a sentence that names the place ("containers[0].requests.cpu") and what would be right. `where` names the whole. */
int schema_check(const json_t *schema, const json_t *value, const char *where, struct err *err);

#endif
