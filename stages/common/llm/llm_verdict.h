#ifndef TARE_STAGES_COMMON_LLM_LLM_VERDICT_H
#define TARE_STAGES_COMMON_LLM_LLM_VERDICT_H

/* What an answer of a model's server, or that there is none, means for what comes next. Values to values. */

#include "stages/common/llm/llm_internal.h"

enum llm_verdict {
    LLM_READ,   /* 2xx: the body may hold an answer */
    LLM_AGAIN,  /* another try may do better: 408, 409, 500, 502, 504 and other 5xx, a broken connection */
    LLM_SLOWER, /* and all questions of this model should wait: 429, 498, 503, 529 */
    LLM_NEVER,  /* this question will not be answered: 400, 413 and the like */
    LLM_LATE,   /* no answer in time */
    LLM_USELESS /* no question will be: 401, 402, 403, 404, a spend limit, a certificate that is not trusted, a redirect */
};

/* What an answer of `http` means; where it is not LLM_READ, *err says what the server said. The server's words are shown where they
 * stand in the usual place and do not hold the key. */
enum llm_verdict llm_verdict_of(const struct llm *llm, const struct http_reply *http, struct err *err);

/* What it means that there is no whole answer: `failure` as http_done tells it. */
enum llm_verdict llm_verdict_of_failure(const struct http_reply *http, const struct err *failure);

/* For an answer that may complain of what was asked for (400, 422, 500, 501) rather than of the question: changes `dialect`, in which
 * the question went out, to the one in which it may go again, and has the client learn it for the next ones. False where the answer
 * is about something else, or nothing is left to leave out. */
bool llm_verdict_adapt(struct llm *llm, const struct http_reply *http, struct llm_dialect *dialect);

/* How long the server asks to wait before another try, in milliseconds; -1 where it does not say. */
int64_t llm_verdict_wait(const struct http_reply *http);

#endif
