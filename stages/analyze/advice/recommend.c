#include "stages/analyze/advice/recommend.h"

#include <math.h>
#include <stdio.h>

#include "pipeline/base/str.h"
#include "stages/analyze/advice/chain.h"
#include "stages/analyze/advice/clamps.h"
#include "stages/analyze/advice/proof.h"
#include "stages/analyze/advice/reasoning.h"
#include "stages/analyze/advice/risk.h"

/* New {min,max}, null where the field cannot move. */
static json_t *bounds_new(const struct field_plan *field)
{
    json_t *bounds;
    if (!field->movable && field->value < 0) {
        return json_null();
    }
    bounds = json_object();
    json_object_set_new(bounds, "min", json_integer(field->min));
    json_object_set_new(bounds, "max", json_integer(field->max));
    return bounds;
}

/* New `requests` or `limits`: the two numbers and their bounds beside them. */
static json_t *amounts_new(const struct container_plan *container, bool is_limit)
{
    json_t *amounts = json_object();
    json_t *bounds = json_object();
    for (int r = 0; r < RESOURCES; r++) {
        const struct field_plan *field = &container->fields[FIELD_OF(r, is_limit)];
        const char *key = resource_key((enum resource)r);
        json_object_set_new(amounts, key, json_int_or_null(field->value >= 0, field->value));
        json_object_set_new(bounds, key, bounds_new(field));
    }
    json_object_set_new(amounts, "bounds", bounds);
    return amounts;
}

/* New {rule,formula,target,moved_by,inputs,caps} for each number of `requests` or `limits`. */
static json_t *why_new(const struct scene *scene, const struct container_plan *container, bool is_limit, const char *source)
{
    json_t *why = json_object();
    for (int r = 0; r < RESOURCES; r++) {
        enum field which = FIELD_OF(r, is_limit);
        const struct field_plan *field = &container->fields[which];
        json_t *entry = json_object();
        json_object_set_new(entry, "rule", json_string(field->by_model && source ? source : field->rule));
        json_object_set_new(entry, "target", json_real_or_null(field->target));
        json_object_set_new(entry, "moved_by", field->moved_by ? json_string(field->moved_by) : json_null());
        json_object_set_new(entry, "formula", chain_formula_new(scene, container, which));
        json_object_set_new(entry, "inputs", chain_inputs_new(container, which));
        json_object_set_new(entry, "caps", chain_caps_new(field));
        json_object_set_new(why, resource_key((enum resource)r), entry);
    }
    return why;
}

static json_t *container_new(const struct plan *plan, const struct container_plan *container, const char *source)
{
    json_t *entry = json_object();
    json_t *remove = json_array();
    json_t *why = json_object();
    for (int f = 0; f < FIELDS; f++) {
        if (container->fields[f].remove) {
            json_array_append_new(remove, json_string(field_name((enum field)f)));
        }
    }
    json_object_set_new(why, "requests", why_new(&plan->scene, container, false, source));
    json_object_set_new(why, "limits", why_new(&plan->scene, container, true, source));
    json_object_set_new(entry, "requests", amounts_new(container, false));
    json_object_set_new(entry, "limits", amounts_new(container, true));
    json_object_set_new(entry, "remove", remove);
    json_object_set_new(entry, "why", why);
    json_object_set_new(entry, "confidence", json_real_or_null(container->confidence));
    json_object_set_new(entry, "confidence_parts", chain_confidence_new(&container->confidence_parts));
    json_object_set_new(entry, "samples", chain_samples_new(plan->subject, container->container));
    return entry;
}

/* New object of the judged containers by name. */
static json_t *containers_new(const struct plan *plan, const char *source)
{
    json_t *containers = json_object();
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        if (plan->containers[i].judged) {
            json_object_set_new(containers, plan->containers[i].container->name,
                                container_new(plan, &plan->containers[i], source));
        }
    }
    return containers;
}

/* The model's words first, marked as such, then the evidence; cut at a whole character. */
static json_t *reasoning_new(const struct plan *plan, const struct opinion *opinion)
{
    struct buf text;
    buf_init(&text, REASONING_MAX);
    if (opinion && opinion->reasoning && *opinion->reasoning) {
        (void)buf_printf(&text, "%s Evidence:", opinion->reasoning);
    }
    reasoning_write(plan, &text);
    if (text.data) {
        str_mask_controls(text.data); /* names of containers and autoscalers are whatever somebody wrote */
    }
    json_t *value = json_string_safe(buf_str(&text));
    buf_release(&text);
    return value;
}

/* New {from,reason}, null where no provider failed. */
static json_t *fallback_new(const struct opinion *opinion)
{
    if (!opinion || !opinion->fallback_from) {
        return json_null();
    }
    json_t *fallback = json_object();
    json_object_set_new(fallback, "from", json_string(opinion->fallback_from));
    json_object_set_new(fallback, "reason", json_string_safe(opinion->fallback_reason));
    return fallback;
}

/* Adds a clause, and raises the risk to medium at least. */
static void doubt(enum risk *risk, json_t *reasons, const char *text)
{
    json_array_append_new(reasons, json_string(text));
    *risk = *risk < RISK_MEDIUM ? RISK_MEDIUM : *risk;
}

/* Risk with its reasons, into the recommendation. */
static void set_risk(json_t *out, const struct plan *plan, const struct class *class, const struct opinion *opinion, double from)
{
    json_t *reasons = json_array();
    enum risk risk = risk_of(plan, class, reasons);
    bool changes = plan_changes(plan);
    char text[100];
    if (changes && opinion && str_equal(opinion->source, "proposal")) {
        doubt(&risk, reasons, "somebody's own numbers, not what the rules advise");
    } else if (changes && opinion && opinion->disagreement > from) {
        (void)snprintf(text, sizeof text, "the model's numbers differ from the rules' by up to %.0f %%",
                       fmin(opinion->disagreement, 99) * 100);
        doubt(&risk, reasons, text);
    }
    json_object_set_new(out, "risk", json_string(risk_name(risk)));
    json_object_set_new(out, "risk_reasons", reasons);
}

static json_t *or_null(json_t *value)
{
    return value ? value : json_null();
}

/* Who recommends: the rules, a model, or a person; and how far that is from the rules. */
static void set_source(json_t *out, const struct opinion *opinion)
{
    bool other = opinion && opinion->source;
    json_object_set_new(out, "source", json_string(other ? opinion->source : "rules"));
    json_object_set_new(out, "provider", json_string_safe(other ? opinion->provider : NULL));
    json_object_set_new(out, "model", json_string_safe(other ? opinion->model : NULL));
    json_object_set_new(out, "proposed_by", json_string_safe(other ? opinion->proposed_by : NULL));
    json_object_set_new(out, "class_of_model", json_string_safe(other ? opinion->class_name : NULL));
    json_object_set_new(out, "disagreement", json_real_or_null(other && isfinite(opinion->disagreement) ? opinion->disagreement : NAN));
    json_object_set_new(out, "fallback", fallback_new(opinion));
}

/* Scaling advice (stolen, may be NULL), which is none of a proposal's. */
static json_t *scaling_or_null(json_t *scaling, const struct opinion *opinion)
{
    if (!opinion || !str_equal(opinion->source, "proposal")) {
        return or_null(scaling);
    }
    json_decref(scaling);
    return json_null();
}

json_t *recommendation_new(const struct plan *plan, const struct class *class, const struct opinion *opinion,
                           const struct parts *parts)
{
    json_t *out = json_object();
    const char *source = opinion ? opinion->source : NULL;
    const char *action = plan->refusal ? "none" : plan_changes(plan) ? "resize" : "keep";
    const char *untested;
    double confidence = plan->confidence;
    if (source && opinion->confidence < confidence) {
        confidence = opinion->confidence;
    }
    json_object_set_new(out, "action", json_string(action));
    json_object_set_new(out, "confidence", json_real_or_null(confidence));
    set_source(out, opinion);
    json_object_set_new(out, "reasoning", reasoning_new(plan, opinion));
    /* Overrides and approval rules go by the class: a model may say how it reads a workload, not which rules count for it. */
    json_object_set_new(out, "class", json_string_safe(class->name));
    json_object_set_new(out, "class_reason", json_string_safe(class->reason));
    json_object_set_new(out, "qos_class", json_string(qos_name(plan->subject->qos)));
    json_object_set_new(out, "containers", containers_new(plan, source));
    json_object_set_new(out, "clamps", clamps_new(plan));
    json_object_set_new(out, "findings", or_null(parts->findings));
    json_object_set_new(out, "backtest", backtests_new(plan, &untested));
    json_object_set_new(out, "backtest_reason", json_string_safe(untested));
    json_object_set_new(out, "forecast", or_null(parts->forecast));
    json_object_set_new(out, "outlook", or_null(parts->outlook));
    json_object_set_new(out, "scaling", scaling_or_null(parts->scaling, opinion));
    set_risk(out, plan, class, opinion, parts->disagreement_from);
    return out;
}
