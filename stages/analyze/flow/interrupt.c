#include "stages/analyze/flow/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

static const int watched[] = {SIGINT, SIGTERM};

static volatile sig_atomic_t came;
static int ends[2] = {-1, -1};
static struct sigaction former[ARRAY_COUNT(watched)];

/* Wakes whoever waits. From now on signals do what they did before: the next one ends the program. */
static void on_signal(int number)
{
    int saved = errno;
    const char byte = 0;
    (void)number;
    came = 1;
    for (size_t i = 0; i < ARRAY_COUNT(watched); i++) {
        (void)sigaction(watched[i], &former[i], NULL);
    }
    ssize_t written = write(ends[1], &byte, 1);
    (void)written;
    errno = saved;
}

int interrupt_watch(struct err *err)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (pipe(ends)) {
        return err_errno(err, ERR_SOFTWARE, errno, "cannot watch for signals");
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    came = 0;
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_COUNT(watched); i++) {
        (void)sigaction(watched[i], &action, &former[i]);
    }
    return 0;
}

bool interrupt_came(void)
{
    return came != 0;
}

int interrupt_fd(void)
{
    return ends[0];
}

void interrupt_wait(int fd, int64_t until_ms)
{
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = ends[0], .events = POLLIN}};
    int64_t left = until_ms - clock_monotonic_ms();
    (void)poll(polled, ARRAY_COUNT(polled), left < 0 ? 0 : left > 60000 ? 60000 : (int)left);
}

void interrupt_end(void)
{
    if (ends[0] < 0) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(watched); i++) {
        (void)sigaction(watched[i], &former[i], NULL);
    }
    for (int i = 0; i < 2; i++) {
        (void)close(ends[i]);
        ends[i] = -1;
    }
}
