#ifndef TARE_STAGES_MCP_MASK_H
#define TARE_STAGES_MCP_MASK_H

/* Text from outside made fit to be shown: manifests, servers and models wrote it, and who reads it is a terminal or a model. */

#include <stddef.h>

#include "pipeline/io/json.h"

/* New copy of a JSON value whose strings, names of members too, have their control characters and marks that turn the direction of
 * writing masked by '?'. */
json_t *mask_value(const json_t *value);

/* New string of at most `most` bytes of a text of one line, masked; what is cut ends in "…". NULL for NULL. */
json_t *mask_text(const char *text, size_t most);

/* Masks a text of many lines in place; line ends and tabs stay. */
void mask_lines(char *text);

#endif
