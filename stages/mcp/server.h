#ifndef TARE_STAGES_MCP_SERVER_H
#define TARE_STAGES_MCP_SERVER_H

/*
 * The loop: messages from stdin, answers to stdout, children that work for calls. One thread that never waits for one thing alone, so a
 * ping is answered while calls run. At most SERVER_RUNNING calls run at once, more wait in their order; answers leave in the order in
 * which they are ready. While a client does not read, nothing more is read from it.
 */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "stages/mcp/toolcall.h"

enum { SERVER_RUNNING = 4, SERVER_CALLS = 64, SERVER_LINE_MAX = 4 * 1024 * 1024, SERVER_BATCH = 64 };

/* Serves until stdin ends and every call is answered, or the client is gone, or a signal (SIGTERM, SIGINT, SIGHUP) asks to end; then no
 * child is left. ERR_IO where stdout cannot be written. */
int server_serve(const struct toolcall_launch *launch, bool read_only, struct err *err);

#endif
