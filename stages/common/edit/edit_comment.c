#include "stages/common/edit/edit_comment.h"

#include <string.h>

/* A search at work: where it is in the text. */
struct search {
    struct arena *arena;
    const char *bytes;
    size_t at;
    size_t end;
    struct edit_comments found;
};

static void add(struct search *search, size_t start, size_t end)
{
    struct edit_comments *found = &search->found;
    if (found->count == found->capacity) {
        size_t capacity = found->capacity == 0 ? 8 : found->capacity * 2;
        struct edit_comment *items = arena_alloc_array(search->arena, capacity, sizeof *items);
        for (size_t i = 0; i < found->count; i++) {
            items[i] = found->items[i];
        }
        found->items = items;
        found->capacity = capacity;
    }
    found->items[found->count++] = (struct edit_comment){.start = start, .end = end};
}

/* Reads on to `to`: nothing but structure and comments is there. */
static void skim(struct search *search, size_t to)
{
    const char *bytes = search->bytes;
    for (to = to > search->end ? search->end : to; search->at < to; search->at++) {
        size_t at = search->at;
        if (bytes[at] != '#' || (at > 0 && strchr(" \t\r\n", bytes[at - 1]) == NULL)) {
            continue;
        }
        while (search->at < to && bytes[search->at] != '\n' && bytes[search->at] != '\r') {
            search->at++;
        }
        add(search, at, search->at);
    }
}

/* Goes past a node. The head of a block scalar ("|-") may have a comment; its text has none. */
static void pass(struct search *search, const struct yaml_node *node)
{
    if (node->kind != YAML_KIND_SCALAR && node->kind != YAML_KIND_ALIAS) {
        for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
            pass(search, child);
        }
        return;
    }
    skim(search, node->start);
    if (node->kind == YAML_KIND_SCALAR &&
        (node->style == YAML_STYLE_LITERAL || node->style == YAML_STYLE_FOLDED)) {
        const char *feed = memchr(search->bytes + node->value, '\n', node->end - node->value);
        skim(search, feed == NULL ? node->end : (size_t)(feed - search->bytes));
    }
    search->at = node->end > search->at ? node->end : search->at;
}

struct edit_comments edit_comments_in(struct arena *arena, const char *bytes, size_t start, size_t end,
                                      const struct yaml_node *first, size_t count)
{
    struct search search = {.arena = arena, .bytes = bytes, .at = start, .end = end};
    for (const struct yaml_node *node = first; node != NULL && count > 0; node = node->next, count--) {
        pass(&search, node);
    }
    skim(&search, end);
    return search.found;
}

const struct edit_comment *edit_comment_within(const struct edit_comments *comments, size_t start, size_t end)
{
    for (size_t i = 0; i < comments->count; i++) {
        if (comments->items[i].start >= start && comments->items[i].start < end) {
            return &comments->items[i];
        }
    }
    return NULL;
}
