/* An exported audit trail: whatever is changed in it is found, at its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/run/audit_file.h"

enum { EVENTS = 120, LINES = EVENTS + 2, SAMPLES = 1500 };

static const char ledger[] = "01234567-89ab-cdef-0123-456789abcdef";
static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

struct trail {
    char *lines[LINES];
    char digests[EVENTS + 1][DIGEST_HEX];
    char times[EVENTS + 1][AUDIT_TIME];
    char path[64];
};

/* The digest as sql/README.md states it, written down here a second time. */
static void digest_of(const struct audit_event *event, char out[DIGEST_HEX])
{
    struct buf text;
    buf_init(&text, AUDIT_LINE_MAX);
    char position[24];
    char run[24];
    snprintf(position, sizeof position, "%" PRId64, event->position);
    snprintf(run, sizeof run, "%" PRId64, event->run);
    const char *fields[] = {position,       event->at,     event->actor, event->action, event->has_run ? run : NULL,
                            event->subject, event->detail, event->previous};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (fields[i] == NULL) {
            buf_add_str(&text, "-,");
        } else {
            buf_printf(&text, "%zu:%s,", strlen(fields[i]), fields[i]);
        }
    }
    hash_bytes(buf_str(&text), text.length, out);
    buf_release(&text);
}

/* Events with texts that need escapes, from `from` on with another word in them. */
static void make_events(struct trail *trail, int from, const char *word)
{
    static const char *const details[] = {"{}", "{\"a\": \"quote \\\" and back \\\\ slash\"}", "{\"é\": \"ü\\n\"}", "{\"x\": \"\177\"}"};
    static const char *const subjects[] = {NULL, "shop/Deployment/cart", "tab\tand\nline", "7:x,-,"};
    for (int i = from; i <= EVENTS; i++) {
        char detail[200];
        snprintf(detail, sizeof detail, "%s%s", details[i % 4], word);
        snprintf(trail->times[i], AUDIT_TIME, "2026-11-22T03:%02u:%02u.%06uZ", (unsigned)i / 60 % 60, (unsigned)i % 60, (unsigned)i % 1000000);
        struct audit_event event = {.position = i, .has_run = i % 3 == 0, .run = i, .at = trail->times[i], .actor = "op",
                                    .action = "conductor.test", .subject = subjects[i / 4 % 4], .detail = detail,
                                    .previous = trail->digests[i - 1], .digest = trail->digests[i]};
        digest_of(&event, trail->digests[i]);
        struct buf line;
        buf_init(&line, AUDIT_LINE_MAX);
        audit_event_line(&event, &line);
        free(trail->lines[i]);
        trail->lines[i] = buf_steal(&line);
    }
    struct audit_anchor anchor = {.position = EVENTS};
    memcpy(anchor.ledger, ledger, sizeof ledger);
    memcpy(anchor.digest, trail->digests[EVENTS], DIGEST_HEX);
    memcpy(anchor.at, trail->times[EVENTS], AUDIT_TIME);
    struct buf line;
    buf_init(&line, AUDIT_LINE_MAX);
    audit_anchor_line(&anchor, &line);
    free(trail->lines[LINES - 1]);
    trail->lines[LINES - 1] = buf_steal(&line);
}

static struct trail *make_trail(void)
{
    struct trail *trail = xcalloc(sizeof *trail);
    struct buf line;
    buf_init(&line, AUDIT_LINE_MAX);
    memcpy(trail->digests[0], zeros, sizeof zeros);
    audit_header_line(ledger, 1, zeros, &line);
    trail->lines[0] = buf_steal(&line);
    make_events(trail, 1, "");
    snprintf(trail->path, sizeof trail->path, "/tmp/tare-audit.XXXXXX");
    int fd = mkstemp(trail->path);
    assert_true(fd >= 0);
    close(fd);
    return trail;
}

static void free_trail(struct trail *trail)
{
    for (size_t i = 0; i < LINES; i++) {
        free(trail->lines[i]);
    }
    unlink(trail->path);
    free(trail);
}

/* Writes bytes and checks them, with up to one anchor. */
static struct audit_verdict check_bytes(const struct trail *trail, const char *bytes, size_t length, const char *anchor)
{
    struct audit_verdict verdict;
    struct audit_anchors anchors = {0};
    struct err err = {0};
    FILE *file = fopen(trail->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    if (anchor != NULL) {
        assert_int_equal(audit_anchors_add(&anchors, anchor, &err), 0);
    }
    assert_int_equal(audit_file_check(trail->path, &anchors, NULL, NULL, &verdict, &err), 0);
    audit_anchors_release(&anchors);
    return verdict;
}

/* The lines with some left out (`without`, -1: none), two swapped, one twice. */
static char *joined(const struct trail *trail, int without, int a, int b, int twice, size_t *length)
{
    struct buf text;
    buf_init(&text, (size_t)64 * 1024 * 1024);
    for (int i = 0; i < LINES; i++) {
        int which = i == a ? b : i == b ? a : i;
        if (i != without) {
            buf_add_str(&text, trail->lines[which]);
        }
        if (i == twice) {
            buf_add_str(&text, trail->lines[which]);
        }
    }
    *length = text.length;
    return buf_steal(&text);
}

static char *whole(const struct trail *trail, size_t *length)
{
    return joined(trail, -1, -1, -1, -1, length);
}

static void anchor_text(const struct trail *trail, int position, char out[100])
{
    snprintf(out, 100, "%s@%d", trail->digests[position], position);
}

static void test_intact(void **state)
{
    (void)state;
    struct trail *trail = make_trail();
    size_t length;
    char *text = whole(trail, &length);
    for (int i = 0; i <= EVENTS; i++) {
        char anchor[100];
        anchor_text(trail, i, anchor);
        struct audit_verdict verdict = check_bytes(trail, text, length, anchor);
        assert_true(verdict.intact);
        assert_int_equal(verdict.events, EVENTS);
        assert_int_equal(verdict.anchors_held, 1);
        assert_int_equal(verdict.line, 0);
        assert_string_equal(verdict.ledger, ledger);
        assert_string_equal(verdict.head.digest, trail->digests[EVENTS]);
    }
    free(text);
    free_trail(trail);
}

static size_t any_below(size_t limit)
{
    return (size_t)(rng_next() % limit);
}

/* Line of a byte, from 1. */
static int64_t line_at(const char *text, size_t offset)
{
    int64_t line = 1;
    for (size_t i = 0; i < offset; i++) {
        line += text[i] == '\n';
    }
    return line;
}

static void change_byte(const struct trail *trail, char *text, size_t length, size_t at, char to)
{
    char was = text[at];
    if (was == to) {
        return;
    }
    text[at] = to;
    struct audit_verdict verdict = check_bytes(trail, text, length, NULL);
    text[at] = was;
    /* What the header says is held against the first event, and its ledger against the anchor at the end. */
    int64_t line = line_at(text, at);
    if (verdict.intact || (verdict.line != line && !(line == 1 && (verdict.line == 2 || verdict.line == LINES)))) {
        fail_msg("byte %zu from %d to %d: line %" PRId64 ", %s", at, was, to, verdict.line, verdict.why);
    }
}

/* Every byte of the header, of one event and of the anchor, and of the rest a sample; each to several others. */
static void test_single_bytes(void **state)
{
    (void)state;
    static const char others[] = "\0\n\r \"\\{}0a9Z\x7f\x80\xff";
    struct trail *trail = make_trail();
    size_t length;
    char *text = whole(trail, &length);
    rng_seed(8);
    size_t header = strlen(trail->lines[0]);
    size_t tail = length - strlen(trail->lines[LINES - 1]);
    for (size_t at = 0; at < header + strlen(trail->lines[1]); at++) {
        change_byte(trail, text, length, at, (char)(text[at] ^ 1));
        change_byte(trail, text, length, at, others[any_below(sizeof others)]);
    }
    for (size_t at = tail; at < length; at++) {
        change_byte(trail, text, length, at, (char)(text[at] ^ 1));
        change_byte(trail, text, length, at, (char)(text[at] ^ 0x20));
    }
    for (int i = 0; i < SAMPLES; i++) {
        change_byte(trail, text, length, any_below(length), (char)any_below(256));
    }
    free(text);
    free_trail(trail);
}

static void expect_broken(const struct trail *trail, char *text, size_t length, int64_t line)
{
    struct audit_verdict verdict = check_bytes(trail, text, length, NULL);
    if (verdict.intact || verdict.line != line) {
        fail_msg("wanted line %" PRId64 ", got %" PRId64 " (%s)", line, verdict.line, verdict.why);
    }
    free(text);
}

/* Any line taken away, twice there, swapped with the next or with any other. */
static void test_lines(void **state)
{
    (void)state;
    struct trail *trail = make_trail();
    size_t length;
    rng_seed(9);
    for (int i = 0; i < LINES; i++) {
        char *text = joined(trail, i, -1, -1, -1, &length);
        expect_broken(trail, text, length, i + 1);
        text = joined(trail, -1, -1, -1, i, &length);
        expect_broken(trail, text, length, i + 2);
        int other = i + 1 < LINES && i % 2 == 0 ? i + 1 : (int)any_below(LINES);
        if (other != i) {
            text = joined(trail, -1, i, other, -1, &length);
            expect_broken(trail, text, length, (i < other ? i : other) + 1);
        }
    }
    free_trail(trail);
}

/* Cut at any byte: the end has the anchor, so that a tail that is gone is missed. */
static void test_cut(void **state)
{
    (void)state;
    struct trail *trail = make_trail();
    size_t length;
    char *text = whole(trail, &length);
    size_t step = length / 2000 + 1;
    for (size_t at = 0; at < length; at += at + 400 > length ? 1 : step) {
        struct audit_verdict verdict = check_bytes(trail, text, at, NULL);
        assert_false(verdict.intact);
        assert_int_equal(verdict.line, line_at(text, at));
    }
    free(text);
    free_trail(trail);
}

/* Who can compute digests can write the trail anew from any event on, or end it earlier: only an anchor from before tells. */
static void test_rewritten(void **state)
{
    (void)state;
    struct trail *trail = make_trail();
    char anchor[100];
    char early[100];
    anchor_text(trail, EVENTS - 10, anchor);
    anchor_text(trail, 20, early);
    for (int from = 1; from <= EVENTS - 10; from += 7) {
        struct trail *forged = make_trail();
        size_t length;
        make_events(forged, from, " ");
        char *text = whole(forged, &length);
        assert_true(check_bytes(forged, text, length, NULL).intact);
        struct audit_verdict verdict = check_bytes(forged, text, length, anchor);
        assert_false(verdict.intact);
        assert_int_equal(verdict.broken_at, EVENTS - 10);
        assert_non_null(strstr(verdict.why, "written anew"));
        assert_int_equal(check_bytes(forged, text, length, early).intact, from > 20);
        free(text);
        free_trail(forged);
    }
    free_trail(trail);
}

/* A shorter trail with a new, right anchor at its end. */
static void test_ended_earlier(void **state)
{
    (void)state;
    struct trail *trail = make_trail();
    struct audit_anchor end = {.position = 50};
    char anchor[100];
    anchor_text(trail, 51, anchor);
    memcpy(end.ledger, ledger, sizeof ledger);
    memcpy(end.digest, trail->digests[50], DIGEST_HEX);
    memcpy(end.at, trail->times[50], AUDIT_TIME);
    struct buf text;
    buf_init(&text, (size_t)16 * 1024 * 1024);
    for (int i = 0; i <= 50; i++) {
        buf_add_str(&text, trail->lines[i]);
    }
    audit_anchor_line(&end, &text);
    assert_true(check_bytes(trail, buf_str(&text), text.length, NULL).intact);
    struct audit_verdict verdict = check_bytes(trail, buf_str(&text), text.length, anchor);
    assert_false(verdict.intact);
    assert_non_null(strstr(verdict.why, "cut off"));
    buf_release(&text);
    free_trail(trail);
}

/* A part of the trail: anchors before it say nothing, the one right before it does. */
static void test_part(void **state)
{
    (void)state;
    struct trail *trail = make_trail();
    struct buf text;
    char anchor[100];
    buf_init(&text, (size_t)16 * 1024 * 1024);
    audit_header_line(ledger, 101, trail->digests[100], &text);
    for (int i = 101; i < LINES; i++) {
        buf_add_str(&text, trail->lines[i]);
    }
    for (int i = 98; i <= 102; i++) {
        anchor_text(trail, i, anchor);
        struct audit_verdict verdict = check_bytes(trail, buf_str(&text), text.length, anchor);
        assert_int_equal(verdict.intact, i >= 100);
        assert_int_equal(verdict.anchors_held, i >= 100);
    }
    buf_clear(&text);
    audit_header_line(ledger, 102, trail->digests[100], &text);
    for (int i = 102; i < LINES; i++) {
        buf_add_str(&text, trail->lines[i]);
    }
    struct audit_verdict verdict = check_bytes(trail, buf_str(&text), text.length, NULL);
    assert_false(verdict.intact);
    assert_int_equal(verdict.broken_at, 102);
    buf_release(&text);
    free_trail(trail);
}

static void test_other_ledger(void **state)
{
    (void)state;
    struct trail *trail = make_trail();
    struct err err = {0};
    struct audit_anchors anchors = {0};
    struct audit_verdict verdict;
    size_t length;
    char *text = whole(trail, &length);
    check_bytes(trail, text, length, NULL);
    assert_int_equal(audit_anchors_add(&anchors, trail->path, &err), 0);
    assert_int_equal(anchors.count, 1);
    assert_int_equal(audit_file_check(trail->path, &anchors, NULL, NULL, &verdict, &err), 0);
    assert_true(verdict.intact);
    anchors.items[0].ledger[0] = 'f';
    assert_int_equal(audit_file_check(trail->path, &anchors, NULL, NULL, &verdict, &err), 0);
    assert_false(verdict.intact);
    assert_non_null(strstr(verdict.why, "is of ledger f"));
    audit_anchors_release(&anchors);
    free(text);
    free_trail(trail);
}

static void test_bad_anchors(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "x", "0@1", "00@", "/nowhere/at/all",
                                        "0000000000000000000000000000000000000000000000000000000000000000@-1",
                                        "0000000000000000000000000000000000000000000000000000000000000000@1x",
                                        "000000000000000000000000000000000000000000000000000000000000000G@1"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct audit_anchors anchors = {0};
        struct err err = {0};
        assert_int_equal(audit_anchors_add(&anchors, wrong[i], &err), -1);
        assert_int_equal(err.class, ERR_NOINPUT);
        audit_anchors_release(&anchors);
    }
    static const char *const lines[] = {"", "{}\n", "no json\n", "{\"anchor\":{}}\n", "{\"anchor\":7}\n", "\0"};
    struct trail *trail = make_trail();
    for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
        struct audit_anchors anchors = {0};
        struct err err = {0};
        check_bytes(trail, lines[i], strlen(lines[i]), NULL);
        assert_int_equal(audit_anchors_add(&anchors, trail->path, &err), -1);
        assert_int_equal(err.class, ERR_DATA);
        audit_anchors_release(&anchors);
    }
    free_trail(trail);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intact),       cmocka_unit_test(test_single_bytes), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_cut),          cmocka_unit_test(test_rewritten),    cmocka_unit_test(test_ended_earlier),
        cmocka_unit_test(test_part),         cmocka_unit_test(test_other_ledger), cmocka_unit_test(test_bad_anchors),
    };
    return cmocka_run_group_tests_name("audit_file", tests, NULL, NULL);
}
