#ifndef TARE_STAGES_MCP_TOOLS_H
#define TARE_STAGES_MCP_TOOLS_H

/* The tools, as tools.json lists them for clients; the order there is that of the enumeration. */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum tool {
    TOOL_RUNS,
    TOOL_STATE,
    TOOL_METRICS,
    TOOL_RECOMMENDATIONS,
    TOOL_EXPLAIN,
    TOOL_REPORT,
    TOOL_SCALE,
    TOOL_COUNT
};

/* Reads the list; tools_release frees it. */
void tools_init(void);
void tools_release(void);

/* New array for tools/list; without what writes where `read_only`. */
json_t *tools_list(bool read_only);

/* The tool of this name among those that are listed; false where there is none. */
bool tools_find(const char *name, bool read_only, enum tool *out);

/* Borrowed name of a tool, as clients call it. */
const char *tools_name(enum tool tool);

/* Whether a call may be made with these arguments (an object). ERR_USAGE with a sentence and maybe a hint. */
int tools_check(enum tool tool, const json_t *arguments, struct err *err);

/* New result of a call: one text, which may be what went wrong. */
json_t *tools_said(const char *text, bool is_error);

#endif
