#include "stages/common/target_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"

enum { NEW_FILE_MODE = 0644, DIGEST_SHOWN = 12 };

int target_file_read(const char *root, const char *path, struct buf *out, char digest[DIGEST_HEX],
                     struct err *err)
{
    char *full = fs_join(root, path);
    buf_clear(out);
    int failed = fs_read(full, out, err);
    if (!failed) {
        hash_bytes(buf_str(out), out->length, digest);
    }
    free(full);
    return failed;
}

int target_file_compare(const char *root, const char *path, const char *before, const char *after,
                        enum file_content *content, char digest[DIGEST_HEX], struct err *err)
{
    struct buf bytes;
    buf_init(&bytes, TARGET_FILE_MAX);
    char *full = fs_join(root, path);
    bool missing = access(full, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
    int failed = 0;
    digest[0] = '\0';
    if (missing) {
        *content = before[0] == '\0' ? FILE_BEFORE : FILE_MISSING;
    } else if ((failed = target_file_read(root, path, &bytes, digest, err)) == 0) {
        *content = str_equal(digest, before)  ? FILE_BEFORE
                   : str_equal(digest, after) ? FILE_AFTER
                                              : FILE_OTHER;
    }
    free(full);
    buf_release(&bytes);
    return failed;
}

int target_file_write(const char *root, const char *path, const void *bytes, size_t length,
                      const char *wanted, struct err *err)
{
    char found[DIGEST_HEX];
    struct buf again;
    char *full = fs_join(root, path);
    buf_init(&again, TARGET_FILE_MAX);
    int failed = fs_replace(full, bytes, length, NEW_FILE_MODE, err) ||
                 target_file_read(root, path, &again, found, err);
    if (!failed && strcmp(found, wanted) != 0) {
        failed =
            err_set(err, ERR_IO, "%s has the digest %s after it was written with %s", full, found, wanted);
    }
    buf_release(&again);
    free(full);
    return failed ? -1 : 0;
}

/* Removes root/path, which tare made; one that is gone already is right. ERR_CANTCREAT, ERR_IO. */
static int target_file_remove(const char *root, const char *path, struct err *err)
{
    char *full = fs_join(root, path);
    char *folder = fs_dirname(full);
    int failed = 0;
    if (unlink(full) != 0 && errno != ENOENT) {
        failed = err_errno(err, ERR_CANTCREAT, errno, "cannot remove %s", full);
    } else {
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fsync(fd) != 0) {
            failed = err_errno(err, ERR_IO, errno, "cannot flush the folder %s", folder);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    free(folder);
    free(full);
    return failed;
}

/* ".tare-" and 16 hex digits: a file on its way to replace another. */
static bool is_temporary(const char *name)
{
    static const char prefix[] = ".tare-";
    return str_starts(name, prefix) && strspn(name + sizeof prefix - 1, "0123456789abcdef") == 16 &&
           name[sizeof prefix - 1 + 16] == '\0';
}

void target_file_sweep(const char *root, const char *path, const char *before, const char *after)
{
    char *full = fs_join(root, path);
    char *real = realpath(full, NULL);
    char *folder = fs_dirname(real == NULL ? full : real);
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        enum file_content content = FILE_OTHER;
        char found[DIGEST_HEX];
        if (!is_temporary(entry->d_name) ||
            target_file_compare(folder, entry->d_name, before, after, &content, found, NULL)) {
            continue;
        }
        if (content == FILE_BEFORE || content == FILE_AFTER) {
            char *left = fs_join(folder, entry->d_name);
            unlink(left);
            free(left);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    free(folder);
    free(real);
    free(full);
}

void target_change_before(const struct ledger_change *change, char digest[DIGEST_HEX])
{
    json_t *detail = json_loads(change->detail, 0, NULL);
    bool absent = json_is_true(json_object_get(detail, "absent_before"));
    snprintf(digest, DIGEST_HEX, "%s", absent ? "" : change->before_digest);
    json_decref(detail);
}

int target_change_compare(const char *root, const struct ledger_change *change, enum file_content *content, char digest[DIGEST_HEX],
                          struct err *err)
{
    char before[DIGEST_HEX];
    char after[DIGEST_HEX];
    target_change_before(change, before);
    target_change_after(change, after);
    return target_file_compare(root, change->object, before, after, content, digest, err);
}

char *target_change_set(const struct ledger_change *change)
{
    json_t *detail = json_loads(change->detail, 0, NULL);
    const char *set = json_string_or_null(detail, "set");
    char *out = xstrdup(set == NULL ? change->object : set);
    json_decref(detail);
    return out;
}

void target_change_after(const struct ledger_change *change, char digest[DIGEST_HEX])
{
    json_t *detail = json_loads(change->detail, 0, NULL);
    const char *after = json_string_or_null(detail, "after_sha256");
    snprintf(digest, DIGEST_HEX, "%s", after == NULL ? "" : after);
    json_decref(detail);
}

char *target_change_root(const struct ledger_change *change)
{
    json_t *detail = json_loads(change->detail, 0, NULL);
    char *root = xstrdup_null(json_string_or_null(detail, "root"));
    json_decref(detail);
    return root;
}

/* Moves a change to rolling-back where it is not there yet. */
static int start_undo(struct ledger *ledger, const struct ledger_change *change, struct err *err)
{
    return change->state == LEDGER_CHANGE_ROLLING_BACK
               ? 0
               : ledger_change_move(ledger, change->id, LEDGER_CHANGE_ROLLING_BACK, NULL, err);
}

static int give_up(struct ledger *ledger, const struct ledger_change *change, enum undo_result *result,
                   struct err *err)
{
    *result = UNDO_FAILED;
    return ledger_change_move(ledger, change->id, LEDGER_CHANGE_ROLLBACK_FAILED, NULL, err);
}

/* The bytes before are written; a file that was not there is removed. */
static int put_back(const char *root, const struct ledger_change *change, const struct buf *before, struct err *err)
{
    char digest[DIGEST_HEX];
    target_change_before(change, digest);
    return digest[0] == '\0' ? target_file_remove(root, change->object, err)
                             : target_file_write(root, change->object, buf_str(before), before->length, digest, err);
}

/* Writes the before-image. A file that cannot be written is a result; a ledger that does not answer is an
 * error. */
static int restore(struct ledger *ledger, const char *root, const struct ledger_change *change,
                   enum undo_result *result, char why[UNDO_WHY_MAX], struct err *err)
{
    struct buf before;
    struct err inner = {0};
    buf_init(&before, TARGET_FILE_MAX);
    int failed = ledger_change_before(ledger, change->id, &before, err);
    if (failed && err->class == ERR_DATA) {
        snprintf(why, UNDO_WHY_MAX, "%s", err->message);
        *err = (struct err){0};
        failed = give_up(ledger, change, result, err);
    } else if (!failed && put_back(root, change, &before, &inner)) {
        snprintf(why, UNDO_WHY_MAX, "%s", inner.message);
        failed = give_up(ledger, change, result, err);
    } else if (!failed) {
        *result = UNDO_DONE;
        failed = ledger_change_move(ledger, change->id, LEDGER_CHANGE_ROLLED_BACK, NULL, err);
    }
    buf_release(&before);
    return failed;
}

/* A file that is neither: of a finished change it is somebody's work since and stays as it is; in the middle
 * of a change a person has to look. */
static int keep_other(struct ledger *ledger, const struct ledger_change *change, const char *found,
                      const char *after, enum undo_result *result, char why[UNDO_WHY_MAX], struct err *err)
{
    if (*found == '\0') {
        snprintf(why, UNDO_WHY_MAX, "%s is not there any more", change->object);
    } else {
        snprintf(why, UNDO_WHY_MAX, "%s was changed since: its sha256 is %.*s, tare wrote %.*s over %.*s",
                 change->object, DIGEST_SHOWN, found, DIGEST_SHOWN, after, DIGEST_SHOWN,
                 change->before_digest);
    }
    *result = UNDO_CHANGED;
    if (change->state == LEDGER_CHANGE_DONE) {
        return 0;
    }
    return start_undo(ledger, change, err) || give_up(ledger, change, result, err) ? -1 : 0;
}

int target_file_undo(struct ledger *ledger, const char *root, const struct ledger_change *change,
                     enum undo_result *result, char why[UNDO_WHY_MAX], struct err *err)
{
    enum file_content content = FILE_OTHER;
    char after[DIGEST_HEX];
    char found[DIGEST_HEX];
    struct err inner = {0};
    why[0] = '\0';
    *result = UNDO_NOTHING;
    if (change->state == LEDGER_CHANGE_PLANNED || change->state == LEDGER_CHANGE_ROLLED_BACK) {
        return 0;
    }
    target_change_after(change, after);
    if (change->state != LEDGER_CHANGE_DONE) {
        target_file_sweep(root, change->object, change->before_digest, after);
    }
    if (target_change_compare(root, change, &content, found, &inner)) {
        snprintf(why, UNDO_WHY_MAX, "%s", inner.message);
        return start_undo(ledger, change, err) || give_up(ledger, change, result, err) ? -1 : 0;
    }
    if (content == FILE_OTHER || content == FILE_MISSING) {
        return keep_other(ledger, change, found, after, result, why, err);
    }
    if (start_undo(ledger, change, err)) {
        return -1;
    }
    if (content == FILE_AFTER) {
        return restore(ledger, root, change, result, why, err);
    }
    *result = UNDO_DONE;
    return ledger_change_move(ledger, change->id, LEDGER_CHANGE_ROLLED_BACK, NULL, err);
}
