#ifndef TARE_STAGES_MCP_MCP_H
#define TARE_STAGES_MCP_MCP_H

/* tare-mcp: a server of the Model Context Protocol on standard input and output; no stage of the line. */

#include "pipeline/cli/stage.h"

extern const struct stage_spec mcp_stage;

#endif
