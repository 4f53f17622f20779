#include "stages/apply/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"

enum { TRAILER_MAX = 64 * 1024 };

static const struct {
    const char *stage;
    enum artifact_kind kind;
} links[] = {
#define X(name, artifact) {#name, artifact},
#include "pipeline/run/line.def"
#undef X
};

/* What is wrong with a link: found something else than what the plan was made from. */
static int broken(const char *stage, const char *what, const char *found, const char *expected, struct err *err)
{
    return err_set(err, ERR_STALE, "the plan is stale: %s of the stage %s is %s, expected was %s", what, stage,
                   found == NULL || *found == '\0' ? "none" : found, expected == NULL || *expected == '\0' ? "none" : expected);
}

/* What cannot be read as it was stored is another artifact; a ledger that does not answer is none of that. */
static int unreadable(const char *stage, struct err *err)
{
    if (err->class == ERR_DATA || err->class == ERR_NOINPUT) {
        err->class = ERR_STALE;
        err_prefix(err, "the plan is stale: the artifact of the stage %s", stage);
    }
    return -1;
}

int chain_open(struct stage *stage, const char *name, const char *digest, enum artifact_kind kind, int *fd,
               struct artifact_reader **reader, struct err *err)
{
    if (fs_spool(fd, err)) {
        return -1;
    }
    if (ledger_artifact_copy(stage->ledger, digest, *fd, err) || lseek(*fd, 0, SEEK_SET) != 0 ||
        artifact_reader_new(*fd, "the ledger's artifact", ARTIFACT_BIT(kind), reader, err)) {
        close(*fd);
        return unreadable(name, err);
    }
    return 0;
}

/* The trailer's input from the end of a spooled artifact whose digest is known to be right. *out is new, NULL for none. */
static int trailer_input(int fd, char **out, struct err *err)
{
    char text[TRAILER_MAX];
    off_t end = lseek(fd, 0, SEEK_END);
    off_t from = end > TRAILER_MAX ? end - TRAILER_MAX : 0;
    ssize_t got = end < 0 ? -1 : pread(fd, text, (size_t)(end - from), from);
    if (got <= 0) {
        return err_set(err, ERR_IO, "cannot read an artifact back");
    }
    size_t length = (size_t)got - (text[got - 1] == '\n' ? 1 : 0);
    size_t start = length;
    while (start > 0 && text[start - 1] != '\n') {
        start--;
    }
    json_t *trailer = json_read(text + start, length - start, "the trailer", err);
    *out = xstrdup_null(json_string_or_null(json_object_get(trailer, "end"), "input"));
    json_decref(trailer);
    return trailer == NULL ? -1 : 0;
}

/* The newest finished attempt at a stage, NULL for none. */
static const struct ledger_attempt *attempt_of(const struct ledger_attempts *attempts, const char *stage)
{
    const struct ledger_attempt *found = NULL;
    for (size_t i = 0; i < attempts->count; i++) {
        const struct ledger_attempt *attempt = &attempts->items[i];
        if (attempt->finished && str_equal(attempt->stage, stage) && (found == NULL || attempt->number > found->number)) {
            found = attempt;
        }
    }
    return found;
}

/* What the audit trail says that the newest attempt of this very run gave, NULL where it says nothing. */
static const char *recorded(const json_t *evidence, const char *stage)
{
    const char *digest = NULL;
    size_t index = 0;
    const json_t *pair = NULL;
    json_array_foreach(json_object_get(evidence, "finished"), index, pair)
    {
        if (str_equal(json_string_value(json_array_get(pair, 0)), stage)) {
            digest = json_string_value(json_array_get(pair, 1));
        }
    }
    return digest;
}

/* The row and the audit trail about one link, before its bytes are read. */
static int check_row(const struct ledger_attempt *attempt, size_t link, const char *before, const json_t *evidence,
                     struct err *err)
{
    const char *stage = links[link].stage;
    const char *said = attempt->inherited_from == 0 ? recorded(evidence, stage) : NULL;
    if (attempt->digest == NULL || (said != NULL && strcmp(said, attempt->digest) != 0)) {
        return broken(stage, "the artifact", attempt->digest, said, err);
    }
    if (!str_equal(attempt->kind, artifact_kind_name(links[link].kind))) {
        return broken(stage, "the kind of the artifact", attempt->kind, artifact_kind_name(links[link].kind), err);
    }
    if (!str_equal(attempt->input, before)) {
        return broken(stage, "the input", attempt->input, before, err);
    }
    return 0;
}

static int check_bytes(struct stage *stage, const struct ledger_attempt *attempt, size_t link, const char *before,
                       struct err *err)
{
    int fd = -1;
    struct artifact_reader *reader = NULL;
    char *input = NULL;
    if (chain_open(stage, links[link].stage, attempt->digest, links[link].kind, &fd, &reader, err)) {
        return -1;
    }
    artifact_reader_free(reader);
    int failed = trailer_input(fd, &input, err) ? unreadable(links[link].stage, err) : 0;
    if (!failed && input != NULL && !str_equal(input, before)) {
        failed = broken(links[link].stage, "the input that the artifact", input, before, err);
    }
    free(input);
    close(fd);
    return failed;
}

/* What was asked for is an input too: the run's settings hold the options of every stage. */
static int check_settings(const struct ledger_run *run, const json_t *evidence, struct err *err)
{
    const char *now = json_string_or_null(evidence, "settings");
    const char *then = json_string_or_null(evidence, "settings_recorded");
    const json_t *plans = json_object_get(evidence, "plans");
    if (then != NULL && !str_equal(now, then)) {
        return err_set(err, ERR_STALE, "the plan is stale: the settings of run %" PRId64 " have the sha256 %s, the run began with %s",
                       run->id, now, then);
    }
    for (size_t i = 0; i < json_array_size(plans); i++) {
        const char *plan = json_string_value(json_array_get(plans, i));
        if (!str_equal(plan, run->plan_digest)) {
            return err_set(err, ERR_STALE, "the plan is stale: the ledger has the plan %s for run %" PRId64
                           ", its audit trail says %s", run->plan_digest, run->id, plan);
        }
    }
    return 0;
}

static int check_links(struct stage *stage, const struct ledger_run *run, const struct ledger_attempts *attempts,
                       const json_t *evidence, char gated[LEDGER_DIGEST_SIZE], struct err *err)
{
    const char *before = NULL;
    for (size_t link = 0; link < ARRAY_COUNT(links); link++) {
        const struct ledger_attempt *attempt = attempt_of(attempts, links[link].stage);
        if (attempt == NULL) {
            return broken(links[link].stage, "the artifact", NULL, recorded(evidence, links[link].stage), err);
        }
        if (check_row(attempt, link, before, evidence, err) || check_bytes(stage, attempt, link, before, err)) {
            return -1;
        }
        if (links[link].kind == ARTIFACT_CHANGES && !str_equal(attempt->digest, run->plan_digest)) {
            return broken(links[link].stage, "the artifact", attempt->digest, run->plan_digest, err);
        }
        before = attempt->digest;
    }
    snprintf(gated, LEDGER_DIGEST_SIZE, "%s", before);
    return 0;
}

int chain_check(struct stage *stage, const struct ledger_run *run, const json_t *evidence, char gated[LEDGER_DIGEST_SIZE],
                struct err *err)
{
    struct arena arena;
    struct ledger_attempts attempts;
    arena_init(&arena);
    int failed = ledger_attempts(stage->ledger, run->id, &arena, &attempts, err) || check_settings(run, evidence, err) ||
                 check_links(stage, run, &attempts, evidence, gated, err);
    arena_release(&arena);
    if (failed && err->class == ERR_STALE && err->hint[0] == '\0') {
        err_hint(err, "tare audit verify; make a new plan: tare run, or tare rerun %" PRId64 " --from parse", run->id);
    }
    return failed ? -1 : 0;
}
