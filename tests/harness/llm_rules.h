#ifndef TARE_TESTS_LLM_RULES_H
#define TARE_TESTS_LLM_RULES_H

/*
 * What the scripted model server does besides answering well. A rule is one line of words KEY or KEY=VALUE ("…" around a value with
 * spaces; the keys marked + take the rest of the line). Every rule that matches a request counts; of two that say the same thing the
 * first does.
 *
 * Which requests (all that are named must hold; without `api` a rule concerns questions, alone or in a batch):
 *   api=NAME         anthropic, openai, question, batched (one question of a batch), models, create, poll, results, cancel, any
 *   workload=GLOB    one of the workloads asked about has such a name ("shop/Deployment/cart")
 *   has=TEXT         the text of the request, headers too, holds this
 *   nth=N every=N after=N    the N-th request that the rest of the rule fits, every N-th, all after the N-th
 *   times=N          the rule serves N requests, then it is passed over
 * What then:
 *   latency=MS  status=N  retry-after=TEXT  error=TYPE  message=TEXT+  header=NAME: VALUE+  spend-limit
 *   say=HOW          see llm_mind.h: how the answer goes wrong
 *   text=TEXT+       the model says this; body=TEXT+: the whole body is this; type=MIME
 *   bytes=N          with say=flood: how long the answer is
 *   drip=MS          waits before every 64 bytes; close=N: closes after N bytes of the body; hang: never answers; garbage: no HTTP
 *   ended-after=MS   (api=create) until the batch has ended; default 0
 *   outcome=HOW      (api=batched) errored, expired, canceled, missing, unknown (a custom_id that nobody sent), twice
 *   results-url=URL  (api=poll) in the place of the right one
 */

#include <stdbool.h>
#include <stddef.h>

#define LLM_RULE_NUMBERS(X)                                                                                                                \
    X(NTH, "nth") X(EVERY, "every") X(AFTER, "after") X(TIMES, "times") X(LATENCY, "latency") X(STATUS, "status") X(BYTES, "bytes")        \
    X(DRIP, "drip") X(CLOSE, "close") X(HANG, "hang") X(GARBAGE, "garbage") X(SPEND_LIMIT, "spend-limit") X(ENDED_AFTER, "ended-after")
#define LLM_RULE_TEXTS(X)                                                                                                                  \
    X(API, "api") X(WORKLOAD, "workload") X(HAS, "has") X(RETRY_AFTER, "retry-after") X(ERROR, "error") X(MESSAGE, "message")              \
    X(HEADER, "header") X(SAY, "say") X(TEXT, "text") X(BODY, "body") X(TYPE, "type") X(OUTCOME, "outcome") X(RESULTS_URL, "results-url")

#define X(name, word) RULE_##name,
enum rule_number { LLM_RULE_NUMBERS(X) RULE_NUMBERS };
enum rule_text { LLM_RULE_TEXTS(X) RULE_TEXTS };
#undef X

/* A rule, and what several rules together say. Numbers are -1, texts NULL where nothing is said. */
struct llm_rule {
    long numbers[RULE_NUMBERS];
    char *texts[RULE_TEXTS];
    long seen, served; /* requests that fit; that it served */
};

enum { LLM_WORKLOADS_MAX = 256, LLM_SAYS_MAX = 16 };

/* A request as rules see it. Borrowed. */
struct llm_asked {
    const char *api;
    const char *raw;
    const char *workloads[LLM_WORKLOADS_MAX];
    size_t workload_count;
};

/* What the rules want: `rule` merged, all `say` with the glob they are for (NULL: all workloads), all headers. Borrowed. */
struct llm_act {
    struct llm_rule rule;
    const char *say[LLM_SAYS_MAX];
    const char *say_for[LLM_SAYS_MAX];
    size_t say_count;
    const char *headers[LLM_SAYS_MAX];
    size_t header_count;
};

struct llm_rules;

/* New rules from lines; exits the program on a word that is none. Free with llm_rules_free. */
struct llm_rules *llm_rules_new(const char *lines);
void llm_rules_free(struct llm_rules *rules);

/* Finds and counts what holds for a request. Callers take turns. */
void llm_rules_apply(struct llm_rules *rules, const struct llm_asked *asked, struct llm_act *out);

/* What a word is in an act: number or `fallback`; text or NULL. */
long llm_act_number(const struct llm_act *act, enum rule_number which, long fallback);
const char *llm_act_text(const struct llm_act *act, enum rule_text which);

/* Whether an act says `how` for all workloads or any. */
bool llm_act_says(const struct llm_act *act, const char *how);

#endif
