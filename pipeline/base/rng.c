#include "pipeline/base/rng.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static bool seeded;
static uint64_t state;

void rng_seed(uint64_t seed)
{
    state = seed;
    seeded = true;
}

static void seed_first(void)
{
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
    if (!seeded) {
        seed_first();
    }
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

double rng_unit(void)
{
    return (double)(rng_next() >> 11) / 9007199254740992.0;
}
