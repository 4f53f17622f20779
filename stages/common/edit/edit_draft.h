#ifndef TARE_STAGES_COMMON_EDIT_EDIT_DRAFT_H
#define TARE_STAGES_COMMON_EDIT_EDIT_DRAFT_H

/* A document changed in steps: each step is planned over what the one before made; together they are splices
 * over the original. */

#include "stages/common/edit/edit_splice.h"
#include "stages/common/edit/edit_target.h"

struct edit_draft {
    const char *base; /* borrowed: the original document */
    size_t length;
    size_t offset;               /* of the document in its file */
    struct arena *arena;         /* borrowed: what splices are made of */
    struct edit_splices splices; /* over `base` */
    struct buf bytes;            /* `base` with them */
    struct edit_text text;       /* `bytes`, read: its document 1 is open */
};

/* Begins with the open document of `text`, with `splices` (over the whole text, within the document; NULL: as
 * it is). ERR_DATA when it cannot be read by itself. To be released in any case. */
int edit_draft_begin(struct edit_draft *draft, const struct edit_text *text,
                     const struct edit_splices *splices, struct arena *arena, struct err *err);

/* Takes a step: splices over draft->text. They are used up. ERR_DATA when what it makes cannot be read; then
 * the draft is to be released. */
int edit_draft_step(struct edit_draft *draft, const struct edit_splices *splices, struct err *err);

/* Puts all steps as splices over the file of the original into *out. */
void edit_draft_result(const struct edit_draft *draft, struct edit_splices *out);

/* Frees. */
void edit_draft_release(struct edit_draft *draft);

/* The first byte of the open document that has to be read with it: blanks before its first token count. */
size_t edit_document_start(const struct edit_text *text);

#endif
