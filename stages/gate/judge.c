#include "stages/gate/judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/common/guardrail.h"
#include "stages/common/policy.h"

enum { REASON_MAX = 600 };

/* One edit as numbers. */
struct step {
    enum guardrail_resource resource;
    bool limit;   /* a limit, else a request */
    int64_t from; /* GUARDRAIL_ABSENT where it was not set */
    int64_t to;   /* GUARDRAIL_ABSENT where it is taken away */
    const char *container;
};

void reason_add(json_t *reasons, const char *code, bool ok, const char *format, ...)
{
    char message[REASON_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    str_mask_controls(message);
    str_trim_utf8(message);
    json_t *reason = json_object();
    json_object_set_new(reason, "code", json_string(code));
    json_object_set_new(reason, "ok", json_boolean(ok));
    json_object_set_new(reason, "message", json_string_safe(message));
    json_array_append_new(reasons, reason);
}

static void block(struct judgement *out, const char *code, const char *message)
{
    out->blocked = true;
    reason_add(out->reasons, code, false, "%s", message);
}

const char *judge_namespace(const struct judge *judge, const json_t *workload)
{
    const char *namespace = json_string_or_null(workload, "namespace");
    return namespace == NULL ? judge->default_namespace : namespace;
}

/* Reads a quantity of an edit; null is absent. */
static int read_amount(const json_t *edit, const char *key, enum guardrail_resource resource, int64_t *out)
{
    const char *text = json_string_or_null(edit, key);
    *out = GUARDRAIL_ABSENT;
    if (text == NULL) {
        return json_is_null(json_object_get(edit, key)) ? 0 : -1;
    }
    return resource == GUARDRAIL_CPU ? quantity_cpu(text, strlen(text), out, NULL)
                                     : quantity_memory(text, strlen(text), out, NULL);
}

/* Reads an edit; -1 for one that is no edit of a CPU or memory request or limit. */
static int read_step(const json_t *edit, struct step *out)
{
    const char *path = json_string_or_null(edit, "path");
    out->container = json_string_or_null(edit, "container");
    if (path == NULL || out->container == NULL) {
        return -1;
    }
    out->resource = str_ends(path, ".cpu") ? GUARDRAIL_CPU : GUARDRAIL_MEMORY;
    out->limit = str_ends(path, ".limits.cpu") || str_ends(path, ".limits.memory");
    if (!out->limit && !str_ends(path, ".requests.cpu") && !str_ends(path, ".requests.memory")) {
        return -1;
    }
    return read_amount(edit, "from", out->resource, &out->from) ||
                   read_amount(edit, "to", out->resource, &out->to)
               ? -1
               : 0;
}

/* Whether the own file says anything about a key; without a stored policy it always counts. */
static bool own_counts(const struct inforce *inforce, const char *key)
{
    return inforce->stored == NULL || config_given(inforce->own, key);
}

static int64_t stricter_of(bool lower, int64_t a, int64_t b)
{
    return (a < b) == lower ? a : b;
}

/* Joins the own guardrails into the stored ones: each that the own file gives, where it is the stricter. */
static void join_guardrails(const struct inforce *inforce, const struct guardrails *own,
                            struct guardrails *out)
{
    static const char *const floors[] = {"policy.guardrails.min_cpu", "policy.guardrails.min_memory"};
    static const char *const ceilings[] = {"policy.guardrails.max_cpu", "policy.guardrails.max_memory"};
    bool all = config_given(inforce->own, "policy.overrides");
    if ((all || own_counts(inforce, "policy.guardrails.max_increase_percent")) &&
        own->max_increase_percent < out->max_increase_percent) {
        out->max_increase_percent = own->max_increase_percent;
    }
    if ((all || own_counts(inforce, "policy.guardrails.max_decrease_percent")) &&
        own->max_decrease_percent < out->max_decrease_percent) {
        out->max_decrease_percent = own->max_decrease_percent;
    }
    for (int i = 0; i < GUARDRAIL_RESOURCES; i++) {
        if (all || own_counts(inforce, floors[i])) {
            out->floor[i] = stricter_of(false, out->floor[i], own->floor[i]);
        }
        if (all || own_counts(inforce, ceilings[i])) {
            out->ceiling[i] = stricter_of(true, out->ceiling[i], own->ceiling[i]);
        }
    }
}

static void guardrails_in_force(const struct judge *judge, const json_t *workload, struct guardrails *out)
{
    const struct inforce *inforce = judge->inforce;
    struct policy own;
    policy_for(inforce->own, workload, judge->default_namespace, &own);
    *out = own.guardrails;
    if (inforce->stored != NULL) {
        struct policy stored;
        policy_for(inforce->stored, workload, judge->default_namespace, &stored);
        *out = stored.guardrails;
        join_guardrails(inforce, &own.guardrails, out);
    }
}

int64_t judge_max_changes(const struct inforce *inforce)
{
    static const char *const key = "policy.guardrails.max_changes";
    return own_counts(inforce, key) ? config_integer(inforce->own, key, -1)
                                    : config_integer(inforce->stored, key, -1);
}

static void check_excluded(const struct judge *judge, const json_t *workload, struct judgement *out)
{
    const struct inforce *inforce = judge->inforce;
    char reason[POLICY_REASON_MAX];
    bool own = own_counts(inforce, "policy.exclude");
    if ((inforce->stored != NULL &&
         policy_excluded(inforce->stored, workload, judge->default_namespace, reason)) ||
        (own && policy_excluded(inforce->own, workload, judge->default_namespace, reason))) {
        block(out, "exclude", reason);
    } else {
        reason_add(out->reasons, "exclude", true, "not excluded by policy");
    }
}

static void check_guardrails(const struct guardrails *guardrails, const struct step *step,
                             struct judgement *out)
{
    struct guardrail_reason found[GUARDRAIL_REASONS_MAX];
    size_t count = guardrail_check(guardrails, step->resource, step->from, step->to, found);
    for (size_t i = 0; i < count; i++) {
        out->blocked = out->blocked || !found[i].passed;
        reason_add(out->reasons, guardrail_rule_name(found[i].rule, step->resource), found[i].passed,
                   "container %s, %s.%s: %s", step->container, step->limit ? "limits" : "requests",
                   step->resource == GUARDRAIL_CPU ? "cpu" : "memory", found[i].message);
    }
}

/* Adds one edit to what approval rules ask about. A value that had none before has no percentage: it counts
 * as a change of at least medium risk. A request that is taken away falls by all of it. */
static void add_fact(const struct step *step, struct approval_facts *facts)
{
    double percent = 0;
    if (step->from <= 0) {
        facts->risk = facts->risk < RISK_MEDIUM ? RISK_MEDIUM : facts->risk;
        return;
    }
    if (step->to == GUARDRAIL_ABSENT) {
        percent = step->limit ? 0 : -100;
    } else {
        percent = guardrail_percent(step->from, step->to);
    }
    if (-percent > facts->decrease_percent) {
        facts->decrease_percent = -percent;
    }
    if (percent > facts->increase_percent) {
        facts->increase_percent = percent;
    }
}

static void check_edits(const struct judge *judge, const json_t *record, struct approval_facts *facts,
                        struct judgement *out)
{
    struct guardrails guardrails;
    guardrails_in_force(judge, facts->workload, &guardrails);
    size_t index = 0;
    const json_t *edit = NULL;
    json_array_foreach(json_at(record, "change.edits"), index, edit)
    {
        struct step step;
        if (read_step(edit, &step)) {
            block(out, "edit", "an edit is not one of a CPU or memory request or limit");
            continue;
        }
        check_guardrails(&guardrails, &step, out);
        add_fact(&step, facts);
    }
}

/* What a program rendered is written where its numbers stand: on target files that has to be one file. */
static void check_rendered(const struct judge *judge, const json_t *record, struct judgement *out)
{
    const json_t *files = json_at(record, "change.files");
    const char *advice = json_string_or_null(json_object_get(record, "change"), "advice");
    if (judge->cluster || json_object_get(json_at(record, "workload.source"), "rendered") == NULL ||
        json_array_size(files) == 1) {
        return;
    }
    block(out, "rendered",
          json_array_size(files) > 1 ? "its numbers stand in several files, which tare does not write at once: apply the "
                                       "patch with git"
          : advice != NULL           ? advice
                                     : "no file that its numbers stand in was found");
}

static void add_money(const json_t *record, struct approval_facts *facts, struct judgement *out)
{
    const json_t *cost = json_object_get(record, "cost");
    int64_t saving = 0;
    facts->priced = json_get_int(cost, "monthly_saving_microusd", &saving);
    facts->monthly_usd = (double)(saving < 0 ? -saving : saving) / 1e6;
    out->saving_microusd = saving;
}

static void require(const struct judge *judge, struct approval_facts *facts, struct judgement *out)
{
    approval_require(judge->inforce->approvals, judge->inforce->overrides, facts, &out->need);
    if (out->need.conflict) {
        block(out, "approvals", "two approval rules ask for different roles; one approval cannot meet both");
    }
}

void judge_record(const struct judge *judge, const json_t *record, struct judgement *out)
{
    const json_t *workload = record_workload(record);
    *out = (struct judgement){.reasons = json_array()};
    out->changes = json_array_size(json_at(record, "change.edits")) > 0;
    if (!out->changes) {
        reason_add(out->reasons, "edits", true, "there is nothing to change");
        return;
    }
    struct approval_facts facts = {
        .workload = workload,
        .namespace = judge_namespace(judge, workload),
        .risk = risk_of(json_string_or_null(json_object_get(record, "recommendation"), "risk")),
    };
    check_excluded(judge, workload, out);
    if (judge->cluster && record_has_problem(record, "duplicate-identity")) {
        block(out, "duplicate-identity", "another manifest describes the same object of the cluster");
    }
    check_rendered(judge, record, out);
    check_edits(judge, record, &facts, out);
    add_money(record, &facts, out);
    require(judge, &facts, out);
    out->risk = facts.risk;
}

void judgement_release(struct judgement *judgement)
{
    json_decref(judgement->reasons);
    judgement->reasons = NULL;
}
