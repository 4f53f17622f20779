/* Messages of a client of tare-mcp: however the bytes are cut into pieces the same lines come out; whatever a line says, what is answered is one
 * JSON-RPC message in one line with the id that it came with; arguments that pass their check make words that no option can be. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/mcp/frame.h"
#include "stages/mcp/protocol.h"
#include "stages/mcp/rpc.h"
#include "stages/mcp/work.h"

enum { LINE = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* One message, with the id of what it answers. */
static void check_answer(const char *text, const char *id)
{
    struct err err = {0};
    check(strchr(text, '\n') == NULL);
    json_t *value = json_read(text, strlen(text), "the answer", &err);
    check(json_is_object(value));
    json_t *error = json_object_get(value, "error");
    check((json_object_get(value, "result") != NULL) != (error != NULL));
    check(error == NULL || json_is_integer(json_object_get(error, "code")));
    char *head = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,", id);
    check(strncmp(text, head, strlen(head)) == 0);
    free(head);
    json_decref(value);
}

/* The command first, then words of which only those that begin with "--NAME=" are options. */
static void check_words(enum tool tool, json_t *arguments)
{
    struct work *work = work_new(tool, arguments);
    check((work->count > 0) != (work->result != NULL));
    for (size_t i = 0; i < work->count; i++) {
        check(i > 0 || work->words[i][0] != '-');
        check(work->words[i][0] != '-' || strchr(work->words[i], '=') != NULL);
    }
    if (work->result == NULL) {
        work_ended(work, 0, "");
    }
    check((work->count > 0) != (work->result != NULL));
    work_free(work);
}

static void serve(struct protocol *protocol, const struct rpc_message *message)
{
    struct protocol_step step;
    check(strlen(message->id) <= RPC_ID_MAX);
    protocol_read(protocol, message, &step);
    if (step.then == PROTOCOL_ANSWER) {
        check(message->kind != RPC_NOTIFICATION && message->kind != RPC_RESPONSE);
        check_answer(step.answer, message->id);
    }
    if (step.then == PROTOCOL_CALL) {
        check_words(step.tool, step.arguments);
        step.arguments = NULL;
    }
    protocol_release(&step);
}

static void on_line(void *context, const char *line, size_t length)
{
    struct rpc_message message;
    rpc_read(line, length, &message);
    if (message.kind == RPC_BATCH) {
        size_t index = 0;
        json_t *value = NULL;
        json_array_foreach(message.body, index, value)
        {
            struct rpc_message one;
            rpc_take(value, &one);
            check(one.kind != RPC_BATCH);
            serve(context, &one);
            rpc_release(&one);
        }
    } else {
        serve(context, &message);
    }
    rpc_release(&message);
}

static void sum_line(void *context, const char *line, size_t length)
{
    uint64_t *sum = context;
    for (size_t i = 0; i < length; i++) {
        *sum = *sum * 31 + (unsigned char)line[i];
    }
    *sum = *sum * 31 + (line == NULL) + length;
}

static uint64_t sum_of(const char *bytes, size_t size, size_t piece)
{
    struct frame frame;
    uint64_t sum = 0;
    frame_init(&frame, LINE);
    for (size_t at = 0; at < size; at += piece) {
        frame_add(&frame, bytes + at, size - at < piece ? size - at : piece, sum_line, &sum);
    }
    frame_end(&frame, sum_line, &sum);
    frame_release(&frame);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready; /* the list of tools is read once */
    const char *bytes = (const char *)data;
    struct frame frame;
    struct protocol protocol = {.read_only = size % 2 == 1};
    check(sum_of(bytes, size, 1) == sum_of(bytes, size, size + 1));
    if (!ready) {
        tools_init();
        ready = true;
    }
    frame_init(&frame, LINE);
    frame_add(&frame, bytes, size, on_line, &protocol);
    frame_end(&frame, on_line, &protocol);
    frame_release(&frame);
    return 0;
}
