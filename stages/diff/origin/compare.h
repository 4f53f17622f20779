#ifndef TARE_STAGES_DIFF_ORIGIN_COMPARE_H
#define TARE_STAGES_DIFF_ORIGIN_COMPARE_H

/* What an edit made of a rendered text: values are compared, not bytes. */

#include "pipeline/base/buf.h"
#include "stages/common/edit/edit.h"

struct comparison {
    bool clean;            /* nothing changed but wanted values of the container, to what is wanted */
    bool got[FIELD_COUNT]; /* for each request, by its index: it is so now */
    size_t got_count;
    struct buf others; /* what else changed: "Deployment/back, ConfigMap/x"; release it */
};

enum { COMPARE_OTHERS_MAX = 300 };

/* What comes out anew each time though nothing changed (a password, a certificate, the checksum of one). */
struct unstable {
    char **lines; /* beginnings of lines, key included, whose values do */
    size_t line_count;
    size_t line_capacity;
    bool *is; /* by number of the document − 1: it is otherwise even without those values */
    size_t count;
};

/* Tells what differs between two renderings of the same. Workloads are never left out as a whole, as they
 * have to be compared. ERR_DATA as of rendered_compare. Free with unstable_release. */
int rendered_unstable(const struct buf *once, const struct buf *again, struct unstable *out, struct err *err);

/* Frees. */
void unstable_release(struct unstable *unstable);

/* Takes the values that come out anew each time out of a text. */
void unstable_mask(const struct unstable *unstable, struct buf *text);

/* Compares the texts, unstable documents apart; the requests are those of one container (at most FIELD_COUNT,
 * or none). ERR_DATA when one cannot be read, or they have another number of documents: then *out holds
 * nothing. */
int rendered_compare(const struct buf *before, const struct buf *after, const struct unstable *unstable,
                     const struct edit_request *requests, size_t count, struct comparison *out,
                     struct err *err);

#endif
