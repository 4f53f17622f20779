#ifndef TARE_COLLECT_READING_H
#define TARE_COLLECT_READING_H

/*
 * One question's way into the store: PromQL is asked in pieces of time, each as large as the server takes, and what is
 * answered is handed to the store as series of one metric and form. Points that came of a piece that then failed cannot
 * be taken back singly: the whole question is begun anew.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "stages/collect/api/answer.h"
#include "stages/collect/api/prom.h"
#include "stages/collect/range/pace.h"
#include "stages/collect/range/spacing.h"
#include "stages/collect/source.h"
#include "stages/collect/store.h"

struct reading {
    struct prom *prom;
    struct pace *pace;
    const struct question *question;
    struct store *store;
    enum metric metric; /* of the answer in work; METRIC_COUNT: its series have their names */
    enum series_form form;
    struct spacing *spacing; /* sees the points go by; NULL: not wanted */
    bool open;     /* the series in work was asked for */
    size_t whole;  /* points of pieces that came whole */
    size_t partly; /* points of the piece in work */
    bool again;    /* points of a piece that failed are in the store */
    enum served served;
};

/* Instants `step` apart, the last at `end`. */
struct grid {
    int64_t end;
    int64_t step;
    int64_t count;
};

/* Asks for the values of `query` at all points of a grid, about the pods of the question, and hands them to the store.
 * Fails with reading->served set; reading->again tells that the store has to be cleared and everything asked again. */
int reading_range(struct reading *reading, const char *query, const struct grid *grid, struct err *err);

/* A range of time to look back at from its end: `before`, a selector, the range, `after`. */
struct span {
    const char *before;
    const char *selector;
    const char *after;
    int64_t from; /* (from, to], in seconds */
    int64_t to;
    int64_t overlap; /* where it has to be asked in parts, each looks so far into the one before */
};

/* Asks for a span; each answer goes to `listener`. Fails as reading_range. */
int reading_span(struct reading *reading, const struct span *span, const struct answer_listener *listener, struct err *err);

/* A listener that hands series and points to the store. */
struct answer_listener reading_listener(struct reading *reading);

#endif
