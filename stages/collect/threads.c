#include "stages/collect/threads.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "pipeline/base/mem.h"

enum { TICK_NANOSECONDS = 250 * 1000 * 1000, NANOSECONDS = 1000 * 1000 * 1000 };

struct crew {
    const struct threads_work *work;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t running;
};

struct member {
    struct crew *crew;
    pthread_t thread;
    size_t number;
};

static void *run_member(void *argument)
{
    struct member *member = argument;
    struct crew *crew = member->crew;
    crew->work->run(crew->work->context, member->number);
    pthread_mutex_lock(&crew->mutex);
    crew->running--;
    pthread_cond_signal(&crew->changed);
    pthread_mutex_unlock(&crew->mutex);
    return NULL;
}

static struct timespec next_tick(void)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_nsec += TICK_NANOSECONDS;
    if (at.tv_nsec >= NANOSECONDS) {
        at.tv_sec++;
        at.tv_nsec -= NANOSECONDS;
    }
    return at;
}

static void wait_for(struct crew *crew)
{
    pthread_mutex_lock(&crew->mutex);
    while (crew->running > 0) {
        struct timespec until = next_tick();
        if (pthread_cond_timedwait(&crew->changed, &crew->mutex, &until) != 0 && crew->work->tick != NULL) {
            pthread_mutex_unlock(&crew->mutex);
            crew->work->tick(crew->work->tick_context);
            pthread_mutex_lock(&crew->mutex);
        }
    }
    pthread_mutex_unlock(&crew->mutex);
}

void threads_run(size_t count, const struct threads_work *work)
{
    struct crew crew = {.work = work, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct member *members = xcalloc_array(count, sizeof *members);
    size_t started = 0;
    crew.running = count;
    for (; started < count; started++) {
        members[started] = (struct member){.crew = &crew, .number = started};
        if (pthread_create(&members[started].thread, NULL, run_member, &members[started]) != 0) {
            break;
        }
    }
    if (started < count) {
        pthread_mutex_lock(&crew.mutex);
        crew.running -= count - started;
        pthread_mutex_unlock(&crew.mutex);
    }
    if (started == 0) {
        work->run(work->context, 0);
    }
    wait_for(&crew);
    for (size_t i = 0; i < started; i++) {
        pthread_join(members[i].thread, NULL);
    }
    free(members);
    pthread_mutex_destroy(&crew.mutex);
    pthread_cond_destroy(&crew.changed);
}
