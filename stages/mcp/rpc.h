#ifndef TARE_STAGES_MCP_RPC_H
#define TARE_STAGES_MCP_RPC_H

/* Messages of JSON-RPC 2.0 (https://www.jsonrpc.org/specification), narrowed as the Model Context Protocol narrows them: an id
 * is a string or a number, params are an object. What comes in is untrusted: its depth and its id are bounded, its size by the
 * frame that it came in. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/io/json.h"

enum { RPC_DEPTH_MAX = 64, RPC_ID_MAX = 256, RPC_COMPLAINT_MAX = 1024 };

enum rpc_code {
    RPC_PARSE = -32700,
    RPC_INVALID = -32600,
    RPC_NO_METHOD = -32601,
    RPC_PARAMS = -32602,
    RPC_INTERNAL = -32603,
    RPC_VERSION = -32022 /* of the Model Context Protocol: the version of a request is not served */
};

enum rpc_kind {
    RPC_REQUEST,
    RPC_NOTIFICATION,
    RPC_RESPONSE, /* somebody answers what nobody asked */
    RPC_BATCH,    /* `body` is the array, not empty */
    RPC_BAD       /* to be answered with `code` and `complaint` */
};

struct rpc_message {
    enum rpc_kind kind;
    char *id;           /* its JSON text as it came; "null" where there is none, or none that can be told */
    const char *method; /* borrowed from `body`; NULL but for requests and notifications */
    json_t *params;     /* borrowed from `body`; NULL where there are none */
    json_t *body;       /* NULL where it is no JSON */
    enum rpc_code code;
    char complaint[RPC_COMPLAINT_MAX];
};

/* Reads one message of `length` bytes; NULL: it was too long. *message is to be released. */
void rpc_read(const char *text, size_t length, struct rpc_message *message);

/* The same for a message of a batch, whose value (borrowed) is at hand. */
void rpc_take(json_t *value, struct rpc_message *message);

/* Frees what a message holds. */
void rpc_release(struct rpc_message *message);

/* New text of an answer (steals `result`). */
char *rpc_result(const char *id, json_t *result);

/* New text of an error; `data` is stolen, NULL: none. */
char *rpc_error(const char *id, enum rpc_code code, const char *complaint, json_t *data);

/* New text of a notification (steals `params`). */
char *rpc_notification(const char *method, json_t *params);

/* New JSON text of an id, or of what stands where one should be. */
char *rpc_id_text(const json_t *id);

#endif
