#include "pipeline/run/audit_trail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

static void set_digest(char out[DIGEST_HEX], const char *digest)
{
    memcpy(out, digest, DIGEST_HEX);
}

void audit_chain_init(struct audit_chain *chain, int64_t position, const char *digest)
{
    *chain = (struct audit_chain){.position = position};
    set_digest(chain->digest, digest == NULL ? zeros : digest);
    buf_init(&chain->text, (size_t)2 * AUDIT_LINE_MAX);
}

void audit_chain_release(struct audit_chain *chain)
{
    buf_release(&chain->text);
}

/* ---- Digests ---- */

/* One field as netstring: LENGTH:BYTES, or "-," for null. */
static void add_field(struct buf *text, const char *value)
{
    if (value == NULL) {
        buf_add_str(text, "-,");
        return;
    }
    size_t length = strlen(value);
    buf_printf(text, "%zu:", length);
    buf_add(text, value, length);
    buf_add_char(text, ',');
}

/* The text whose sha256 is the event's digest (sql/README.md). */
static void event_text(const struct audit_event *event, struct buf *text)
{
    char position[24];
    char run[24];
    snprintf(position, sizeof position, "%" PRId64, event->position);
    snprintf(run, sizeof run, "%" PRId64, event->run);
    const char *const fields[] = {position,       event->at,     event->actor, event->action, event->has_run ? run : NULL,
                                  event->subject, event->detail, event->previous};
    buf_clear(text);
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        add_field(text, fields[i]);
    }
}

const char *audit_chain_add(struct audit_chain *chain, const struct audit_event *event)
{
    char digest[DIGEST_HEX];
    if (event->position != chain->position + 1) {
        return "it is not the next event";
    }
    if (strcmp(event->previous, chain->digest) != 0) {
        return "it does not follow from the one before";
    }
    event_text(event, &chain->text);
    if (chain->text.overflow || strcmp(hash_bytes(buf_str(&chain->text), chain->text.length, digest), event->digest) != 0) {
        return "its digest is not that of what it says";
    }
    chain->position = event->position;
    set_digest(chain->digest, digest);
    return NULL;
}

/* ---- Writing ---- */

static void put_text(struct buf *out, const char *key, const char *value)
{
    json_put_key(out, key);
    json_put_string(out, value);
}

void audit_event_line(const struct audit_event *event, struct buf *out)
{
    buf_add_char(out, '{');
    json_put_key(out, "position");
    json_put_int(out, true, event->position);
    put_text(out, "at", event->at);
    put_text(out, "actor", event->actor);
    put_text(out, "action", event->action);
    json_put_key(out, "run");
    json_put_int(out, event->has_run, event->run);
    put_text(out, "subject", event->subject);
    put_text(out, "detail", event->detail);
    put_text(out, "previous", event->previous);
    put_text(out, "digest", event->digest);
    buf_add_str(out, "}\n");
}

void audit_header_line(const char *ledger, int64_t first, const char *previous, struct buf *out)
{
    buf_printf(out, "{\"audit\":{\"first\":%" PRId64 ",\"format\":%d,\"ledger\":\"%s\",\"previous\":\"%s\"}}\n", first, AUDIT_FORMAT,
               ledger, previous);
}

void audit_anchor_line(const struct audit_anchor *anchor, struct buf *out)
{
    buf_printf(out, "{\"anchor\":{\"ledger\":\"%s\",\"position\":%" PRId64 ",\"digest\":\"%s\",\"at\":", anchor->ledger, anchor->position,
               anchor->digest);
    json_put_string(out, anchor->at[0] == '\0' ? NULL : anchor->at);
    buf_add_str(out, "}}\n");
}

/* ---- Reading ---- */

static bool is_digest(const char *text)
{
    return text != NULL && strspn(text, "0123456789abcdef") == DIGEST_HEX - 1 && text[DIGEST_HEX - 1] == '\0';
}

static bool is_identity(const char *text)
{
    return text != NULL && strspn(text, "0123456789abcdef-") == AUDIT_LEDGER - 1 && text[AUDIT_LEDGER - 1] == '\0';
}

/* A time as the ledger writes it; the digits are not looked at more closely, the digest covers them. */
static bool is_time(const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    return length > 0 && length < AUDIT_TIME && strspn(text, "0123456789-:.TZ") == length;
}

bool audit_event_read(const json_t *value, struct audit_event *out)
{
    *out = (struct audit_event){
        .at = json_string_or_null(value, "at"),
        .actor = json_string_or_null(value, "actor"),
        .action = json_string_or_null(value, "action"),
        .subject = json_string_or_null(value, "subject"),
        .detail = json_string_or_null(value, "detail"),
        .previous = json_string_or_null(value, "previous"),
        .digest = json_string_or_null(value, "digest"),
    };
    out->has_run = json_get_int(value, "run", &out->run);
    return json_get_int(value, "position", &out->position) && is_time(out->at) && out->actor != NULL && out->action != NULL &&
           out->detail != NULL && is_digest(out->previous) && is_digest(out->digest);
}

bool audit_header_read(const json_t *value, char ledger[AUDIT_LEDGER], int64_t *first, char previous[DIGEST_HEX])
{
    const json_t *header = json_object_get(value, "audit");
    const char *identity = json_string_or_null(header, "ledger");
    const char *digest = json_string_or_null(header, "previous");
    if (!is_identity(identity) || !is_digest(digest) || !json_get_int(header, "first", first) || *first < 1) {
        return false;
    }
    memcpy(ledger, identity, AUDIT_LEDGER);
    set_digest(previous, digest);
    return true;
}

bool audit_anchor_read(const json_t *value, struct audit_anchor *out)
{
    const json_t *anchor = json_object_get(value, "anchor");
    const char *ledger = json_string_or_null(anchor, "ledger");
    const char *digest = json_string_or_null(anchor, "digest");
    const char *at = json_string_or_null(anchor, "at");
    *out = (struct audit_anchor){0};
    if (!is_identity(ledger) || !is_digest(digest) || !json_get_int(anchor, "position", &out->position) || out->position < 0 ||
        (at != NULL && !is_time(at))) {
        return false;
    }
    memcpy(out->ledger, ledger, AUDIT_LEDGER);
    set_digest(out->digest, digest);
    memcpy(out->at, at == NULL ? "" : at, at == NULL ? 1 : strlen(at) + 1);
    return true;
}

/* ---- Anchors that are given ---- */

static void add_anchor(struct audit_anchors *anchors, const struct audit_anchor *anchor)
{
    if (anchors->count == anchors->capacity) {
        anchors->capacity = anchors->capacity == 0 ? 16 : 2 * anchors->capacity;
        anchors->items = xrealloc_array(anchors->items, anchors->capacity, sizeof *anchors->items);
    }
    anchors->items[anchors->count++] = *anchor;
}

/* "DIGEST@POSITION"; false where it is not that. */
static bool add_short(struct audit_anchors *anchors, const char *text)
{
    struct audit_anchor anchor = {0};
    char digest[DIGEST_HEX];
    if (strlen(text) < DIGEST_HEX || text[DIGEST_HEX - 1] != '@') {
        return false;
    }
    memcpy(digest, text, DIGEST_HEX - 1);
    digest[DIGEST_HEX - 1] = '\0';
    if (!is_digest(digest) || str_int64(text + DIGEST_HEX, 0, INT64_MAX, &anchor.position)) {
        return false;
    }
    set_digest(anchor.digest, digest);
    add_anchor(anchors, &anchor);
    return true;
}

static int add_line(struct audit_anchors *anchors, const char *line, const char *path, int64_t number, struct err *err)
{
    struct audit_anchor anchor;
    struct err why = {0};
    if (line[strspn(line, " \t\r\n")] == '\0') {
        return 0;
    }
    json_t *value = json_read(line, strlen(line), path, &why);
    bool is_anchor = json_object_get(value, "anchor") != NULL;
    bool wrong = value == NULL || (is_anchor && !audit_anchor_read(value, &anchor));
    if (is_anchor && !wrong) {
        add_anchor(anchors, &anchor);
    }
    json_decref(value);
    if (wrong) {
        err_set(err, ERR_DATA, "line %" PRId64 " of %s is no anchor", number, path);
        return err_hint(err, "tare audit anchor prints what to keep");
    }
    return anchors->count > AUDIT_ANCHORS_MAX ? err_set(err, ERR_DATA, "%s has more than %d anchors", path, AUDIT_ANCHORS_MAX) : 0;
}

int audit_anchors_add(struct audit_anchors *anchors, const char *what, struct err *err)
{
    size_t before = anchors->count;
    if (add_short(anchors, what)) {
        return 0;
    }
    FILE *file = fopen(what, "r");
    if (file == NULL) {
        err_set(err, ERR_NOINPUT, "%s is neither DIGEST@POSITION nor a file that can be read", what);
        return err_hint(err, "tare audit anchor prints what to keep");
    }
    char *line = xmalloc(AUDIT_LINE_MAX);
    int failed = 0;
    for (int64_t number = 1; !failed && fgets(line, AUDIT_LINE_MAX, file) != NULL; number++) {
        failed = add_line(anchors, line, what, number, err);
    }
    if (!failed && ferror(file)) {
        failed = err_set(err, ERR_NOINPUT, "cannot read %s", what);
    }
    free(line);
    (void)fclose(file);
    if (!failed && anchors->count == before) {
        failed = err_set(err, ERR_DATA, "%s has no anchor", what);
        err_hint(err, "tare audit anchor >> FILE puts one there");
    }
    return failed ? -1 : 0;
}

void audit_anchors_release(struct audit_anchors *anchors)
{
    free(anchors->items);
    *anchors = (struct audit_anchors){0};
}
