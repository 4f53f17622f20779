/* Artifacts: a round trip keeps every byte's meaning, and whatever was cut, reordered, changed or made by another program is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/artifact.h"

enum { BYTES_MAX = 64 * 1024 * 1024 };

/* An unlinked file with these bytes, at its start. */
static int file_of(const void *bytes, size_t length)
{
    struct err err = {0};
    int fd = -1;
    if (fs_spool(&fd, &err) || fs_write_fd(fd, bytes, length, "the test's file", &err)) {
        fail_msg("%s", err.message);
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Reads an artifact to its end; the number of records, or -1 with *err. */
static int read_all(const void *bytes, size_t length, unsigned accept, struct err *err)
{
    int fd = file_of(bytes, length);
    struct artifact_reader *reader = NULL;
    int records = -1;
    if (artifact_reader_new(fd, "standard input", accept, &reader, err) == 0) {
        json_t *record;
        int got;
        for (records = 0; (got = artifact_read(reader, &record, err)) > 0; records++) {
            json_decref(record);
        }
        records = got < 0 ? -1 : records;
    }
    artifact_reader_free(reader);
    close(fd);
    return records;
}

static int read_text(const char *text, struct err *err)
{
    return read_all(text, strlen(text), ARTIFACT_ANY, err);
}

static json_t *workload(const char *file, int document, int item, const char *name)
{
    return json_pack("{s:{s:s, s:s, s:{s:s, s:i, s:i}}, s:[]}", "workload", "kind", "Deployment", "name", name, "source", "file",
                     file, "document", document, "item", item, "problems");
}

/* A small artifact with two workloads and a note, as the writer makes it. */
static void make(struct buf *out, enum artifact_kind kind, char digest[DIGEST_HEX])
{
    struct err err = {0};
    int fd = -1;
    assert_int_equal(fs_spool(&fd, &err), 0);
    struct artifact_writer *writer =
        artifact_writer_new(fd, kind, 1795316400, "tare-test 0.1.0", json_pack("{s:{s:i}}", "parse", "files", 2));
    json_t *records[] = {
        workload("a.yaml", 1, 0, "cart"),
        workload("b.yaml", 2, 1, "caf\xc3\xa9"),
        json_pack("{s:{s:s, s:s, s:s, s:s, s:{s:s, s:i}}}", "note", "stage", "parse", "outcome", "error", "code", "yaml-syntax",
                  "message", "m", "source", "file", "c.yaml", "line", 3),
    };
    json_array_append_new(json_object_get(records[1], "problems"), json_pack("{s:s}", "code", "no-data"));
    for (size_t i = 0; i < ARRAY_COUNT(records); i++) {
        assert_int_equal(artifact_write(writer, records[i], &err), 0);
        json_decref(records[i]);
    }
    json_t *skipped = json_pack("{s:i}", "Service", 4);
    assert_int_equal(artifact_finish(writer, NULL, skipped, &err), 0);
    json_decref(skipped);
    assert_int_equal(artifact_writer_records(writer), 3);
    assert_int_equal(artifact_writer_workloads(writer), 2);
    assert_int_equal(artifact_writer_problems(writer), 2);
    memcpy(digest, artifact_writer_digest(writer), DIGEST_HEX);
    artifact_writer_free(writer);
    lseek(fd, 0, SEEK_SET);
    buf_init(out, BYTES_MAX);
    assert_int_equal(fs_read_fd(fd, "the artifact", out, &err), 0);
    close(fd);
}

/* All bytes of what is written by `add`, and the counts. */
static void bytes_of(struct buf *out, const json_t *record, const json_t *added)
{
    struct err err = {0};
    int fd = -1;
    assert_int_equal(fs_spool(&fd, &err), 0);
    struct artifact_writer *writer = artifact_writer_new(fd, ARTIFACT_INVENTORY, 0, "tare-test 0.1.0", json_object());
    if (added == NULL) {
        assert_int_equal(artifact_write(writer, record, &err), 0);
    } else {
        char *line = json_text(record);
        assert_true(artifact_line_fits(line, strlen(line)));
        assert_int_equal(artifact_write_line(writer, line, strlen(line), added, &err), 0);
        free(line);
    }
    assert_int_equal(artifact_finish(writer, NULL, NULL, &err), 0);
    artifact_writer_free(writer);
    lseek(fd, 0, SEEK_SET);
    buf_init(out, BYTES_MAX);
    assert_int_equal(fs_read_fd(fd, "the artifact", out, &err), 0);
    close(fd);
}

/* A line at hand with something added gives the same artifact as the record to which it was added. */
static void test_line_at_hand(void **state)
{
    (void)state;
    static const char *const additions[] = {
        "{}",
        "{\"workload\":{}}",
        "{\"problems\":[{\"code\":\"no-data\"},{\"code\":\"m\"}]}",
        "{\"problems\":[{\"code\":\"m\"}],\"workload\":{\"kind\":\"Job\",\"a\":{\"z\":1},\"zz\":[2],\"kin\":3,\"kinds\":null}}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(additions); i++) {
        struct err err = {0};
        struct buf as_line;
        struct buf as_record;
        json_t *record = workload("a}\",\\.yaml", 1, 0, "caf\xc3\xa9");
        json_t *added = json_read(additions[i], strlen(additions[i]), "the addition", &err);
        bytes_of(&as_line, record, added);
        json_array_extend(json_object_get(record, "problems"), json_object_get(added, "problems"));
        json_object_update(json_object_get(record, "workload"), json_object_get(added, "workload"));
        bytes_of(&as_record, record, NULL);
        assert_string_equal(buf_str(&as_line), buf_str(&as_record));
        buf_release(&as_line);
        buf_release(&as_record);
        json_decref(added);
        json_decref(record);
    }
    static const char *const others[] = {"", "{\"problems\":[{}],\"workload\":{}}", "{\"note\":{}}", "{\"problems\":[],\"workload\":"};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        assert_false(artifact_line_fits(others[i], strlen(others[i])));
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    struct buf bytes;
    struct err err = {0};
    char written[DIGEST_HEX];
    char whole[DIGEST_HEX];
    make(&bytes, ARTIFACT_USAGE, written);
    assert_string_equal(written, hash_bytes(bytes.data, bytes.length, whole));
    const char *first = "{\"by\":\"tare-test 0.1.0\",\"created\":\"2026-11-22T03:00:00Z\",\"settings\":{\"parse\":{\"files\":2}},"
                        "\"tare\":\"usage\",\"version\":1}\n";
    assert_int_equal(strncmp(bytes.data, first, strlen(first)), 0);

    int fd = file_of(bytes.data, bytes.length);
    struct artifact_reader *reader = NULL;
    assert_int_equal(artifact_reader_new(fd, "standard input", ARTIFACT_BIT(ARTIFACT_USAGE), &reader, &err), 0);
    assert_int_equal(artifact_reader_kind(reader), ARTIFACT_USAGE);
    assert_string_equal(json_string_or_null(artifact_reader_header(reader), "by"), "tare-test 0.1.0");
    json_t *record = NULL;
    assert_int_equal(artifact_read(reader, &record, &err), 1);
    json_decref(record);
    assert_int_equal(artifact_read(reader, &record, &err), 1);
    assert_string_equal(json_string_value(json_at(record, "workload.name")), "caf\xc3\xa9");
    json_decref(record);
    assert_int_equal(artifact_read(reader, &record, &err), 1);
    json_decref(record);
    assert_int_equal(artifact_read(reader, &record, &err), 0);
    assert_null(record);
    assert_int_equal(artifact_read(reader, &record, &err), 0);
    assert_string_equal(artifact_reader_digest(reader), written);
    const json_t *end = artifact_reader_trailer(reader);
    assert_true(json_is_null(json_object_get(end, "input")));
    assert_int_equal(json_int_or(end, "records", -1), 3);
    assert_int_equal(json_int_or(end, "workloads", -1), 2);
    assert_int_equal(json_int_or(end, "problems", -1), 2);
    assert_int_equal(json_integer_value(json_at(end, "skipped.Service")), 4);
    /* sha256 covers everything before the trailer. */
    const char *trailer = strstr(bytes.data, "{\"end\"");
    assert_string_equal(json_string_or_null(end, "sha256"), hash_bytes(bytes.data, (size_t)(trailer - bytes.data), whole));
    artifact_reader_free(reader);
    close(fd);
    buf_release(&bytes);
}

static void test_empty_artifact(void **state)
{
    (void)state;
    struct err err = {0};
    int fd = -1;
    assert_int_equal(fs_spool(&fd, &err), 0);
    struct artifact_writer *writer = artifact_writer_new(fd, ARTIFACT_GATED, 0, "tare-gate 0.1.0", json_object());
    assert_int_equal(artifact_finish(writer, "abc", NULL, &err), 0);
    artifact_writer_free(writer);
    lseek(fd, 0, SEEK_SET);
    struct artifact_reader *reader = NULL;
    json_t *record = NULL;
    assert_int_equal(artifact_reader_new(fd, "x", ARTIFACT_ANY, &reader, &err), 0);
    assert_int_equal(artifact_read(reader, &record, &err), 0);
    assert_string_equal(json_string_or_null(artifact_reader_trailer(reader), "input"), "abc");
    artifact_reader_free(reader);
    close(fd);
}

/* Cut anywhere, even one byte before the end: refused as bad data. */
static void test_cut_at_every_byte(void **state)
{
    (void)state;
    struct buf bytes;
    char digest[DIGEST_HEX];
    make(&bytes, ARTIFACT_USAGE, digest);
    for (size_t length = 0; length < bytes.length; length++) {
        struct err err = {0};
        if (read_all(bytes.data, length, ARTIFACT_ANY, &err) >= 0) {
            fail_msg("taken when cut to %zu of %zu bytes", length, bytes.length);
        }
        assert_int_equal(err.class, ERR_DATA);
        assert_non_null(strstr(err.message, "standard input"));
        assert_true(err.hint[0] != '\0');
    }
    struct err err = {0};
    assert_int_equal(read_all(bytes.data, bytes.length, ARTIFACT_ANY, &err), 3);
    buf_release(&bytes);
}

/* Any one byte changed: refused. (A header of an unknown kind, a broken line, or at last the digest says it.) */
static void test_every_byte_changed(void **state)
{
    (void)state;
    struct buf bytes;
    char digest[DIGEST_HEX];
    make(&bytes, ARTIFACT_USAGE, digest);
    const char *trailer = strstr(bytes.data, "{\"end\"");
    for (char *at = bytes.data; at < trailer; at++) {
        struct err err = {0};
        char kept = *at;
        *at = kept == '1' ? '2' : '1';
        if (read_all(bytes.data, bytes.length, ARTIFACT_ANY, &err) >= 0) {
            fail_msg("taken with byte %zu changed", (size_t)(at - bytes.data));
        }
        assert_int_equal(err.class, ERR_DATA);
        *at = kept;
    }
    buf_release(&bytes);
}

static void test_kind(void **state)
{
    (void)state;
    struct buf bytes;
    char digest[DIGEST_HEX];
    struct err err = {0};
    make(&bytes, ARTIFACT_INVENTORY, digest);
    assert_int_equal(read_all(bytes.data, bytes.length, ARTIFACT_BIT(ARTIFACT_USAGE) | ARTIFACT_BIT(ARTIFACT_COSTS), &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    assert_non_null(strstr(err.message, "\"inventory\""));
    assert_non_null(strstr(err.message, "usage or costs"));
    buf_release(&bytes);
    for (int kind = 0; kind < ARTIFACT_KINDS; kind++) {
        assert_int_equal(artifact_kind_of(artifact_kind_name((enum artifact_kind)kind)), kind);
    }
    assert_int_equal(artifact_kind_of("none"), ARTIFACT_NONE);
    assert_int_equal(artifact_kind_of(NULL), ARTIFACT_NONE);
    assert_int_equal(artifact_kind_of("Inventory"), ARTIFACT_NONE);
}

#define HEADER "{\"tare\":\"inventory\",\"version\":1,\"created\":\"2026-11-22T03:00:00Z\",\"by\":\"x\",\"settings\":{}}\n"
#define CART "{\"workload\":{\"kind\":\"Deployment\",\"name\":\"cart\",\"source\":{\"file\":\"a.yaml\",\"document\":2}},\"problems\":[]}\n"
#define NOTE(outcome) "{\"note\":{\"stage\":\"parse\",\"outcome\":\"" outcome "\",\"code\":\"x\",\"message\":\"m\"}}\n"
#define AT(file, document, item)                                                                                       \
    "{\"workload\":{\"kind\":\"Pod\",\"name\":\"p\",\"source\":{\"file\":\"" file "\",\"document\":" #document ",\"item\":" #item "}}}\n"
#define LIVE(object) "{\"workload\":{\"kind\":\"Pod\",\"name\":\"p\",\"source\":{\"object\":\"" object "\"}}}\n"

struct text_case {
    const char *why;
    const char *text;
    const char *message; /* a part of it */
};

static const struct text_case refused[] = {
    {"nothing at all", "", "empty"},
    {"an empty line", "\n", "not a JSON object"},
    {"another program's JSON", "{\"apiVersion\":\"v1\"}\n{\"end\":{}}\n", "not the header"},
    {"YAML", "apiVersion: apps/v1\nkind: Deployment\n", "not a JSON object"},
    {"HTML", "<html></html>\n", "not a JSON object"},
    {"a header without version", "{\"tare\":\"usage\"}\n{\"end\":{}}\n", "not the header"},
    {"a version that is a text", "{\"tare\":\"usage\",\"version\":\"1\"}\n{\"end\":{}}\n", "not the header"},
    {"an unknown kind", "{\"tare\":\"soup\",\"version\":1}\n{\"end\":{}}\n", "\"soup\""},
    {"a newer version", "{\"tare\":\"usage\",\"version\":2}\n{\"end\":{}}\n", "newer"},
    {"no trailer", HEADER CART, "cut after 1 records"},
    {"a record that is neither", HEADER "{\"x\":1}\n{\"end\":{}}\n", "neither a workload nor a note"},
    {"a workload that is no object", HEADER "{\"workload\":7}\n{\"end\":{}}\n", "neither a workload nor a note"},
    {"a note beside a workload that is none", HEADER "{\"note\":{},\"workload\":null}\n{\"end\":{}}\n", "neither a workload nor a note"},
    {"a workload without a name", HEADER "{\"workload\":{\"kind\":\"Job\"}}\n{\"end\":{}}\n", "no kind or no name"},
    {"a line that is a list", HEADER "[]\n{\"end\":{}}\n", "not a JSON object"},
    {"a key twice", HEADER "{\"workload\":{},\"workload\":{}}\n{\"end\":{}}\n", "not a JSON object"},
    {"an empty line in the middle", HEADER "\n{\"end\":{}}\n", "line 2"},
    {"two lines in one", HEADER "{\"note\":{}}{\"note\":{}}\n{\"end\":{}}\n", "not a JSON object"},
    {"an end that is null", HEADER CART "{\"end\":null}\n", "end"},
    {"an end that is a number", HEADER CART "{\"end\":5}\n", "end"},
    {"too few records", HEADER CART "{\"end\":{\"records\":2}}\n", "has 1 records, its last line says 2"},
    {"too many workloads", HEADER CART "{\"end\":{\"records\":1,\"workloads\":0}}\n", "workloads"},
    {"another count of problems", HEADER NOTE("error") "{\"end\":{\"records\":1,\"problems\":0}}\n", "problems"},
    {"a count that is no number", HEADER CART "{\"end\":{\"records\":\"1\"}}\n", "records"},
    {"a digest that is no text", HEADER CART "{\"end\":{\"sha256\":1}}\n", "digest"},
    {"another digest",
     HEADER CART "{\"end\":{\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}}\n", "digest"},
    {"more after the end", HEADER CART "{\"end\":{\"records\":1}}\n" CART, "more after"},
    {"an empty line after the end", HEADER CART "{\"end\":{\"records\":1}}\n\n", "more after"},
    {"a second artifact after the first", HEADER "{\"end\":{}}\n" HEADER "{\"end\":{}}\n", "more after"},
    {"half a line after the end", HEADER "{\"end\":{}}\n{", "standard input, line 3"},
    {"files out of order", HEADER AT("b", 1, 0) AT("a", 1, 0) "{\"end\":{}}\n", "order"},
    {"documents out of order", HEADER AT("a", 2, 0) AT("a", 1, 0) "{\"end\":{}}\n", "order"},
    {"items out of order", HEADER AT("a", 1, 2) AT("a", 1, 1) "{\"end\":{}}\n", "order"},
    {"live objects out of order", HEADER LIVE("shop/Pod/b") LIVE("shop/Pod/a") "{\"end\":{}}\n", "order"},
    {"namespaces out of order", HEADER LIVE("shop-eu/Pod/a") LIVE("shop/Pod/a") "{\"end\":{}}\n", "order"},
};

static const struct text_case taken[] = {
    {"nothing but header and end", HEADER "{\"end\":{}}\n", NULL},
    {"made by hand, without digest", HEADER CART "{\"end\":{\"records\":1,\"workloads\":1,\"problems\":0,\"input\":null}}\n", NULL},
    {"a digest that is null", HEADER CART "{\"end\":{\"records\":1,\"sha256\":null}}\n", NULL},
    {"a skipped file is no problem", HEADER NOTE("skipped") "{\"end\":{\"records\":1,\"workloads\":0,\"problems\":0}}\n", NULL},
    {"line ends of another system, by hand",
     "{\"tare\":\"usage\",\"version\":1}\r\n{\"note\":{\"outcome\":\"error\"}}\r\n{\"end\":{\"records\":1,\"problems\":1}}\r\n", NULL},
    {"in order", HEADER AT("a", 1, 0) AT("a", 1, 1) AT("a", 2, 1) AT("a/b", 1, 0) AT("b", 1, 0) "{\"end\":{\"records\":5}}\n", NULL},
    {"live objects by namespace, kind, name",
     HEADER LIVE("shop/Pod/a") LIVE("shop/Pod/a-b") LIVE("shop-eu/Deployment/z") LIVE("shop-eu/Pod/a") "{\"end\":{}}\n", NULL},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        struct err err = {0};
        if (read_text(refused[i].text, &err) >= 0) {
            fail_msg("%s was taken", refused[i].why);
        }
        assert_int_equal(err.class, ERR_DATA);
        if (strstr(err.message, refused[i].message) == NULL) {
            fail_msg("%s: \"%s\" does not say \"%s\"", refused[i].why, err.message, refused[i].message);
        }
    }
}

static void test_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(taken); i++) {
        struct err err = {0};
        if (read_text(taken[i].text, &err) < 0) {
            fail_msg("%s: %s", taken[i].why, err.message);
        }
    }
}

/* Bytes of a terminal's language in a header do not reach the terminal. */
static void test_message_is_safe(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(read_text("{\"tare\":\"\\u001b[2J\",\"version\":1}\n", &err), -1);
    assert_null(strchr(err.message, '\x1b'));
}

static void test_huge_line(void **state)
{
    (void)state;
    struct buf bytes;
    struct err err = {0};
    size_t length = (size_t)ARTIFACT_LINE_MAX - 14;
    char *filling = xmalloc(length + 1);
    memset(filling, 'x', length);
    filling[length] = '\0';
    /* {"note":{"m":"…"}} is 17 bytes around it, with the newline 18. */
    for (int over = 0; over < 2; over++) {
        buf_init(&bytes, BYTES_MAX);
        buf_add_str(&bytes, HEADER "{\"note\":{\"m\":\"");
        buf_add(&bytes, filling, (size_t)ARTIFACT_LINE_MAX - 18 + (size_t)over);
        buf_add_str(&bytes, "\"}}\n{\"end\":{\"records\":1}}\n");
        assert_int_equal(read_all(bytes.data, bytes.length, ARTIFACT_ANY, &err), over ? -1 : 1);
        buf_release(&bytes);
    }
    assert_int_equal(err.class, ERR_DATA);
    assert_non_null(strstr(err.message, "32 MiB"));
    /* The writer makes no line that a reader would refuse. */
    int null = open("/dev/null", O_WRONLY);
    struct artifact_writer *writer = artifact_writer_new(null, ARTIFACT_USAGE, 0, "x", json_object());
    json_t *record = json_pack("{s:{s:s}}", "note", "m", filling);
    assert_int_equal(artifact_write(writer, record, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    json_decref(record);
    artifact_writer_free(writer);
    close(null);
    free(filling);
}

/* A stream without any line end must not take memory without end. */
static void test_endless(void **state)
{
    (void)state;
    struct err err = {0};
    struct artifact_reader *reader = NULL;
    int fd = open("/dev/zero", O_RDONLY);
    assert_int_equal(artifact_reader_new(fd, "standard input", ARTIFACT_ANY, &reader, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    close(fd);
    assert_int_equal(artifact_reader_new(-1, "standard input", ARTIFACT_ANY, &reader, &err), -1);
    assert_int_equal(err.class, ERR_IO);
}

static void test_full_disk(void **state)
{
    (void)state;
    struct err err = {0};
    int full = open("/dev/full", O_WRONLY);
    struct artifact_writer *writer = artifact_writer_new(full, ARTIFACT_USAGE, 0, "x", json_object());
    json_t *record = workload("a", 1, 0, "cart");
    int failed = 0;
    for (int i = 0; i < 2000 && !failed; i++) {
        failed = artifact_write(writer, record, &err);
    }
    assert_int_equal(failed, -1);
    assert_int_equal(err.class, ERR_IO);
    json_decref(record);
    artifact_writer_free(writer);
    /* What fits in the buffer fails at the end, not never. */
    writer = artifact_writer_new(full, ARTIFACT_USAGE, 0, "x", json_object());
    assert_int_equal(artifact_finish(writer, NULL, NULL, &err), -1);
    assert_int_equal(err.class, ERR_IO);
    artifact_writer_free(writer);
    close(full);
}

/* The same records give the same bytes; only header, input and digest tell two runs apart. */
static void test_stable_bytes(void **state)
{
    (void)state;
    struct buf one;
    struct buf two;
    char first[DIGEST_HEX];
    char second[DIGEST_HEX];
    make(&one, ARTIFACT_COSTS, first);
    make(&two, ARTIFACT_COSTS, second);
    assert_string_equal(first, second);
    assert_int_equal(one.length, two.length);
    assert_memory_equal(one.data, two.data, one.length);
    buf_release(&one);
    buf_release(&two);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_empty_artifact),    cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_every_byte_changed), cmocka_unit_test(test_kind),             cmocka_unit_test(test_refused),
        cmocka_unit_test(test_taken),             cmocka_unit_test(test_message_is_safe),   cmocka_unit_test(test_huge_line),
        cmocka_unit_test(test_endless),           cmocka_unit_test(test_full_disk),         cmocka_unit_test(test_stable_bytes),
        cmocka_unit_test(test_line_at_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
