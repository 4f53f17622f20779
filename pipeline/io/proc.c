#include "pipeline/io/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"

enum { PIECE = 4096, CANNOT_START = 127 };

/* Puts `fd` (or /dev/null) in the place of a standard stream of the child. */
static int place(int fd, int target, int flags)
{
    int from = fd;
    if (fd < 0) {
        from = open("/dev/null", flags | O_CLOEXEC);
    }
    if (from == target) {
        return fcntl(target, F_SETFD, 0);
    }
    return dup2(from, target);
}

static _Noreturn void child(const struct proc *proc, int stderr_fd, int failure_fd)
{
    int code = 0;
    if (place(proc->stdin_fd, STDIN_FILENO, O_RDONLY) < 0 || place(proc->stdout_fd, STDOUT_FILENO, O_WRONLY) < 0 ||
        dup2(stderr_fd, STDERR_FILENO) < 0) {
        code = errno;
    } else if (proc->directory != NULL && chdir(proc->directory) != 0) {
        code = -errno; /* negative: it is the folder that is missing, not the program */
    } else {
        execv(proc->path, proc->argv);
        code = errno;
    }
    ssize_t ignored = write(failure_fd, &code, sizeof code);
    (void)ignored;
    _exit(CANNOT_START);
}

/* Keeps the newest bytes. */
static void keep_tail(struct buf *tail, const char *bytes, size_t length)
{
    if (tail == NULL) {
        return;
    }
    if (length > tail->cap) {
        bytes += length - tail->cap;
        length = tail->cap;
    }
    if (tail->length + length > tail->cap) {
        size_t drop = tail->length + length - tail->cap;
        memmove(tail->data, tail->data + drop, tail->length - drop);
        tail->length -= drop;
    }
    buf_add(tail, bytes, length);
}

static void pass_stderr(int fd, struct buf *tail)
{
    char piece[PIECE];
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return;
        }
        struct err ignored;
        fs_write_fd(STDERR_FILENO, piece, (size_t)got, "standard error", &ignored);
        keep_tail(tail, piece, (size_t)got);
    }
}

static int await(pid_t pid, int *exit_code, struct err *err)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return err_errno(err, ERR_SOFTWARE, errno, "cannot wait for a child process");
        }
    }
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return 0;
}

static int open_pipes(int stderr_pipe[2], int failure_pipe[2], struct err *err)
{
    if (pipe(stderr_pipe)) {
        return err_errno(err, ERR_TEMPFAIL, errno, "cannot make a pipe");
    }
    if (pipe(failure_pipe)) {
        int code = errno;
        close(stderr_pipe[0]);
        close(stderr_pipe[1]);
        return err_errno(err, ERR_TEMPFAIL, code, "cannot make a pipe");
    }
    for (int i = 0; i < 2; i++) {
        fcntl(stderr_pipe[i], F_SETFD, FD_CLOEXEC);
        fcntl(failure_pipe[i], F_SETFD, FD_CLOEXEC);
    }
    return 0;
}

static int not_started(const struct proc *proc, int code, struct err *err)
{
    if (code < 0) {
        err_errno(err, ERR_NOINPUT, -code, "cannot work in the folder %s", proc->directory);
        return err_hint(err, "it is the one that the run was made in: put it back, or start a new run: tare run");
    }
    err_errno(err, ERR_SOFTWARE, code, "cannot start %s", proc->path);
    return err_hint(err, "the programs of tare must lie in one folder: build or install them together");
}

int proc_run(const struct proc *proc, int *exit_code, struct err *err)
{
    int stderr_pipe[2];
    int failure_pipe[2];
    if (open_pipes(stderr_pipe, failure_pipe, err)) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        child(proc, stderr_pipe[1], failure_pipe[1]);
    }
    int fork_error = errno;
    close(stderr_pipe[1]);
    close(failure_pipe[1]);
    int failed = 0;
    int start_error = 0;
    if (pid < 0) {
        failed = err_errno(err, ERR_TEMPFAIL, fork_error, "cannot start %s", proc->path);
    } else {
        /* The pipe closes by itself when exec succeeds. */
        ssize_t got;
        do {
            got = read(failure_pipe[0], &start_error, sizeof start_error);
        } while (got < 0 && errno == EINTR);
        pass_stderr(stderr_pipe[0], proc->stderr_tail);
        failed = await(pid, exit_code, err);
        if (!failed && got == (ssize_t)sizeof start_error) {
            failed = not_started(proc, start_error, err);
        }
    }
    close(stderr_pipe[0]);
    close(failure_pipe[0]);
    return failed;
}

int proc_own_directory(char **out, struct err *err)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0) {
        return err_errno(err, ERR_SOFTWARE, errno, "cannot find this program's own folder");
    }
    path[length] = '\0';
    *out = fs_dirname(path);
    return 0;
}
