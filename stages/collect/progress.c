#include "stages/collect/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/str.h"

static int64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress, const struct options *options)
{
    struct stat input;
    *progress = (struct progress){.begun_ms = now_ms()};
    progress->shown = isatty(STDERR_FILENO) == 1 && !options_flag(options, OPT_QUIET) &&
                      !str_equal(options_string(options, OPT_LOG_FORMAT), "json");
    if (fstat(STDIN_FILENO, &input) == 0 && S_ISREG(input.st_mode)) {
        progress->input_size = input.st_size;
    }
}

double progress_seconds(const struct progress *progress)
{
    return (double)(now_ms() - progress->begun_ms) / 1000;
}

/* " · 1:20 left", told by how much of the input was read; "" where that is not known. */
static void time_left(const struct progress *progress, double seconds, char *out, size_t size)
{
    off_t at = progress->input_size > 0 ? lseek(STDIN_FILENO, 0, SEEK_CUR) : 0;
    out[0] = '\0';
    if (at > 0 && at < progress->input_size) {
        int left = (int)(seconds * (double)(progress->input_size - at) / (double)at);
        snprintf(out, size, ", %d:%02d left", left / 60, left % 60);
    }
}

void progress_show(struct progress *progress, int64_t workloads, int64_t samples, int64_t bytes)
{
    char left[32];
    char line[160];
    double seconds = progress_seconds(progress);
    if (!progress->shown || seconds <= 0) {
        return;
    }
    time_left(progress, seconds, left, sizeof left);
    int length = snprintf(line, sizeof line, "%" PRId64 " workloads, %.1f M samples, %.1f MB/s%s", workloads,
                          (double)samples / 1e6, (double)bytes / 1e6 / seconds, left);
    size_t width = length < 0 ? 0 : (size_t)length;
    fprintf(stderr, "\r%s%*s", line, progress->width > width ? (int)(progress->width - width) : 0, "");
    fflush(stderr);
    progress->width = width;
}

void progress_end(struct progress *progress)
{
    if (progress->width > 0) {
        fprintf(stderr, "\r%*s\r", (int)progress->width, "");
        fflush(stderr);
        progress->width = 0;
    }
}
