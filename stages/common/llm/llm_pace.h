#ifndef TARE_STAGES_COMMON_LLM_LLM_PACE_H
#define TARE_STAGES_COMMON_LLM_LLM_PACE_H

/*
 * How fast one model may be asked, learned from its answers: how many questions at once (fewer by half when the server throttles, one
 * more for each round of good answers: additive increase, multiplicative decrease, as TCP does it), until when nobody asks, what is left
 * of the server's limits, and whether it is of any use at all. Values to values; times are monotonic milliseconds.
 */

#include "stages/common/llm/llm_limits.h"

enum { LLM_HOLD_MAX_MS = 5 * 60 * 1000 }; /* a server that asks for more is not waited for */

struct llm_pace {
    double window; /* questions at once */
    double widest;
    int64_t held_until;
    uint64_t sent;      /* questions sent so far: the number of the last one */
    uint64_t cut_at;    /* `sent` when the window was last cut: answers to earlier questions do not cut it again */
    unsigned throttled; /* in a row */
    unsigned failed;    /* questions in a row that ended without any answer of the model */
    unsigned useless;   /* questions in a row whose answer was none */
    double written;     /* tokens of an answer, lately; 0: not known */
    bool reached;       /* the server has answered something */
    bool answered;      /* the model has given an answer */
    struct llm_limits limits;
};

/* A model of which nothing is known, asked at most `parallel` at once. */
void llm_pace_init(struct llm_pace *pace, int parallel);

/* Whether one more may go out beside `flying` others, by the window alone. */
bool llm_pace_room(const struct llm_pace *pace, size_t flying);

/* The earliest instant for a question: `now` or later. */
int64_t llm_pace_until(const struct llm_pace *pace, const struct llm_need *need, int64_t now);

/* Books a question that goes out; returns its number. */
uint64_t llm_pace_sent(struct llm_pace *pace, const struct llm_need *need, int64_t now);

/* What a question that may take `need` is likely to take, where limits count what was really written: twice what answers were long
 * lately, at most its max_tokens. */
struct llm_need llm_pace_likely(const struct llm_pace *pace, const struct llm_need *need);

/* An answer of the model came, so many tokens long: the window grows. */
void llm_pace_answered(struct llm_pace *pace, int64_t tokens);

/* Question `number` was throttled beside `flying` others: everybody waits, as long as the server asks (`asked_ms`, -1: it does not say)
 * and a little longer; where it does not say, ever longer, up to a minute; where it says so again and again, up to four times as long. The
 * window shrinks. */
void llm_pace_throttled(struct llm_pace *pace, uint64_t number, size_t flying, int64_t asked_ms, int64_t now);

/* Whether it throttled so often in a row, without one answer in between, that the model should not be asked any more: six times where it
 * never answered (about twenty seconds without a word of how long to wait), twelve times where it did. */
bool llm_pace_hopeless(const struct llm_pace *pace);

/* How long a question waits before try `tries` + 1 after a failure of its own: 0.5 to 1 times a base that doubles. */
int64_t llm_pace_backoff(unsigned tries);

/* A question ended without an answer of the model (`none` false), or with one that is none. Whether the model should not be asked any
 * more: three in a row of those that came to nothing where it never answered, twenty where it did; twenty that are none from the start;
 * the first one where the server was never reached. */
bool llm_pace_failed(struct llm_pace *pace, bool none);

#endif
