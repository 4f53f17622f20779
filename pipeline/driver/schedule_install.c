#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/schedule.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"

enum { FILE_MAX = 1024 * 1024, SAID_MAX = 2000, CRONTAB_MS = 30000, RELOAD_MS = 60000 };

/* ---- systemd ---- */

/* Where units lie. New, free(). */
static int unit_folder(const struct session *session, char **out, struct err *err)
{
    if (!options_flag(session->options, OPT_USER)) {
        *out = xstrdup("/etc/systemd/system");
        return 0;
    }
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (config != NULL && config[0] == '/') {
        *out = fs_join(config, "systemd/user");
    } else if (home != NULL && home[0] == '/') {
        *out = fs_join(home, ".config/systemd/user");
    } else {
        return err_set(err, ERR_NOINPUT, "where this user's units lie cannot be told: HOME is not set");
    }
    return 0;
}

/* Whether a unit file is there, and made by us: the first line says so. */
static int look_at(const char *path, const char *name, bool *there, bool *same, const struct buf *wanted, struct err *err)
{
    struct buf text;
    *same = false;
    *there = access(path, F_OK) == 0;
    if (!*there) {
        return 0;
    }
    buf_init(&text, FILE_MAX);
    int failed = fs_read(path, &text, err);
    char *mark = xasprintf("uninstall %s --format systemd\n", name);
    const char *at = strstr(buf_str(&text), mark);
    if (!failed && (at == NULL || !str_starts(buf_str(&text), "# tare-") || strchr(buf_str(&text), '\n') != at + strlen(mark) - 1)) {
        err_set(err, ERR_DATA, "%s is there and was not made by tare schedule install %s", path, name);
        failed = err_hint(err, "move it away, or give the schedule another name");
    }
    *same = !failed && wanted != NULL && text.length == wanted->length && memcmp(text.data, wanted->data, wanted->length) == 0;
    free(mark);
    buf_release(&text);
    return failed;
}

static int do_unit(const char *folder, const char *name, const char *kind, const struct buf *wanted, bool dry, bool *changed,
                   struct err *err)
{
    bool there;
    bool same;
    char *file = xasprintf("tare-%s.%s", name, kind);
    char *path = fs_join(folder, file);
    int failed = look_at(path, name, &there, &same, wanted, err);
    if (!failed && wanted == NULL && there) {
        printf("%s %s\n", dry ? "would remove" : "removed", path);
        failed = dry || unlink(path) == 0 ? 0 : err_errno(err, ERR_IO, errno, "%s cannot be removed", path);
        *changed = true;
    } else if (!failed && wanted != NULL && !same) {
        failed = dry ? 0 : fs_make_dirs(folder, 0755, err) || fs_replace(path, buf_str(wanted), wanted->length, 0644, err);
        if (!failed) {
            printf("%s %s\n", dry ? "would write" : "wrote", path);
        }
        *changed = true;
    } else if (!failed) {
        printf("%s %s\n", path, there ? "is as it should be" : "is not there");
    }
    free(path);
    free(file);
    return failed ? -1 : 0;
}

/* Where systemd runs it is told that units changed; elsewhere nobody is there to be told. */
static void reload(bool user)
{
    char *path = access("/run/systemd/system", F_OK) == 0 ? proc_find("systemctl") : NULL;
    if (path == NULL) {
        return;
    }
    char program[] = "systemctl";
    char scope[] = "--user";
    char verb[] = "daemon-reload";
    char *const whole[] = {program, verb, NULL};
    char *const own[] = {program, scope, verb, NULL};
    struct buf said;
    struct err err = {0};
    int code = 0;
    buf_init(&said, SAID_MAX);
    struct proc proc = {.path = path, .argv = user ? own : whole, .stdin_fd = -1};
    if (proc_capture(&proc, &said, RELOAD_MS, &code, &err) || code != 0) {
        printf("systemctl daemon-reload failed: type it yourself\n");
    }
    buf_release(&said);
    free(path);
}

static int units(struct session *session, const char *name, const struct schedule_files *files, struct err *err)
{
    bool user = options_flag(session->options, OPT_USER);
    bool dry = options_flag(session->options, OPT_DRY_RUN);
    bool changed = false;
    char *folder = NULL;
    if (unit_folder(session, &folder, err)) {
        return -1;
    }
    const char *flag = user ? "--user " : "";
    if (files == NULL) {
        printf("first, where it is enabled: systemctl %sdisable --now tare-%s.timer\n", flag, name);
    }
    int failed = do_unit(folder, name, "timer", files == NULL ? NULL : &files->timer, dry, &changed, err) ||
                 do_unit(folder, name, "service", files == NULL ? NULL : &files->service, dry, &changed, err);
    free(folder);
    if (failed) {
        return -1;
    }
    if (changed && !dry) {
        reload(user);
    }
    if (files != NULL) {
        printf("next: systemctl %senable --now tare-%s.timer\n", flag, name);
    }
    return 0;
}

/* ---- crontab ---- */

/* The crontab of this user; none is an empty one. */
static int read_crontab(char *path, struct buf *out, struct err *err)
{
    char program[] = "crontab";
    char flag[] = "-l";
    char *const argv[] = {program, flag, NULL};
    struct buf said;
    int code = 0;
    buf_init(&said, SAID_MAX);
    struct proc proc = {.path = path, .argv = argv, .stdin_fd = -1, .stderr_tail = &said};
    int failed = proc_capture(&proc, out, CRONTAB_MS, &code, err);
    if (!failed && code != 0 && strstr(buf_str(&said), "no crontab for") == NULL) {
        failed = err_set(err, ERR_IO, "the crontab cannot be read: %.*s", (int)strcspn(buf_str(&said), "\n"), buf_str(&said));
    }
    if (code != 0) {
        buf_clear(out);
    }
    buf_release(&said);
    return failed;
}

static int write_crontab(char *path, const struct buf *text, struct err *err)
{
    char program[] = "crontab";
    char from[] = "-";
    char *const argv[] = {program, from, NULL};
    int fd;
    int code = 0;
    if (fs_spool(&fd, err)) {
        return -1;
    }
    struct proc proc = {.path = path, .argv = argv, .stdin_fd = fd, .stdout_fd = -1};
    int failed = fs_write_fd(fd, buf_str(text), text->length, "the new crontab", err) || lseek(fd, 0, SEEK_SET) != 0 ||
                 proc_run(&proc, &code, err);
    close(fd);
    if (!failed && code != 0) {
        failed = err_set(err, ERR_IO, "crontab did not take the new lines (exit %d): the old ones stand", code);
    }
    return failed ? -1 : 0;
}

/* Where a whole line begins in a text. */
static const char *find_line(const char *text, const char *line)
{
    const char *at = text;
    while ((at = strstr(at, line)) != NULL && at != text && at[-1] != '\n') {
        at++;
    }
    return at;
}

/* The text with the block put in the place of the old one, or before all else: so no byte of what is there changes, whatever it ends
 * with. An empty block takes the old one away. */
static int replace_block(const struct buf *old, const char *name, const char *block, struct buf *out, struct err *err)
{
    struct buf begin;
    struct buf end;
    buf_init(&begin, SAID_MAX);
    buf_init(&end, SAID_MAX);
    schedule_mark(name, false, &begin);
    schedule_mark(name, true, &end);
    const char *text = buf_str(old);
    const char *from = find_line(text, buf_str(&begin));
    const char *to = from == NULL ? NULL : find_line(from, buf_str(&end));
    int failed = 0;
    if (from != NULL && to == NULL) {
        err_set(err, ERR_DATA, "the crontab has the first line of the schedule %s and not its last one", name);
        failed = err_hint(err, "mend it with crontab -e: the last line is \"%.*s\"", (int)strlen(buf_str(&end)) - 1, buf_str(&end));
    } else {
        from = from == NULL ? text : from;
        to = to == NULL ? text : to + end.length;
        buf_add(out, text, (size_t)(from - text));
        buf_add_str(out, block);
        buf_add_str(out, to);
        failed = out->overflow ? err_set(err, ERR_DATA, "the crontab is larger than %d bytes", FILE_MAX) : 0;
    }
    buf_release(&begin);
    buf_release(&end);
    return failed;
}

static int change_crontab(struct session *session, char *program, const char *name, const char *block, struct err *err)
{
    struct buf old;
    struct buf fresh;
    buf_init(&old, FILE_MAX);
    buf_init(&fresh, FILE_MAX);
    bool dry = options_flag(session->options, OPT_DRY_RUN);
    int failed = read_crontab(program, &old, err) || replace_block(&old, name, block, &fresh, err);
    bool same = !failed && strcmp(buf_str(&old), buf_str(&fresh)) == 0;
    if (!failed && !same && !dry) {
        failed = write_crontab(program, &fresh, err);
    }
    if (!failed) {
        printf("%s\n", same ? "the crontab is as it should be" : dry ? "would change the crontab:" : "the crontab is changed");
        if (dry && !same) {
            fputs(buf_str(&fresh), stdout);
        }
    }
    buf_release(&old);
    buf_release(&fresh);
    return failed ? -1 : 0;
}

static int crontab(struct session *session, const char *name, const struct schedule_files *files, struct err *err)
{
    char *program = proc_find("crontab");
    if (program == NULL) {
        err_set(err, ERR_UNAVAILABLE, "there is no crontab on this machine");
        return err_hint(err, "install cron, or: tare schedule install %s --format systemd", name);
    }
    int failed = change_crontab(session, program, name, files == NULL ? "" : buf_str(&files->lines), err);
    free(program);
    return failed;
}

int schedule_install(struct session *session, const char *name, const json_t *row, enum schedule_form form, struct err *err)
{
    struct schedule_files files;
    if (form == SCHEDULE_CRONJOB) {
        err_set(err, ERR_USAGE, "a CronJob is not installed from here");
        return err_hint(err, "tare schedule print %s --format cronjob --image I | kubectl apply -f -", name);
    }
    if (row != NULL && schedule_files_make(session, row, form, &files, err)) {
        schedule_files_release(&files);
        return -1;
    }
    const struct schedule_files *wanted = row == NULL ? NULL : &files;
    int failed = form == SCHEDULE_SYSTEMD ? units(session, name, wanted, err) : crontab(session, name, wanted, err);
    if (row != NULL) {
        schedule_files_release(&files);
    }
    return failed;
}
