/* Files on a real file system: bounded reading, replacing that leaves the old or the new bytes, spools, paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/io/fs.h"

static char directory[256];

static int set_up(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/tare-fs-XXXXXX", base == NULL ? "/tmp" : base);
    return mkdtemp(directory) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "%s", directory);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", "--", command, (char *)NULL);
        _exit(127);
    }
    return waitpid(pid, NULL, 0) < 0;
}

/* Path below the test's own directory; a few at once. */
static const char *in_dir(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_content(const char *path, const char *text)
{
    struct buf bytes;
    struct err err = {0};
    buf_init(&bytes, 100000);
    if (fs_read(path, &bytes, &err)) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(buf_str(&bytes), text);
    buf_release(&bytes);
}

static int entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count - 2;
}

/* A spool becomes a file, from its start wherever it was read to; what cannot be replaced stays. */
static void test_replace_from(void **state)
{
    (void)state;
    struct err err = {0};
    int spool = -1;
    assert_int_equal(fs_spool(&spool, &err), 0);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(fs_write_fd(spool, "01234567\n", 9, "spool", &err), 0);
    }
    assert_int_equal(fs_replace_from(in_dir("spooled"), spool, 0640, &err), 0);
    struct buf bytes;
    buf_init(&bytes, 200000);
    assert_int_equal(fs_read(in_dir("spooled"), &bytes, &err), 0);
    assert_int_equal(bytes.length, 180000);
    assert_memory_equal(buf_str(&bytes) + 179991, "01234567\n", 9);
    buf_release(&bytes);
    assert_int_equal(fs_replace_from(directory, spool, 0640, &err), -1);
    assert_int_equal(fs_replace_from(in_dir("not/there"), spool, 0640, &err), -1);
    assert_int_equal(close(spool), 0);
    assert_int_equal(fs_spool(&spool, &err), 0);
    assert_int_equal(fs_replace_from(in_dir("spooled"), spool, 0640, &err), 0);
    assert_content(in_dir("spooled"), "");
    assert_int_equal(close(spool), 0);
    assert_int_equal(unlink(in_dir("spooled")), 0);
}

static void test_read(void **state)
{
    (void)state;
    struct buf bytes;
    struct err err = {0};
    put(in_dir("f"), "12345");
    buf_init(&bytes, 5);
    assert_int_equal(fs_read(in_dir("f"), &bytes, &err), 0);
    assert_string_equal(buf_str(&bytes), "12345");
    buf_release(&bytes);
    buf_init(&bytes, 4);
    assert_int_equal(fs_read(in_dir("f"), &bytes, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    assert_int_equal(fs_read(in_dir("none"), &bytes, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
    assert_non_null(strstr(err.message, "none"));
    assert_int_equal(fs_read(directory, &bytes, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    /* A FIFO that nobody writes must not hang. */
    assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
    assert_int_equal(fs_read(in_dir("pipe"), &bytes, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    /* A file that grows while it is read, or claims to be empty, still cannot pass the cap. */
    assert_int_equal(fs_read("/proc/self/maps", &bytes, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    buf_release(&bytes);
}

static void test_replace(void **state)
{
    (void)state;
    struct err err = {0};
    const char *path = in_dir("new");
    umask(022);
    assert_int_equal(fs_replace(path, "one", 3, 0640, &err), 0);
    assert_content(path, "one");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    /* An existing file keeps its own mode, and other names of it keep the old bytes. */
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(link(path, in_dir("hard")), 0);
    assert_int_equal(fs_replace(path, "two!", 4, 0640, &err), 0);
    assert_content(path, "two!");
    assert_content(in_dir("hard"), "one");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0604);
    assert_int_equal(fs_replace(path, "", 0, 0600, &err), 0);
    assert_content(path, "");
}

static void test_replace_follows_links(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(mkdir(in_dir("real"), 0755), 0);
    put(in_dir("real/file"), "old");
    assert_int_equal(symlink("real/file", in_dir("link")), 0);
    assert_int_equal(fs_replace(in_dir("link"), "new", 3, 0600, &err), 0);
    struct stat info;
    assert_int_equal(lstat(in_dir("link"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_content(in_dir("real/file"), "new");
    assert_int_equal(entries(in_dir("real")), 1);
}

static void test_replace_fails_cleanly(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(fs_replace(in_dir("no/such/file"), "x", 1, 0600, &err), -1);
    assert_int_equal(err.class, ERR_CANTCREAT);
    /* A directory in the place of the file: refused, and no temporary file is left. */
    assert_int_equal(mkdir(in_dir("box"), 0755), 0);
    assert_int_equal(mkdir(in_dir("box/dir"), 0755), 0);
    put(in_dir("box/dir/file"), "x");
    assert_int_equal(fs_replace(in_dir("box/dir"), "x", 1, 0600, &err), -1);
    assert_int_equal(err.class, ERR_CANTCREAT);
    assert_int_equal(entries(in_dir("box")), 1);
}

/* As root a rename would put a file in the place of a device. */
static void test_replace_spares_what_is_no_file(void **state)
{
    (void)state;
    struct stat info;
    struct err err = {0};
    assert_int_equal(mkfifo(in_dir("queue"), 0600), 0);
    assert_int_equal(fs_replace(in_dir("queue"), "x", 1, 0600, &err), -1);
    assert_int_equal(err.class, ERR_CANTCREAT);
    assert_non_null(strstr(err.message, "device, pipe or socket"));
    assert_int_equal(lstat(in_dir("queue"), &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(symlink("nothing", in_dir("dangling")), 0);
    assert_int_equal(fs_replace(in_dir("dangling"), "x", 1, 0600, &err), -1);
    assert_int_equal(lstat(in_dir("dangling"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    /* Asked before. */
    static const char *const spared[] = {"queue", "dangling", "no/such/file"};
    for (size_t i = 0; i < sizeof spared / sizeof *spared; i++) {
        assert_int_equal(fs_replaceable(in_dir(spared[i]), &err), -1);
        assert_int_equal(err.class, ERR_CANTCREAT);
    }
    assert_int_equal(fs_replaceable(in_dir("not-there-yet"), &err), 0);
}

/* A killed program left its temporary file, and the seed gives the same name again: another name is taken. */
static void test_replace_avoids_leftovers(void **state)
{
    (void)state;
    struct err err = {0};
    char name[64];
    assert_int_equal(mkdir(in_dir("seed"), 0755), 0);
    rng_seed(5);
    snprintf(name, sizeof name, "seed/.tare-%016llx", (unsigned long long)rng_next());
    put(in_dir(name), "left");
    rng_seed(5);
    if (fs_replace(in_dir("seed/file"), "new", 3, 0600, &err)) {
        fail_msg("%s", err.message);
    }
    assert_content(in_dir("seed/file"), "new");
    assert_content(in_dir(name), "left");
}

static void test_write_fd(void **state)
{
    (void)state;
    struct err err = {0};
    int fd = open("/dev/full", O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(fs_write_fd(fd, "x", 1, "the artifact", &err), -1);
    assert_int_equal(err.class, ERR_IO);
    assert_non_null(strstr(err.message, "the artifact"));
    assert_int_equal(fs_write_fd(fd, "", 0, "the artifact", &err), 0);
    close(fd);
    /* More than a pipe holds, against a slow reader: every byte arrives. */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    enum { MUCH = 300000 };
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        size_t total = 0;
        char piece[777];
        for (ssize_t got; (got = read(ends[0], piece, sizeof piece)) > 0;) {
            total += (size_t)got;
        }
        _exit(total == MUCH ? 0 : 1);
    }
    close(ends[0]);
    char *bytes = xcalloc(MUCH);
    assert_int_equal(fs_write_fd(ends[1], bytes, MUCH, "the pipe", &err), 0);
    close(ends[1]);
    free(bytes);
    int status = -1;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

static void test_read_fd(void **state)
{
    (void)state;
    struct err err = {0};
    struct buf bytes;
    buf_init(&bytes, 10);
    assert_int_equal(fs_read_fd(-1, "the pipe", &bytes, &err), -1);
    assert_int_equal(err.class, ERR_IO);
    int fd = open("/dev/zero", O_RDONLY);
    assert_int_equal(fs_read_fd(fd, "the stream", &bytes, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    assert_non_null(strstr(err.message, "the stream"));
    close(fd);
    buf_release(&bytes);
}

static void test_make_dirs(void **state)
{
    (void)state;
    struct err err = {0};
    struct stat info;
    assert_int_equal(fs_make_dirs(in_dir("a/b//c/"), 0755, &err), 0);
    assert_int_equal(stat(in_dir("a/b/c"), &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(fs_make_dirs(in_dir("a/b/c"), 0755, &err), 0);
    put(in_dir("a/file"), "x");
    assert_int_equal(fs_make_dirs(in_dir("a/file"), 0755, &err), -1);
    assert_int_equal(err.class, ERR_CANTCREAT);
    assert_non_null(strstr(err.message, "a/file"));
    assert_int_equal(fs_make_dirs(in_dir("a/file/deeper"), 0755, &err), -1);
    assert_int_equal(err.class, ERR_CANTCREAT);
}

static void test_spool(void **state)
{
    (void)state;
    struct err err = {0};
    setenv("TMPDIR", in_dir("a"), 1);
    int before = entries(in_dir("a"));
    int fd = -1;
    assert_int_equal(fs_spool(&fd, &err), 0);
    assert_int_equal(entries(in_dir("a")), before);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    setenv("TMPDIR", in_dir("none"), 1);
    assert_int_equal(fs_spool(&fd, &err), -1);
    assert_int_equal(err.class, ERR_CANTCREAT);
    assert_non_null(strstr(err.hint, "TMPDIR"));
    unsetenv("TMPDIR");
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *dir;
        const char *name;
        const char *joined;
    } joins[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"a", "/b", "/b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < ARRAY_COUNT(joins); i++) {
        char *path = fs_join(joins[i].dir, joins[i].name);
        assert_string_equal(path, joins[i].joined);
        free(path);
    }
    static const struct {
        const char *path;
        const char *dir;
    } dirs[] = {{"a", "."}, {"a/b", "a"}, {"/a", "/"}, {"/a/b", "/a"}, {"a/b/c", "a/b"}};
    for (size_t i = 0; i < ARRAY_COUNT(dirs); i++) {
        char *dir = fs_dirname(dirs[i].path);
        assert_string_equal(dir, dirs[i].dir);
        free(dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace_from), cmocka_unit_test(test_read),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_replace_follows_links),
        cmocka_unit_test(test_replace_fails_cleanly),
        cmocka_unit_test(test_replace_spares_what_is_no_file),
        cmocka_unit_test(test_replace_avoids_leftovers),
        cmocka_unit_test(test_write_fd),
        cmocka_unit_test(test_read_fd),
        cmocka_unit_test(test_make_dirs),
        cmocka_unit_test(test_spool),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
