#include "stages/analyze/asking/call.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* Evidence of one question: about eight thousand tokens, which leaves small models room for rules and answers. */
enum { CALL_BYTES_MAX = 24 * 1024 };

struct call *call_new(struct analyst *analyst, struct link *link)
{
    struct call *call = xcalloc(sizeof *call);
    call->analyst = analyst;
    call->link = link;
    call->number = -1;
    return call;
}

void call_free(struct call *call)
{
    if (!call) {
        return;
    }
    json_decref(call->schema);
    free(call->user);
    free(call->former);
    free(call->complaint);
    free(call);
}

void call_add(struct call *call, struct inquiry *inquiry)
{
    call->asked[call->count] = (struct asked){inquiry->plan, inquiry->name, inquiry->evidence};
    call->of[call->count++] = inquiry;
    call->bytes += strlen(inquiry->evidence);
}

bool call_fits(const struct call *call, const struct inquiry *inquiry, size_t workloads)
{
    if (call->count == 0) {
        return true;
    }
    for (size_t i = 0; i < call->count; i++) {
        if (str_equal(call->asked[i].name, inquiry->name)) {
            return false;
        }
    }
    return call->count < workloads && call->count < QUESTION_WORKLOADS_MAX && call->bytes + strlen(inquiry->evidence) <= CALL_BYTES_MAX;
}

void call_prepare(struct call *call)
{
    call->user = question_user(call->asked, call->count);
    call->schema = question_schema(call->asked, call->count, call->link->narrow);
    call->prompt = (struct llm_prompt){.system = question_system(),
                                       .user = call->user,
                                       .schema = call->schema,
                                       .schema_name = "recommendations",
                                       .max_tokens = question_max_tokens(call->asked, call->count),
                                       .former_reply = call->former,
                                       .complaint = call->complaint};
}

static void add_text(struct hash *hash, const char *text)
{
    hash_add(hash, text ? text : "", (text ? strlen(text) : 0) + 1);
}

char *call_digest(const struct call *call, char out[DIGEST_HEX])
{
    struct hash *hash = hash_new();
    add_text(hash, call->link->provider->name);
    add_text(hash, call->link->model);
    add_text(hash, call->prompt.system);
    add_text(hash, call->prompt.user);
    add_text(hash, call->former);
    add_text(hash, call->complaint);
    (void)hash_hex(hash, out);
    hash_free(hash);
    return out;
}
