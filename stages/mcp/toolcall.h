#ifndef TARE_STAGES_MCP_TOOLCALL_H
#define TARE_STAGES_MCP_TOOLCALL_H

/* A call of a tool under way: the child process that works for it, its deadline, how it is cancelled. */

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/io/proc.h"
#include "stages/mcp/work.h"

enum { CALL_STREAMS = 2, CALL_GRACE_MS = 3000, CALL_HEAD_MAX = 8 };

/* How `tare` is run: its path, and the words that every call begins with. */
struct toolcall_launch {
    char *tare;
    char *head[CALL_HEAD_MAX];
    size_t head_count;
    int64_t timeout_ms; /* of one call */
};

struct toolcall_batch;

struct toolcall {
    struct toolcall *next;
    char *id;                 /* as it came */
    char *key;                /* the same as messages about it are compared */
    struct toolcall_batch *batch; /* of whoever answers, NULL: it came alone */
    bool modern;
    json_t *token;            /* of progress, NULL: none */
    int64_t progress;         /* how often it was told */
    int64_t told_at;
    struct work *work;
    struct proc_child child;  /* pid 0: none */
    struct buf complaint;     /* what the child says on stderr */
    int64_t deadline;
    int64_t kill_at;          /* 0: nobody ends the child yet */
    bool cancelled;           /* nothing is to be answered */
};

/* New call (steals the words, the token and the work). */
struct toolcall *toolcall_new(char *id, char *key, bool modern, json_t *token, struct work *work);

/* Frees it, and ends its child at once. */
void toolcall_free(struct toolcall *call);

/* Starts the next child; where that fails, the work has its result. */
void toolcall_start(struct toolcall *call, const struct toolcall_launch *launch);

/* Asks the child to end, or, after its grace, ends it. */
void toolcall_end_child(struct toolcall *call, int64_t now);

/* What poll is to look at. */
void toolcall_watch(const struct toolcall *call, struct pollfd fds[CALL_STREAMS]);

/* Takes what poll found, and the child's end. */
void toolcall_advance(struct toolcall *call, const struct pollfd fds[CALL_STREAMS], int64_t now);

/* Whether the child's streams are closed and it has not ended yet. */
bool toolcall_lingers(const struct toolcall *call);

#endif
