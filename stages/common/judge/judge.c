#include "stages/common/judge/judge.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/common/guardrail.h"
#include "stages/common/judge/judge_objects.h"
#include "stages/common/judge/judge_opinion.h"
#include "stages/common/policy.h"

enum { PERCENT_PARTS = 1000000 }; /* of a percentage that rules ask about */
enum { REASON_MAX = 600, JUDGE_SETS = 2 };

/* Guardrails that each hold by themselves; the last are the strictest. */
struct judge_rails {
    struct guardrails sets[JUDGE_SETS];
    size_t count;
};

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

/* The guardrails that hold for a workload: each set by itself. Beside the stored ones stand the same with what the own file gives
 * where that is stricter; a stricter floor alone would not be, since floors and ceilings win over percents and steps. */
static void guardrails_in_force(const struct judge *judge, const struct approval_facts *facts, struct judge_rails *out)
{
    const struct inforce *inforce = judge->inforce;
    const struct config *first = inforce->stored == NULL ? inforce->own : inforce->stored;
    struct policy policy;
    policy_for(first, facts->workload, facts->namespace, facts->class, &policy);
    out->sets[0] = policy.guardrails;
    out->sets[1] = policy.guardrails;
    out->count = inforce->stored == NULL ? 1 : 2;
    if (inforce->stored != NULL) {
        struct guardrails given;
        policy_guardrails_given(inforce->own, facts->workload, facts->namespace, facts->class, &given);
        guardrails_join(&out->sets[1], &given);
    }
}

/* A number that a run may not pass: the smaller of the stored one and the own one; negative where there is none. */
static int64_t smallest(const struct inforce *inforce, const char *key)
{
    int64_t stored = inforce->stored == NULL ? -1 : config_integer(inforce->stored, key, -1);
    int64_t own = own_counts(inforce, key) ? config_integer(inforce->own, key, -1) : -1;
    return stored < 0 || (own >= 0 && own < stored) ? own : stored;
}

int64_t judge_max_changes(const struct inforce *inforce)
{
    return smallest(inforce, "policy.guardrails.max_changes");
}

int64_t judge_namespace_share(const struct inforce *inforce)
{
    return smallest(inforce, "policy.guardrails.max_namespace_share_percent");
}

static void check_excluded(const struct judge *judge, const struct approval_facts *facts, struct judgement *out)
{
    const struct inforce *inforce = judge->inforce;
    bool beside = inforce->stored != NULL;
    char reason[POLICY_REASON_MAX];
    if ((beside && policy_excluded(inforce->stored, facts->workload, facts->namespace, false, reason)) ||
        policy_excluded(inforce->own, facts->workload, facts->namespace, beside, reason)) {
        block(out, "exclude", reason);
    } else {
        reason_add(out->reasons, "exclude", true, "not excluded by policy");
    }
}

/* The reason of one rule among those of a check, NULL where it said nothing. */
static const struct guardrail_reason *reason_of(const struct guardrail_reason *found, size_t count, enum guardrail_rule rule)
{
    for (size_t i = 0; i < count; i++) {
        if (found[i].rule == rule) {
            return &found[i];
        }
    }
    return NULL;
}

/* One line a guardrail, in a fixed order; of two sets the one that refuses speaks, else the stricter. */
static void check_guardrails(const struct judge_rails *rails, const struct step *step, struct judgement *out)
{
    static const enum guardrail_rule order[] = {GUARDRAIL_MAX_INCREASE, GUARDRAIL_MAX_DECREASE, GUARDRAIL_STEP_UP,
                                                GUARDRAIL_STEP_DOWN,    GUARDRAIL_FLOOR,        GUARDRAIL_CEILING};
    struct guardrail_reason found[JUDGE_SETS][GUARDRAIL_REASONS_MAX];
    size_t counts[JUDGE_SETS];
    for (size_t i = 0; i < rails->count; i++) {
        counts[i] = guardrail_check(&rails->sets[i], step->resource, step->from, step->to, found[i]);
    }
    for (size_t r = 0; r < ARRAY_COUNT(order); r++) {
        const struct guardrail_reason *said = NULL;
        for (size_t i = 0; i < rails->count; i++) {
            const struct guardrail_reason *one = reason_of(found[i], counts[i], order[r]);
            said = one != NULL && (said == NULL || said->passed) ? one : said;
        }
        if (said != NULL) {
            out->blocked = out->blocked || !said->passed;
            reason_add(out->reasons, guardrail_rule_name(said->rule, step->resource), said->passed,
                       "container %s, %s.%s: %s", step->container, step->limit ? "limits" : "requests",
                       step->resource == GUARDRAIL_CPU ? "cpu" : "memory", said->message);
        }
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
    /* As it is written: both who judge, the gate and the ledger, see the same number. */
    percent = round(percent * PERCENT_PARTS) / PERCENT_PARTS;
    if (-percent > facts->decrease_percent) {
        facts->decrease_percent = -percent;
    }
    if (percent > facts->increase_percent) {
        facts->increase_percent = percent;
    }
}

static void check_edits(const struct judge_rails *rails, const json_t *record, struct approval_facts *facts,
                        struct judgement *out)
{
    size_t index = 0;
    const json_t *edit = NULL;
    json_array_foreach(json_at(record, "change.edits"), index, edit)
    {
        struct step step;
        if (read_step(edit, &step)) {
            block(out, "edit", "an edit is not one of a CPU or memory request or limit");
            continue;
        }
        check_guardrails(rails, &step, out);
        add_fact(&step, facts);
        out->raises = out->raises || step.to > step.from || (step.limit && step.to == GUARDRAIL_ABSENT);
    }
}

/* The larger of `most` and a member of an object, if that asks for more than its `before`. */
static int64_t asks_for(const json_t *object, const char *member, const char *before, int64_t most)
{
    int64_t wanted = json_int_or(object, member, 0);
    int64_t there = before == NULL ? 0 : json_int_or(object, before, 0);
    return wanted > there && wanted > most ? wanted : most;
}

/* The most replicas that any advice of a record asks for beyond what is there; 0 for none. */
static int64_t replicas_advised(const json_t *record)
{
    static const char *const lists[] = {"schedule.entries", "policies"};
    const json_t *scaling = json_at(record, "recommendation.scaling");
    const json_t *autoscaler = json_object_get(scaling, "autoscaler");
    int64_t most = asks_for(json_object_get(scaling, "replicas"), "advised", "now", 0);
    if (!str_equal(json_string_or_null(autoscaler, "action"), "none")) {
        most = asks_for(autoscaler, "max", "max_before", most);
    }
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        size_t index = 0;
        const json_t *entry = NULL;
        json_array_foreach(json_at(scaling, lists[i]), index, entry)
        {
            most = asks_for(entry, i == 0 ? "replicas" : "advised", NULL, most);
        }
    }
    return most;
}

/* Advice that does not become objects is carried out by people, not by tare-apply: this reason warns them and keeps nothing from
 * being applied. */
static void check_replicas(const struct judge_rails *rails, const json_t *record, struct judgement *out)
{
    int64_t most = rails->sets[rails->count - 1].max_replicas;
    int64_t advised = replicas_advised(record);
    int64_t now = json_int_or(json_at(record, "recommendation.scaling.replicas"), "now", 0);
    if (most == INT64_MAX || advised == 0) {
        return;
    }
    bool ok = advised <= most || advised <= now;
    reason_add(out->reasons, "max_replicas", ok, "the scaling advice asks for up to %" PRId64 " replicas, %s %" PRId64 " (max_replicas)%s",
               advised, advised <= most ? "within" : "above", most, ok ? "" : ": do not follow it");
}

/* Whether a change is worth it. One that raises a value or costs more is made for safety, and never held back by its money. */
static void check_saving(const struct judge_rails *rails, const struct approval_facts *facts, struct judgement *out)
{
    double least = rails->sets[rails->count - 1].min_saving_usd;
    double saving = (double)out->saving_microusd / 1e6;
    if (!(least > 0)) {
        return;
    }
    if (!facts->priced || out->raises || saving < 0 || facts->new_objects > 0) {
        reason_add(out->reasons, "min_saving", true, "%s, so $%g a month (min_monthly_saving_usd) does not count",
                   facts->new_objects > 0 ? "what its new objects save is not known"
                   : !facts->priced       ? "what it saves is not known"
                   : saving < 0           ? "it costs more"
                                          : "it raises a value",
                   least);
        return;
    }
    out->trifle = saving < least;
    reason_add(out->reasons, "min_saving", !out->trifle, "it saves $%.2f a month, %s $%g (min_monthly_saving_usd)", saving,
               out->trifle ? "less than" : "no less than", least);
}

/* Two manifests of one object of a cluster would undo each other. */
static void check_duplicate(const struct judge *judge, const json_t *record, struct judgement *out)
{
    if (!judge->cluster) {
        return;
    }
    if (record_has_problem(record, "duplicate-identity")) {
        block(out, "duplicate-identity", "another manifest describes the same object of the cluster");
    } else {
        reason_add(out->reasons, "duplicate-identity", true, "no other manifest describes the same object");
    }
}

/* An object of a cluster is changed by its pod template; a pod is its own, and a Job's cannot be changed. */
static void check_template(const struct judge *judge, const json_t *record, struct judgement *out)
{
    const char *kind = json_string_or_null(record_workload(record), "kind");
    if (!judge->cluster || json_array_size(json_at(record, "change.edits")) == 0) {
        return;
    }
    if (str_equal(kind, "Pod") || str_equal(kind, "Job")) {
        reason_add(out->reasons, "template", false, "a %s of a cluster is never changed in place: change what makes it", kind);
        out->blocked = true;
    } else {
        reason_add(out->reasons, "template", true, "it has a pod template that can be changed");
    }
}

/* What a program rendered is written where its numbers stand: on target files there have to be such files. */
static void check_rendered(const struct judge *judge, const json_t *record, struct judgement *out)
{
    const json_t *files = json_at(record, "change.files");
    const char *advice = json_string_or_null(json_object_get(record, "change"), "advice");
    if (judge->cluster || json_object_get(json_at(record, "workload.source"), "rendered") == NULL) {
        return;
    }
    if (json_array_size(files) > 0) {
        reason_add(out->reasons, "rendered", true,
                   json_array_size(files) == 1 ? "its numbers stand in one file"
                                                      : "its numbers stand in several files, which are written together");
        return;
    }
    block(out, "rendered", advice != NULL ? advice : "no file that its numbers stand in was found");
}

static void add_money(const json_t *record, struct approval_facts *facts, struct judgement *out)
{
    const json_t *cost = json_object_get(record, "cost");
    int64_t saving = 0;
    facts->priced = json_get_int(cost, "monthly_saving_microusd", &saving);
    facts->monthly_usd = (double)(saving < 0 ? -saving : saving) / 1e6;
    out->saving_microusd = saving;
}

/* Takes the demand of another policy besides: both hold. */
static void require_too(const struct approval_requirement *other, struct approval_requirement *out)
{
    out->conflict = out->conflict || other->conflict ||
                    (out->role != NULL && other->role != NULL && !str_equal(out->role, other->role));
    out->role = out->role != NULL ? out->role : other->role;
    if (other->approvals > out->approvals) {
        out->approvals = other->approvals;
        snprintf(out->rule, sizeof out->rule, "%s", other->rule);
    }
}

/* What the stored policy alone asks for counts, whatever the own file adds: so nothing there can make it less. */
static void require(const struct judge *judge, const struct approval_facts *facts, enum judge_doubt doubt, struct judgement *out)
{
    const struct inforce *inforce = judge->inforce;
    approval_require(inforce->approvals, inforce->overrides, facts, &out->need);
    if (inforce->stored != NULL) {
        struct approval_requirement stored;
        approval_require(config_value(inforce->stored, "approvals"), config_value(inforce->stored, "policy.overrides"), facts,
                         &stored);
        require_too(&stored, &out->need);
    }
    judge_objects_require(facts, &out->need);
    judge_opinion_require(doubt, &out->need);
    if (out->need.conflict) {
        block(out, "approvals", "two approval rules ask for different roles; one approval cannot meet both");
    }
}

/* The facts as the ledger keeps them, to judge by the same rules when the change is made. Labels: those that the policy asks about. */
static json_t *facts_of(const struct judge *judge, const struct approval_facts *facts)
{
    json_t *out = json_object();
    json_t *labels = json_object();
    const char *key = NULL;
    const json_t *unused = NULL;
    json_object_foreach(judge->inforce->labels, key, unused)
    {
        /* Null says that the workload lacks it; a label that is not named here is not known to the ledger. */
        json_object_set_new(labels, key, json_string_safe(json_string_or_null(json_object_get(facts->workload, "labels"), key)));
    }
    json_object_set_new(out, "class", json_string_safe(facts->class));
    json_object_set_new(out, "risk", json_string(risk_name(facts->risk)));
    json_object_set_new(out, "decrease_percent", json_real(facts->decrease_percent));
    json_object_set_new(out, "increase_percent", json_real(facts->increase_percent));
    json_object_set_new(out, "monthly_usd", facts->priced ? json_real(facts->monthly_usd) : json_null());
    json_object_set_new(out, "labels", labels);
    if (facts->new_objects > 0) {
        json_object_set_new(out, "new_objects", json_integer((json_int_t)facts->new_objects));
    }
    return out;
}

void judge_record(const struct judge *judge, const json_t *record, struct judgement *out)
{
    const json_t *workload = record_workload(record);
    *out = (struct judgement){.reasons = json_array()};
    out->changes = record_changes(record);
    if (!out->changes) {
        reason_add(out->reasons, "edits", true, "there is nothing to change");
        return;
    }
    struct approval_facts facts = {
        .workload = workload,
        .namespace = judge_namespace(judge, workload),
        .class = json_string_or_null(json_object_get(record, "recommendation"), "class"),
        .risk = risk_of(json_string_or_null(json_object_get(record, "recommendation"), "risk")),
    };
    struct judge_rails rails;
    guardrails_in_force(judge, &facts, &rails);
    check_excluded(judge, &facts, out);
    check_duplicate(judge, record, out);
    check_template(judge, record, out);
    check_rendered(judge, record, out);
    check_edits(&rails, record, &facts, out);
    out->blocked = judge_objects(judge, record, rails.sets[rails.count - 1].max_replicas, &facts, out->reasons) || out->blocked;
    check_replicas(&rails, record, out);
    enum judge_doubt doubt = judge_opinion(judge, record, &facts, out->reasons);
    add_money(record, &facts, out);
    if (doubt != DOUBT_PROPOSAL) { /* which is made for a reason of its own */
        check_saving(&rails, &facts, out);
    }
    require(judge, &facts, doubt, out);
    out->risk = facts.risk;
    out->facts = facts_of(judge, &facts);
    judge_opinion_facts(record, out->facts);
}

void judgement_release(struct judgement *judgement)
{
    json_decref(judgement->facts);
    json_decref(judgement->reasons);
    judgement->facts = NULL;
    judgement->reasons = NULL;
}
