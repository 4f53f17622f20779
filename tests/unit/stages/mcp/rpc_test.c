#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/mcp/mask.h"
#include "stages/mcp/frame.h"
#include "stages/mcp/rpc.h"
#include "stages/mcp/schema.h"

static enum rpc_kind kind_of(const char *text, enum rpc_code *code)
{
    struct rpc_message message;
    rpc_read(text, strlen(text), &message);
    enum rpc_kind kind = message.kind;
    *code = message.code;
    rpc_release(&message);
    return kind;
}

static void kinds(void **state)
{
    (void)state;
    enum rpc_code code;
    assert_int_equal(kind_of("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}", &code), RPC_REQUEST);
    assert_int_equal(kind_of("{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", &code), RPC_NOTIFICATION);
    assert_int_equal(kind_of("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":[]}", &code), RPC_NOTIFICATION);
    assert_int_equal(kind_of("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":0}", &code), RPC_RESPONSE);
    assert_int_equal(kind_of("[1]", &code), RPC_BATCH);
    assert_int_equal(kind_of("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[]}", &code), RPC_BAD);
    assert_int_equal(code, RPC_PARAMS);
    assert_int_equal(kind_of("[", &code), RPC_BAD);
    assert_int_equal(code, RPC_PARSE);
    assert_int_equal(kind_of("{\"method\":\"m\"}", &code), RPC_BAD);
    assert_int_equal(code, RPC_INVALID);
}

/* A bracket in a text nests nothing, whatever stands before its end. */
static void depth(void **state)
{
    (void)state;
    enum rpc_code code;
    char text[512] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\\\\\\"";
    size_t length = strlen(text);
    memset(text + length, '[', 200);
    memcpy(text + length + 200, "\\\\\"}", 5);
    assert_int_equal(kind_of(text, &code), RPC_REQUEST);
    text[length - 2] = 'x'; /* the text ends before them now */
    assert_int_equal(kind_of(text, &code), RPC_BAD);
    assert_int_equal(code, RPC_INVALID);
}

/* An id whose key or value is written with escapes is given back in another form of the same. */
static void odd_ids(void **state)
{
    (void)state;
    struct rpc_message message;
    static const char escaped[] = "{\"jsonrpc\":\"2.0\",\"\\u0069d\":12.5,\"method\":\"m\"}";
    rpc_read(escaped, strlen(escaped), &message);
    assert_int_equal(message.kind, RPC_REQUEST);
    assert_string_equal(message.id, "12.5");
    rpc_release(&message);
    static const char deeper[] = "{\"params\":{\"id\":5},\"id\":\"}\",\"jsonrpc\":\"2.0\",\"method\":\"m\"}";
    rpc_read(deeper, strlen(deeper), &message);
    assert_string_equal(message.id, "\"}\"");
    rpc_release(&message);
}

static void add_length(void *context, const char *line, size_t length)
{
    buf_printf(context, "%s%zu", line == NULL ? "!" : "", length);
    buf_add_char(context, ' ');
}

static void lines_come_out_of_pieces(void **state)
{
    (void)state;
    static const char bytes[] = "ab\n\n  \r\nabcdefghijk\nabc";
    for (size_t piece = 1; piece < sizeof bytes; piece++) {
        struct frame frame;
        struct buf told;
        frame_init(&frame, 8);
        buf_init(&told, 256);
        for (size_t at = 0; at < sizeof bytes - 1; at += piece) {
            size_t left = sizeof bytes - 1 - at;
            frame_add(&frame, bytes + at, left < piece ? left : piece, add_length, &told);
        }
        frame_end(&frame, add_length, &told);
        assert_string_equal(buf_str(&told), "2 !0 3 ");
        frame_release(&frame);
        buf_release(&told);
    }
}

static void text_is_masked(void **state)
{
    (void)state;
    char lines[] = "a\tb\x1b[0m\nc\x07\n";
    mask_lines(lines);
    assert_string_equal(lines, "a\tb?[0m\nc?\n");
    json_t *value = json_pack("{s:[s,i,n],s:s}", "k\x1b", "x\ny", 5, "z", "plain");
    json_t *clean = mask_value(value);
    char *text = json_text(clean);
    assert_string_equal(text, "{\"k?\":[\"x?y\",5,null],\"z\":\"plain\"}");
    free(text);
    json_decref(clean);
    json_decref(value);
    json_t *cut = mask_text("ää", 3);
    assert_string_equal(json_string_value(cut), "ä…");
    json_decref(cut);
}

static int check(const char *schema_text, const char *value_text, char *message, size_t size)
{
    struct err err = {0};
    json_t *schema = json_read(schema_text, strlen(schema_text), "a schema", &err);
    json_t *value = json_read(value_text, strlen(value_text), "a value", &err);
    assert_true(schema != NULL && value != NULL);
    int failed = schema_check(schema, value, "it", &err);
    snprintf(message, size, "%s", err.message);
    json_decref(schema);
    json_decref(value);
    return failed;
}

static void schemas(void **state)
{
    (void)state;
    char message[ERR_MESSAGE_MAX + 1];
    static const char schema[] = "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"a\"],\"properties\":{"
                                 "\"a\":{\"type\":\"array\",\"maxItems\":2,\"items\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":3}},"
                                 "\"b\":{\"type\":\"string\",\"pattern\":\"^[a-z]+$\",\"maxLength\":4}}}";
    static const struct {
        const char *value;
        const char *wanted; /* NULL: it fits */
    } cases[] = {
        {"{\"a\":[1,3],\"b\":\"abcd\"}", NULL},
        {"{\"a\":[1,4]}", "it.a[1] must be at most 3"},
        {"{\"a\":[0]}", "it.a[0] must be at least 1"},
        {"{\"a\":[1.0]}", "it.a[0] must be an integer"},
        {"{\"a\":[1,1,1]}", "it.a has 3 items, it must have 0 to 2"},
        {"{\"a\":{}}", "it.a must be an array"},
        {"{}", "it lacks the member \"a\""},
        {"{\"a\":[],\"c\":1}", "it has no member \"c\""},
        {"{\"a\":[],\"b\":\"A\"}", "it.b is \"A\", it must fit ^[a-z]+$"},
        {"{\"a\":[],\"b\":\"abcde\"}", "it.b has 5 bytes, it must have 0 to 4"},
        {"[]", "it must be an object"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int failed = check(schema, cases[i].value, message, sizeof message);
        assert_int_equal(failed, cases[i].wanted == NULL ? 0 : -1);
        assert_string_equal(message, cases[i].wanted == NULL ? "" : cases[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),   cmocka_unit_test(depth),          cmocka_unit_test(odd_ids), cmocka_unit_test(lines_come_out_of_pieces),
        cmocka_unit_test(schemas), cmocka_unit_test(text_is_masked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
