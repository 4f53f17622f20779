#ifndef TARE_COLLECT_THREADS_H
#define TARE_COLLECT_THREADS_H

/* Several threads at one work, while the calling one keeps the time. */

#include <stddef.h>

struct threads_work {
    void (*run)(void *context, size_t thread); /* called once in each thread; it takes its share until nothing is left */
    void *context;
    void (*tick)(void *context); /* called in the calling thread about four times a second; NULL: never */
    void *tick_context;
};

/* Runs the work in `count` threads (at least one) and returns when all are done. Where the system gives fewer threads, in
 * those; where it gives none, in the calling one. */
void threads_run(size_t count, const struct threads_work *work);

#endif
