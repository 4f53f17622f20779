#include "stages/parse/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "pipeline/run/artifact.h"

enum { PENDING_MAX = 256 * 1024 };

int spool_init(struct spool *spool, struct err *err)
{
    *spool = (struct spool){0};
    buf_init(&spool->pending, PENDING_MAX + ARTIFACT_LINE_MAX);
    if (fs_spool(&spool->fd, err)) {
        return -1;
    }
    spool->open = true;
    return 0;
}

void spool_release(struct spool *spool)
{
    if (spool->open) {
        close(spool->fd);
    }
    spool->open = false;
    buf_release(&spool->pending);
    free(spool->entries);
    spool->entries = NULL;
    spool->count = spool->capacity = 0;
}

static void add_part(struct hash *hash, const char *part)
{
    hash_add(hash, part == NULL ? "" : part, part == NULL ? 1 : strlen(part) + 1);
}

static unsigned char hex_value(char c)
{
    return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void spool_id(const char *namespace, const char *kind, const char *name, unsigned char id[SPOOL_ID])
{
    char hex[DIGEST_HEX];
    struct hash *hash = hash_new();
    add_part(hash, namespace);
    add_part(hash, kind);
    add_part(hash, name);
    hash_hex(hash, hex);
    hash_free(hash);
    for (size_t i = 0; i < SPOOL_ID; i++) {
        id[i] = (unsigned char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    }
}

static int flush(struct spool *spool, struct err *err)
{
    if (fs_write_fd(spool->fd, buf_str(&spool->pending), spool->pending.length, "the spool file", err)) {
        return -1;
    }
    spool->size += spool->pending.length;
    buf_clear(&spool->pending);
    return 0;
}

int spool_add(struct spool *spool, const unsigned char *id, const json_t *value, struct err *err)
{
    size_t before = spool->pending.length;
    if (json_write(value, &spool->pending, err)) {
        return -1;
    }
    struct spool_entry entry = {.offset = spool->size + before, .length = (uint32_t)(spool->pending.length - before)};
    if (id != NULL) {
        entry.known = true;
        memcpy(entry.id, id, SPOOL_ID);
    }
    GROW(spool->entries, spool->capacity, spool->count + 1);
    spool->entries[spool->count++] = entry;
    return spool->pending.length > PENDING_MAX ? flush(spool, err) : 0;
}

void spool_truncate(struct spool *spool, size_t count)
{
    spool->count = count;
}

static int read_at(const struct spool *spool, const struct spool_entry *entry, char *into, struct err *err)
{
    for (size_t got = 0; got < entry->length;) {
        ssize_t step = pread(spool->fd, into + got, entry->length - got, (off_t)(entry->offset + got));
        if (step < 0 && errno != EINTR) {
            return err_errno(err, ERR_IO, errno, "cannot read the spool file");
        }
        if (step == 0) {
            return err_set(err, ERR_IO, "the spool file is shorter than what was written to it");
        }
        got += step > 0 ? (size_t)step : 0;
    }
    return 0;
}

int spool_get(struct spool *spool, const struct spool_entry *entry, json_t **value, struct err *err)
{
    if (entry->offset + entry->length > spool->size && flush(spool, err)) {
        return -1;
    }
    char *text = xcalloc((size_t)entry->length + 1);
    int failed = read_at(spool, entry, text, err);
    if (!failed) {
        *value = json_read(text, entry->length, "the spool file", err);
        failed = *value == NULL ? -1 : 0;
    }
    free(text);
    return failed;
}

static int compare_entries(const void *a, const void *b)
{
    const struct spool_entry *left = a;
    const struct spool_entry *right = b;
    int order = memcmp(left->id, right->id, SPOOL_ID);
    return order != 0 ? order : (left->offset > right->offset) - (left->offset < right->offset);
}

void spool_sort(struct spool *spool)
{
    if (spool->count > 1) {
        qsort(spool->entries, spool->count, sizeof *spool->entries, compare_entries);
    }
}

const struct spool_entry *spool_find(const struct spool *spool, const unsigned char id[SPOOL_ID], size_t *count)
{
    size_t low = 0;
    size_t high = spool->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(spool->entries[middle].id, id, SPOOL_ID) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *count = 0;
    while (low + *count < spool->count && memcmp(spool->entries[low + *count].id, id, SPOOL_ID) == 0) {
        ++*count;
    }
    return *count == 0 ? NULL : &spool->entries[low];
}
