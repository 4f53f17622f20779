#ifndef TARE_COLLECT_ANSWER_H
#define TARE_COLLECT_ANSWER_H

/*
 * The answers of the Prometheus HTTP API, read as they arrive: matrix, vector and the list of series. A
 * series is announced with its labels, then its points follow. Nothing is kept but one series' labels.
 * Format: prometheus.io/docs, "HTTP API".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "stages/collect/api/json_pull.h"
#include "stages/collect/labels.h"

enum { ANSWER_TEXT_MAX = 400 };

/* Who listens. Each returns 0, or -1 with *err set, which ends the reading. Instants in milliseconds since
 * the epoch; values may be NaN or infinite. `begin` (may be NULL) is called before the first series of each
 * try: after a broken one the same series and points come again. */
struct answer_listener {
    void (*begin)(void *context);
    int (*series)(void *context, const struct labels *labels, struct err *err);
    int (*point)(void *context, int64_t time_ms, double value, struct err *err);
    void *context;
};

struct answer {
    struct json_pull json;
    struct answer_listener listener;
    const char *what; /* who answers, for messages */
    unsigned char roles[JSON_PULL_DEPTH];
    unsigned char next_role; /* of the value of the key just read */
    struct buf text;         /* labels of the series in work, NUL after each string */
    size_t label_count;
    size_t label_at[LABELS_MAX][2];
    bool announced;   /* the series in work */
    unsigned element; /* within a point */
    int64_t time_ms;
    int64_t series;
    int64_t points;
    char status[16];
    char error_type[64];
    char error[ANSWER_TEXT_MAX];
    char warning[ANSWER_TEXT_MAX]; /* the first one, "" for none */
    bool started;
    bool stopped; /* by the listener: the error is its own */
};

/* Prepares to read an answer of `what` ("the metrics server", borrowed). */
void answer_init(struct answer *answer, const struct answer_listener *listener, const char *what);

/* Frees. */
void answer_release(struct answer *answer);

/* Starts anew: the answer comes again from its beginning. */
void answer_reset(struct answer *answer);

/* Reads one piece. ERR_UNAVAILABLE when it is HTML or not what the API answers; the listener's own error. */
int answer_feed(struct answer *answer, const char *bytes, size_t length, struct err *err);

/* Says that no more comes. ERR_UNAVAILABLE when the answer was cut or its status is not "success". */
int answer_finish(struct answer *answer, struct err *err);

#endif
