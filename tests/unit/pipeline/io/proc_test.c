/* Child processes: exit codes, signals, streams, what is kept of stderr, programs that are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"

/* Runs a line of shell as a child; the child's stderr is passed on, so ours is put aside. */
static int shell(const char *line, struct proc *proc, struct err *err)
{
    char copy[512];
    char name[] = "sh";
    char flag[] = "-c";
    snprintf(copy, sizeof copy, "%s", line);
    char *argv[] = {name, flag, copy, NULL};
    proc->path = "/bin/sh";
    proc->argv = argv;
    int code = -1;
    int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDERR_FILENO);
    int failed = proc_run(proc, &code, err);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(null);
    return failed ? -1 : code;
}

static void test_exit_codes(void **state)
{
    (void)state;
    struct proc proc = {.stdin_fd = -1, .stdout_fd = -1};
    struct err err = {0};
    assert_int_equal(shell("exit 0", &proc, &err), 0);
    assert_int_equal(shell("exit 75", &proc, &err), 75);
    assert_int_equal(shell("kill -9 $$", &proc, &err), 128 + SIGKILL);
    assert_int_equal(shell("kill -15 $$", &proc, &err), 128 + SIGTERM);
    assert_int_equal(err.class, ERR_NONE);
}

static void test_streams(void **state)
{
    (void)state;
    struct err err = {0};
    int in[2];
    int out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    assert_int_equal(write(in[1], "hello", 5), 5);
    close(in[1]);
    struct buf tail;
    buf_init(&tail, 1000);
    struct proc proc = {.stdin_fd = in[0], .stdout_fd = out[1], .directory = "/usr", .stderr_tail = &tail};
    assert_int_equal(shell("cat; pwd; echo words >&2", &proc, &err), 0);
    close(out[1]);
    char text[100] = {0};
    assert_true(read(out[0], text, sizeof text - 1) > 0);
    assert_string_equal(text, "hello/usr\n");
    assert_string_equal(buf_str(&tail), "words\n");
    close(in[0]);
    close(out[0]);
    buf_release(&tail);
    /* Without descriptors the child reads nothing and its output goes nowhere. */
    struct proc alone = {.stdin_fd = -1, .stdout_fd = -1};
    assert_int_equal(shell("read x; test $? -ne 0 && echo lost", &alone, &err), 0);
}

/* The end of stderr is what says why a child failed. */
static void test_tail_keeps_the_end(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf tail;
    buf_init(&tail, 8192);
    struct proc proc = {.stdin_fd = -1, .stdout_fd = -1, .stderr_tail = &tail};
    assert_int_equal(shell("i=0; while [ $i -lt 4000 ]; do echo line $i >&2; i=$((i+1)); done; exit 3", &proc, &err), 3);
    assert_true(tail.length <= 8192 && tail.length > 2000);
    assert_non_null(strstr(buf_str(&tail), "line 3999\n"));
    buf_release(&tail);
    /* Also when the piece that comes is larger than what may be kept. */
    buf_init(&tail, 100);
    assert_int_equal(shell("i=0; while [ $i -lt 50 ]; do printf 'xxxxxxxxxxxxxxxxxxxx'; i=$((i+1)); done >&2; echo end >&2", &proc, &err), 0);
    assert_true(tail.length <= 100);
    assert_non_null(strstr(buf_str(&tail), "end\n"));
    buf_release(&tail);
}

static void test_cannot_start(void **state)
{
    (void)state;
    struct err err = {0};
    char name[] = "tare-none";
    char *argv[] = {name, NULL};
    int code = -1;
    struct proc proc = {.path = "/no/such/tare-none", .argv = argv, .stdin_fd = -1, .stdout_fd = -1};
    assert_int_equal(proc_run(&proc, &code, &err), -1);
    assert_true(err.class == ERR_SOFTWARE || err.class == ERR_NOINPUT);
    assert_non_null(strstr(err.message, "/no/such/tare-none"));
    assert_true(err.hint[0] != '\0');
    proc.path = "/bin/true";
    proc.directory = "/no/such/folder";
    assert_int_equal(proc_run(&proc, &code, &err), -1);
    assert_non_null(strstr(err.message, "/no/such/folder"));
}

static void on_alarm(int number)
{
    (void)number;
}

/* Signals that arrive while a child runs change nothing. */
static void test_signals_do_not_disturb(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {.it_interval.tv_usec = 700, .it_value.tv_usec = 700};
    struct itimerval never = {0};
    struct err err = {0};
    struct proc proc = {.stdin_fd = -1, .stdout_fd = -1};
    char name[] = "tare-none";
    char *argv[] = {name, NULL};
    int code = -1;
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(shell("exit 5", &proc, &err), 5);
        struct proc none = {.path = "/no/such/tare-none", .argv = argv, .stdin_fd = -1, .stdout_fd = -1};
        assert_int_equal(proc_run(&none, &code, &err), -1);
    }
    setitimer(ITIMER_REAL, &never, NULL);
}

/* No descriptor of ours may leak into a child, or be lost here. */
static void test_no_descriptor_is_lost(void **state)
{
    (void)state;
    struct err err = {0};
    struct proc proc = {.stdin_fd = -1, .stdout_fd = -1};
    /* What this test itself inherited is no fault of proc_run. */
    for (int fd = 3; fd < 256; fd++) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    int before = dup(0);
    close(before);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(shell("exit 0", &proc, &err), 0);
    }
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
    assert_int_equal(shell("test $(ls /proc/self/fd | wc -l) -le 4", &proc, &err), 0);
}

static void test_own_directory(void **state)
{
    (void)state;
    struct err err = {0};
    char *directory = NULL;
    assert_int_equal(proc_own_directory(&directory, &err), 0);
    char *self = fs_join(directory, "proc_test");
    assert_int_equal(access(self, X_OK), 0);
    free(self);
    free(directory);
}

/* Runs a line of shell and takes what it prints, at most `cap` bytes, within `milliseconds`. */
static int captured(const char *line, struct buf *out, struct buf *tail, int64_t milliseconds, int *code, struct err *err)
{
    char copy[512];
    char name[] = "sh";
    char flag[] = "-c";
    char *argv[] = {name, flag, copy, NULL};
    char kept[] = "KEPT=yes";
    char *environment[] = {kept, NULL};
    snprintf(copy, sizeof copy, "%s", line);
    struct proc proc = {
        .path = "/bin/sh", .argv = argv, .environment = environment, .stdin_fd = -1, .stderr_tail = tail};
    return proc_capture(&proc, out, milliseconds, code, err);
}

static void test_capture(void **state)
{
    (void)state;
    struct buf out;
    struct buf tail;
    struct err err = {0};
    int code = -1;
    buf_init(&out, 100000);
    buf_init(&tail, 8);
    assert_int_equal(captured("echo one; echo two words >&2; exit 3", &out, &tail, 10000, &code, &err), 0);
    assert_int_equal(code, 3);
    assert_string_equal(buf_str(&out), "one\n");
    assert_string_equal(buf_str(&tail), "o words\n");
    buf_clear(&out);
    assert_int_equal(captured("echo \"$KEPT$HOME\"; cat", &out, NULL, 10000, &code, &err), 0);
    assert_string_equal(buf_str(&out), "yes\n");
    buf_clear(&out);
    assert_int_equal(captured("head -c 100000 /dev/zero", &out, NULL, 10000, &code, &err), 0);
    assert_int_equal(out.length, 100000);
    buf_clear(&out);
    assert_int_equal(captured("exec >&- 2>&-; exit 5", &out, NULL, 10000, &code, &err), 0);
    assert_int_equal(code, 5);
    signal(SIGPIPE, SIG_IGN); /* as every stage does: a child must not inherit it */
    assert_int_equal(captured("kill -13 $$", &out, NULL, 10000, &code, &err), 0);
    assert_int_equal(code, 128 + SIGPIPE);
    assert_int_equal(captured("kill -15 $$", &out, NULL, 10000, &code, &err), 0);
    assert_int_equal(code, 128 + SIGTERM);
    assert_int_equal(err.class, ERR_NONE);
    buf_release(&out);
    buf_release(&tail);
}

static void test_capture_limits(void **state)
{
    (void)state;
    struct buf out;
    struct err err = {0};
    int code = -1;
    buf_init(&out, 1000);
    assert_int_equal(captured("cat /dev/zero", &out, NULL, 10000, &code, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    assert_true(out.overflow);
    buf_clear(&out);
    err = (struct err){0};
    assert_int_equal(captured("echo soon; sleep 600", &out, NULL, 3000, &code, &err), -1);
    assert_int_equal(err.class, ERR_TEMPFAIL);
    assert_string_equal(buf_str(&out), "soon\n");
    buf_clear(&out);
    err = (struct err){0};
    assert_int_equal(captured("exec >&- 2>&-; sleep 600", &out, NULL, 300, &code, &err), -1);
    assert_int_equal(err.class, ERR_TEMPFAIL);
    char name[] = "none";
    char *argv[] = {name, NULL};
    struct proc none = {.path = "/nonexistent/none", .argv = argv, .stdin_fd = -1};
    assert_int_equal(proc_capture(&none, &out, 1000, &code, &err), -1);
    assert_int_equal(err.class, ERR_SOFTWARE);
    none.directory = "/nonexistent";
    assert_int_equal(proc_capture(&none, &out, 1000, &code, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
    buf_release(&out);
}

static void test_find(void **state)
{
    (void)state;
    char *before = getenv("PATH");
    char *kept = before == NULL ? NULL : strdup(before);
    setenv("PATH", ".::bin:/nonexistent:/bin", 1);
    char *path = proc_find("sh");
    assert_string_equal(path, "/bin/sh");
    free(path);
    assert_null(proc_find("no-such-program"));
    setenv("PATH", "/", 1);
    assert_null(proc_find("bin")); /* a folder */
    unsetenv("PATH");
    assert_null(proc_find("sh"));
    if (kept != NULL) {
        setenv("PATH", kept, 1);
    }
    free(kept);
}

/* What a program that was let go wrote to `path`, awaited. */
static void await_text(const char *path, char *text, size_t size)
{
    struct buf out;
    buf_init(&out, size - 1);
    for (int i = 0; i < 6000 && (out.length == 0 || strchr(out.data, '\n') == NULL); i++) {
        struct err ignored = {0};
        buf_clear(&out);
        fs_read(path, &out, &ignored);
        clock_sleep_ms(10);
    }
    snprintf(text, size, "%s", buf_str(&out));
    buf_release(&out);
}

static void detach(const char *line, unsigned seconds)
{
    char copy[512];
    char name[] = "sh";
    char flag[] = "-c";
    struct err err = {0};
    snprintf(copy, sizeof copy, "%s", line);
    char *argv[] = {name, flag, copy, NULL};
    struct proc proc = {.path = "/bin/sh", .argv = argv};
    assert_int_equal(proc_detach(&proc, seconds, &err), 0);
}

/* Whether a process is there and not just waiting to be reaped. */
static bool is_running(pid_t pid)
{
    char path[64];
    struct buf text;
    struct err ignored = {0};
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    buf_init(&text, 64 * 1024);
    bool running = fs_read(path, &text, &ignored) == 0 && strstr(buf_str(&text), "\nState:\tZ") == NULL;
    buf_release(&text);
    return running;
}

/* A program that is let go has nothing of ours: no stream, no descriptor, no session; and an end. */
static void test_detach(void **state)
{
    (void)state;
    char path[] = "/tmp/tare-detach.XXXXXX";
    char line[256];
    char text[256];
    int ours[2];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(pipe(ours), 0); /* inheritable, and not inherited */
    snprintf(line, sizeof line, "r=$(cd /proc/$$/fd; for f in *; do readlink $f; done | grep -v -e /proc -e pipe: | tr '\\n' ' '); echo \"$r\" >%s", path);
    detach(line, 60);
    close(ours[1]);
    char byte;
    assert_int_equal(read(ours[0], &byte, 1), 0); /* nobody else holds its other end */
    close(ours[0]);
    await_text(path, text, sizeof text);
    assert_string_equal(text, "/dev/null /dev/null /dev/null \n");
    assert_int_equal(ftruncate(fd, 0), 0);
    snprintf(line, sizeof line, "echo $$ >%s; exec sleep 600", path);
    detach(line, 3);
    await_text(path, text, sizeof text);
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    assert_true(pid > 1 && getsid(pid) != getsid(0));
    for (int i = 0; i < 6000 && is_running(pid); i++) {
        clock_sleep_ms(10);
    }
    assert_false(is_running(pid));
    close(fd);
    unlink(path);
}

/* A child that has its own way to end is asked, and waited for; afterwards signals mean what they meant before. */
static void test_passes_signals(void **state)
{
    (void)state;
    int seen = -1;
    struct proc proc = {.stdin_fd = -1, .stdout_fd = -1, .passes_signals = true, .signal_seen = &seen};
    struct err err = {0};
    struct sigaction now;
    assert_int_equal(shell("exit 3", &proc, &err), 3);
    assert_int_equal(seen, 0);
    assert_int_equal(shell("trap 'exit 7' TERM; kill -TERM $PPID; while :; do sleep 0.1; done", &proc, &err), 7);
    assert_int_equal(shell("trap 'exit 8' INT; kill -INT $PPID; while :; do sleep 0.1; done", &proc, &err), 8);
    assert_int_equal(seen, SIGINT);
    assert_int_equal(sigaction(SIGTERM, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_DFL);
}

/* The child tells when it is there, and takes its time to become another program. */
static int tells_fork = -1;

static void before_exec(void)
{
    if (tells_fork >= 0 && write(tells_fork, "f", 1) == 1) {
        clock_sleep_ms(300);
    }
}

/* What comes while the child is no other program yet is not lost: it ends it. */
static void test_signals_before_exec(void **state)
{
    (void)state;
    int seen = 0;
    struct proc proc = {.stdin_fd = -1, .stdout_fd = -1, .passes_signals = true, .signal_seen = &seen};
    struct err err = {0};
    int forked[2];
    char told;
    assert_int_equal(pipe(forked), 0);
    pid_t self = getpid();
    pid_t sender = fork();
    if (sender == 0) {
        _exit(read(forked[0], &told, 1) != 1 || kill(self, SIGTERM) != 0);
    }
    assert_true(sender > 0);
    assert_int_equal(pthread_atfork(NULL, NULL, before_exec), 0);
    tells_fork = forked[1];
    int code = shell("sleep 5", &proc, &err);
    tells_fork = -1;
    close(forked[0]);
    close(forked[1]);
    assert_int_equal(waitpid(sender, NULL, 0), sender);
    assert_int_equal(seen, SIGTERM);
    assert_int_equal(code, 128 + SIGTERM);
}

/* A child that somebody else's loop reads: it is there until it is finished, and so is whom it started. */
static void test_start(void **state)
{
    (void)state;
    char name[] = "sh";
    char option[] = "-c";
    char first[] = "echo out; echo err >&2; sleep 600 & wait";
    char second[] = "exit 3";
    char *argv[] = {name, option, first, NULL};
    struct proc proc = {.path = "/bin/sh", .argv = argv, .stdin_fd = -1};
    struct proc_child child;
    struct err err = {0};
    char piece[16] = "";
    int code = 0;
    assert_int_equal(proc_start(&proc, &child, &err), 0);
    assert_int_equal(read(child.out_fd, piece, sizeof piece), 4);
    assert_memory_equal(piece, "out\n", 4);
    assert_int_equal(read(child.err_fd, piece, sizeof piece), 4);
    assert_false(proc_ended(&child));
    pid_t group = child.pid;
    int out = dup(child.out_fd);
    assert_int_equal(proc_finish(&child, &code, &err), 0);
    assert_int_equal(code, 128 + SIGKILL);
    assert_int_equal(child.pid, 0);
    assert_int_equal(read(out, piece, sizeof piece), 0); /* nobody of the group holds the other end */
    close(out);
    assert_int_not_equal(kill(group, 0), 0);
    argv[2] = second;
    assert_int_equal(proc_start(&proc, &child, &err), 0);
    while (!proc_ended(&child)) {
        clock_sleep_ms(1);
    }
    assert_int_equal(proc_finish(&child, &code, &err), 0);
    assert_int_equal(code, 3);
    proc.path = "/no/such/program";
    assert_int_equal(proc_start(&proc, &child, &err), -1);
    assert_int_equal(err.class, ERR_SOFTWARE);
}

#ifdef __linux__
/* A child that is of no use without this program is told when it is gone, however it ended. */
static void test_ends_with_parent(void **state)
{
    (void)state;
    int ended[2];
    char byte;
    assert_int_equal(pipe(ended), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct err err = {0};
        struct proc proc = {.stdin_fd = -1, .stdout_fd = ended[1], .ends_with_parent = true};
        close(ended[0]);
        (void)shell("trap 'echo T; exit' TERM; kill -KILL $PPID; while :; do sleep 0.1; done", &proc, &err);
        _exit(1);
    }
    close(ended[1]);
    assert_int_equal(read(ended[0], &byte, 1), 1);
    assert_int_equal(byte, 'T');
    close(ended[0]);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_capture),
        cmocka_unit_test(test_capture_limits),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_exit_codes),       cmocka_unit_test(test_streams),
        cmocka_unit_test(test_tail_keeps_the_end), cmocka_unit_test(test_cannot_start),
        cmocka_unit_test(test_signals_do_not_disturb), cmocka_unit_test(test_no_descriptor_is_lost),
        cmocka_unit_test(test_own_directory), cmocka_unit_test(test_detach),
        cmocka_unit_test(test_passes_signals),   cmocka_unit_test(test_signals_before_exec),
#ifdef __linux__
        cmocka_unit_test(test_ends_with_parent),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
