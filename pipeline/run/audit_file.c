#include "pipeline/run/audit_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

struct check {
    FILE *file;
    char *line;
    size_t length;
    int64_t number; /* of the line */
    struct buf right; /* the line as it should be */
    struct audit_chain chain;
    struct audit_anchors *anchors;
    size_t next_anchor;
    bool ended; /* the anchor at the end was read */
    audit_visit *visit;
    void *context;
    struct audit_verdict *verdict;
};

static void broken(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void broken(struct check *check, const char *format, ...)
{
    struct audit_verdict *verdict = check->verdict;
    va_list args;
    va_start(args, format);
    vsnprintf(verdict->why, sizeof verdict->why, format, args);
    va_end(args);
    verdict->intact = false;
    verdict->line = check->number;
    verdict->broken_at = check->chain.position + 1;
}

/* Whether the line is, byte for byte, what stands in `right`. */
static bool is_right(struct check *check)
{
    bool same = !check->right.overflow && check->right.length == check->length &&
                memcmp(check->right.data, check->line, check->length) == 0;
    if (!same) {
        broken(check, "line %" PRId64 " is not as tare writes it", check->number);
    }
    return same;
}

/* The next line, with its newline; false at the end of the file or where the verdict is made. */
static bool next_line(struct check *check)
{
    if (fgets(check->line, AUDIT_LINE_MAX, check->file) == NULL) {
        return false;
    }
    check->number++;
    check->length = strlen(check->line);
    if (check->length == 0 || check->line[check->length - 1] != '\n') {
        broken(check, "line %" PRId64 " is cut off, or longer than %d MiB", check->number, AUDIT_LINE_MAX / 1024 / 1024);
        return false;
    }
    return true;
}

/* ---- Anchors that were given ---- */

static int compare_anchors(const void *a, const void *b)
{
    const struct audit_anchor *left = a;
    const struct audit_anchor *right = b;
    return left->position < right->position ? -1 : left->position > right->position;
}

/* Compares one with the chain, which stands at its position. */
static bool anchor_holds(struct check *check, const struct audit_anchor *anchor, const char *at)
{
    if (strcmp(anchor->digest, check->chain.digest) != 0) {
        broken(check, "event %" PRId64 " is not the one of the anchor: the trail was written anew from there or before", anchor->position);
    } else if (anchor->at[0] != '\0' && at != NULL && strcmp(anchor->at, at) != 0) {
        broken(check, "the anchor of event %" PRId64 " has another time than the event: one of them was changed", anchor->position);
    } else {
        check->verdict->anchors_held++;
        return true;
    }
    check->verdict->broken_at = anchor->position;
    return false;
}

/* Those that stand where the chain does now. False where one does not hold. */
static bool anchors_here(struct check *check, const char *at)
{
    struct audit_anchors *anchors = check->anchors;
    while (anchors != NULL && check->next_anchor < anchors->count &&
           anchors->items[check->next_anchor].position <= check->chain.position) {
        const struct audit_anchor *anchor = &anchors->items[check->next_anchor];
        if (anchor->position < check->chain.position) {
            check->verdict->anchors_before++;
        } else if (!anchor_holds(check, anchor, at)) {
            return false;
        }
        check->next_anchor++;
    }
    return true;
}

static bool anchors_of_ledger(struct check *check)
{
    for (size_t i = 0; check->anchors != NULL && i < check->anchors->count; i++) {
        const struct audit_anchor *anchor = &check->anchors->items[i];
        if (anchor->ledger[0] != '\0' && strcmp(anchor->ledger, check->verdict->ledger) != 0) {
            broken(check, "the anchor of event %" PRId64 " is of ledger %s, the trail of ledger %s", anchor->position, anchor->ledger,
                   check->verdict->ledger);
            check->verdict->broken_at = 0;
            return false;
        }
    }
    return true;
}

/* ---- Lines ---- */

static bool read_header(struct check *check, const json_t *value)
{
    struct audit_verdict *verdict = check->verdict;
    char previous[DIGEST_HEX];
    if (!audit_header_read(value, verdict->ledger, &verdict->first, previous)) {
        broken(check, "it does not begin with the header of an audit trail");
        verdict->broken_at = 0;
        return false;
    }
    int64_t format = json_int_or(json_object_get(value, "audit"), "format", 0);
    if (format > AUDIT_FORMAT) {
        broken(check, "it is of format %" PRId64 ", which is newer than this program", format);
        return false;
    }
    audit_header_line(verdict->ledger, verdict->first, previous, &check->right);
    audit_chain_release(&check->chain);
    audit_chain_init(&check->chain, verdict->first - 1, previous);
    verdict->head.position = verdict->first - 1;
    memcpy(verdict->head.digest, previous, sizeof previous);
    memcpy(verdict->head.ledger, verdict->ledger, sizeof verdict->head.ledger);
    return is_right(check) && anchors_of_ledger(check) && anchors_here(check, NULL);
}

static bool read_anchor(struct check *check, const json_t *value)
{
    struct audit_anchor anchor;
    const struct audit_anchor *head = &check->verdict->head;
    if (!audit_anchor_read(value, &anchor)) {
        broken(check, "line %" PRId64 " is no anchor", check->number);
        return false;
    }
    audit_anchor_line(&anchor, &check->right);
    if (!is_right(check)) {
        return false;
    }
    if (strcmp(anchor.ledger, head->ledger) != 0) {
        broken(check, "it begins as the trail of ledger %s and ends as that of ledger %s", head->ledger, anchor.ledger);
        return false;
    }
    if (anchor.position != head->position || strcmp(anchor.digest, head->digest) != 0 || strcmp(anchor.at, head->at) != 0) {
        broken(check, "the anchor at its end is not that of its last event, %" PRId64, head->position);
        return false;
    }
    check->ended = true;
    return true;
}

static bool read_event(struct check *check, const json_t *value, struct err *err, int *failed)
{
    struct audit_event event;
    struct audit_verdict *verdict = check->verdict;
    if (!audit_event_read(value, &event)) {
        broken(check, "line %" PRId64 " is no event", check->number);
        return false;
    }
    audit_event_line(&event, &check->right);
    if (!is_right(check)) {
        return false;
    }
    const char *wrong = audit_chain_add(&check->chain, &event);
    if (wrong != NULL) {
        broken(check, "line %" PRId64 " (event %" PRId64 "): %s", check->number, event.position, wrong);
        return false;
    }
    verdict->events++;
    verdict->head.position = check->chain.position;
    memcpy(verdict->head.digest, check->chain.digest, sizeof verdict->head.digest);
    snprintf(verdict->head.at, sizeof verdict->head.at, "%s", event.at);
    if (!anchors_here(check, event.at)) {
        return false;
    }
    *failed = check->visit != NULL && check->visit(check->context, &event, err);
    return *failed == 0;
}

/* One line; false where the check ends with it. */
static bool take_line(struct check *check, struct err *err, int *failed)
{
    struct err why = {0};
    json_t *value = json_read(check->line, check->length, "an audit trail", &why);
    bool goes_on = false;
    buf_clear(&check->right);
    if (check->ended) {
        broken(check, "line %" PRId64 " stands after the end", check->number);
    } else if (!json_is_object(value)) {
        broken(check, "line %" PRId64 " is no JSON", check->number);
    } else if (check->number == 1) {
        goes_on = read_header(check, value);
    } else if (json_object_get(value, "anchor") != NULL) {
        goes_on = read_anchor(check, value);
    } else {
        goes_on = read_event(check, value, err, failed);
    }
    json_decref(value);
    return goes_on;
}

/* What can only be said at the end of the file. */
static void conclude(struct check *check)
{
    const struct audit_anchors *anchors = check->anchors;
    check->number++;
    if (check->number == 1) {
        broken(check, "it is empty");
    } else if (!check->ended) {
        broken(check, "it ends with event %" PRId64 " and has no anchor: its end was cut off", check->chain.position);
    } else if (anchors != NULL && check->next_anchor < anchors->count) {
        broken(check,
               "it ends with event %" PRId64 ", before the anchor of event %" PRId64
               ": its end was cut off, or it is older than the anchor",
               check->chain.position, anchors->items[check->next_anchor].position);
    } else if (anchors != NULL && anchors->count > 0 && check->verdict->anchors_held == 0) {
        broken(check, "it begins with event %" PRId64 ", behind every anchor that was given, so that they say nothing about it",
               check->verdict->first);
    }
}

static int walk(struct check *check, const char *path, struct err *err)
{
    int failed = 0;
    bool goes_on = true;
    while (goes_on && next_line(check)) {
        goes_on = take_line(check, err, &failed);
    }
    if (ferror(check->file)) {
        return err_errno(err, ERR_NOINPUT, errno, "cannot read %s", path);
    }
    if (!failed && check->verdict->intact) {
        conclude(check);
    }
    return failed ? -1 : 0;
}

int audit_file_check(const char *path, struct audit_anchors *anchors, audit_visit *visit, void *context, struct audit_verdict *out,
                     struct err *err)
{
    struct check check = {.anchors = anchors, .visit = visit, .context = context, .verdict = out};
    *out = (struct audit_verdict){.intact = true};
    check.file = fopen(path, "r");
    if (check.file == NULL) {
        err_errno(err, ERR_NOINPUT, errno, "cannot read %s", path);
        return err_hint(err, "tare audit export -o FILE makes such a file");
    }
    if (anchors != NULL && anchors->count > 1) {
        qsort(anchors->items, anchors->count, sizeof *anchors->items, compare_anchors);
    }
    check.line = xmalloc(AUDIT_LINE_MAX);
    buf_init(&check.right, AUDIT_LINE_MAX);
    audit_chain_init(&check.chain, 0, NULL);
    int failed = walk(&check, path, err);
    audit_chain_release(&check.chain);
    buf_release(&check.right);
    free(check.line);
    (void)fclose(check.file);
    return failed;
}
