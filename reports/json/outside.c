#include "reports/json/outside.h"

#include "reports/json/members.h"

/* The fleet says −1 for what it does not know. */
static void set_known(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_int_or_null(value >= 0, value));
}

static json_t *side_json(const struct fleet_side *side, bool priced)
{
    json_t *object = json_object();
    json_set_int(object, "nodes", side->nodes);
    set_known(object, "lower_bound", side->lower_bound);
    set_known(object, "monthly_microusd", priced ? side->monthly_microusd : -1);
    json_set_int(object, "unplaced", side->unplaced);
    return object;
}

static json_t *pools_json(const struct fleet *fleet)
{
    json_t *list = json_array();
    for (size_t i = 0; i < fleet->pool_count; i++) {
        const struct fleet_pool *pool = &fleet->pools[i];
        json_t *object = json_object();
        json_set_text(object, "name", pool->name);
        json_set_text(object, "instance", pool->instance);
        set_known(object, "microusd_per_hour", pool->microusd_per_hour);
        set_known(object, "nodes_today", pool->nodes_today);
        json_object_set_new(object, "before", side_json(&pool->before, true));
        json_object_set_new(object, "after", side_json(&pool->after, true));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *better_json(const struct fleet_better *better)
{
    if (better->instance == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    json_set_text(object, "instance", better->instance);
    json_set_text(object, "pool", better->pool);
    json_set_int(object, "nodes", better->nodes);
    json_set_int(object, "monthly_microusd", better->monthly_microusd);
    json_set_int(object, "saving_microusd", better->saving_microusd);
    return object;
}

json_t *json_fleet(const struct fleet *fleet)
{
    if (fleet == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    json_object_set_new(object, "known", json_boolean(fleet->unknown == NULL));
    json_set_text(object, "unknown", fleet->unknown);
    json_t *notes = json_array();
    for (size_t i = 0; i < fleet->note_count; i++) {
        json_array_append_new(notes, json_string_safe(fleet->notes[i]));
    }
    json_object_set_new(object, "notes", notes);
    if (fleet->unknown != NULL) {
        return object;
    }
    json_object_set_new(object, "live", json_boolean(fleet->live));
    json_object_set_new(object, "priced", json_boolean(fleet->priced));
    set_known(object, "nodes_today", fleet->live ? fleet->nodes_today : -1);
    set_known(object, "today_monthly_microusd", fleet->live ? fleet->today_monthly_microusd : -1);
    json_object_set_new(object, "before", side_json(&fleet->before, fleet->priced));
    json_object_set_new(object, "after", side_json(&fleet->after, fleet->priced));
    json_set_int(object, "nodes_gone", fleet->nodes_gone);
    json_object_set_new(object, "saving_microusd", json_int_or_null(fleet->priced, fleet->saving_microusd));
    json_set_int(object, "pods", fleet->pods);
    json_set_int(object, "unplaced", fleet->unplaced);
    json_object_set_new(object, "pools", pools_json(fleet));
    json_object_set_new(object, "better", better_json(&fleet->better));
    return object;
}

static json_t *trend_json(const struct report_past *past)
{
    json_t *list = json_array();
    for (size_t i = 0; i < past->trend_count; i++) {
        const struct past_run *run = &past->trend[i];
        json_t *object = json_object();
        json_set_int(object, "run", run->run);
        json_set_text(object, "created", run->created);
        json_set_text(object, "state", run->state);
        json_set_int(object, "workloads", run->workloads);
        json_set_int(object, "changes", run->changes);
        json_set_int(object, "monthly_before_microusd", run->before);
        json_set_int(object, "monthly_after_microusd", run->after);
        json_set_int(object, "monthly_saving_microusd", run->saving);
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *applied_json(const struct report_past *past)
{
    json_t *list = json_array();
    for (size_t i = 0; i < past->applied_count; i++) {
        const struct past_applied *plan = &past->applied[i];
        bool measured = plan->measured > 0;
        json_t *object = json_object();
        json_set_int(object, "run", plan->run);
        json_set_text(object, "applied", plan->applied);
        json_set_int(object, "workloads", plan->workloads);
        json_set_int(object, "measured", plan->measured);
        json_set_int(object, "expected_microusd", plan->expected);
        json_object_set_new(object, "predicted_microusd", json_int_or_null(measured, plan->predicted));
        json_object_set_new(object, "realized_microusd", json_int_or_null(measured, plan->realized));
        json_object_set_new(object, "measured_by", json_int_or_null(measured, plan->measured_by));
        json_array_append_new(list, object);
    }
    return list;
}

json_t *json_past(const struct report_past *past)
{
    if (past == NULL) {
        return json_null();
    }
    json_t *llm = json_object();
    json_set_int(llm, "exchanges", past->exchanges);
    json_set_int(llm, "failed", past->failed);
    json_set_int(llm, "unpriced", past->unpriced);
    json_set_int(llm, "input_tokens", past->input_tokens);
    json_set_int(llm, "cache_read_tokens", past->cache_read_tokens);
    json_set_int(llm, "output_tokens", past->output_tokens);
    json_set_int(llm, "cost_microusd", past->llm_microusd);
    json_t *object = json_object();
    json_object_set_new(object, "run", json_int_or_null(past->run > 0, past->run));
    json_object_set_new(object, "narrowed", json_boolean(past->narrowed));
    json_object_set_new(object, "llm", llm);
    json_object_set_new(object, "trend", trend_json(past));
    json_object_set_new(object, "applied", applied_json(past));
    return object;
}
