#include "stages/parse/shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "pipeline/run/artifact.h"

enum { PENDING_MAX = 256 * 1024, WINDOW = 64 * 1024, WHOLE_MAX = 1024 * 1024 };

int shelf_init(struct shelf *shelf, struct err *err)
{
    *shelf = (struct shelf){0};
    buf_init(&shelf->pending, PENDING_MAX + ARTIFACT_LINE_MAX);
    if (fs_spool(&shelf->fd, err)) {
        return -1;
    }
    shelf->open = true;
    return 0;
}

void shelf_release(struct shelf *shelf)
{
    if (shelf->open) {
        close(shelf->fd);
    }
    shelf->open = false;
    buf_release(&shelf->pending);
    free(shelf->window);
    free(shelf->entries);
    shelf->window = NULL;
    shelf->entries = NULL;
    shelf->count = shelf->capacity = shelf->window_size = shelf->window_length = 0;
}

static unsigned char hex_value(char c)
{
    return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void shelf_id(const char *namespace, const char *kind, const char *name, unsigned char id[SHELF_ID])
{
    const char *const parts[] = {namespace, kind, name};
    char hex[DIGEST_HEX];
    struct buf text;
    buf_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        buf_add_str(&text, parts[i] == NULL ? "" : parts[i]);
        buf_add_char(&text, '\0');
    }
    hash_bytes(buf_str(&text), text.length, hex);
    buf_release(&text);
    for (size_t i = 0; i < SHELF_ID; i++) {
        id[i] = (unsigned char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    }
}

static int flush(struct shelf *shelf, struct err *err)
{
    if (fs_write_fd(shelf->fd, buf_str(&shelf->pending), shelf->pending.length, "the spool file", err)) {
        return -1;
    }
    shelf->size += shelf->pending.length;
    buf_clear(&shelf->pending);
    return 0;
}

/* Makes an entry of what was added to the pending bytes since `before`. */
static int add_entry(struct shelf *shelf, const unsigned char *id, size_t before, struct err *err)
{
    struct shelf_entry entry = {.offset = shelf->size + before,
                                .length = (uint32_t)(shelf->pending.length - before)};
    if (id != NULL) {
        entry.known = true;
        memcpy(entry.id, id, SHELF_ID);
    }
    GROW(shelf->entries, shelf->capacity, shelf->count + 1);
    shelf->entries[shelf->count++] = entry;
    return shelf->pending.length > PENDING_MAX ? flush(shelf, err) : 0;
}

int shelf_add(struct shelf *shelf, const unsigned char *id, const json_t *value, struct err *err)
{
    size_t before = shelf->pending.length;
    buf_add_char(&shelf->pending, '\0'); /* no name */
    return json_write(value, &shelf->pending, err) ? -1 : add_entry(shelf, id, before, err);
}

int shelf_add_text(struct shelf *shelf, const unsigned char *id, const char *name, const struct buf *text,
                   struct err *err)
{
    size_t before = shelf->pending.length;
    buf_add(&shelf->pending, name, strlen(name) + 1);
    if (text->overflow || buf_add(&shelf->pending, text->data, text->length)) {
        return err_set(err, ERR_DATA, "the record of %s is larger than %zu bytes", name, text->cap);
    }
    return add_entry(shelf, id, before, err);
}

void shelf_truncate(struct shelf *shelf, size_t count)
{
    shelf->count = count;
}

/* Fills the window from `offset` on; all of these bytes are in the file. */
static int fill_window(struct shelf *shelf, uint64_t offset, size_t length, struct err *err)
{
    shelf->window_length = 0;
    shelf->window_at = offset;
    GROW(shelf->window, shelf->window_size, length);
    while (shelf->window_length < length) {
        size_t got = shelf->window_length;
        ssize_t step = pread(shelf->fd, shelf->window + got, length - got, (off_t)(offset + got));
        if (step < 0 && errno != EINTR) {
            return err_errno(err, ERR_IO, errno, "cannot read the spool file");
        }
        if (step == 0) {
            return err_set(err, ERR_IO, "the spool file is shorter than what was written to it");
        }
        shelf->window_length += step > 0 ? (size_t)step : 0;
    }
    return 0;
}

/* Has an entry in the window: of a small shelf all is; who goes on where the last one ended gets more than an entry. */
static int reach(struct shelf *shelf, const struct shelf_entry *entry, struct err *err)
{
    uint64_t end = shelf->window_at + shelf->window_length;
    if (entry->offset >= shelf->window_at && entry->offset + entry->length <= end) {
        return 0;
    }
    if (shelf->size <= WHOLE_MAX) {
        return fill_window(shelf, 0, (size_t)shelf->size, err);
    }
    bool ahead = entry->offset >= shelf->window_at && entry->offset <= end && entry->length < WINDOW;
    uint64_t left = shelf->size - entry->offset;
    return fill_window(shelf, entry->offset, !ahead ? entry->length : left < WINDOW ? (size_t)left : WINDOW, err);
}

int shelf_read(struct shelf *shelf, const struct shelf_entry *entry, struct shelf_item *item, struct err *err)
{
    if (entry->offset + entry->length > shelf->size && flush(shelf, err)) {
        return -1;
    }
    if (reach(shelf, entry, err)) {
        return -1;
    }
    item->name = shelf->window + (entry->offset - shelf->window_at);
    size_t used = strlen(item->name) + 1;
    item->text = item->name + used;
    item->length = entry->length - used;
    return 0;
}

int shelf_get(struct shelf *shelf, const struct shelf_entry *entry, json_t **value, struct err *err)
{
    struct shelf_item item;
    if (shelf_read(shelf, entry, &item, err)) {
        return -1;
    }
    *value = json_read(item.text, item.length, "the spool file", err);
    return *value == NULL ? -1 : 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct shelf_entry *left = a;
    const struct shelf_entry *right = b;
    int order = memcmp(left->id, right->id, SHELF_ID);
    return order != 0 ? order : (left->offset > right->offset) - (left->offset < right->offset);
}

void shelf_sort(struct shelf *shelf)
{
    if (shelf->count > 1) {
        qsort(shelf->entries, shelf->count, sizeof *shelf->entries, compare_entries);
    }
}

/* How many entries of a sorted shelf come before an id; `past`: before what follows it. */
static size_t count_before(const struct shelf *shelf, const unsigned char *id, bool past)
{
    size_t low = 0;
    size_t high = shelf->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(shelf->entries[middle].id, id, SHELF_ID) < past) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct shelf_entry *shelf_find(const struct shelf *shelf, const unsigned char id[SHELF_ID],
                                     size_t *count)
{
    size_t first = count_before(shelf, id, false);
    bool found = first < shelf->count && memcmp(shelf->entries[first].id, id, SHELF_ID) == 0;
    *count = found ? count_before(shelf, id, true) - first : 0;
    return found ? &shelf->entries[first] : NULL;
}
