#include "stages/common/edit/edit_draft.h"

#include <stdlib.h>

enum { DRAFT_CAP = INT32_MAX - 1 };

size_t edit_document_start(const struct edit_text *text)
{
    size_t start = text->document.start;
    while (start > 0 && (text->bytes[start - 1] == ' ' || text->bytes[start - 1] == '\t')) {
        start--;
    }
    return start == 0 || text->bytes[start - 1] == '\n' ? start : text->document.start;
}

static int read_again(struct edit_draft *draft, struct err *err)
{
    edit_text_release(&draft->text);
    buf_clear(&draft->bytes);
    if (edit_splices_apply(draft->base, draft->length, &draft->splices, &draft->bytes, err)) {
        return -1;
    }
    edit_text_init(&draft->text, buf_str(&draft->bytes), draft->bytes.length);
    return edit_text_seek(&draft->text, 1, err);
}

int edit_draft_begin(struct edit_draft *draft, const struct edit_text *text,
                     const struct edit_splices *splices, struct arena *arena, struct err *err)
{
    size_t start = edit_document_start(text);
    *draft = (struct edit_draft){
        .base = text->bytes + start, .length = text->document.end - start, .offset = start, .arena = arena};
    buf_init(&draft->bytes, DRAFT_CAP);
    edit_text_init(&draft->text, NULL, 0);
    for (size_t i = 0; splices != NULL && i < splices->count; i++) {
        const struct edit_splice *splice = &splices->items[i];
        edit_splices_add(&draft->splices, splice->start - start, splice->end - start, splice->text,
                         splice->length);
    }
    return read_again(draft, err);
}

int edit_draft_step(struct edit_draft *draft, const struct edit_splices *splices, struct err *err)
{
    struct edit_splices both = {0};
    edit_splices_compose(&draft->splices, splices, buf_str(&draft->bytes), draft->arena, &both);
    free(draft->splices.items);
    draft->splices = both;
    return read_again(draft, err);
}

void edit_draft_result(const struct edit_draft *draft, struct edit_splices *out)
{
    out->count = 0;
    for (size_t i = 0; i < draft->splices.count; i++) {
        const struct edit_splice *splice = &draft->splices.items[i];
        edit_splices_add(out, splice->start + draft->offset, splice->end + draft->offset, splice->text,
                         splice->length);
    }
}

void edit_draft_release(struct edit_draft *draft)
{
    edit_text_release(&draft->text);
    buf_release(&draft->bytes);
    free(draft->splices.items);
    draft->splices = (struct edit_splices){0};
}
