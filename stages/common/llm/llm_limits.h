#ifndef TARE_STAGES_COMMON_LLM_LLM_LIMITS_H
#define TARE_STAGES_COMMON_LLM_LLM_LIMITS_H

/*
 * What a server says is left of its limits, in the headers of each answer: anthropic-ratelimit-{requests,tokens,input-tokens,
 * output-tokens}-{limit,remaining,reset} (reset as RFC 3339) and x-ratelimit-{limit,remaining,reset}-{requests,tokens} (reset as "1s",
 * "6m0s", "120ms", or seconds). Values to values; the caller brings the time.
 */

#include "pipeline/io/http.h"
#include "stages/common/llm/llm_provider.h"

enum llm_meter { LLM_REQUESTS, LLM_TOKENS, LLM_INPUT_TOKENS, LLM_OUTPUT_TOKENS, LLM_METERS };

/* What one question takes of each meter. */
struct llm_need {
    int64_t of[LLM_METERS];
};

struct llm_limits {
    struct {
        bool known;
        int64_t limit; /* -1: not told */
        int64_t remaining;
        int64_t reset_at; /* monotonic milliseconds: full again */
        int64_t since;    /* when this was told, or last tried out */
    } meters[LLM_METERS];
};

/* What a question takes at most. */
struct llm_need llm_need_of(const struct llm_prompt *prompt);

/* Takes in the headers of an answer that came at `now` (monotonic milliseconds). What an answer does not tell of stays as it was.
 * Returns whether it told of any. */
bool llm_limits_read(struct llm_limits *limits, const struct http_reply *reply, int64_t now);

/* Books a question that goes out at `now`. */
void llm_limits_take(struct llm_limits *limits, const struct llm_need *need, int64_t now);

/* The earliest instant at which what is left may do for a question: `now` where it does. At most a minute after the server was last
 * heard or tried: a reset that lies farther off is tried out with one question a minute. */
int64_t llm_limits_until(const struct llm_limits *limits, const struct llm_need *need, int64_t now);

#endif
