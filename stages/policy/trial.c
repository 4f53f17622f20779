#include "stages/policy/trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/judge/verdict.h"

/* Takes members of one object over into another, where they are there. */
static void take(const json_t *from, const char *const *keys, size_t count, json_t *out)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, keys[i]);
        if (value != NULL) {
            json_object_set(out, keys[i], value);
        }
    }
}

/* The edits of a change {container: {requests.cpu: {from, to}}}. New. */
static json_t *edits_of(const json_t *change)
{
    json_t *edits = json_array();
    const char *container = NULL;
    const char *field = NULL;
    json_t *fields = NULL;
    json_t *step = NULL;
    json_object_foreach((json_t *)(uintptr_t)change, container, fields)
    {
        json_object_foreach(fields, field, step)
        {
            json_t *edit = json_object();
            char *path = xasprintf("resources.%s", field);
            json_t *from = json_object_get(step, "from");
            json_t *to = json_object_get(step, "to");
            json_object_set_new(edit, "container", json_string_safe(container));
            json_object_set_new(edit, "path", json_string_safe(path));
            json_object_set(edit, "from", from == NULL ? json_null() : from);
            json_object_set(edit, "to", to == NULL ? json_null() : to);
            free(path);
            if (!json_equal(json_object_get(edit, "from"), json_object_get(edit, "to"))) {
                json_array_append(edits, edit);
            }
            json_decref(edit);
        }
    }
    return edits;
}

/* The record that the gate would see. New. */
static json_t *record_of(const json_t *one)
{
    static const char *const identity[] = {"cluster", "namespace",   "kind",
                                           "name",    "labels",      "annotations",
                                           "replicas", "namespace_annotations"};
    const json_t *from = json_object_get(one, "workload");
    json_t *workload = json_pack("{s:s, s:s}", "kind", "Deployment", "name", "workload");
    json_t *recommendation = json_pack("{s:s}", "risk", "low");
    json_t *cost = json_object();
    double saving = 0;
    take(from, identity, ARRAY_COUNT(identity), workload);
    take(from, (const char *const[]){"class", "risk"}, 2, recommendation);
    int64_t advised = 0;
    if (json_get_int(from, "advised_replicas", &advised)) {
        json_object_set_new(recommendation, "scaling",
                            json_pack("{s:{s:I, s:I}}", "replicas", "now", (json_int_t)json_int_or(from, "replicas", 0), "advised",
                                      (json_int_t)advised));
    }
    if (json_get_number(from, "monthly_saving_usd", &saving)) {
        json_object_set_new(cost, "monthly_saving_microusd", json_integer((json_int_t)llround(saving * 1e6)));
    }
    json_t *change = json_object();
    json_object_set_new(change, "edits", edits_of(json_object_get(one, "change")));
    json_t *record = json_object();
    json_object_set_new(record, "workload", workload);
    json_object_set_new(record, "recommendation", recommendation);
    json_object_set_new(record, "cost", cost);
    json_object_set_new(record, "change", change);
    json_object_set_new(record, "problems", json_array());
    return record;
}

/* Codes of the reasons that stand against it. New. */
static json_t *failing(const json_t *reasons)
{
    json_t *codes = json_array();
    size_t index = 0;
    const json_t *reason = NULL;
    json_array_foreach(reasons, index, reason)
    {
        if (!json_is_true(json_object_get(reason, "ok"))) {
            json_array_append(codes, json_object_get(reason, "code"));
        }
    }
    return codes;
}

/* What comes of the case. New; *reasons receives all reasons, new. */
static json_t *judge_case(const struct inforce *inforce, const json_t *one, int64_t now, json_t **reasons)
{
    struct judge judge = {.inforce = inforce, .default_namespace = "default"};
    struct judgement judgement;
    json_t *record = record_of(one);
    json_t *next = json_null();
    const char *at = json_string_or_null(one, "at");
    int64_t instant = now;
    struct err unused = {0};
    if (at != NULL) {
        (void)time_parse(at, &instant, &unused); /* was read before */
    }
    judge_record(&judge, record, &judgement);
    bool hold = judgement.need.approvals <= json_int_or(one, "approved", 0);
    bool open = true;
    bool made = judgement.changes && (judgement.blocked || !judgement.trifle);
    if (made) {
        verdict_approvals(&judgement, hold && !judgement.need.conflict, NULL);
        json_decref(next);
        open = verdict_windows(&judge, record, instant, &judgement, &next);
    }
    json_t *got = json_object();
    json_object_set_new(got, "verdict", json_string(verdict_of(&judgement, hold, open, false)));
    json_object_set_new(got, "approvals", json_integer(judgement.need.approvals));
    json_object_set_new(got, "role", json_string_safe(judgement.need.role));
    json_object_set_new(got, "rule", made ? json_string_safe(judgement.need.rule) : json_null());
    json_object_set_new(got, "window", json_string(open ? "open" : "closed"));
    json_object_set_new(got, "next_opening", next);
    json_object_set_new(got, "reasons", failing(judgement.reasons));
    *reasons = json_incref(judgement.reasons);
    judgement_release(&judgement);
    json_decref(record);
    return got;
}

/* Whether all codes of a list are in another. */
static bool holds_all(const json_t *wanted, const json_t *codes)
{
    size_t index = 0;
    const json_t *code = NULL;
    json_array_foreach(wanted, index, code)
    {
        bool found = false;
        for (size_t i = 0; i < json_array_size(codes); i++) {
            found = found || json_equal(json_array_get(codes, i), code);
        }
        if (!found) {
            return false;
        }
    }
    return json_array_size(wanted) > 0 || json_array_size(codes) == 0;
}

/* Two texts of one instant are the same. */
static bool same_instant(const json_t *a, const json_t *b)
{
    int64_t x = 0;
    int64_t y = 0;
    struct err unused = {0};
    if (!json_is_string(a) || !json_is_string(b)) {
        return json_is_null(a) && json_is_null(b);
    }
    return time_parse(json_string_value(a), &x, &unused) == 0 && time_parse(json_string_value(b), &y, &unused) == 0 && x == y;
}

static bool meets(const char *key, const json_t *expected, const json_t *got)
{
    if (str_equal(key, "reasons")) {
        return holds_all(expected, got);
    }
    if (str_equal(key, "next_opening")) {
        return same_instant(expected, got);
    }
    if (str_equal(key, "rule") && json_is_string(expected) && json_is_string(got)) {
        return str_glob(json_string_value(expected), json_string_value(got));
    }
    return json_equal(expected, got);
}

/* Each expectation that is not met. New array. */
static json_t *differences_of(const json_t *expect, const json_t *got)
{
    json_t *out = json_array();
    const char *key = NULL;
    json_t *expected = NULL;
    json_object_foreach((json_t *)(uintptr_t)expect, key, expected)
    {
        json_t *found = json_object_get(got, key);
        if (!meets(key, expected, found)) {
            json_t *difference = json_object();
            json_object_set_new(difference, "key", json_string(key));
            json_object_set(difference, "expected", expected);
            json_object_set(difference, "got", found);
            json_array_append_new(out, difference);
        }
    }
    return out;
}

json_t *trial_run(const struct inforce *inforce, const json_t *one, int64_t now)
{
    json_t *reasons = NULL;
    json_t *got = judge_case(inforce, one, now, &reasons);
    json_t *differences = differences_of(json_object_get(one, "expect"), got);
    json_t *out = json_object();
    json_object_set(out, "name", json_object_get(one, "name"));
    json_object_set(out, "line", json_object_get(one, "line"));
    json_object_set_new(out, "ok", json_boolean(json_array_size(differences) == 0));
    json_object_set_new(out, "got", got);
    json_object_set_new(out, "differences", differences);
    json_object_set_new(out, "reasons", reasons);
    return out;
}
