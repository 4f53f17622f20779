#include "pipeline/run/ledger_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"

/* Size of one stored piece; the schema allows no larger ones. */
enum { CHUNK = 256 * 1024 };

int ledger_attempt_begin(struct ledger *ledger, int64_t run, const char *stage, const char *input,
                         const json_t *detail, int64_t *attempt, struct err *err)
{
    struct db_param params[] = {db_int(run), db_text(stage), db_text(input), db_text(NULL)};
    return ledger_put(ledger, sql_attempt_begin, params, ARRAY_COUNT(params), 3, detail, attempt, err);
}

int ledger_attempt_fail(struct ledger *ledger, int64_t attempt, int exit_code, const char *message,
                        struct err *err)
{
    return db_none(ledger->db, sql_attempt_fail, PARAMS(db_int(attempt), db_int(exit_code), db_text(message)),
                   err);
}

/* ---- Storing ---- */

/* Reads up to CHUNK bytes at `offset`; *got is 0 at the end. */
static int read_piece(int fd, char *piece, off_t offset, size_t *got, struct err *err)
{
    size_t used = 0;
    while (used < CHUNK) {
        ssize_t rc = pread(fd, piece + used, CHUNK - used, offset + (off_t)used);
        if (rc < 0 && errno == EINTR) {
            continue;
        }
        if (rc < 0) {
            return err_errno(err, ERR_IO, errno, "cannot read the artifact back");
        }
        if (rc == 0) {
            break;
        }
        used += (size_t)rc;
    }
    *got = used;
    return 0;
}

/* Goes over the file once: adds every piece to `hash`, and sends it where `digest` is given. */
static int each_piece(struct ledger *ledger, int fd, struct hash *hash, const char *digest, int64_t *size,
                      struct err *err)
{
    char *piece = xmalloc(CHUNK);
    int rc = 0;
    size_t got = CHUNK;
    off_t offset = 0;
    for (int64_t sequence = 0; rc == 0 && got == CHUNK; sequence++) {
        rc = read_piece(fd, piece, offset, &got, err);
        if (rc == 0 && got > 0) {
            hash_add(hash, piece, got);
            offset += (off_t)got;
            if (digest != NULL) {
                rc = db_none(ledger->db, sql_artifact_chunk_put,
                             PARAMS(db_text(digest), db_int(sequence), db_bytes(piece, got)), err);
            }
        }
    }
    free(piece);
    *size = (int64_t)offset;
    return rc;
}

/* Digest and size of the file; with `digest_in` also sends it. */
static int pass_over(struct ledger *ledger, int fd, const char *send_as, char digest[DIGEST_HEX],
                     int64_t *size, struct err *err)
{
    struct hash *hash = hash_new();
    int rc = each_piece(ledger, fd, hash, send_as, size, err);
    hash_hex(hash, digest);
    hash_free(hash);
    return rc;
}

/* Inside the transaction: announce, send where wanted, finish. */
static int store(struct ledger *ledger, int64_t attempt, const char *kind, int fd, const char *digest,
                 int64_t size, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row(ledger->db, sql_artifact_put,
               PARAMS(db_int(attempt), db_text(digest), db_text(kind), db_int(size)), &row, err)) {
        return -1;
    }
    bool wanted = db_rows_bool(row, 0, 0);
    db_rows_free(row);
    if (wanted) {
        char sent[DIGEST_HEX];
        int64_t sent_size = 0;
        if (pass_over(ledger, fd, digest, sent, &sent_size, err)) {
            return -1;
        }
        if (sent_size != size || strcmp(sent, digest) != 0) {
            return err_set(err, ERR_IO, "the artifact changed while it was being stored");
        }
    }
    return db_none(ledger->db, sql_attempt_finish, PARAMS(db_int(attempt), db_text(digest)), err);
}

int ledger_artifact_store(struct ledger *ledger, int64_t attempt, const char *kind, int fd,
                          char digest[LEDGER_DIGEST_SIZE], struct err *err)
{
    return ledger_artifact_store_with(ledger, attempt, kind, fd, NULL, NULL, digest, err);
}

int ledger_artifact_store_with(struct ledger *ledger, int64_t attempt, const char *kind, int fd, ledger_companion *companion,
                               void *context, char digest[LEDGER_DIGEST_SIZE], struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return err_set(err, ERR_SOFTWARE, "an artifact is stored from a regular file only");
    }
    int64_t size = 0;
    if (pass_over(ledger, fd, NULL, digest, &size, err) || db_begin(ledger->db, err)) {
        return -1;
    }
    if ((companion != NULL && companion(ledger, context, err)) || store(ledger, attempt, kind, fd, digest, size, err)) {
        db_rollback(ledger->db);
        return -1;
    }
    return db_commit(ledger->db, err);
}

/* ---- Reading ---- */

/* All pieces in order to `fd`. */
static int copy_pieces(struct ledger *ledger, const char *digest, int fd, struct hash *hash, int64_t *size,
                       struct err *err)
{
    struct buf piece;
    buf_init(&piece, CHUNK + 1);
    bool found = true;
    int rc = 0;
    for (int64_t sequence = 0; rc == 0 && found; sequence++) {
        buf_clear(&piece);
        rc = db_value_bytes(ledger->db, sql_artifact_chunk_get, PARAMS(db_text(digest), db_int(sequence)),
                            &piece, &found, err);
        if (rc == 0 && found) {
            hash_add(hash, piece.data, piece.length);
            *size += (int64_t)piece.length;
            rc = fs_write_fd(fd, piece.data, piece.length, "the artifact", err);
        }
    }
    buf_release(&piece);
    return rc;
}

/* Size of an artifact whose bytes are there; ERR_NOINPUT where there is none, or where they were pruned. */
static int stored_size(struct ledger *ledger, const char *digest, int64_t *size, struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row_optional(ledger->db, sql_artifact_size, PARAMS(db_text(digest)), &row, err)) {
        return -1;
    }
    const char *pruned = row == NULL ? NULL : db_rows_text(row, 0, 1);
    if (row == NULL) {
        return err_set(err, ERR_NOINPUT, "artifact %s is not in the ledger, or is not yours to see", digest);
    }
    *size = db_rows_int(row, 0, 0, -1);
    if (pruned != NULL) {
        err_set(err, ERR_NOINPUT, "the bytes of artifact %.12s (%" PRId64 " of them) were pruned at %s by %s", digest, *size, pruned,
                db_rows_text(row, 0, 2));
        err_hint(err, "tare status RUN, tare history and tare audit list RUN still tell of it");
    }
    db_rows_free(row);
    return pruned == NULL ? 0 : -1;
}

int ledger_artifact_copy(struct ledger *ledger, const char *digest, int fd, struct err *err)
{
    int64_t expected = 0;
    if (stored_size(ledger, digest, &expected, err)) {
        return -1;
    }
    struct hash *hash = hash_new();
    char got[DIGEST_HEX];
    int64_t size = 0;
    int rc = copy_pieces(ledger, digest, fd, hash, &size, err);
    hash_hex(hash, got);
    hash_free(hash);
    if (rc == 0 && (size != expected || strcmp(got, digest) != 0)) {
        if (stored_size(ledger, digest, &expected, err)) {
            return -1; /* pruned while it was read */
        }
        err_set(err, ERR_DATA, "the stored bytes of artifact %s are not those that were stored: they give %s",
                digest, got);
        return err_hint(err, "tare audit verify");
    }
    return rc;
}

int ledger_artifact_find(struct ledger *ledger, int64_t run, const char *stage,
                         char digest[LEDGER_DIGEST_SIZE], struct err *err)
{
    struct db_rows *row = NULL;
    if (db_row_optional(ledger->db, sql_artifact_find, PARAMS(db_int(run), db_text(stage)), &row, err)) {
        return -1;
    }
    const char *found = row == NULL ? NULL : db_rows_text(row, 0, 0);
    if (found == NULL || strlen(found) != LEDGER_DIGEST_SIZE - 1) {
        db_rows_free(row);
        err_set(err, ERR_NOINPUT, "run %" PRId64 " has no finished %s", run, stage);
        return err_hint(err, "tare status %" PRId64, run);
    }
    memcpy(digest, found, LEDGER_DIGEST_SIZE);
    db_rows_free(row);
    return 0;
}

/* Columns as in attempt_list.sql. */
static struct ledger_attempt attempt_from_row(const struct db_rows *rows, size_t i, struct arena *arena)
{
    const char *texts[12];
    for (int column = 0; column < 12; column++) {
        const char *text = db_rows_text(rows, i, column);
        texts[column] = text == NULL ? NULL : arena_strdup(arena, text);
    }
    return (struct ledger_attempt){
        .id = db_rows_int(rows, i, 0, 0),
        .inherited_from = db_rows_int(rows, i, 1, 0),
        .number = (int)db_rows_int(rows, i, 2, 0),
        .stage = texts[3],
        .state = texts[4],
        .finished = strcmp(texts[4], "finished") == 0,
        .kind = texts[5],
        .digest = texts[6],
        .input = texts[7],
        .started = texts[8],
        .ended = texts[9],
        .message = texts[10],
        .size = db_rows_int(rows, i, 11, 0),
        .exit_code = (int)db_rows_int(rows, i, 12, 0),
    };
}

int ledger_attempts(struct ledger *ledger, int64_t run, struct arena *arena, struct ledger_attempts *out,
                    struct err *err)
{
    struct db_rows *rows = NULL;
    if (db_rows(ledger->db, sql_attempt_list, PARAMS(db_int(run)), &rows, err)) {
        return -1;
    }
    out->count = db_rows_count(rows);
    out->items = arena_alloc_array(arena, out->count + 1, sizeof *out->items);
    for (size_t i = 0; i < out->count; i++) {
        out->items[i] = attempt_from_row(rows, i, arena);
    }
    db_rows_free(rows);
    return 0;
}
