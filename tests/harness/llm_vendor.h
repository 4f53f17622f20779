#ifndef TARE_TESTS_LLM_VENDOR_H
#define TARE_TESTS_LLM_VENDOR_H

/* The vendors' shapes of the scripted model server: what a request has to look like, answers, errors, limits, batches. */

#include <jansson.h>
#include <pthread.h>
#include <stdint.h>

#include "tests/harness/llm_mind.h"
#include "tests/harness/llm_server.h"
#include "tests/harness/llm_wire.h"

#define LLM_STATS(X)                                                                                                                       \
    X(calls) X(parallel) X(open) X(workloads) X(input_tokens) X(output_tokens) X(cache_read_tokens) X(cache_write_tokens) X(batches)       \
    X(batched) X(polls) X(results) X(cancels) X(refused) X(connections)

struct llm_stats {
#define X(name) long name;
    LLM_STATS(X)
#undef X
};

struct llm_stored_batch;

/* All that requests share, behind `lock`. */
struct llm_world {
    pthread_mutex_t lock;
    struct llm_server_options options;
    struct llm_rules *rules;
    struct llm_stats stats;
    uint64_t *prefixes; /* digests of system blocks that were cached */
    size_t prefix_count, prefix_capacity;
    int64_t window_start;
    long window_requests, window_tokens;
    struct llm_stored_batch *batches;
    size_t batch_count, batch_capacity;
    int port;
};

/* One request on its way. `body` is new or NULL, `evidence` new; the rest borrowed. */
struct llm_call {
    struct llm_world *world;
    const struct wire_request *request;
    struct wire_answer *answer;
    const char *api;
    json_t *body;
    json_t *evidence;
    struct llm_asked asked;
    struct llm_act act;
};

/* Fills `asked` from the evidence of a body. */
void llm_call_ask(struct llm_call *call, const json_t *params);

/* Answers a question in the vendor's shape. */
void llm_vendor_answer(struct llm_call *call);

/* New message object of Anthropic's for the params of a call (its `body`), tokens counted; takes turns itself. */
json_t *llm_vendor_message(struct llm_call *call, const json_t *params);

/* What is wrong with a question, in a vendor's words; NULL where it is right. Static. */
const char *llm_vendor_wrong(const char *api, const json_t *params);

/* An error in the vendor's shape. `type` NULL: the one of the status. */
void llm_vendor_error(struct llm_call *call, int status, const char *type, const char *message);

/* Adds a value as the body. Steals it. */
void llm_vendor_body(struct llm_call *call, json_t *value);

/* Batches: create, poll, results, cancel, by the call's api. */
void llm_vendor_batch(struct llm_call *call);
void llm_vendor_batches_free(struct llm_world *world);

#endif
