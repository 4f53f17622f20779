#ifndef TARE_COLLECT_PROM_H
#define TARE_COLLECT_PROM_H

/*
 * Questions to a server that speaks the Prometheus HTTP API. Counts what was asked and served; once the
 * server is gone (three requests in a row without any answer) it is asked no more, so that a dead server
 * costs seconds, not hours.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/cli/config.h"
#include "pipeline/cli/options.h"
#include "stages/collect/api/answer.h"

struct prom;

/* How the last question failed. */
enum prom_failure {
    PROM_SERVED,
    PROM_TOO_MUCH, /* too many samples or points, or out of time: a smaller piece may be answered */
    PROM_REFUSED,  /* this question cannot be answered, another may */
    PROM_SILENT    /* no answer of the API at all: unreachable, 401, 403, a web page */
};

/* New client from --prometheus, the time-outs and the keys under `metrics`. ERR_USAGE when no address was
 * given, ERR_CONFIG. Free with prom_free. */
int prom_new(const struct options *options, const struct config *config, struct prom **out, struct err *err);

/* Frees; NULL is allowed. */
void prom_free(struct prom *prom);

/* The address for people, without secrets. Borrowed. */
const char *prom_name(const struct prom *prom);

/* The label matcher that every selector must carry (`,cluster="prod"`), "" when there is none. Borrowed. */
const char *prom_matcher(const struct prom *prom);

/* The series that match any of `count` selectors with samples in [start, end] (seconds). ERR_UNAVAILABLE;
 * listener's error. */
int prom_series(struct prom *prom, const char *const *selectors, size_t count, int64_t start, int64_t end,
                const struct answer_listener *listener, struct err *err);

/* The value of an expression at one instant; a range selector gives its raw samples. Errors as prom_series.
 */
int prom_instant(struct prom *prom, const char *query, int64_t time, const struct answer_listener *listener,
                 struct err *err);

/* The values of an expression at start, start + step … end. Errors as prom_series. */
int prom_range(struct prom *prom, const char *query, int64_t start, int64_t end, int64_t step,
               const struct answer_listener *listener, struct err *err);

/* How the last question went. */
enum prom_failure prom_last(const struct prom *prom);

/* Questions that were answered, and in sum: requests, bytes on the wire, samples. */
int64_t prom_served(const struct prom *prom);
int64_t prom_requests(const struct prom *prom);
int64_t prom_bytes(const struct prom *prom);
int64_t prom_samples(const struct prom *prom);

#endif
