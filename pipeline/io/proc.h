#ifndef TARE_IO_PROC_H
#define TARE_IO_PROC_H

/* Child processes: never through a shell. proc_run gives them standard streams as descriptors and passes stderr on;
 * proc_capture takes what they print into memory, within a time; proc_start leaves reading and waiting to its caller;
 * proc_detach lets them go. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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
    /* proc_run: SIGTERM and SIGINT go to the child (those of a terminal it has already), which ends in its own way; one child at a time */
    bool passes_signals;
    bool ends_with_parent;    /* proc_run: gets SIGTERM when this program is gone, where the system can do that (Linux) */
    int *signal_seen;         /* with passes_signals: receives the last of them that came, 0: none; NULL: not wanted */
    const char *stderr_head;  /* put before each line of stderr that proc_run passes on, in one write with it; NULL: nothing */
};

/* Runs a child to its end and passes its stderr on. Threads may run one each. *exit_code receives its exit code, 128 + signal when it was
 * killed. ERR_SOFTWARE or ERR_NOINPUT when it cannot be started. */
int proc_run(const struct proc *proc, int *exit_code, struct err *err);

/* Runs a child to its end and takes its stdout into `out` (up to its cap); stdout_fd is not used, and stderr is kept in
 * stderr_tail but not passed on. The child leads a process group of its own, which is ended with it, and is killed after
 * `milliseconds`. *exit_code as for proc_run. ERR_TEMPFAIL when it took too long, ERR_DATA when it printed more than
 * `out` may hold (out->overflow is set), ERR_SOFTWARE or ERR_NOINPUT when it cannot be started. */
int proc_capture(const struct proc *proc, struct buf *out, int64_t milliseconds, int *exit_code, struct err *err);

/* A child under way, which leads a process group of its own, and what it prints. */
struct proc_child {
    pid_t pid;  /* 0: none */
    int out_fd; /* its stdout and stderr, to be read; -1 once somebody closed it */
    int err_fd;
};

/* Starts a child and comes back at once; only path, argv, environment, directory and stdin_fd of `proc` count. *child is to be given to
 * proc_finish. ERR_TEMPFAIL, ERR_SOFTWARE or ERR_NOINPUT when it cannot be started; then there is nothing to finish. */
int proc_start(const struct proc *proc, struct proc_child *child, struct err *err);

/* Whether the child has ended; it is not forgotten, and its group cannot be another's, before proc_finish. */
bool proc_ended(const struct proc_child *child);

/* Ends what is left of the child and its group (SIGKILL), waits for it and closes its streams. *exit_code as for proc_run. */
int proc_finish(struct proc_child *child, int *exit_code, struct err *err);

/* Starts a program that this one neither waits for nor hears of: in a session of its own, its streams on /dev/null, no other
 * descriptor of this program, with low priority; SIGALRM ends it after `seconds`. Only path, argv and environment of `proc` count.
 * What becomes of it shows nowhere. ERR_TEMPFAIL when there is no process to be had. */
int proc_detach(const struct proc *proc, unsigned seconds, struct err *err);

/* New path of a program in the folders of PATH, NULL when none has it. Only absolute folders count: what lies in the
 * current folder is never run by its name. free(). */
char *proc_find(const char *name);

/* New path of the folder that holds this program's own executable. free(). ERR_SOFTWARE when it cannot be told. */
int proc_own_directory(char **out, struct err *err);

#endif
