#include "pipeline/base/rng.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
static bool seeded; /* by rng_seed, before any thread asks */
static _Atomic uint64_t state;

void rng_seed(uint64_t seed)
{
    state = seed;
    seeded = true;
}

static void seed_first(void)
{
    if (seeded) {
        return;
    }
    const char *fixed = getenv("TARE_SEED");
    if (fixed != NULL && *fixed != '\0') {
        rng_seed(strtoull(fixed, NULL, 10));
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = (uint64_t)now.tv_nsec ^ ((uint64_t)now.tv_sec << 32) ^ ((uint64_t)getpid() << 16);
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        uint64_t more = 0;
        if (read(fd, &more, sizeof more) == (ssize_t)sizeof more) {
            seed ^= more;
        }
        close(fd);
    }
    rng_seed(seed);
}

uint64_t rng_next(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, seed_first);
    uint64_t z = atomic_fetch_add(&state, step) + step;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double rng_unit(void)
{
    return (double)(rng_next() >> 11) / 9007199254740992.0;
}
