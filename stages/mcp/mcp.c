#include "stages/mcp/mcp.h"

#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/proc.h"
#include "stages/mcp/server.h"

static void head(struct toolcall_launch *launch, char *word)
{
    launch->head[launch->head_count++] = word;
}

/* The same configuration, ledger and login as this program was started with; what comes from the environment is inherited. */
static void head_option(struct toolcall_launch *launch, const struct options *options, enum option_id id)
{
    if (options_typed(options, id)) {
        head(launch, xasprintf("--%s=%s", option_table()[id].long_name, options_string(options, id)));
    }
}

static int run(struct stage *stage, struct err *err)
{
    struct toolcall_launch launch = {.timeout_ms = options_integer(stage->options, OPT_CALL_TIMEOUT, NULL) * 1000};
    char *folder = NULL;
    bool read_only = options_flag(stage->options, OPT_READ_ONLY);
    if (launch.timeout_ms <= 0) {
        err_set(err, ERR_USAGE, "--call-timeout must be longer than nothing");
        return err_hint(err, "leave it out, or write --call-timeout 5m");
    }
    if (isatty(STDIN_FILENO)) {
        log_warn("standard input is a terminal: a client of the Model Context Protocol starts this program and writes its messages there");
    }
    if (proc_own_directory(&folder, err)) {
        return -1;
    }
    launch.tare = xasprintf("%s/tare", folder);
    free(folder);
    head(&launch, xstrdup("tare"));
    head(&launch, xstrdup("--quiet"));
    head(&launch, xstrdup("--log-format=text"));
    head_option(&launch, stage->options, OPT_CONFIG);
    head_option(&launch, stage->options, OPT_DATABASE);
    head_option(&launch, stage->options, OPT_AS);
    log_debug("serves %s%s", launch.tare, read_only ? ", without tools that write" : "");
    int failed = server_serve(&launch, read_only, err);
    for (size_t i = 0; i < launch.head_count; i++) {
        free(launch.head[i]);
    }
    free(launch.tare);
    return failed;
}

const struct stage_spec mcp_stage = {
    .name = "mcp",
    .program = FOR_MCP,
    .summary = "serves runs, recommendations and proposals to clients of the Model Context Protocol, on standard input and output",
    .operands = NULL,
    .writes = ARTIFACT_NONE,
    .run = run,
};
