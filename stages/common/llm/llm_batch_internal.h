#ifndef TARE_STAGES_COMMON_LLM_LLM_BATCH_INTERNAL_H
#define TARE_STAGES_COMMON_LLM_LLM_BATCH_INTERNAL_H

/* A batch from inside: llm_batch.c (spool, and what happens when), llm_batch_send.c (one request), llm_batch_results.c (what came). */

#include "pipeline/io/hash.h"
#include "pipeline/io/http_loop.h"
#include "stages/common/llm/llm_batch.h"
#include "stages/common/llm/llm_verdict.h"

enum { LLM_BATCH_KEY = 40 }; /* letters of a custom_id */

struct llm_question {
    char key[LLM_BATCH_KEY]; /* of its text; not terminated */
    uint32_t sent;           /* 1 + the batch that it is in; 0: none yet */
    uint32_t length;
    uint64_t number;
    int64_t at; /* of its text in the spool; -1: it was told of */
};

/* A batch at the vendor, or one that came to nothing. */
struct llm_sent {
    char id[LLM_BATCH_ID_MAX + 1]; /* "": the vendor did not take it */
    char questions[DIGEST_HEX];    /* of an earlier attempt's; else "" */
    bool ours;                     /* sent by this attempt */
    bool ended;
    enum llm_end end; /* what that means for questions without a result */
    struct err why;
};

struct llm_batch {
    struct llm *llm;
    struct http_loop *loop;
    int64_t wait_ms;
    int64_t begin;    /* monotonic milliseconds */
    int64_t deadline; /* of everything that is done now */
    int spool;
    int64_t spooled;
    struct llm_question *questions; /* by key, once all are there */
    size_t count, capacity;
    char all[DIGEST_HEX]; /* digest of their keys */
    struct llm_sent *sent;
    size_t sent_count, sent_capacity;
    int wake_fd;
    bool stopping; /* by wake_fd */
    bool closing;  /* only what ends the batches is still done */
    llm_batch_done *done;
    llm_batch_sent *told_sent;
    void *context;
};

/* How a request went. */
enum llm_went {
    LLM_WENT_WELL,
    LLM_WENT_REFUSED, /* it will not do better: *verdict and *why */
    LLM_WENT_TOO_LARGE,
    LLM_WENT_STOPPED, /* wake_fd, or the deadline */
    LLM_WENT_BROKEN   /* *err: this program's own trouble, or the sink's */
};

/* Sends a request and waits for its end; what may pass is tried again until the deadline. One that is marked
 * `once` is tried a few times only, and with a body not again where it may have arrived. `reply` is initialized. */
enum llm_went llm_batch_send(struct llm_batch *batch, const struct http_request *request, struct http_reply *reply,
                             enum llm_verdict *verdict, struct err *why, struct err *err);

/* Waits so long: LLM_WENT_WELL, LLM_WENT_STOPPED or LLM_WENT_BROKEN. */
enum llm_went llm_batch_pause(struct llm_batch *batch, int64_t ms, struct err *err);

/* Takes the results of a batch that ended, and tells of them. Where they cannot be had, *why. */
enum llm_went llm_batch_results(struct llm_batch *batch, const struct llm_sent *sent, enum llm_verdict *verdict, struct err *why,
                                struct err *err);

/* Tells of one question, unless it was told of. */
int llm_batch_tell(struct llm_batch *batch, struct llm_question *question, struct llm_reply *reply, enum llm_end end, const struct err *why,
                   struct err *err);

/* New path of a batch at the vendor, with `rest` behind it. */
char *llm_batch_path(const struct llm_batch *batch, const char *id, const char *rest);

#endif
