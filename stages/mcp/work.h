#ifndef TARE_STAGES_MCP_WORK_H
#define TARE_STAGES_MCP_WORK_H

/* One call of a tool, from its checked arguments to its result: which words `tare` is run with, what is taken of what it prints. It starts
 * nothing itself. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "stages/mcp/frame.h"
#include "stages/mcp/extract.h"
#include "stages/mcp/tools.h"

enum { WORK_WORDS_MAX = 160 };

struct work {
    enum tool tool;
    json_t *arguments;
    int64_t run;       /* 0: not known yet, the newest is looked for */
    bool finding;      /* the words at hand look for it */
    bool paged;        /* an artifact passes by, and `extract` takes what it wants */
    struct extract extract;
    struct frame lines;
    struct buf text;   /* what was printed, where it is taken as it is */
    char *words[WORK_WORDS_MAX + 1]; /* for `tare`, after the words that every call has; NULL: it is done */
    size_t count;
    json_t *result;    /* of tools/call, once it is done */
};

/* Prepares a call (steals `arguments`) and its first words. */
struct work *work_new(enum tool tool, json_t *arguments);

/* Frees it; NULL is allowed. */
void work_free(struct work *work);

/* Takes bytes that `tare` printed. */
void work_take(struct work *work, const char *bytes, size_t length);

/* `tare` ended with this code; `complaint` is what it said on stderr. Either there are new words now, or a result. */
void work_ended(struct work *work, int exit_code, const char *complaint);

/* The call ends with this error, whatever was under way. */
void work_fail(struct work *work, const struct err *err);

/* How far it is, for people; borrowed, static. */
const char *work_stage(const struct work *work);

#endif
