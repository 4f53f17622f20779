/* Child processes: exit codes, signals, streams, what is kept of stderr, programs that are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_codes),       cmocka_unit_test(test_streams),
        cmocka_unit_test(test_tail_keeps_the_end), cmocka_unit_test(test_cannot_start),
        cmocka_unit_test(test_signals_do_not_disturb), cmocka_unit_test(test_no_descriptor_is_lost),
        cmocka_unit_test(test_own_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
