#ifndef TARE_STAGES_COMMON_EDIT_EDIT_TARGET_H
#define TARE_STAGES_COMMON_EDIT_EDIT_TARGET_H

/* What requests are about: the document of a manifest, and in it the containers of a workload or the one
 * mapping that keys lead to. */

#include "stages/common/edit/edit.h"
#include "stages/common/edit/edit_plan.h"

/* Bytes with one document open. */
struct edit_text {
    const char *bytes; /* borrowed */
    size_t length;
    struct arena arena;         /* of the open document */
    struct yaml_stream *stream; /* NULL until one is open */
    struct yaml_document document;
};

/* What is to change in a document. */
struct edit_target {
    const char *const *keys; /* to a mapping like `resources`, NULL-terminated; NULL: a workload */
    long item;
    struct manifest_object object;
    struct manifest_workload workload;      /* with keys: one container, the mapping around the last key */
    struct edit_want (*wants)[FIELD_COUNT]; /* one row a container */
    bool changed;
};

/* The most that tare-parse may be told to read: what it did read within its limits is read here in any case.
 */
struct yaml_limits edit_limits(void);

/* Prepares text without an open document. */
void edit_text_init(struct edit_text *text, const char *bytes, size_t length);

/* Closes what is open and frees. */
void edit_text_release(struct edit_text *text);

/* Opens a document by its number; going back starts anew. ERR_DATA when there is none, or it is broken. */
int edit_text_seek(struct edit_text *text, long document, struct err *err);

/* Finds what requests (of one workload, or one path of keys) are about in the open document, and what they
 * want that is not so yet. Fills done[i] for requests[i], but for `local` and `to`. Strings and wants live in
 * `arena`. ERR_DATA. */
int edit_target_find(struct edit_text *text, const struct edit_request *requests, size_t count,
                     struct arena *arena, struct edit_target *target, struct edit_done *done,
                     struct err *err);

/* The key that requests and limits stand below. */
const char *edit_target_key(const struct edit_target *target);

/* Whether something of a container is to change. */
bool edit_target_wants(const struct edit_target *target, size_t container);

/* Tells what became of each request once it is planned. */
void edit_target_report(const struct edit_target *target, const struct edit_request *requests, size_t count,
                        struct edit_done *done);

/* The value that a key leads to in a mapping, or an index (from 0) in a list; as it stands. NULL when there
 * is none. */
struct yaml_node *edit_step(struct yaml_stream *stream, struct yaml_node *node, const char *key);

#endif
