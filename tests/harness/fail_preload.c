/*
 * Makes the n-th call of a kind fail in any program: LD_PRELOAD=.../fail.so TARE_FAIL=KIND:N:ERROR[:on] program …
 *
 * KIND: malloc, read, write, open, fsync, rename, close. ERROR: ENOMEM, EIO, ENOSPC, EMFILE, EACCES, EINTR; or `short` for a read or a
 * write that does only a part. With `on` every later call of the kind fails too (a disk that stays full). TARE_FAIL=count:FILE changes
 * nothing and adds "KIND CALLS" lines to FILE when the program ends. Calls on standard error are neither failed nor counted, so that the
 * program can say what went wrong; nor are those of the loader, before main.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { MALLOC, READ, WRITE, OPEN, FSYNC, RENAME, CLOSE, KINDS };

static const char *const names[KINDS] = {"malloc", "read", "write", "open", "fsync", "rename", "close"};
static long calls[KINDS];
static bool ready;
static enum kind target = KINDS;
static long nth;
static int error_number; /* 0: short */
static bool from_then_on;
static char count_file[512];

/* glibc's own, under names that do not call ours. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static int error_of(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {{"ENOMEM", ENOMEM}, {"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE},
                  {"EACCES", EACCES}, {"EINTR", EINTR}, {"short", 0}};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (strncmp(name, errors[i].name, strlen(errors[i].name)) == 0) {
            return errors[i].number;
        }
    }
    return EIO;
}

static __attribute__((constructor)) void read_environment(void)
{
    const char *text = getenv("TARE_FAIL");
    if (text == NULL) {
        return;
    }
    if (strncmp(text, "count:", 6) == 0) {
        snprintf(count_file, sizeof count_file, "%s", text + 6);
        ready = true;
        return;
    }
    for (int kind = 0; kind < KINDS; kind++) {
        size_t length = strlen(names[kind]);
        if (strncmp(text, names[kind], length) == 0 && text[length] == ':') {
            char *end;
            target = (enum kind)kind;
            nth = strtol(text + length + 1, &end, 10);
            error_number = *end == ':' ? error_of(end + 1) : EIO;
            from_then_on = strstr(end, ":on") != NULL;
            ready = true;
        }
    }
}

static __attribute__((destructor)) void write_counts(void)
{
    if (count_file[0] == '\0') {
        return;
    }
    ready = false;
    FILE *file = fopen(count_file, "a");
    for (int kind = 0; file != NULL && kind < KINDS; kind++) {
        fprintf(file, "%s %ld\n", names[kind], calls[kind]);
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* Counts a call; whether it is one that must fail (errno is set then). */
static bool must_fail(enum kind kind)
{
    if (!ready) {
        return false;
    }
    long number = ++calls[kind];
    if (kind != target || number < nth || (number > nth && !from_then_on)) {
        return false;
    }
    errno = error_number;
    return true;
}

void *malloc(size_t size)
{
    return must_fail(MALLOC) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return must_fail(MALLOC) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return must_fail(MALLOC) ? NULL : __libc_realloc(old, size);
}

#define REAL(name) find(#name)

static void *find(const char *name)
{
    bool kept = ready;
    ready = false;
    void *address = dlsym(RTLD_NEXT, name);
    ready = kept;
    return address;
}

ssize_t read(int fd, void *bytes, size_t length)
{
    static ssize_t (*real)(int, void *, size_t);
    if (real == NULL) {
        *(void **)&real = REAL(read);
    }
    if (must_fail(READ)) {
        if (error_number != 0) {
            return -1;
        }
        length = length > 1 ? 1 : length;
    }
    return real(fd, bytes, length);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (real == NULL) {
        *(void **)&real = REAL(write);
    }
    if (fd != STDERR_FILENO && must_fail(WRITE)) {
        if (error_number != 0) {
            return -1;
        }
        length = length > 1 ? length / 2 : length;
    }
    return real(fd, bytes, length);
}

int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    if (real == NULL) {
        *(void **)&real = REAL(open);
    }
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return must_fail(OPEN) ? -1 : real(path, flags, mode);
}

int fsync(int fd)
{
    static int (*real)(int);
    if (real == NULL) {
        *(void **)&real = REAL(fsync);
    }
    return must_fail(FSYNC) ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
    static int (*real)(const char *, const char *);
    if (real == NULL) {
        *(void **)&real = REAL(rename);
    }
    return must_fail(RENAME) ? -1 : real(from, to);
}

int close(int fd)
{
    static int (*real)(int);
    if (real == NULL) {
        *(void **)&real = REAL(close);
    }
    /* As on Linux: the descriptor is gone although the call failed. */
    int failed = real(fd);
    return fd != STDERR_FILENO && must_fail(CLOSE) ? -1 : failed;
}
