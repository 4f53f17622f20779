#ifndef TARE_STAGES_COMMON_EDIT_EDIT_H
#define TARE_STAGES_COMMON_EDIT_EDIT_H

/*
 * Changing requests and limits in a manifest's own bytes. An edit is a set of byte-range replacements
 * (splices) over the original text; every byte outside them stays. After planning, the edited bytes are read
 * again and must mean exactly the intended change and nothing else, or there is no edit.
 *
 * tare-diff plans workload by workload (edit_session); whoever has the records of one file and its bytes gets
 * the same new bytes from edit_apply_records.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/json.h"
#include "stages/common/manifest/manifest.h"

/* One wanted value, of a container of a workload, or below a mapping like a container's `resources` in any
 * YAML file (values of a Helm chart). */
struct edit_request {
    long document;           /* from 1 */
    long item;               /* of the workload: from 1 inside a List, 0 elsewhere */
    const char *container;   /* borrowed; not used with `keys` */
    const char *const *keys; /* borrowed; from the document's root to the mapping, NULL-terminated: {"server",
                              * "resources", NULL}. All but the last must be there; "0" is the first item of a
                              * list. NULL: the container of a workload */
    enum manifest_field field;
    bool remove;      /* take the field away; `value` and `text` are not used */
    int64_t value;    /* millicores, or bytes */
    const char *text; /* how to write it; NULL: as people do, in the unit the manifest already uses */
    bool check_from;  /* refuse when the manifest does not hold `from` (NULL: nothing) */
    const char *from; /* borrowed */
};

/* One replacement: bytes [start, end) of the original become `text`. */
struct edit_splice {
    size_t start;
    size_t end;
    const char *text; /* in the arena of whoever planned it */
    size_t length;
};

/* What became of a request. Strings live in the planner's arena. */
struct edit_done {
    bool changed;     /* false: the manifest says so already */
    bool local;       /* the value was shared by an anchor or merge key and was overridden here */
    const char *path; /* "spec.template.spec.containers[0].resources.requests.cpu" */
    const char *from; /* as written, NULL when absent */
    const char *to;   /* as written now, NULL when taken away */
};

struct edit_splices {
    struct edit_splice *items;
    size_t count;
    size_t capacity;
};

struct edit_session;

/* New session over the bytes of one file (borrowed until edit_session_free). `arena` (borrowed) holds what
 * plans return. */
struct edit_session *edit_session_new(const char *bytes, size_t length, struct arena *arena);

/* Frees; NULL is allowed. */
void edit_session_free(struct edit_session *session);

/* Plans the requests of ONE workload (one document and item) or of one mapping (equal `keys`), which come in
 * the order of the file's documents and items. Fills done[i] for requests[i] and gives the splices of this
 * workload alone, sorted, in *splices (borrowed until the next plan), after it has checked that the result
 * means just that. ERR_DATA when the change cannot be written, or overlaps one planned before. */
int edit_session_plan(struct edit_session *session, const struct edit_request *requests, size_t count,
                      struct edit_done *done, const struct edit_splices **splices, struct err *err);

/* The splices that do all that was planned, sorted; to be asked for at the end. Where workloads share what
 * they change (anchors), these are not the splices of each put together: what changes for all is changed
 * once. Borrowed until the next plan. */
const struct edit_splices *edit_session_splices(struct edit_session *session);

/* Applies requests of any workloads of a file, in any order, to its bytes; the result is added to `out`.
 * ERR_DATA when one cannot be written: then `out` is not to be used. */
int edit_apply(const char *bytes, size_t length, const struct edit_request *requests, size_t count,
               struct buf *out, struct err *err);

/* edit_apply with the `change.edits` of the given records (of one file; each from `workload.source`), so that
 * tare-apply writes what tare-diff showed. Records without edits are allowed. Rendered workloads (all of
 * them, or none) bring the replacements of bytes that tare-diff proved in `change.files`; those of `file` are made. ERR_DATA also
 * when a `from` is not what the bytes hold. */
int edit_apply_records(const char *file, const char *bytes, size_t length, json_t *const *records, size_t count,
                       struct buf *out, struct err *err);

#endif
