#ifndef TARE_TESTS_ROUNDS_H
#define TARE_TESTS_ROUNDS_H

#include <stdlib.h>

/* How many rounds a test with many random cases makes: all of them, under valgrind (which takes fifty times as long, and
 * looks for other things) some of them. */
static inline int rounds_of(int all)
{
    return getenv("UNDER_VALGRIND") == NULL ? all : (all + 127) / 128;
}

#endif
