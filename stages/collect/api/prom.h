#ifndef TARE_COLLECT_PROM_H
#define TARE_COLLECT_PROM_H

/*
 * Questions to a server that speaks the Prometheus HTTP API; several threads may ask at once, each over a connection
 * of its own. Counts what was asked and served. Once the server is gone (three times in a row no answer came) it is
 * asked no more, so that a dead server costs seconds, not hours.
 */

#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/io/http.h"
#include "pipeline/io/json.h"
#include "stages/collect/api/answer.h"
#include "stages/collect/source.h"

struct prom;

/* How one server is asked. Borrowed until prom_new returns; NULL or 0: none, or the default. */
struct prom_settings {
    const char *url;
    int64_t connect_timeout_seconds;
    int64_t timeout_seconds;
    const json_t *headers; /* an object of strings */
    const char *bearer_token_file;
    const char *basic_username;
    const char *basic_password_file;
    const char *ca_file;
    const char *certificate_file;
    const char *key_file;
    const char *label_name; /* the label that tells clusters apart on this server, and its value */
    const char *label_value;
};

/* New client; nothing is asked yet. ERR_CONFIG when the address is missing or none, or half of a pair is missing. Free
 * with prom_free. */
int prom_new(const struct prom_settings *settings, struct prom **out, struct err *err);

/* Frees, once no thread asks any more; NULL is allowed. */
void prom_free(struct prom *prom);

/* The address for people, without secrets. Borrowed. */
const char *prom_name(const struct prom *prom);

/* The cluster label that every question must be bound to, and its value; both NULL when there is none. Borrowed. */
const char *prom_label_name(const struct prom *prom);
const char *prom_label_value(const struct prom *prom);

/* The same as a label matcher for a selector (`,cluster="prod"`), "" when there is none. Borrowed. */
const char *prom_matcher(const struct prom *prom);

/* The series that match any of `count` selectors with samples in [start, end] (seconds). *served tells how it went,
 * success or not. ERR_UNAVAILABLE; the listener's error (SERVED_REFUSED). */
int prom_series(struct prom *prom, const char *const *selectors, size_t count, int64_t start, int64_t end,
                const struct answer_listener *listener, enum served *served, struct err *err);

/* The value of an expression at one instant; a range selector gives its raw samples. Errors as prom_series. */
int prom_instant(struct prom *prom, const char *query, int64_t time, const struct answer_listener *listener,
                 enum served *served, struct err *err);

/* The values of an expression at start, start + step … end. Errors as prom_series. */
int prom_range(struct prom *prom, const char *query, int64_t start, int64_t end, int64_t step,
               const struct answer_listener *listener, enum served *served, struct err *err);

/* Sends any request to the server; a body of status 2xx goes to the request's sink, unless it is a web page. Returns 0
 * with *served SERVED only for 2xx that the sink took whole. Else -1 and *served: SERVED_NOTHING for no connection,
 * 401, 403, 404, 5xx and web pages; SERVED_TOO_MUCH for 413, 429 (after the tries that Retry-After allows), running out
 * of time, and refusals that speak of a limit; SERVED_REFUSED for other refusals and for the sink's own error (the
 * caller may know better). `reply` must be initialized; its status and body tell more. */
int prom_send(struct prom *prom, const struct http_request *request, struct http_reply *reply, enum served *served,
              struct err *err);

/* What was asked and what came so far; samples are the points of JSON answers. */
void prom_counts(struct prom *prom, struct source_counts *out);

#endif
