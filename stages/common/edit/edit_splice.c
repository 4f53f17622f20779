#include "stages/common/edit/edit_splice.h"

#include <stdint.h>

#include "pipeline/base/mem.h"

void edit_splices_add(struct edit_splices *splices, size_t start, size_t end, const char *text, size_t length)
{
    GROW(splices->items, splices->capacity, splices->count + 1);
    splices->items[splices->count++] =
        (struct edit_splice){.start = start, .end = end, .text = text, .length = length};
}

static int compare(const struct edit_splice *left, const struct edit_splice *right)
{
    if (left->start != right->start) {
        return left->start < right->start ? -1 : 1;
    }
    if (left->end != right->end) { /* an insertion comes before what is replaced behind it */
        return left->end < right->end ? -1 : 1;
    }
    return 0;
}

/* Insertion sort: they are few, or sorted. */
void edit_splices_sort(struct edit_splices *splices)
{
    for (size_t i = 1; i < splices->count; i++) {
        struct edit_splice moved = splices->items[i];
        size_t at = i;
        for (; at > 0 && compare(&splices->items[at - 1], &moved) > 0; at--) {
            splices->items[at] = splices->items[at - 1];
        }
        splices->items[at] = moved;
    }
}

bool edit_splices_overlap(const struct edit_splices *splices)
{
    for (size_t i = 1; i < splices->count; i++) {
        if (splices->items[i].start < splices->items[i - 1].end) {
            return true;
        }
    }
    return false;
}

bool edit_splices_collide(const struct edit_splices *others, const struct edit_splices *some)
{
    for (size_t i = others->count; i > 0 && some->count > 0; i--) {
        const struct edit_splice *old = &others->items[i - 1];
        if (old->end < some->items[0].start) {
            break;
        }
        for (size_t j = 0; j < some->count; j++) {
            if (old->start < some->items[j].end && some->items[j].start < old->end) {
                return true;
            }
        }
    }
    return false;
}

void edit_splices_merge(struct edit_splices *to, const struct edit_splices *from)
{
    GROW(to->items, to->capacity, to->count + from->count + 1);
    for (size_t i = 0; i < from->count; i++) {
        to->items[to->count++] = from->items[i];
    }
    edit_splices_sort(to);
}

int edit_splices_apply(const char *bytes, size_t length, const struct edit_splices *splices, struct buf *out,
                       struct err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < splices->count; i++) {
        const struct edit_splice *splice = &splices->items[i];
        if (splice->start < at || splice->end < splice->start || splice->end > length) {
            return err_set(err, ERR_SOFTWARE, "the changes of a manifest are not in order");
        }
        buf_add(out, bytes + at, splice->start - at);
        buf_add(out, splice->text, splice->length);
        at = splice->end;
    }
    buf_add(out, bytes + at, length - at);
    if (out->overflow) {
        return err_set(err, ERR_DATA, "the changed manifest is larger than %zu bytes", out->cap);
    }
    return 0;
}

/* Two sets of splices walked side by side, in places of the text between them. */
struct composition {
    const struct edit_splices *first;
    const struct edit_splices *second;
    size_t i;
    size_t j;
    size_t added; /* bytes that `first` added up to here; wraps around where it took away */
};

/* Where the next splice of `first` put its text. */
static size_t next_first(const struct composition *c)
{
    return c->i < c->first->count ? c->first->items[c->i].start + c->added : SIZE_MAX;
}

static size_t next_second(const struct composition *c)
{
    return c->j < c->second->count ? c->second->items[c->j].start : SIZE_MAX;
}

/* Adds to `text` what `second` makes of [from, to) of the text between. */
static void write_middle(const struct composition *c, size_t j, const char *middle, size_t from, size_t to,
                         struct buf *text)
{
    for (; j < c->j; j++) {
        const struct edit_splice *splice = &c->second->items[j];
        buf_add(text, middle + from, splice->start - from);
        buf_add(text, splice->text, splice->length);
        from = splice->end;
    }
    buf_add(text, middle + from, to - from);
}

/* Splices of both sets that touch become one. */
void edit_splices_compose(const struct edit_splices *first, const struct edit_splices *second,
                          const char *middle, struct arena *arena, struct edit_splices *out)
{
    struct composition c = {.first = first, .second = second};
    struct buf text;
    buf_init(&text, SIZE_MAX / 2);
    while (c.i < first->count || c.j < second->count) {
        size_t j = c.j;
        size_t added = c.added;
        size_t from = next_first(&c) < next_second(&c) ? next_first(&c) : next_second(&c);
        size_t to = from;
        while (next_first(&c) <= to || next_second(&c) <= to) {
            size_t end;
            if (next_first(&c) <= to) {
                const struct edit_splice *splice = &first->items[c.i];
                end = next_first(&c) + splice->length;
                c.added += splice->length - (splice->end - splice->start);
                c.i++;
            } else {
                end = second->items[c.j++].end;
            }
            to = end > to ? end : to;
        }
        buf_clear(&text);
        write_middle(&c, j, middle, from, to, &text);
        edit_splices_add(out, from - added, to - c.added, arena_strndup(arena, buf_str(&text), text.length),
                         text.length);
    }
    buf_release(&text);
}
