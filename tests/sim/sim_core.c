#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "tests/sim/sim.h"

/* ---- Chance: splitmix64, of this world alone ---- */

uint64_t sim_random(struct sim *sim, uint64_t below)
{
    uint64_t z = (sim->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return below == 0 ? 0 : z % below;
}

int64_t sim_between(struct sim *sim, int64_t low, int64_t high)
{
    return high <= low ? low : low + (int64_t)sim_random(sim, (uint64_t)(high - low) + 1);
}

bool sim_chance(struct sim *sim, unsigned percent)
{
    return sim_random(sim, 100) < percent;
}

/* ---- Time: a heap by time and order ---- */

static bool earlier(const struct sim_timer *a, const struct sim_timer *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct sim *sim, size_t a, size_t b)
{
    struct sim_timer held = sim->timers[a];
    sim->timers[a] = sim->timers[b];
    sim->timers[b] = held;
}

void sim_at(struct sim *sim, int64_t at, void (*fire)(struct sim *, uint64_t, uint64_t), uint64_t a, uint64_t b)
{
    if (sim->timer_count == SIM_TIMERS) {
        sim_broken(sim, "the world has more than %d things under way", SIM_TIMERS);
        return;
    }
    size_t at_index = sim->timer_count++;
    sim->timers[at_index] = (struct sim_timer){at < sim->clock ? sim->clock : at, ++sim->order, fire, a, b};
    while (at_index > 0 && earlier(&sim->timers[at_index], &sim->timers[(at_index - 1) / 2])) {
        swap(sim, at_index, (at_index - 1) / 2);
        at_index = (at_index - 1) / 2;
    }
}

static struct sim_timer take_first(struct sim *sim)
{
    struct sim_timer first = sim->timers[0];
    sim->timers[0] = sim->timers[--sim->timer_count];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < sim->timer_count; child++) {
            least = earlier(&sim->timers[child], &sim->timers[least]) ? child : least;
        }
        if (least == i) {
            return first;
        }
        swap(sim, i, least);
        i = least;
    }
}

bool sim_advance(struct sim *sim, int64_t until)
{
    if (sim->timer_count == 0 || sim->timers[0].at > until) {
        sim->clock = until > sim->clock ? until : sim->clock;
        return false;
    }
    struct sim_timer timer = take_first(sim);
    sim->clock = timer.at;
    timer.fire(sim, timer.a, timer.b);
    return true;
}

/* ---- Trace: FNV-1a over all lines ---- */

void sim_trace(struct sim *sim, const char *format, ...)
{
    char line[1024];
    va_list args;
    int at = snprintf(line, sizeof line, "%9" PRId64 "  ", sim->clock);
    va_start(args, format);
    vsnprintf(line + at, sizeof line - (size_t)at, format, args);
    va_end(args);
    for (const char *c = line; *c != '\0'; c++) {
        sim->trace = (sim->trace ^ (unsigned char)*c) * 0x100000001b3u;
    }
    if (sim->verbose) {
        printf("%s\n", line);
    }
}

void sim_broken(struct sim *sim, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    sim_trace(sim, "BROKEN %s", line);
    if (sim->failure == NULL) {
        sim->failure = xasprintf("at %" PRId64 " ms: %s", sim->clock, line);
    }
}
