#ifndef TARE_ANALYZE_ASKING_ANALYST_H
#define TARE_ANALYZE_ASKING_ANALYST_H

/*
 * Who answers about each workload: what is known already (recall.h), else the providers of the chain one after the other, else the rules.
 * Consecutive workloads are asked about in one question, and many questions are under way at once. Which workloads share a question
 * depends on nothing but their order, so an answer does not depend on when others came.
 *
 * Whatever happens, each inquiry ends with an opinion: a model's, or none and the first provider that was passed over, and why.
 */

#include <stdio.h>

#include "stages/analyze/asking/inquiry.h"
#include "stages/analyze/history/history.h"

struct analyst;

/* Records that a group of workloads may wait for its other members at most: the window of the caller must be larger. */
enum { ANALYST_SPAN = 64 };

struct analyst_options {
    const struct options *options; /* borrowed, as are all */
    const struct config *config;
    struct history_out *history; /* may be NULL */
    int64_t created;             /* start of the run */
    bool offline;                /* nobody is asked: for an estimate or a look at a prompt no key and no server is needed */
};

/* New analyst; *out NULL where the rules decide alone. Fills `settings` (borrowed, may be NULL) with providers and models. ERR_USAGE,
 * ERR_CONFIG, ERR_NOINPUT, ERR_DATA, ERR_IO. Free with analyst_free; NULL is allowed there. */
int analyst_new(const struct analyst_options *given, json_t *settings, struct analyst **out, struct err *err);
void analyst_free(struct analyst *analyst);

/* Whether questions go as batches: then all records are passed over twice. In the first pass inquiries are done as soon as their questions
 * are gathered, and what came of them means nothing; then analyst_batch; then the same inquiries again. */
bool analyst_batches(const struct analyst *analyst);

/* Sends what was gathered and waits for it; a `wake_fd` that can be read ends that, and then (analyst_drain) the second pass takes what
 * came and asks nothing. ERR_REFUSED, ERR_IO, ERR_CANTCREAT, ERR_SOFTWARE. */
int analyst_batch(struct analyst *analyst, int wake_fd, struct err *err);
void analyst_drain(struct analyst *analyst);

/* Records that should be held at once so that nobody waits for one slow answer. */
size_t analyst_window(const struct analyst *analyst);

/* Takes an inquiry over; it is done at once or in a later turn. */
void analyst_take(struct analyst *analyst, struct inquiry *inquiry);

/* Tells that the record of this number was read, whether anybody is asked about it or not: groups do not wait for ever. */
void analyst_passed(struct analyst *analyst, int64_t number);

/* Tells that no more records come: unfinished groups are asked as they are. */
void analyst_flush(struct analyst *analyst);

/* Questions that wait or are under way. */
size_t analyst_open(const struct analyst *analyst);

/* Sends what may be sent and takes what came, waiting until the instant `until_ms` (clock_monotonic_ms) or until `wake_fd` (-1: none) can
 * be read. ERR_REFUSED where the budget is spent and the configuration says to refuse; ERR_SOFTWARE. */
int analyst_turn(struct analyst *analyst, int64_t until_ms, int wake_fd, struct err *err);

/* Ends asking: nothing more is sent, nothing waited for. What came of inquiries that are not done means nothing. */
void analyst_stop(struct analyst *analyst);

/* Prints what asking about all inquiries taken so far would come to; `workloads` were read. Of an analyst that is offline;
 * NULL: the rules decide alone. */
void analyst_estimate(const struct analyst *analyst, int64_t workloads, FILE *out);

/* New text of exactly the body that the first provider would be sent about this workload alone (no key is in it); NULL where nothing would
 * be sent because nothing can move. */
char *analyst_prompt(struct analyst *analyst, struct inquiry *inquiry);

/* Logs what was asked and spent; NULL is allowed. */
void analyst_summary(const struct analyst *analyst);

#endif
