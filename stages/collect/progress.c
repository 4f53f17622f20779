#include "stages/collect/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/log.h"

static int64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress)
{
    struct stat input;
    *progress = (struct progress){.begun_ms = now_ms()};
    if (fstat(STDIN_FILENO, &input) == 0 && S_ISREG(input.st_mode)) {
        progress->input_size = input.st_size;
    }
}

double progress_seconds(const struct progress *progress)
{
    return (double)(now_ms() - progress->begun_ms) / 1000;
}

/* ", 1:20 left", told by how much of the input was read and how many of its records are done; "" where that is not known. */
static void time_left(const struct progress *progress, int64_t done, double seconds, char *out, size_t size)
{
    off_t at = progress->input_size > 0 ? lseek(STDIN_FILENO, 0, SEEK_CUR) : 0;
    out[0] = '\0';
    if (at > 0 && done > 0) {
        double all = (double)progress->read * (double)progress->input_size / (double)at;
        int left = all > (double)done ? (int)(seconds * (all - (double)done) / (double)done) : 0;
        snprintf(out, size, ", %d:%02d left", left / 60, left % 60);
    }
}

void progress_show(struct progress *progress, int64_t workloads, int64_t samples, int64_t bytes)
{
    char left[32];
    double seconds = progress_seconds(progress);
    if (seconds > 0) {
        time_left(progress, workloads, seconds, left, sizeof left);
        log_status("%" PRId64 " workloads, %.1f M samples, %.1f MB/s%s", workloads, (double)samples / 1e6,
                   (double)bytes / 1e6 / seconds, left);
    }
}
