#ifndef TARE_ASK_REPLY_H
#define TARE_ASK_REPLY_H

/* What a model is asked and what it says, as values: no server is needed here. Question and facts go out as data; a reply counts only
 * where it names records that were sent and every number with a unit in it stands in the facts. */

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum { REPLY_FACTS_MAX = 24 * 1024, REPLY_ANSWER_MAX = 4000, REPLY_TOKENS_MAX = 2048 };

/* The fixed rules. Borrowed, static. */
const char *reply_system(void);

/* New schema: {"answer": text, "records_used": [numbers of records]}. */
json_t *reply_schema(void);

/* New text of the message: {"question","records","totals"}. `facts` (an array, the best first) loses its last records until the whole
 * fits into REPLY_FACTS_MAX bytes; *sent receives those that went in, new. */
char *reply_user(const char *question, const json_t *facts, const json_t *totals, json_t **sent);

/* A reply that holds. */
struct reply_read {
    const char *answer; /* masked; in the arena */
    json_t *used;       /* new: the facts of the records used, in the order of `sent` */
};

/* Reads a reply about `sent` and `totals`. ERR_DATA with one sentence that can go back to the model: no such JSON, a record that was not
 * sent, a number that is in none of the facts. Numbers of the question are no facts. */
int reply_read(const char *text, const json_t *sent, const json_t *totals, struct arena *arena, struct reply_read *out, struct err *err);

#endif
