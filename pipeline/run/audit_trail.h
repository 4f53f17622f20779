#ifndef TARE_RUN_AUDIT_TRAIL_H
#define TARE_RUN_AUDIT_TRAIL_H

/*
 * The audit trail outside the database: events, their digests, anchors, and the lines of an exported file. Nothing here asks the
 * ledger, so that what is found does not rest on what whoever owns the database may have changed in it.
 *
 * A file is a header {"audit":{"first":N,"format":1,"ledger":UUID,"previous":HEX}}, one event a line in the order of positions with
 * every field that its digest covers, and an anchor {"anchor":{…}} as the last line. Each line has exactly one right form, so that
 * any other byte in it is found. The digest of an event: sql/README.md, "Audit chain".
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/hash.h"
#include "pipeline/io/json.h"

enum { AUDIT_FORMAT = 1, AUDIT_LEDGER = 37, AUDIT_TIME = 33, AUDIT_LINE_MAX = 4 * 1024 * 1024, AUDIT_ANCHORS_MAX = 100000 };

/* One event; strings are borrowed. */
struct audit_event {
    int64_t position;
    bool has_run;
    int64_t run;
    const char *at; /* RFC 3339 in UTC with six digits of a second */
    const char *actor;
    const char *action;
    const char *subject; /* or NULL */
    const char *detail;  /* the stored text, JSON */
    const char *previous;
    const char *digest;
};

/* The end of the chain at some time: position and digest of its last event, and when that was. */
struct audit_anchor {
    char ledger[AUDIT_LEDGER]; /* "" where it was given as DIGEST@POSITION */
    int64_t position;          /* 0: before the first event */
    char digest[DIGEST_HEX];
    char at[AUDIT_TIME]; /* "" where it was given as DIGEST@POSITION, or for position 0 */
};

struct audit_anchors {
    struct audit_anchor *items;
    size_t count;
    size_t capacity;
};

/* Where a walk along the chain stands: the last event that fitted. */
struct audit_chain {
    int64_t position;
    char digest[DIGEST_HEX];
    struct buf text; /* of one event, to be hashed */
};

/* Prepares a walk that begins after `position`, whose event has `digest` (NULL: 32 zero bytes, as before the first event). Release with
 * audit_chain_release. */
void audit_chain_init(struct audit_chain *chain, int64_t position, const char *digest);

/* Frees. */
void audit_chain_release(struct audit_chain *chain);

/* Goes on by one event. NULL where it is the next one and its digest is right; else what is wrong with it, a static sentence, and the walk
 * stays where it was. */
const char *audit_chain_add(struct audit_chain *chain, const struct audit_event *event);

/* Adds the line of an event to `out`, with its newline; overflow as in buf.h. */
void audit_event_line(const struct audit_event *event, struct buf *out);

/* Adds the header of an export that begins with event `first`; `previous` is the digest of the one before it. */
void audit_header_line(const char *ledger, int64_t first, const char *previous, struct buf *out);

/* Adds the line of an anchor. */
void audit_anchor_line(const struct audit_anchor *anchor, struct buf *out);

/* Reads the line of an event; its strings are borrowed from `value`. False where it is none. */
bool audit_event_read(const json_t *value, struct audit_event *out);

/* Reads the header; the rest as audit_event_read. */
bool audit_header_read(const json_t *value, char ledger[AUDIT_LEDGER], int64_t *first, char previous[DIGEST_HEX]);

/* Reads an anchor. False where it is none. */
bool audit_anchor_read(const json_t *value, struct audit_anchor *out);

/* Adds the anchors that `what` names: DIGEST@POSITION, or a file with one anchor a line (lines of an export that are no anchors, and blank
 * ones, are passed over). ERR_DATA where a line is no JSON, or the file has no anchor; ERR_NOINPUT. */
int audit_anchors_add(struct audit_anchors *anchors, const char *what, struct err *err);

/* Frees; the list is empty after. */
void audit_anchors_release(struct audit_anchors *anchors);

#endif
