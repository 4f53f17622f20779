#ifndef TARE_IO_PROC_H
#define TARE_IO_PROC_H

/* Child processes: never through a shell. proc_run gives them standard streams as descriptors and passes stderr on;
 * proc_capture takes what they print into memory, within a time. */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

struct proc {
    const char *path;         /* executable, not looked up in PATH */
    char *const *argv;        /* NULL-terminated, argv[0] included */
    char *const *environment; /* NULL-terminated; NULL: this program's */
    const char *directory;    /* working directory, NULL: this one */
    int stdin_fd;             /* -1: /dev/null */
    int stdout_fd;            /* -1: /dev/null; STDOUT_FILENO: this program's */
    struct buf *stderr_tail;  /* receives the last bytes of stderr (as many as its cap); NULL: not kept */
};

/* Runs a child to its end and passes its stderr on. *exit_code receives its exit code, 128 + signal when it was
 * killed. ERR_SOFTWARE or ERR_NOINPUT when it cannot be started. */
int proc_run(const struct proc *proc, int *exit_code, struct err *err);

/* Runs a child to its end and takes its stdout into `out` (up to its cap); stdout_fd is not used, and stderr is kept in
 * stderr_tail but not passed on. The child leads a process group of its own, which is ended with it, and is killed after
 * `milliseconds`. *exit_code as for proc_run. ERR_TEMPFAIL when it took too long, ERR_DATA when it printed more than
 * `out` may hold (out->overflow is set), ERR_SOFTWARE or ERR_NOINPUT when it cannot be started. */
int proc_capture(const struct proc *proc, struct buf *out, int64_t milliseconds, int *exit_code, struct err *err);

/* New path of a program in the folders of PATH, NULL when none has it. Only absolute folders count: what lies in the
 * current folder is never run by its name. free(). */
char *proc_find(const char *name);

/* New path of the folder that holds this program's own executable. free(). ERR_SOFTWARE when it cannot be told. */
int proc_own_directory(char **out, struct err *err);

#endif
