#ifndef TARE_STAGES_COMMON_TARGET_FILES_H
#define TARE_STAGES_COMMON_TARGET_FILES_H

/*
 * The target `files`: manifests in a work tree, changed as whole files. What a file is now is always told by
 * its digest, never by what was meant to be: before, after, or something that neither the plan nor tare made.
 */

#include <stddef.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "pipeline/io/hash.h"
#include "pipeline/run/ledger.h"

enum { TARGET_FILE_MAX = 16 * 1024 * 1024 }; /* what the ledger keeps of a before-image */

/* Which of two known contents a file has now. */
enum file_content { FILE_BEFORE, FILE_AFTER, FILE_OTHER, FILE_MISSING };

/* Reads root/path and its digest. `out` is cleared first. ERR_NOINPUT, ERR_DATA, ERR_IO. */
int target_file_read(const char *root, const char *path, struct buf *out, char digest[DIGEST_HEX],
                     struct err *err);

/* Tells which content root/path has now; `digest` receives what was found ("" where it is missing). `before` of a file that was
 * made is "": then FILE_BEFORE is that it is missing. A file that cannot be read for another reason is an error: ERR_NOINPUT,
 * ERR_IO. */
int target_file_compare(const char *root, const char *path, const char *before, const char *after,
                        enum file_content *content, char digest[DIGEST_HEX], struct err *err);

/* Replaces root/path by `bytes`, atomically, and reads it again to see that it has the digest `wanted`.
 * ERR_CANTCREAT, ERR_IO. */
int target_file_write(const char *root, const char *path, const void *bytes, size_t length,
                      const char *wanted, struct err *err);

/* Removes temporary files that a killed process left beside root/path: those named as fs_replace names them
 * whose digest is `before` or `after`. */
void target_file_sweep(const char *root, const char *path, const char *before, const char *after);

/* What undoing one change came to. */
enum undo_result {
    UNDO_NOTHING, /* it was never written, or was rolled back already */
    UNDO_DONE,    /* the file has its former bytes again; the ledger says rolled-back */
    UNDO_CHANGED, /* somebody changed the file since: not touched, `why` says what */
    UNDO_FAILED   /* the file could not be restored: the ledger says rollback-failed, `why` says why */
};

enum { UNDO_WHY_MAX = ERR_MESSAGE_MAX };

/* Puts back what stood in a file before the change; idempotent. Needs the run's apply lock and the locks of
 * the change's workloads. A half-finished write of somebody unknown (neither before nor after) is never
 * overwritten. Returns -1 only where the ledger does not answer: then nothing further may be touched. */
int target_file_undo(struct ledger *ledger, const char *root, const struct ledger_change *change,
                     enum undo_result *result, char why[UNDO_WHY_MAX], struct err *err);

/* Digest of what stood in a change's file, "" where it made the file. */
void target_change_before(const struct ledger_change *change, char digest[DIGEST_HEX]);

/* Which content the file of a change has now; as target_file_compare. */
int target_change_compare(const char *root, const struct ledger_change *change, enum file_content *content, char digest[DIGEST_HEX],
                          struct err *err);

/* Name of the set that a change belongs to, whose files are undone together: from its detail, else its object. New. */
char *target_change_set(const struct ledger_change *change);

/* Digest that a change gave its file, from the change's detail. "" where there is none. */
void target_change_after(const struct ledger_change *change, char digest[DIGEST_HEX]);

/* Folder that a change's path is relative to, from its detail; NULL where there is none. New. */
char *target_change_root(const struct ledger_change *change);

#endif
