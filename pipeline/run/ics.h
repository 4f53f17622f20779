#ifndef TARE_RUN_ICS_H
#define TARE_RUN_ICS_H

/*
 * The form of an iCalendar file (RFC 5545 §3.1, §3.4): content lines, unfolded and taken apart, and the components they stand
 * in. Read strictly and with line numbers, which no library gives: a line that is not understood refuses the file with its
 * number. What the values mean is ics_value.h's; untrusted, bounded in bytes, length of a line, depth and number of components.
 */

#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"

enum { ICS_BYTES_MAX = 1024 * 1024, ICS_LINE_MAX = 64 * 1024, ICS_DEPTH_MAX = 4, ICS_PARTS_MAX = 40000 };

/* A property: name in capitals; of its parameters those that change what the value means (NULL where they are not given). */
struct ics_line {
    size_t number; /* line of the file it begins on */
    size_t part;   /* index of the component it stands in */
    const char *name;
    const char *value;
    const char *tzid;
    const char *type;  /* VALUE */
    const char *range; /* RANGE */
};

/* A component: its lines are those of [first, last) whose `part` is its index. */
struct ics_part {
    const char *name; /* in capitals */
    size_t number;
    size_t parent; /* index; its own for a VCALENDAR */
    size_t first;
    size_t last;
};

struct ics {
    struct ics_line *lines;
    size_t line_count;
    size_t line_capacity;
    struct ics_part *parts;
    size_t part_count;
    size_t part_capacity;
    size_t fault; /* line of the last refusal */
};

/* Takes a file apart. Texts are the arena's. ERR_CONFIG with a sentence; out->fault is its line. Release with ics_release, also
 * after a failure. */
int ics_read(const char *text, size_t length, struct arena *arena, struct ics *out, struct err *err);

/* Frees what the arena does not hold. */
void ics_release(struct ics *ics);

/* The only property `name` of a component; *out is NULL where there is none. ERR_CONFIG where there are several. */
int ics_one(struct ics *ics, size_t part, const char *name, const struct ics_line **out, struct err *err);

/* Notes the line of a refusal. Returns -1. */
int ics_fault(struct ics *ics, size_t number);

#endif
