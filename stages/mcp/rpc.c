#include "stages/mcp/rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json_skim.h"

static void bad(struct rpc_message *message, enum rpc_code code, const char *complaint)
{
    message->kind = RPC_BAD;
    message->code = code;
    snprintf(message->complaint, sizeof message->complaint, "%s", complaint);
}

/* Whether brackets nest deeper than is looked at; quotes are honoured, nothing else of the grammar is. */
static bool too_deep(const char *text, size_t length)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (quoted && c == '\\') {
            i++; /* whatever it is, it ends no string */
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '{' || c == '[')) {
            if (++depth > RPC_DEPTH_MAX) {
                return true;
            }
        } else if (!quoted && (c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

char *rpc_id_text(const json_t *id)
{
    char *text = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
    return text == NULL ? xstrdup("null") : text;
}

/* The bytes of the id as they came: reading and writing a number again may change its digits. NULL where they cannot be told. */
static char *id_as_it_came(const char *text, size_t length, const json_t *id)
{
    static const struct json_cut only[] = {{.key = "id"}, {.key = "*", .drop = true}, {.key = NULL}};
    struct buf left;
    struct err ignored = {0};
    char *out = NULL;
    buf_init(&left, length + 1);
    const char *colon = json_skim(text, length, only, &left) ? strchr(buf_str(&left), ':') : NULL;
    const char *close = colon == NULL ? NULL : strrchr(colon, '}');
    if (close != NULL) {
        for (colon++; *colon == ' ' || *colon == '\t' || *colon == '\r'; colon++) {}
        for (; close > colon && strchr(" \t\r", close[-1]) != NULL; close--) {}
        json_t *again = json_read(colon, (size_t)(close - colon), "the id", &ignored);
        out = again != NULL && json_equal(again, id) ? xstrndup(colon, (size_t)(close - colon)) : NULL;
        json_decref(again);
    }
    buf_release(&left);
    return out;
}

/* False where the id is none that can be given back; then the message is bad. */
static bool take_id(struct rpc_message *message, const json_t *id, const char *text, size_t length)
{
    if (!json_is_string(id) && !json_is_number(id)) {
        bad(message, RPC_INVALID, "the id must be a string or a number");
        return false;
    }
    char *as_it_came = text == NULL ? NULL : id_as_it_came(text, length, id);
    char *its = as_it_came == NULL ? rpc_id_text(id) : as_it_came;
    if (strlen(its) > RPC_ID_MAX) {
        free(its);
        bad(message, RPC_INVALID, "the id is longer than 256 bytes");
        return false;
    }
    free(message->id);
    message->id = its;
    return true;
}

static void read_object(struct rpc_message *message, const char *text, size_t length)
{
    const json_t *body = message->body;
    const json_t *id = json_object_get(body, "id");
    const json_t *method = json_object_get(body, "method");
    bool answers = method == NULL && (json_object_get(body, "result") != NULL || json_object_get(body, "error") != NULL);
    if (answers) {
        message->kind = RPC_RESPONSE;
        return;
    }
    if (id != NULL && !take_id(message, id, text, length)) {
        return;
    }
    if (!str_equal(json_string_or_null(body, "jsonrpc"), "2.0")) {
        bad(message, RPC_INVALID, "the member \"jsonrpc\" must be \"2.0\"");
        return;
    }
    if (!json_is_string(method)) {
        bad(message, RPC_INVALID, "the member \"method\" is missing or not a string");
        return;
    }
    message->kind = id == NULL ? RPC_NOTIFICATION : RPC_REQUEST;
    message->method = json_string_value(method);
    message->params = json_object_get(body, "params");
    if (message->params != NULL && !json_is_object(message->params) && id != NULL) {
        bad(message, RPC_PARAMS, "params must be an object");
    } else if (!json_is_object(message->params)) {
        message->params = NULL;
    }
}

static void read_value(struct rpc_message *message, const char *text, size_t length)
{
    if (json_is_object(message->body)) {
        read_object(message, text, length);
    } else if (json_array_size(message->body) > 0) {
        message->kind = RPC_BATCH;
    } else {
        bad(message, RPC_INVALID, "a message is an object");
    }
}

void rpc_read(const char *text, size_t length, struct rpc_message *message)
{
    *message = (struct rpc_message){.id = xstrdup("null")};
    if (text == NULL) {
        bad(message, RPC_INVALID, "the message is longer than is taken");
        return;
    }
    if (too_deep(text, length)) {
        bad(message, RPC_INVALID, "the message nests deeper than 64 levels");
        return;
    }
    struct err err = {0};
    message->body = json_read(text, length, "the message", &err);
    if (message->body == NULL) {
        bad(message, RPC_PARSE, err.message);
        return;
    }
    read_value(message, text, length);
}

void rpc_take(json_t *value, struct rpc_message *message)
{
    *message = (struct rpc_message){.id = xstrdup("null"), .body = json_incref(value)};
    if (json_is_array(value)) {
        bad(message, RPC_INVALID, "a message of a batch is an object");
        return;
    }
    read_value(message, NULL, 0);
}

void rpc_release(struct rpc_message *message)
{
    free(message->id);
    json_decref(message->body);
    *message = (struct rpc_message){0};
}

static char *message_text(const char *id, const char *key, json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    char *out = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"%s\":%s}", id, key, text == NULL ? "null" : text);
    free(text);
    json_decref(value);
    return out;
}

char *rpc_result(const char *id, json_t *result)
{
    return message_text(id, "result", result);
}

char *rpc_error(const char *id, enum rpc_code code, const char *complaint, json_t *data)
{
    json_t *error = json_object();
    json_object_set_new(error, "code", json_integer(code));
    json_object_set_new(error, "message", json_string_safe(complaint));
    if (data != NULL) {
        json_object_set_new(error, "data", data);
    }
    return message_text(id, "error", error);
}

char *rpc_notification(const char *method, json_t *params)
{
    char *text = json_text(params);
    char *out = xasprintf("{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":%s}", method, text);
    free(text);
    json_decref(params);
    return out;
}
