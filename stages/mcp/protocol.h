#ifndef TARE_STAGES_MCP_PROTOCOL_H
#define TARE_STAGES_MCP_PROTOCOL_H

/*
 * What a message of the Model Context Protocol asks for, and the words to answer it with; it does nothing itself.
 * Two eras are served side by side (specification 2026-07-28, "Versioning and Compatibility"): requests that carry their version in
 * `_meta` (2026-07-28), and those after an `initialize` (2025-11-25 and older), which settles the version of the connection.
 */

#include <stdbool.h>

#include "pipeline/io/json.h"
#include "stages/mcp/rpc.h"
#include "stages/mcp/tools.h"

struct protocol {
    bool read_only;      /* tools that write are not there */
    const char *version; /* settled by initialize; NULL: none yet. Borrowed, static */
};

enum protocol_then {
    PROTOCOL_NOTHING, /* nothing is answered */
    PROTOCOL_ANSWER,  /* `answer` goes out */
    PROTOCOL_CALL,    /* a tool is called */
    PROTOCOL_LISTEN,  /* a subscription that stays open; `answer` is its acknowledgement */
    PROTOCOL_CANCEL   /* what is under way with the id `cancelled` is to end unanswered */
};

struct protocol_step {
    enum protocol_then then;
    char *answer;      /* text of a message */
    enum tool tool;
    json_t *arguments; /* checked */
    json_t *token;     /* of progress notifications, NULL: none is asked for */
    bool modern;       /* of the era without initialize */
    char *cancelled;   /* JSON text of an id */
};

/* What a request or notification asks for. *step is to be released. */
void protocol_read(struct protocol *protocol, const struct rpc_message *message, struct protocol_step *step);

/* Frees what a step holds. */
void protocol_release(struct protocol_step *step);

/* Whether an array of messages is taken: one revision had them. */
bool protocol_takes_batches(const struct protocol *protocol);

/* The result of a request as its era has it (steals and returns it). */
json_t *protocol_result(bool modern, json_t *result);

#endif
