#ifndef TARE_COMMON_CLASSES_H
#define TARE_COMMON_CLASSES_H

/* The classes of programs: analyze tells them (stages/analyze/subject/class.h), `match.classes` of policy goes by them. */

#include <stddef.h>

/* All names; *count receives their number. Borrowed, static. */
const char *const *classes_all(size_t *count);

#endif
