#include "stages/common/edit/unidiff.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/mem.h"

enum { CONTEXT = 3 };

/* Whole lines [start, end) of the original and what takes their place. */
struct region {
    size_t start;
    size_t end;
    const char *text;
    size_t length;
};

struct regions {
    struct region *items;
    size_t count;
    size_t capacity;
};

/* A position in the original, with its line (from 0). */
struct place {
    size_t offset;
    size_t line;
};

static size_t line_start(const char *bytes, size_t offset)
{
    while (offset > 0 && bytes[offset - 1] != '\n') {
        offset--;
    }
    return offset;
}

/* Offset behind the line of `offset`, its end included. */
static size_t line_after(const char *bytes, size_t length, size_t offset)
{
    const char *feed = memchr(bytes + offset, '\n', length - offset);
    return feed == NULL ? length : (size_t)(feed - bytes) + 1;
}

static size_t count_lines(const char *bytes, size_t length)
{
    size_t count = 0;
    for (size_t at = 0; at < length; at = line_after(bytes, length, at)) {
        count++;
    }
    return count;
}

static bool ends_line(const struct buf *text)
{
    return text->length == 0 || text->data[text->length - 1] == '\n';
}

/* Adds splices from *index on as long as they share lines; the region's text is built in `text`. */
static struct region next_region(const char *bytes, size_t length, const struct edit_splices *splices,
                                 size_t *index, struct buf *text)
{
    struct region region = {.start = line_start(bytes, splices->items[*index].start)};
    size_t at = region.start;
    buf_clear(text);
    for (;;) {
        const struct edit_splice *splice = &splices->items[(*index)++];
        buf_add(text, bytes + at, splice->start - at);
        buf_add(text, splice->text, splice->length);
        at = splice->end;
        size_t next = *index < splices->count ? splices->items[*index].start : length + 1;
        bool at_start = at == 0 || bytes[at - 1] == '\n';
        size_t end = at_start && ends_line(text) ? at : line_after(bytes, length, at);
        bool apart = next > length || (next != at && line_start(bytes, next) >= end);
        if (apart) {
            buf_add(text, bytes + at, end - at);
            region.end = end;
            return region;
        }
    }
}

/* Leaves out lines that are the same at the start and the end of both sides. */
static void trim(const char *bytes, struct region *region)
{
    while (region->start < region->end && region->length > 0) {
        size_t old = line_after(bytes, region->end, region->start) - region->start;
        if (line_after(region->text, region->length, 0) != old ||
            memcmp(bytes + region->start, region->text, old) != 0) {
            break;
        }
        region->start += old;
        region->text += old;
        region->length -= old;
    }
    while (region->start < region->end && region->length > 0) {
        size_t old = line_start(bytes, region->end - 1);
        size_t new = line_start(region->text, region->length - 1);
        old = old < region->start ? region->start : old;
        if (region->end - old != region->length - new ||
            memcmp(bytes + old, region->text + new, region->length - new) != 0) {
            break;
        }
        region->end = old;
        region->length = new;
    }
}

static int collect(const char *bytes, size_t length, const struct edit_splices *splices,
                   struct regions *regions, struct arena *arena, size_t cap, struct err *err)
{
    struct buf text;
    buf_init(&text, cap);
    for (size_t index = 0; index < splices->count;) {
        struct region region = next_region(bytes, length, splices, &index, &text);
        if (text.overflow) {
            buf_release(&text);
            return err_set(err, ERR_DATA, "the patch is larger than %zu bytes", cap);
        }
        region.text = arena_strndup(arena, buf_str(&text), text.length);
        region.length = text.length;
        trim(bytes, &region);
        if (region.start < region.end || region.length > 0) {
            GROW(regions->items, regions->capacity, regions->count + 1);
            regions->items[regions->count++] = region;
        }
    }
    buf_release(&text);
    return 0;
}

static void write_lines(struct buf *out, char mark, const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t next = line_after(text, length, at);
        buf_add_char(out, mark);
        buf_add(out, text + at, next - at);
        if (text[next - 1] != '\n') {
            buf_add_str(out, "\n\\ No newline at end of file\n");
        }
        at = next;
    }
}

/* Up to CONTEXT lines before `offset`, not before `floor`. */
static size_t context_before(const char *bytes, size_t offset, size_t floor)
{
    for (int i = 0; i < CONTEXT && offset > floor; i++) {
        offset = line_start(bytes, offset - 1);
    }
    return offset < floor ? floor : offset;
}

static size_t context_after(const char *bytes, size_t length, size_t offset, int lines)
{
    for (int i = 0; i < lines && offset < length; i++) {
        offset = line_after(bytes, length, offset);
    }
    return offset;
}

/* "12,7", with the line before for no lines at all. */
static void write_range(struct buf *out, char mark, size_t first, size_t count)
{
    buf_printf(out, "%c%zu", mark, count == 0 ? first : first + 1);
    if (count != 1) {
        buf_printf(out, ",%zu", count);
    }
}

/* Writes regions [from, to) as one hunk. *place is where the last one ended, *shift what lines were added so
 * far. */
static void write_hunk(const char *bytes, size_t length, const struct region *from, const struct region *to,
                       struct place *place, long *shift, struct buf *out)
{
    size_t start = context_before(bytes, from->start, place->offset);
    size_t end = context_after(bytes, length, to[-1].end, CONTEXT);
    size_t first = place->line + count_lines(bytes + place->offset, start - place->offset);
    size_t old_lines = count_lines(bytes + start, end - start);
    long change = 0;
    for (const struct region *at = from; at < to; at++) {
        change += (long)count_lines(at->text, at->length) -
                  (long)count_lines(bytes + at->start, at->end - at->start);
    }
    buf_add_str(out, "@@ ");
    write_range(out, '-', first, old_lines);
    buf_add_char(out, ' ');
    write_range(out, '+', (size_t)((long)first + *shift), (size_t)((long)old_lines + change));
    buf_add_str(out, " @@\n");
    size_t at = start;
    for (const struct region *region = from, *next; region < to; region = next) {
        for (next = region + 1; next < to && next->start == next[-1].end; next++) {
        }
        write_lines(out, ' ', bytes + at, region->start - at);
        write_lines(out, '-', bytes + region->start, next[-1].end - region->start);
        for (const struct region *one = region; one < next; one++) {
            write_lines(out, '+', one->text, one->length);
        }
        at = next[-1].end;
    }
    write_lines(out, ' ', bytes + at, end - at);
    *shift += change;
    place->line = first + old_lines;
    place->offset = end;
}

/* A file name as both programs read it: in C quotes where it holds quotes, backslashes or control bytes; with
 * a tab behind it where it holds blanks. */
static void write_name(struct buf *out, const char *mark, const char *side, const char *path)
{
    bool quoted = false;
    for (const char *p = path; *p != '\0'; p++) {
        quoted = quoted || (unsigned char)*p < 0x20 || *p == '"' || *p == '\\' || *p == 0x7f;
    }
    buf_printf(out, "%s %s%s", mark, quoted ? "\"" : "", side);
    for (const char *p = path; *p != '\0'; p++) {
        if (quoted && (*p == '"' || *p == '\\')) {
            buf_printf(out, "\\%c", *p);
        } else if ((unsigned char)*p < 0x20 || *p == 0x7f) {
            buf_printf(out, "\\%03o", (unsigned)(unsigned char)*p);
        } else {
            buf_add_char(out, *p);
        }
    }
    buf_add_str(out, quoted ? "\"\n" : strchr(path, ' ') != NULL ? "\t\n" : "\n");
}

int unidiff_write(const char *path, const char *bytes, size_t length, const struct edit_splices *splices,
                  struct buf *out, struct err *err)
{
    struct regions regions = {0};
    struct arena arena;
    struct place place = {0};
    long shift = 0;
    arena_init(&arena);
    int failed = collect(bytes, length, splices, &regions, &arena, out->cap, err);
    if (!failed && regions.count > 0) {
        write_name(out, "---", "a/", path);
        write_name(out, "+++", "b/", path);
    }
    for (size_t i = 0, next; i < regions.count && !failed; i = next) {
        for (next = i + 1; next < regions.count; next++) {
            if (context_after(bytes, length, regions.items[next - 1].end, 2 * CONTEXT) <
                regions.items[next].start) {
                break;
            }
        }
        write_hunk(bytes, length, &regions.items[i], &regions.items[0] + next, &place, &shift, out);
    }
    free(regions.items);
    arena_release(&arena);
    if (!failed && out->overflow) {
        failed = err_set(err, ERR_DATA, "the patch is larger than %zu bytes", out->cap);
    }
    return failed ? -1 : 0;
}

int unidiff_new(const char *path, const char *bytes, size_t length, struct buf *out, struct err *err)
{
    if (length > 0) {
        buf_add_str(out, "--- /dev/null\n");
        write_name(out, "+++", "b/", path);
        buf_add_str(out, "@@ -0,0 ");
        write_range(out, '+', 0, count_lines(bytes, length));
        buf_add_str(out, " @@\n");
        write_lines(out, '+', bytes, length);
    }
    return out->overflow ? err_set(err, ERR_DATA, "the patch is larger than %zu bytes", out->cap) : 0;
}
