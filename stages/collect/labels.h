#ifndef TARE_COLLECT_LABELS_H
#define TARE_COLLECT_LABELS_H

/* Labels of one series, as a server tells them: untrusted, any UTF-8. */

#include <stddef.h>

enum { LABELS_MAX = 128 };

/* Borrowed, valid during the call that hands them out. */
struct labels {
    size_t count;
    const char *names[LABELS_MAX];
    const char *values[LABELS_MAX];
};

/* Value of a label, "" when the series has none. Borrowed. */
const char *labels_get(const struct labels *labels, const char *name);

#endif
