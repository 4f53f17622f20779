#ifndef TARE_COLLECT_PACE_H
#define TARE_COLLECT_PACE_H

/*
 * How large a question may be: bounded by Prometheus' own defaults (11,000 points of a series, --query.max-samples
 * 50,000,000), and by what the server refused so far. Servers do not tell their limits; a question that is too large
 * is halved, and what worked then is where the next ones start. Threads may ask at once.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pace {
    pthread_mutex_t lock;
    int64_t points;  /* of one series in one answer */
    int64_t samples; /* of all series in one answer */
    atomic_bool answered; /* a whole question was: how much pods have to tell is known from then on */
};

/* Prepares with the defaults. */
void pace_init(struct pace *pace);

/* Frees. */
void pace_release(struct pace *pace);

/* Points that an answer about `series` series may have, at least 1. */
int64_t pace_points(struct pace *pace, int64_t series);

/* Notes that a question for so many points of so many series was answered after larger ones were not; `resolution`: the
 * server spoke of the points of a series. */
void pace_learn(struct pace *pace, int64_t points, int64_t series, bool resolution);

#endif
