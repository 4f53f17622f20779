/*
 * simulate FROM COUNT JOBS: lives COUNT seeds from FROM on, JOBS at once, and says which of them must not be. Each seed is a process of
 * its own: one that crashes or hangs is found, too. Some are lived twice: the trace of the second has to be the first's.
 * simulate SEED: one, with its trace.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"

enum { SECONDS_MAX = 20, TWICE = 16, SHOWN_MAX = 40 };

/* What became of a seed, or of many. */
struct tally {
    uint64_t lived;
    uint64_t broken;
    uint64_t hash;
    uint64_t calls;
    uint64_t lives;
    uint64_t kills;
    uint64_t losses;
    uint64_t writes;
    uint64_t undone;
    uint64_t conflicts;
    uint64_t refused;
    char failure[1024];
};

static int live_seed(uint64_t seed, bool verbose, struct tally *out)
{
    struct sim *sim = xcalloc(sizeof *sim);
    memset(out, 0, sizeof *out);
    sim->seed = seed;
    sim->verbose = verbose;
    json_object_seed(1);
    int failed = sim_run(sim);
    *out = (struct tally){.lived = 1, .broken = failed != 0, .hash = sim->trace, .calls = sim->steps, .lives = sim->life, .kills = sim->kills,
                          .losses = sim->losses, .writes = sim->writes, .undone = sim->undone, .conflicts = sim->conflicts,
                          .refused = sim->refused};
    snprintf(out->failure, sizeof out->failure, "%s", sim->failure == NULL ? "" : sim->failure);
    return failed;
}

/* A seed in a process of its own. */
static void live_apart(uint64_t seed, struct tally *out)
{
    int ends[2];
    int status = 0;
    memset(out, 0, sizeof *out);
    if (pipe(ends)) {
        perror("simulate: pipe");
        exit(75);
    }
    pid_t child = fork();
    if (child < 0) {
        perror("simulate: fork");
        exit(75);
    }
    if (child == 0) {
        struct tally tally;
        alarm(SECONDS_MAX);
        live_seed(seed, false, &tally);
        _exit(write(ends[1], &tally, sizeof tally) == (ssize_t)sizeof tally ? 0 : 1);
    }
    close(ends[1]);
    bool told = read(ends[0], out, sizeof *out) == (ssize_t)sizeof *out;
    close(ends[0]);
    waitpid(child, &status, 0);
    if (!told) {
        out->lived = 1;
        out->broken = 1;
        snprintf(out->failure, sizeof out->failure, "its process ended by signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
}

static void add(struct tally *sum, const struct tally *one)
{
    sum->lived += one->lived;
    sum->broken += one->broken;
    sum->hash = sum->hash * 0x100000001b3u ^ one->hash;
    sum->calls += one->calls;
    sum->lives += one->lives;
    sum->kills += one->kills;
    sum->losses += one->losses;
    sum->writes += one->writes;
    sum->undone += one->undone;
    sum->conflicts += one->conflicts;
    sum->refused += one->refused;
}

static void live_many(uint64_t from, uint64_t count, uint64_t step, struct tally *sum)
{
    for (uint64_t seed = from; seed < from + count; seed += step) {
        struct tally one;
        struct tally again;
        live_apart(seed, &one);
        if (seed % TWICE == 0 && one.broken == 0) {
            live_apart(seed, &again);
            if (again.hash != one.hash) {
                one.broken = 1;
                snprintf(one.failure, sizeof one.failure, "it does not live the same way twice");
            }
        }
        add(sum, &one);
        if (one.broken != 0 && sum->broken <= SHOWN_MAX) {
            printf("seed %" PRIu64 ": %s\n", seed, one.failure);
            fflush(stdout);
        }
    }
}

static int live_jobs(uint64_t from, uint64_t count, uint64_t jobs)
{
    struct tally sum = {0};
    int *ends = xcalloc_array(jobs * 2, sizeof *ends);
    for (uint64_t job = 0; job < jobs; job++) {
        if (pipe(ends + job * 2)) {
            perror("simulate: pipe");
            return 75;
        }
        if (fork() == 0) {
            struct tally part = {0};
            live_many(from + job, count > job ? count - job : 0, jobs, &part);
            fflush(stdout);
            _exit(write(ends[job * 2 + 1], &part, sizeof part) == (ssize_t)sizeof part ? 0 : 1);
        }
        close(ends[job * 2 + 1]);
    }
    for (uint64_t job = 0; job < jobs; job++) {
        struct tally part;
        if (read(ends[job * 2], &part, sizeof part) != (ssize_t)sizeof part) {
            part = (struct tally){.broken = 1};
            printf("a worker was lost\n");
        }
        add(&sum, &part);
        wait(NULL);
    }
    free(ends);
    printf("%" PRIu64 " seeds from %" PRIu64 ", %" PRIu64 " broken; %" PRIu64 " processes, %" PRIu64 " kills, %" PRIu64 " lost; %" PRIu64
           " calls, %" PRIu64 " writes, %" PRIu64 " put back, %" PRIu64 " conflicts, %" PRIu64 " refused; traces %016" PRIx64 "\n",
           sum.lived, from, sum.broken, sum.lives, sum.kills, sum.losses, sum.calls, sum.writes, sum.undone, sum.conflicts, sum.refused,
           sum.hash);
    return sum.broken == 0 && sum.lived == count ? 0 : 1;
}

static int usage(void)
{
    fprintf(stderr, "usage: simulate SEED | simulate FROM COUNT JOBS\n");
    return 64;
}

int main(int argc, char **argv)
{
    int64_t numbers[3] = {0, 0, 0};
    json_init();
    if (argc != 2 && argc != 4) {
        return usage();
    }
    for (int i = 1; i < argc; i++) {
        if (str_int64(argv[i], i == 1 ? 0 : 1, INT64_MAX / 2, &numbers[i - 1])) {
            return usage();
        }
    }
    if (argc == 4) {
        return live_jobs((uint64_t)numbers[0], (uint64_t)numbers[1], (uint64_t)numbers[2]);
    }
    struct tally tally;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int failed = live_seed((uint64_t)numbers[0], true, &tally);
    printf("seed %" PRId64 ": %s%s; trace %016" PRIx64 "\n", numbers[0], failed ? "broken " : "well", tally.failure, tally.hash);
    return failed ? 1 : 0;
}
