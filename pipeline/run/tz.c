#include "pipeline/run/tz.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/tz_rule.h"

enum {
    FILE_MAX = 1024 * 1024,
    NAME_LIMIT = 100,
    HEADER_SIZE = 44,
    TYPE_SIZE = 6,
    OFFSET_LIMIT = 26 * 3600, /* RFC 9636: no offset reaches 26 hours */
    REACH = 2 * OFFSET_LIMIT
};

/* Far outside any date, and far enough from overflow. */
static const int64_t INSTANT_LIMIT = INT64_C(1) << 60;

struct tz {
    size_t count;    /* stored transitions */
    int64_t *at;     /* their instants, ascending */
    int64_t *offset; /* the offset from each on */
    int64_t initial; /* the offset before the first */
    bool has_rule;
    struct tz_rule rule;
};

/* The six counts of a TZif header. */
struct counts {
    char version;
    size_t utc;
    size_t standard;
    size_t leap;
    size_t time;
    size_t type;
    size_t letters;
};

/* A run of bytes that is read front to back. */
struct cursor {
    const unsigned char *at;
    size_t left;
    const char *name;
};

static int damaged(const struct cursor *cursor, const char *what, struct err *err)
{
    return err_set(err, ERR_CONFIG, "the time zone file of %s is damaged: %s", cursor->name, what);
}

static int64_t big_endian(const unsigned char *bytes, size_t size)
{
    uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++) {
        value = (value << 8) | bytes[i];
    }
    return (int64_t)value;
}

/* Takes `size` bytes; NULL (and an error) where there are fewer. */
static const unsigned char *take(struct cursor *cursor, size_t size, struct err *err)
{
    if (size > cursor->left) {
        damaged(cursor, "it is cut short", err);
        return NULL;
    }
    const unsigned char *bytes = cursor->at;
    cursor->at += size;
    cursor->left -= size;
    return bytes;
}

static int read_header(struct cursor *cursor, struct counts *out, struct err *err)
{
    const unsigned char *bytes = take(cursor, HEADER_SIZE, err);
    if (bytes == NULL) {
        return -1;
    }
    if (memcmp(bytes, "TZif", 4) != 0) {
        return err_set(err, ERR_CONFIG, "%s is not a time zone", cursor->name);
    }
    size_t values[6];
    for (size_t i = 0; i < 6; i++) {
        int64_t value = big_endian(bytes + 20 + 4 * i, 4);
        if (value < 0 || value > FILE_MAX) {
            return damaged(cursor, "a count in its header is out of range", err);
        }
        values[i] = (size_t)value;
    }
    *out = (struct counts){(char)bytes[4], values[0], values[1], values[2], values[3], values[4], values[5]};
    if (out->type == 0) {
        return damaged(cursor, "it names no local time", err);
    }
    return 0;
}

/* Size of the data block after a header whose times take `width` bytes. */
static size_t block_size(const struct counts *counts, size_t width)
{
    return counts->time * (width + 1) + counts->type * TYPE_SIZE + counts->letters +
           counts->leap * (width + 4) + counts->standard + counts->utc;
}

static int read_transitions(struct tz *tz, const struct cursor *cursor, const struct counts *counts,
                            const unsigned char *block, size_t width, struct err *err)
{
    const unsigned char *index = block + counts->time * width;
    const unsigned char *types = index + counts->time;
    for (size_t i = 0; i < counts->type; i++) {
        int64_t offset = big_endian(types + i * TYPE_SIZE, 4);
        if (offset <= -OFFSET_LIMIT || offset >= OFFSET_LIMIT) {
            return damaged(cursor, "an offset is out of range", err);
        }
    }
    tz->count = counts->time;
    tz->at = xcalloc_array(counts->time, sizeof *tz->at);
    tz->offset = xcalloc_array(counts->time, sizeof *tz->offset);
    tz->initial = big_endian(types, 4);
    for (size_t i = 0; i < counts->time; i++) {
        tz->at[i] = big_endian(block + i * width, width);
        if (index[i] >= counts->type || tz->at[i] < -INSTANT_LIMIT || tz->at[i] > INSTANT_LIMIT ||
            (i > 0 && tz->at[i] <= tz->at[i - 1])) {
            return damaged(cursor, "its transitions are out of order", err);
        }
        tz->offset[i] = big_endian(types + index[i] * TYPE_SIZE, 4);
    }
    return 0;
}

static int read_block(struct tz *tz, struct cursor *cursor, const struct counts *counts, size_t width,
                      struct err *err)
{
    if (counts->leap != 0) {
        return err_set(err, ERR_CONFIG,
                       "the time zone %s counts leap seconds, which UTC instants do not have", cursor->name);
    }
    const unsigned char *block = take(cursor, block_size(counts, width), err);
    return block == NULL ? -1 : read_transitions(tz, cursor, counts, block, width, err);
}

/* The line between two newlines after the 64-bit block: a POSIX TZ string, or nothing. */
static int read_footer(struct tz *tz, struct cursor *cursor, struct err *err)
{
    const unsigned char *end = cursor->left < 2 ? NULL : memchr(cursor->at + 1, '\n', cursor->left - 1);
    if (end == NULL || cursor->at[0] != '\n') {
        return damaged(cursor, "its footer is missing", err);
    }
    size_t length = (size_t)(end - cursor->at) - 1;
    if (length == 0) {
        return 0;
    }
    char *text = xstrndup((const char *)cursor->at + 1, length);
    int failed = tz_rule_parse(text, &tz->rule) ? damaged(cursor, "its footer rule cannot be read", err) : 0;
    tz->has_rule = !failed;
    free(text);
    return failed;
}

static int read_all(struct tz *tz, struct cursor *cursor, struct err *err)
{
    struct counts counts;
    if (read_header(cursor, &counts, err)) {
        return -1;
    }
    if (counts.version == '\0') {
        return read_block(tz, cursor, &counts, 4, err);
    }
    if (take(cursor, block_size(&counts, 4), err) == NULL || read_header(cursor, &counts, err)) {
        return -1;
    }
    return read_block(tz, cursor, &counts, 8, err) || read_footer(tz, cursor, err) ? -1 : 0;
}

int tz_parse(const void *bytes, size_t length, const char *name, struct tz **out, struct err *err)
{
    struct tz *tz = xcalloc(sizeof *tz);
    struct cursor cursor = {bytes, length, name};
    if (read_all(tz, &cursor, err)) {
        tz_free(tz);
        return -1;
    }
    *out = tz;
    return 0;
}

int tz_make(int64_t initial, size_t count, const int64_t *at, const int64_t *offset, struct tz **out, struct err *err)
{
    bool good = initial > -OFFSET_LIMIT && initial < OFFSET_LIMIT;
    for (size_t i = 0; good && i < count; i++) {
        good = at[i] >= -INSTANT_LIMIT && at[i] <= INSTANT_LIMIT && offset[i] > -OFFSET_LIMIT && offset[i] < OFFSET_LIMIT &&
               (i == 0 || at[i] > at[i - 1]);
    }
    if (!good) {
        return err_set(err, ERR_CONFIG, "the changes of the time zone are out of order");
    }
    struct tz *tz = xcalloc(sizeof *tz);
    tz->initial = initial;
    tz->count = count;
    tz->at = xcalloc_array(count, sizeof *tz->at);
    tz->offset = xcalloc_array(count, sizeof *tz->offset);
    for (size_t i = 0; i < count; i++) {
        tz->at[i] = at[i];
        tz->offset[i] = offset[i];
    }
    *out = tz;
    return 0;
}

/* Names that the database uses: letters, digits, "_", "-", "+", parts joined by "/". Files that mean another
 * zone on every machine ("localtime") or count differently ("posixrules") are no zones. */
static bool name_is_plausible(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_LIMIT || !isalpha((unsigned char)name[0]) || name[length - 1] == '/' ||
        strstr(name, "//") != NULL || str_equal(name, "localtime") || str_equal(name, "posixrules")) {
        return false;
    }
    for (const char *p = name; *p != '\0'; p++) {
        if (!isalnum((unsigned char)*p) && strchr("_-+/", *p) == NULL) {
            return false;
        }
    }
    return true;
}

static int not_a_zone(const char *name, const char *dir, struct err *err)
{
    err_set(err, ERR_CONFIG, "\"%s\" is not a time zone", name);
    return err_hint(
        err, "use a name of the IANA database, such as Europe/Berlin; they are the files below %s", dir);
}

int tz_load(const char *name, struct tz **out, struct err *err)
{
    if (str_equal(name, "UTC")) {
        *out = xcalloc(sizeof **out);
        return 0;
    }
    const char *dir = getenv("TZDIR");
    dir = dir == NULL || *dir == '\0' ? "/usr/share/zoneinfo" : dir;
    if (!name_is_plausible(name)) {
        return not_a_zone(name, dir, err);
    }
    char *path = fs_join(dir, name);
    struct buf bytes;
    buf_init(&bytes, FILE_MAX);
    int failed = fs_read(path, &bytes, NULL) ? not_a_zone(name, dir, err)
                                             : tz_parse(bytes.data, bytes.length, name, out, err);
    buf_release(&bytes);
    free(path);
    return failed;
}

void tz_free(struct tz *tz)
{
    if (tz != NULL) {
        free(tz->at);
        free(tz->offset);
        free(tz);
    }
}

/* Number of stored transitions at or before an instant. */
static size_t passed(const struct tz *tz, int64_t instant)
{
    size_t low = 0;
    size_t high = tz->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tz->at[middle] <= instant) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Seconds east of UTC at an instant. */
static int64_t tz_offset(const struct tz *tz, int64_t instant)
{
    size_t index = passed(tz, instant);
    if (tz->has_rule && index == tz->count) {
        return tz_rule_offset(&tz->rule, instant);
    }
    return index == 0 ? tz->initial : tz->offset[index - 1];
}

/* The first transition after an instant; INT64_MAX where there is none. */
static int64_t next_transition(const struct tz *tz, int64_t instant)
{
    size_t index = passed(tz, instant);
    if (index < tz->count) {
        return tz->at[index];
    }
    return tz->has_rule ? tz_rule_next(&tz->rule, instant) : INT64_MAX;
}

int64_t tz_instant(const struct tz *tz, int64_t wall)
{
    int64_t from = wall - REACH;
    for (;;) {
        int64_t offset = tz_offset(tz, from);
        int64_t until = next_transition(tz, from);
        if (wall < from + offset) {
            return from; /* clocks jumped over this reading at `from` */
        }
        if (until == INT64_MAX || wall < until + offset) {
            return wall - offset;
        }
        from = until;
    }
}

int64_t tz_wall(const struct tz *tz, int64_t instant)
{
    return instant + tz_offset(tz, instant);
}

int64_t tz_wall_reached(const struct tz *tz, int64_t instant)
{
    int64_t reached = instant + tz_offset(tz, instant);
    int64_t from = instant - REACH;
    for (int64_t until = next_transition(tz, from); until <= instant; until = next_transition(tz, from)) {
        int64_t last = until - 1 + tz_offset(tz, from);
        reached = last > reached ? last : reached;
        from = until;
    }
    return reached;
}
