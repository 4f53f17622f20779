/* measure FILE PROGRAM [ARGUMENT…]: runs a program with this one's streams and adds "SECONDS CPU_SECONDS PEAK_KIB EXIT" to FILE. */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: measure FILE PROGRAM [ARGUMENT…]\n", stderr);
        return 64;
    }
    double start = now();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    int status = 0;
    struct rusage usage;
    if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
        perror("measure");
        return 70;
    }
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *file = fopen(argv[1], "a");
    double cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    if (file == NULL || fprintf(file, "%.3f %.3f %ld %d\n", now() - start, cpu, usage.ru_maxrss, code) < 0 || fclose(file) != 0) {
        perror(argv[1]);
        return 74;
    }
    return code;
}
