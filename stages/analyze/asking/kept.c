#include "stages/analyze/asking/kept.h"

#include <string.h>

#include "pipeline/base/clock.h"

/* Sets how much came and what it cost. */
static void put_amounts(json_t *row, const struct call *call, const struct llm_reply *reply, const struct call_end *end)
{
    json_object_set_new(row, "input_tokens", json_integer(reply->input_tokens));
    json_object_set_new(row, "output_tokens", json_integer(reply->output_tokens));
    json_object_set_new(row, "cache_read_tokens", json_integer(reply->cache_read_tokens));
    json_object_set_new(row, "cache_write_tokens", json_integer(reply->cache_write_tokens));
    json_object_set_new(row, "cost_microusd", json_int_or_null(call->link->price.known, end->microusd));
    json_object_set_new(row, "latency_ms", json_integer(reply->latency_ms));
}

void kept_call(struct history_out *history, const struct call *call, const struct llm_reply *reply, struct call_end *end)
{
    char digest[DIGEST_HEX];
    char at[RFC3339_MAX];
    history_call_key(end->key);
    if (!history) {
        return;
    }
    json_t *row = json_object();
    json_object_set_new(row, "key", json_string(end->key));
    json_object_set_new(row, "prompt_digest", json_string(call_digest(call, digest)));
    json_object_set_new(row, "provider", json_string(call->link->provider->name));
    json_object_set_new(row, "model", json_string_safe(*reply->model ? reply->model : call->link->model));
    json_object_set_new(row, "outcome", json_string(end->outcome));
    json_object_set_new(row, "reply", json_string_safe(reply->text));
    json_object_set_new(row, "error", json_string_safe(end->error));
    json_object_set_new(row, "workloads", json_integer((json_int_t)call->count));
    json_object_set_new(row, "batch", json_boolean(end->batch));
    json_object_set_new(row, "at", json_string(time_format(clock_now(), at)));
    put_amounts(row, call, reply, end);
    history_exchange(history, row);
    json_decref(row);
}

void kept_told(struct history_out *history, const struct inquiry *inquiry, const struct link *link, struct told *told)
{
    told->provider = link->provider->name;
    told->model = link->model;
    memcpy(told->evidence, inquiry->digest, DIGEST_HEX);
    memcpy(told->key, inquiry->keys[inquiry->link], DIGEST_HEX);
    history_answer(history, inquiry->plan->subject, told);
}
