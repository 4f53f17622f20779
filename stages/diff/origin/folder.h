#ifndef TARE_STAGES_DIFF_ORIGIN_FOLDER_H
#define TARE_STAGES_DIFF_ORIGIN_FOLDER_H

/* A chart or kustomization, rendered again: its text, and the digest of each document. */

#include "pipeline/io/hash.h"
#include "stages/common/edit/edit.h"
#include "stages/common/manifest/render.h"

struct folder_document {
    size_t start;
    size_t end;
    bool varies; /* it comes out otherwise each time; known after folder_varies */
    char sha256[DIGEST_HEX];
};

struct folder {
    char *path; /* as records have it; NULL: none is open */
    enum render_tool tool;
    bool missing; /* it cannot be rendered */
    struct err why;
    struct buf text;
    struct folder_document *documents;
    size_t count;
    size_t capacity;
    bool rendered_twice;
    struct arena arena; /* what plans return */
    struct edit_session *session;
};

/* Prepares it without an open folder. */
void folder_init(struct folder *folder);

/* Renders a folder; what stands in the way is kept in `missing` and `why`. */
void folder_open(struct folder *folder, const struct render_settings *settings, enum render_tool tool,
                 const char *path);

/* Frees. */
void folder_release(struct folder *folder);

/* The document of a number, NULL when there is none. Borrowed. */
const struct folder_document *folder_document(const struct folder *folder, int64_t number);

/* Whether a document comes out otherwise each time, though nothing changed: the folder is rendered once more
 * to tell. */
bool folder_varies(struct folder *folder, const struct render_settings *settings, int64_t number);

/* New path of the template that helm says a document comes from ("# Source: …"), as it is reached; NULL when
 * it is not said. free(). */
char *folder_template(const struct folder *folder, int64_t number);

#endif
