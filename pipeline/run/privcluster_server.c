#define _DEFAULT_SOURCE /* initgroups */
#include "pipeline/run/privcluster_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"

enum { EXEC_FAILED = 127, DESCRIPTORS_MAX = 4096, PATHS_MAX = 256 };

int server_user_find(struct server_user *user, struct err *err)
{
    static const char *const for_root[] = {"postgres", "nobody"};
    *user = (struct server_user){.uid = geteuid(), .gid = getegid(), .other = geteuid() == 0};
    const struct passwd *entry = NULL;
    for (size_t i = 0; user->other && entry == NULL && i < ARRAY_COUNT(for_root); i++) {
        entry = getpwnam(for_root[i]);
    }
    if (user->other && entry == NULL) {
        return err_set(err, ERR_UNAVAILABLE,
                       "Postgres does not run as root, and there is no user postgres or nobody");
    }
    if (!user->other) {
        entry = getpwuid(user->uid);
    }
    if (entry != NULL) {
        user->uid = entry->pw_uid;
        user->gid = user->other ? entry->pw_gid : user->gid;
    }
    user->name = entry != NULL ? xstrdup(entry->pw_name) : xasprintf("uid%lu", (unsigned long)user->uid);
    return 0;
}

/* ---- Finding programs ---- */

static char *program_in(const char *directory, const char *name)
{
    char *path = fs_join(directory, name);
    if (access(path, X_OK) == 0) {
        return path;
    }
    free(path);
    return NULL;
}

static char *program_on_path(const char *name)
{
    const char *list = getenv("PATH");
    char *copy = xstrdup(list == NULL ? "" : list);
    char *rest = copy;
    char *found = NULL;
    for (char *item = strtok_r(copy, ":", &rest); item != NULL && found == NULL;
         item = strtok_r(NULL, ":", &rest)) {
        found = item[0] == '/' ? program_in(item, name) : NULL;
    }
    free(copy);
    return found;
}

/* The newest version's, as Debian lays them out. */
static char *program_newest(const char *name)
{
    glob_t found = {0};
    char *best = NULL;
    int64_t best_version = 0;
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && i < PATHS_MAX; i++) {
            int64_t version = strtol(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"), NULL, 10);
            char *path = version > best_version ? program_in(found.gl_pathv[i], name) : NULL;
            if (path != NULL) {
                free(best);
                best = path;
                best_version = version;
            }
        }
    }
    globfree(&found);
    return best;
}

int server_program(const char *name, int version, char **path, struct err *err)
{
    *path = NULL;
    if (version > 0) {
        char *directory = xasprintf("/usr/lib/postgresql/%d/bin", version);
        *path = program_in(directory, name);
        free(directory);
    }
    if (*path == NULL) {
        *path = program_on_path(name);
    }
    if (*path == NULL) {
        *path = program_newest(name);
    }
    if (*path == NULL) {
        err_set(err, ERR_UNAVAILABLE,
                "the private ledger needs Postgres on this machine, and %s was not found", name);
        return err_hint(err,
                        "apt-get install postgresql, or name a server with --database or TARE_DATABASE_URL");
    }
    return 0;
}

/* ---- Running them ---- */

/* In the child: nothing of the caller's must stay open in a server that outlives it. */
static void child_descriptors(int out, int keep)
{
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        dup2(out, STDERR_FILENO) < 0) {
        _exit(EXEC_FAILED);
    }
    for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_MAX; fd++) {
        if (fd != keep) {
            close(fd);
        }
    }
    if (keep >= 0) {
        (void)fcntl(keep, F_SETFD, 0);
    }
}

static void child_user(const struct server_user *user)
{
    if (user->other &&
        (setgid(user->gid) != 0 || initgroups(user->name, user->gid) != 0 || setuid(user->uid) != 0)) {
        _exit(EXEC_FAILED);
    }
}

static void child(const struct server_user *user, const char *directory, const char *const *argv, int keep,
                  int out)
{
    char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
    char locale[] = "LC_ALL=C";
    char zone[] = "TZ=UTC";
    char *environment[] = {path, locale, zone, NULL};
    child_descriptors(out, keep);
    child_user(user);
    if (chdir(directory) != 0 && chdir("/") != 0) {
        _exit(EXEC_FAILED);
    }
    union {
        const char *const *in;
        char *const *out;
    } args = {.in = argv}; /* execve promises not to change them, its type does not */
    execve(argv[0], args.out, environment);
    _exit(EXEC_FAILED);
}

/* Reads what the child prints until it closes its end; what does not fit is dropped. */
static void drain(int fd, struct buf *output)
{
    char piece[1024];
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return;
        }
        (void)buf_add(output, piece, (size_t)got);
    }
}

int server_run(const struct server_user *user, const char *directory, const char *const *argv, int keep,
               struct buf *output, struct err *err)
{
    int pipes[2];
    if (pipe(pipes) != 0) {
        return err_errno(err, ERR_TEMPFAIL, errno, "cannot make a pipe");
    }
    pid_t pid = fork();
    if (pid < 0) {
        int saved = errno;
        close(pipes[0]);
        close(pipes[1]);
        return err_errno(err, ERR_TEMPFAIL, saved, "cannot start %s", argv[0]);
    }
    if (pid == 0) {
        child(user, directory, argv, keep, pipes[1]);
    }
    close(pipes[1]);
    drain(pipes[0], output);
    close(pipes[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return err_errno(err, ERR_TEMPFAIL, errno, "cannot wait for %s", argv[0]);
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXEC_FAILED;
}
