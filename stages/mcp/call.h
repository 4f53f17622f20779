#ifndef TARE_STAGES_MCP_CALL_H
#define TARE_STAGES_MCP_CALL_H

/* A call of a tool under way: the child process that works for it, its deadline, how it is cancelled. */

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/io/proc.h"
#include "stages/mcp/work.h"

enum { CALL_STREAMS = 2, CALL_GRACE_MS = 3000, CALL_HEAD_MAX = 8 };

/* How `tare` is run: its path, and the words that every call begins with. */
struct call_launch {
    char *tare;
    char *head[CALL_HEAD_MAX];
    size_t head_count;
    int64_t timeout_ms; /* of one call */
};

struct call_batch;

struct call {
    struct call *next;
    char *id;                 /* as it came */
    char *key;                /* the same as messages about it are compared */
    struct call_batch *batch; /* of whoever answers, NULL: it came alone */
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
struct call *call_new(char *id, char *key, bool modern, json_t *token, struct work *work);

/* Frees it, and ends its child at once. */
void call_free(struct call *call);

/* Starts the next child; where that fails, the work has its result. */
void call_start(struct call *call, const struct call_launch *launch);

/* Asks the child to end, or, after its grace, ends it. */
void call_end_child(struct call *call, int64_t now);

/* What poll is to look at. */
void call_watch(const struct call *call, struct pollfd fds[CALL_STREAMS]);

/* Takes what poll found, and the child's end. */
void call_advance(struct call *call, const struct pollfd fds[CALL_STREAMS], int64_t now);

/* Whether the child's streams are closed and it has not ended yet. */
bool call_lingers(const struct call *call);

#endif
