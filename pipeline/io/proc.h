#ifndef TARE_IO_PROC_H
#define TARE_IO_PROC_H

/* Child processes: never through a shell, standard streams given as descriptors, stderr passed on and kept. */

#include <stddef.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

struct proc {
    const char *path;         /* executable, not looked up in PATH */
    char *const *argv;        /* NULL-terminated, argv[0] included */
    const char *directory;    /* working directory, NULL: this one */
    int stdin_fd;             /* -1: /dev/null */
    int stdout_fd;            /* -1: /dev/null; STDOUT_FILENO: this program's */
    struct buf *stderr_tail;  /* receives the last bytes of stderr (as many as its cap); NULL: not kept */
};

/* Runs a child to its end and passes its stderr on. *exit_code receives its exit code, 128 + signal when it was
 * killed. ERR_SOFTWARE or ERR_NOINPUT when it cannot be started. */
int proc_run(const struct proc *proc, int *exit_code, struct err *err);

/* New path of the folder that holds this program's own executable. free(). ERR_SOFTWARE when it cannot be told. */
int proc_own_directory(char **out, struct err *err);

#endif
