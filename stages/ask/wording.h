#ifndef TARE_ASK_WORDING_H
#define TARE_ASK_WORDING_H

/* A question taken apart into words: what it may name, what it is about, which numbers it has in mind. It is data: nothing in it is a
 * command, and what it cannot be understood as changes nothing. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"

enum { WORDING_BYTES_MAX = 2000, WORDING_WORDS_MAX = 256 };

/* What a question can be about. Of several the first counts. */
enum topic {
    TOPIC_BLOCKED,
    TOPIC_APPROVAL,
    TOPIC_THROTTLED,
    TOPIC_KILLED,
    TOPIC_WASTE,
    TOPIC_UNCHANGED,
    TOPIC_DEARER,
    TOPIC_FALLBACK,
    TOPIC_DIFFERS,
    TOPIC_CLAMPED,
    TOPIC_TROUBLE,
    TOPIC_LEAK,
    TOPIC_IDLE,
    TOPIC_FINDINGS,
    TOPIC_RISK,
    TOPIC_SAVING,
    TOPIC_MODEL,
    TOPIC_COST,
    TOPICS /* none */
};

/* A word of it. */
struct word {
    const char *text; /* as typed, without what stands around it */
    const char *low;  /* in small letters */
    bool common;      /* a word of the language or of a topic: a name only where the question writes it out (shop/Deployment/all) */
};

struct wording {
    const char *text; /* control bytes masked */
    struct word words[WORDING_WORDS_MAX];
    size_t count;
    enum topic topic;
    bool totals; /* sums of the run */
    bool least;  /* the other end of the order */
    bool cpu, memory, request, limit; /* numbers that it is about; none: all */
};

/* Reads a question; all of it lives in `arena`. ERR_USAGE where it is empty, longer than WORDING_BYTES_MAX, or no UTF-8. */
int wording_read(const char *text, struct arena *arena, struct wording *out, struct err *err);

/* Whether a word is `name`, small and capital letters alike. */
bool word_is(const struct word *word, const char *name);

#endif
