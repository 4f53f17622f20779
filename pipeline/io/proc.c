#include "pipeline/io/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"

extern char **environ;

enum { PIECE = 4096, LINE_MAX_BYTES = 16 * 1024, CANNOT_START = 127, DESCRIPTORS_MAX = 1 << 16 };

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

/* Asks for a signal at the parent's end; one that ended before is seen by the parent that took its place. */
static void follow_parent(const struct proc *proc, pid_t parent)
{
#ifdef __linux__
    if (proc->ends_with_parent && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)) {
        raise(SIGTERM);
    }
#else
    (void)proc;
    (void)parent;
#endif
}

static _Noreturn void child(const struct proc *proc, int stdout_fd, int stderr_fd, int failure_fd)
{
    int code = 0;
    if (place(proc->stdin_fd, STDIN_FILENO, O_RDONLY) < 0 || place(stdout_fd, STDOUT_FILENO, O_WRONLY) < 0 ||
        dup2(stderr_fd, STDERR_FILENO) < 0) {
        code = errno;
    } else if (proc->directory != NULL && chdir(proc->directory) != 0) {
        code = -errno; /* negative: it is the folder that is missing, not the program */
    } else {
        execve(proc->path, proc->argv, proc->environment == NULL ? environ : proc->environment);
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

/* Writes the whole lines of `bytes` with a head before each; what is left of one waits in `line`. */
static void pass_lines(struct buf *line, const char *head, const char *bytes, size_t length)
{
    struct err ignored;
    for (size_t i = 0; i < length; i++) {
        if (line->length == 0) {
            buf_add_str(line, head);
        }
        buf_add_char(line, bytes[i]);
        if (bytes[i] == '\n' || line->length == line->cap) {
            fs_write_fd(STDERR_FILENO, line->data, line->length, "standard error", &ignored);
            buf_clear(line);
        }
    }
}

static void pass_stderr(int fd, const struct proc *proc)
{
    char piece[PIECE];
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        struct err ignored;
        if (proc->stderr_head != NULL) {
            pass_lines(&line, proc->stderr_head, piece, (size_t)got);
        } else {
            fs_write_fd(STDERR_FILENO, piece, (size_t)got, "standard error", &ignored);
        }
        keep_tail(proc->stderr_tail, piece, (size_t)got);
    }
    if (line.length > 0) {
        pass_lines(&line, "", "\n", 1);
    }
    buf_release(&line);
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

/* Whom signals are for, 0 before it is there; one that came too early; and the last that came. */
static volatile sig_atomic_t listener;
static volatile sig_atomic_t early;
static volatile sig_atomic_t seen;

/* What no process sent comes from the terminal, which tells all processes in front of it. */
static void pass_on(int number, siginfo_t *info, void *unused)
{
    (void)unused;
    seen = number;
    if (info->si_code > 0 && listener > 0) {
        return;
    }
    if (listener > 0) {
        kill((pid_t)listener, number);
    } else {
        early = number;
    }
}

static const int passed[] = {SIGTERM, SIGINT};

struct signals {
    struct sigaction former[ARRAY_COUNT(passed)];
    sigset_t mask;
};

static void signals_take(const struct proc *proc, struct signals *signals)
{
    struct sigaction action = {.sa_sigaction = pass_on, .sa_flags = SA_RESTART | SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    listener = 0;
    early = 0;
    seen = 0;
    sigset_t held;
    sigemptyset(&held);
    for (size_t i = 0; proc->passes_signals && i < ARRAY_COUNT(passed); i++) {
        sigaction(passed[i], &action, &signals->former[i]);
        sigaddset(&held, passed[i]);
    }
    /* Held until both know who they are: pass_on in a child that is no other program yet would swallow what is meant for that. */
    sigprocmask(SIG_BLOCK, &held, &signals->mask);
}

/* In the child. */
static void signals_default(const struct proc *proc, const struct signals *signals)
{
    for (size_t i = 0; proc->passes_signals && i < ARRAY_COUNT(passed); i++) {
        signal(passed[i], SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

static void signals_follow(const struct proc *proc, const struct signals *signals, pid_t pid)
{
    sigprocmask(SIG_SETMASK, &signals->mask, NULL);
    if (proc->passes_signals && pid > 0) {
        listener = (sig_atomic_t)pid;
        if (early != 0) {
            kill(pid, early);
        }
    }
}

static void signals_give_back(const struct proc *proc, const struct signals *signals)
{
    for (size_t i = 0; proc->passes_signals && i < ARRAY_COUNT(passed); i++) {
        sigaction(passed[i], &signals->former[i], NULL);
    }
    listener = 0;
    if (proc->passes_signals && proc->signal_seen != NULL) {
        *proc->signal_seen = seen;
    }
}

int proc_run(const struct proc *proc, int *exit_code, struct err *err)
{
    int stderr_pipe[2];
    int failure_pipe[2];
    struct signals signals;
    if (open_pipes(stderr_pipe, failure_pipe, err)) {
        return -1;
    }
    signals_take(proc, &signals);
    pid_t self = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        signals_default(proc, &signals);
        follow_parent(proc, self);
        child(proc, proc->stdout_fd, stderr_pipe[1], failure_pipe[1]);
    }
    int fork_error = errno;
    signals_follow(proc, &signals, pid);
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
        pass_stderr(stderr_pipe[0], proc);
        failed = await(pid, exit_code, err);
        if (!failed && got == (ssize_t)sizeof start_error) {
            failed = not_started(proc, start_error, err);
        }
    }
    signals_give_back(proc, &signals);
    close(stderr_pipe[0]);
    close(failure_pipe[0]);
    return failed;
}

/* A child whose output is taken whole. */
struct capture {
    struct proc_child child;
    struct buf *out;
    struct buf *tail;
};

/* Takes what is there on one pipe. False when the output became too large. */
static bool take(struct capture *capture, int *fd)
{
    char piece[PIECE * 4];
    ssize_t got = read(*fd, piece, sizeof piece);
    if (got < 0 && errno == EINTR) {
        return true;
    }
    if (got <= 0) {
        close(*fd);
        *fd = -1;
        return true;
    }
    if (fd == &capture->child.err_fd) {
        keep_tail(capture->tail, piece, (size_t)got);
        return true;
    }
    return buf_add(capture->out, piece, (size_t)got) == 0;
}

/* Takes both pipes until they end. */
static int take_all(struct capture *capture, const char *name, int64_t deadline, struct err *err)
{
    struct proc_child *child = &capture->child;
    while (child->out_fd >= 0 || child->err_fd >= 0) {
        struct pollfd fds[] = {{.fd = child->out_fd, .events = POLLIN}, {.fd = child->err_fd, .events = POLLIN}};
        int64_t left = deadline - clock_monotonic_ms();
        if (left <= 0) {
            return err_set(err, ERR_TEMPFAIL, "%s did not end in time", name);
        }
        if (poll(fds, 2, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR) {
            return err_errno(err, ERR_SOFTWARE, errno, "cannot read what %s prints", name);
        }
        if (fds[1].revents != 0) {
            take(capture, &child->err_fd);
        }
        if (fds[0].revents != 0 && !take(capture, &child->out_fd)) {
            return err_set(err, ERR_DATA, "%s prints more than %zu bytes", name, capture->out->cap);
        }
    }
    return 0;
}

bool proc_ended(const struct proc_child *child)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

/* Waits for the end of a child that has closed its streams, without forgetting it: until then its group cannot be another's. */
static int await_end(const struct proc_child *child, const char *name, int64_t deadline, struct err *err)
{
    for (int64_t pause = 1; !proc_ended(child); pause = pause < 50 ? pause * 2 : pause) {
        if (clock_monotonic_ms() >= deadline) {
            return err_set(err, ERR_TEMPFAIL, "%s did not end in time", name);
        }
        clock_sleep_ms(pause);
    }
    return 0;
}

static void close_pair(int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

/* What kept a child from running, as it wrote it; 0 where it runs. */
static int read_failure(int fd)
{
    int code = 0;
    ssize_t got;
    do {
        got = read(fd, &code, sizeof code);
    } while (got < 0 && errno == EINTR);
    close(fd);
    return got == (ssize_t)sizeof code ? code : 0;
}

int proc_start(const struct proc *proc, struct proc_child *child_out, struct err *err)
{
    int out_pipe[2];
    int err_pipe[2];
    int failure_pipe[2];
    if (pipe(out_pipe)) {
        return err_errno(err, ERR_TEMPFAIL, errno, "cannot make a pipe");
    }
    if (open_pipes(err_pipe, failure_pipe, err)) {
        close_pair(out_pipe);
        return -1;
    }
    fcntl(out_pipe[0], F_SETFD, FD_CLOEXEC);
    fcntl(out_pipe[1], F_SETFD, FD_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        signal(SIGPIPE, SIG_DFL); /* what this program ignores, a foreign one must not inherit */
        signal(SIGXFSZ, SIG_DFL);
        child(proc, out_pipe[1], err_pipe[1], failure_pipe[1]);
    }
    int fork_error = errno;
    close(out_pipe[1]);
    close(err_pipe[1]);
    close(failure_pipe[1]);
    *child_out = (struct proc_child){.pid = pid, .out_fd = out_pipe[0], .err_fd = err_pipe[0]};
    int code = read_failure(failure_pipe[0]);
    if (pid < 0) {
        err_errno(err, ERR_TEMPFAIL, fork_error, "cannot start %s", proc->path);
    } else if (code != 0) {
        err_errno(err, code < 0 ? ERR_NOINPUT : ERR_SOFTWARE, code < 0 ? -code : code, "cannot start %s%s%s",
                  proc->path, code < 0 ? " in the folder " : "", code < 0 ? proc->directory : "");
    } else {
        return 0;
    }
    struct err ignored = {0};
    int exit_code = 0;
    proc_finish(child_out, &exit_code, &ignored);
    return -1;
}

int proc_finish(struct proc_child *child, int *exit_code, struct err *err)
{
    int failed = 0;
    if (child->pid > 0) {
        kill(-child->pid, SIGKILL); /* it was too slow or prints too much; else those whom it left behind */
        failed = await(child->pid, exit_code, err);
    }
    if (child->out_fd >= 0) {
        close(child->out_fd);
    }
    if (child->err_fd >= 0) {
        close(child->err_fd);
    }
    *child = (struct proc_child){.pid = 0, .out_fd = -1, .err_fd = -1};
    return failed;
}

int proc_capture(const struct proc *proc, struct buf *out, int64_t milliseconds, int *exit_code, struct err *err)
{
    struct capture capture = {.out = out, .tail = proc->stderr_tail};
    int64_t deadline = clock_monotonic_ms() + milliseconds;
    if (proc_start(proc, &capture.child, err)) {
        return -1;
    }
    int failed = take_all(&capture, proc->argv[0], deadline, err) ||
                 await_end(&capture.child, proc->argv[0], deadline, err);
    struct err ignored = {0};
    int other = 0;
    int lost = proc_finish(&capture.child, failed ? &other : exit_code, failed ? &ignored : err);
    return failed || lost ? -1 : 0;
}

/* Makes a child independent of everything its parent has: streams, descriptors, signals. Descriptors above 65,535,
 * where so many are allowed, are not looked for. */
static void cut_loose(void)
{
    static const int defaults[] = {SIGPIPE, SIGXFSZ, SIGALRM, SIGHUP, SIGINT, SIGTERM};
    long most = sysconf(_SC_OPEN_MAX);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        dup2(null, fd);
    }
    for (int fd = STDERR_FILENO + 1; fd < (most > 0 && most < DESCRIPTORS_MAX ? (int)most : DESCRIPTORS_MAX); fd++) {
        close(fd);
    }
    for (size_t i = 0; i < ARRAY_COUNT(defaults); i++) {
        signal(defaults[i], SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The grandchild is nobody's: its parent is gone at once, so that no one has to wait for it. */
int proc_detach(const struct proc *proc, unsigned seconds, struct err *err)
{
    pid_t pid = fork();
    if (pid < 0) {
        return err_errno(err, ERR_TEMPFAIL, errno, "cannot start %s", proc->path);
    }
    if (pid == 0) {
        setsid();
        if (fork() == 0) {
            cut_loose();
            int lowered = nice(10);
            (void)lowered;
            alarm(seconds);
            execve(proc->path, proc->argv, proc->environment == NULL ? environ : proc->environment);
        }
        _exit(CANNOT_START);
    }
    int ignored;
    return await(pid, &ignored, err);
}

char *proc_find(const char *name)
{
    const char *path = getenv("PATH");
    for (const char *at = path; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, ":");
        struct stat info;
        char *candidate = xasprintf("%.*s/%s", (int)length, at, name);
        if (at[0] == '/' && stat(candidate, &info) == 0 && S_ISREG(info.st_mode) && access(candidate, X_OK) == 0) {
            return candidate;
        }
        free(candidate);
        at += length + (at[length] == ':');
    }
    return NULL;
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
