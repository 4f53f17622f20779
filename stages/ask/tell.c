#include "stages/ask/tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/explain/page.h"
#include "stages/ask/numbers.h"

enum { WHOLE_MOST = 3, LINE_MAX_BYTES = 4096 };

static const char arrow[] = " \xe2\x86\x92 ";

/* What the records of a topic have in common; goes on after "3 of 24 workloads ". */
static const char *const common[TOPICS] = {
    [TOPIC_BLOCKED] = "would change and are held back",
    [TOPIC_APPROVAL] = "need an approval",
    [TOPIC_THROTTLED] = "are throttled",
    [TOPIC_KILLED] = "were killed for memory or restarted",
    [TOPIC_WASTE] = "ask for more than they use",
    [TOPIC_UNCHANGED] = "stay as they are",
    [TOPIC_DEARER] = "would cost more than now",
    [TOPIC_FALLBACK] = "fell back from a model to the next of the chain",
    [TOPIC_DIFFERS] = "were given other numbers by a model than by the rules",
    [TOPIC_CLAMPED] = "had amounts that were moved into their bounds",
    [TOPIC_TROUBLE] = "have problems or no data",
    [TOPIC_LEAK] = "leak memory",
    [TOPIC_IDLE] = "are idle",
    [TOPIC_FINDINGS] = "have findings",
    [TOPIC_RISK] = "would change at a known risk",
    [TOPIC_SAVING] = "would cost less than now",
    [TOPIC_MODEL] = "were decided by a model",
    [TOPIC_COST] = "have a price",
};

static const char *const order[TOPICS] = {
    [TOPIC_THROTTLED] = "the most throttled", [TOPIC_KILLED] = "the most kills",       [TOPIC_WASTE] = "the most unused money",
    [TOPIC_UNCHANGED] = "the most expensive", [TOPIC_DEARER] = "the largest increase", [TOPIC_TROUBLE] = "the most problems",
    [TOPIC_FINDINGS] = "the most severe",     [TOPIC_RISK] = "the riskiest",           [TOPIC_SAVING] = "the biggest saving",
    [TOPIC_COST] = "the most expensive",     [TOPIC_DIFFERS] = "the largest difference",
};

/* "wp95 200m, p99 230m" joined of a list. */
static void join(struct buf *out, const json_t *list, const char *between)
{
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(list, index, item)
    {
        buf_printf(out, "%s%s", index == 0 ? "" : between, json_is_string(item) ? json_string_value(item) : "");
    }
}

static void list_line(struct buf *out, int indent, const char *label, const json_t *list)
{
    struct buf text;
    buf_init(&text, LINE_MAX_BYTES);
    join(&text, list, "; ");
    page_line(out, indent, label, "%s", buf_str(&text));
    buf_release(&text);
}

/* One number and how it came about. */
static void tell_number(const json_t *number, struct buf *out)
{
    struct buf bounds;
    const char *now = page_string(number, "now");
    const char *advised = page_string(number, "advised");
    const char *change = json_string_or_null(number, "change");
    if (strcmp(now, advised) == 0) {
        page_line(out, 4, "", "%s stays %s.", page_string(number, "what"), now);
    } else {
        page_line(out, 4, "", "%s %s%s%s%s%s%s.", page_string(number, "what"), now, arrow, advised, change == NULL ? "" : " (",
                  change == NULL ? "" : change, change == NULL ? "" : ")");
    }
    page_line(out, 6, "rule", "%s", page_string(number, "rule"));
    page_line(out, 6, "formula", "%s", page_string(number, "formula"));
    page_line(out, 6, "inputs", "%s", page_string(number, "inputs"));
    page_line(out, 6, "asks for", "%s", page_string(number, "asked"));
    page_line(out, 6, "moved by", "%s", page_string(number, "moved_by"));
    page_line(out, 6, "clamped", "%s", page_string(number, "clamped"));
    buf_init(&bounds, LINE_MAX_BYTES);
    if (json_object_get(number, "least") != NULL) {
        buf_printf(&bounds, "from %s to %s", page_string(number, "least"), page_string(number, "most"));
    }
    if (json_object_get(number, "caps") != NULL) {
        buf_add_str(&bounds, bounds.length > 0 ? ": " : "");
        join(&bounds, json_object_get(number, "caps"), "; ");
    }
    page_line(out, 6, "may be", "%s", buf_str(&bounds));
    buf_release(&bounds);
}

static void tell_container(const json_t *container, const struct wording *wording, struct buf *out)
{
    json_t *focus = facts_focus(container, wording);
    size_t index = 0;
    json_t *number = NULL;
    page_line(out, 2, "container", "%s", page_string(container, "name"));
    json_array_foreach(focus, index, number)
    {
        tell_number(number, out);
    }
    if (json_array_size(focus) == 0) {
        page_line(out, 4, "", "none of the numbers that were asked about is set or advised");
    }
    page_line(out, 4, "CPU used", "%s", page_string(container, "cpu_used"));
    page_line(out, 4, "memory used", "%s", page_string(container, "memory_used"));
    page_line(out, 4, "throttled", "%s", page_string(container, "throttled"));
    page_line(out, 4, "trouble", "%s", page_string(container, "trouble"));
    json_decref(focus);
}

static void money_text(const json_t *money, struct buf *out)
{
    const char *saves = json_string_or_null(money, "saves_a_month");
    const char *more = json_string_or_null(money, "costs_more_a_month");
    if (!json_is_object(money)) {
        buf_add_str(out, "no price is known");
        return;
    }
    buf_printf(out, "%s%s%s a month", page_string(money, "now_a_month"), arrow, page_string(money, "advised_a_month"));
    if (saves != NULL && strcmp(saves, "$0") != 0) {
        buf_printf(out, ", %s less", saves);
    } else if (more != NULL) {
        buf_printf(out, ", %s more", more);
    }
}

/* Where a number of the question stands in the record: "300m: the CPU request of server that is advised". */
static void tell_meant(const json_t *facts, const struct number *asked, struct buf *out)
{
    size_t index = 0;
    size_t k = 0;
    json_t *container = NULL;
    json_t *number = NULL;
    bool found = false;
    json_array_foreach(json_object_get(facts, "containers"), index, container)
    {
        json_array_foreach(json_object_get(container, "numbers"), k, number)
        {
            bool next = number_in_text(asked, page_string(number, "advised"));
            bool now = number_in_text(asked, page_string(number, "now"));
            if (now || next) {
                page_line(out, 2, "", "%.*s is the %s of container %s %s.", (int)asked->length, asked->at, page_string(number, "what"),
                          page_string(container, "name"), now && next ? "now, and stays" : next ? "that is advised" : "as it is now");
                found = true;
            }
        }
    }
    if (!found) {
        page_line(out, 2, "", "No request or limit of it is %.*s, now or as advised.", (int)asked->length, asked->at);
    }
}

static void tell_numbers_asked(const json_t *facts, const struct wording *wording, struct buf *out)
{
    const char *at = wording->text;
    struct number asked = {.unit = NUMBER_CPU};
    for (int i = 0; i < 4 && number_next(&at, &asked); i++) {
        if (asked.unit == NUMBER_CPU || asked.unit == NUMBER_MEMORY) {
            tell_meant(facts, &asked, out);
        }
    }
}

/* One record, whole. */
static void tell_whole(const json_t *facts, const struct wording *wording, struct buf *out)
{
    struct buf money;
    size_t index = 0;
    json_t *container = NULL;
    const char *class = json_string_or_null(facts, "class");
    const char *action = json_string_or_null(facts, "action");
    page_line(out, 0, "", "%s%s%s: %s%s%s%s%s.", page_string(facts, "workload"), class == NULL ? "" : ", class ",
              class == NULL ? "" : class,
              action == NULL ? "nothing is recommended yet" : action, action == NULL ? "" : ", decided by ",
              action == NULL ? "" : page_string(facts, "decided_by"), json_object_get(facts, "confidence") == NULL ? "" : ", confidence ",
              page_string(facts, "confidence"));
    tell_numbers_asked(facts, wording, out);
    json_array_foreach(json_object_get(facts, "containers"), index, container)
    {
        tell_container(container, wording, out);
    }
    if (strcmp(page_string(facts, "decided_by"), "the rules") != 0) {
        page_line(out, 2, "in words", "%s", page_string(facts, "in_words"));
    }
    page_line(out, 2, "fallback", "%s", page_string(facts, "fallback"));
    buf_init(&money, LINE_MAX_BYTES);
    money_text(json_object_get(facts, "money"), &money);
    page_line(out, 2, "money", "%s", buf_str(&money));
    buf_release(&money);
    page_line(out, 2, "risk", "%s", page_string(facts, "risk"));
    list_line(out, 2, " ", json_object_get(facts, "risk_reasons"));
    list_line(out, 2, "findings", json_object_get(facts, "findings"));
    page_line(out, 2, "gate", "%s", page_string(facts, "verdict"));
    list_line(out, 2, " ", json_object_get(facts, "objections"));
    page_line(out, 2, "outcome", "%s%s%s", page_string(facts, "outcome"), json_object_get(facts, "outcome_detail") == NULL ? "" : ": ",
              page_string(facts, "outcome_detail"));
    list_line(out, 2, "problems", json_object_get(facts, "problems"));
}

/* The amounts that were moved into their bounds. */
static void add_clamps(const json_t *facts, struct buf *out)
{
    size_t i = 0;
    size_t k = 0;
    json_t *container = NULL;
    json_t *number = NULL;
    json_array_foreach(json_object_get(facts, "containers"), i, container)
    {
        json_array_foreach(json_object_get(container, "numbers"), k, number)
        {
            if (json_object_get(number, "clamped") != NULL) {
                buf_printf(out, "; %s of %s: %s", page_string(number, "what"), page_string(container, "name"),
                           page_string(number, "clamped"));
            }
        }
    }
}

/* What a topic wants to know of a record, in a line. */
static void add_topic_part(const json_t *facts, enum topic topic, struct buf *out)
{
    size_t index = 0;
    json_t *container = NULL;
    const char *member = topic == TOPIC_THROTTLED ? "throttled" : topic == TOPIC_KILLED ? "trouble" : NULL;
    bool finding = topic == TOPIC_FINDINGS || topic == TOPIC_LEAK || topic == TOPIC_IDLE;
    const char *list = finding                   ? "findings"
                       : topic == TOPIC_TROUBLE  ? "problems"
                       : topic == TOPIC_RISK     ? "risk_reasons"
                       : topic <= TOPIC_APPROVAL ? "objections"
                                                 : NULL;
    json_array_foreach(json_object_get(facts, "containers"), index, container)
    {
        if (member != NULL && json_object_get(container, member) != NULL) {
            buf_printf(out, "; %s: %s%s", page_string(container, "name"), topic == TOPIC_THROTTLED ? "throttled in " : "",
                       page_string(container, member));
        }
    }
    if (list != NULL && json_array_size(json_object_get(facts, list)) > 0) {
        buf_add_str(out, "; ");
        join(out, json_object_get(facts, list), "; ");
    }
    if (topic == TOPIC_WASTE) {
        buf_printf(out, "; asked for and not used: %s a month",
                   page_string(json_object_get(facts, "money"), "asked_for_and_not_used_a_month"));
    }
    if (topic == TOPIC_DIFFERS) {
        buf_printf(out, "; its numbers differ from the rules' %s", page_string(facts, "differs_from_the_rules"));
    }
    if (topic == TOPIC_MODEL) {
        buf_printf(out, "; decided by %s", page_string(facts, "decided_by"));
    }
    if (topic == TOPIC_CLAMPED) {
        add_clamps(facts, out);
    }
    if (topic == TOPIC_FALLBACK) {
        buf_printf(out, "; %s", page_string(facts, "fallback"));
    }
}

/* One record in a line. */
static void tell_short(const json_t *facts, size_t number, enum topic topic, struct buf *out)
{
    struct buf text;
    const char *risk = json_string_or_null(facts, "risk");
    const char *verdict = json_string_or_null(facts, "verdict");
    buf_init(&text, LINE_MAX_BYTES);
    money_text(json_object_get(facts, "money"), &text);
    buf_printf(&text, "%s%s%s%s", risk == NULL ? "" : "; risk ", risk == NULL ? "" : risk, verdict == NULL ? "" : "; gate: ",
               verdict == NULL ? "" : verdict);
    add_topic_part(facts, topic, &text);
    page_line(out, 2, "", "%zu. %s: %s.", number, page_string(facts, "workload"), buf_str(&text));
    buf_release(&text);
}

/* How many there are, before some of them are told. */
static void tell_head(const struct wording *wording, const struct pick *pick, const json_t *totals, struct buf *out)
{
    page_line(out, 0, "", "%s", page_string(totals, "run"));
    page_line(out, 0, "", "%s", page_string(totals, "namespace"));
    if (wording->topic == TOPICS) {
        return;
    }
    const char *by = order[wording->topic] == NULL ? "the most money" : order[wording->topic];
    const char *place = pick->count > 0 && pick->list[0].place > 0 ? " of those that are named" : "";
    page_line(out, 0, "", "%zu of %zu workloads %s%s%s%s%s.", pick->fitting, pick->workloads, common[wording->topic], place,
              pick->fitting > 1 ? "; first " : "", pick->fitting > 1 ? (wording->least ? "the other end of " : "") : "",
                                                                        pick->fitting > 1 ? by : "");
}

void tell_answer(const struct wording *wording, const struct pick *pick, const json_t *facts, const json_t *totals, struct buf *out)
{
    size_t count = json_array_size(facts);
    bool whole = pick->named && count <= WHOLE_MOST;
    if (!pick->named || wording->totals) {
        tell_head(wording, pick, totals, out);
    }
    for (size_t i = 0; i < count; i++) {
        if (whole) {
            buf_add_str(out, i == 0 ? "" : "\n");
            tell_whole(json_array_get(facts, i), wording, out);
        } else {
            tell_short(json_array_get(facts, i), i + 1, wording->topic, out);
        }
    }
    if (pick->fitting > count) {
        page_line(out, 2, "", "\xe2\x80\xa6 and %zu more: ask about a namespace or a workload by its name.", pick->fitting - count);
    }
}

void tell_spoken(const char *answer, const char *provider, const char *model, struct buf *out)
{
    page_line(out, 0, "", "%s", answer);
    page_line(out, 0, "", "by: the model %s of %s; each amount in it stands in the facts it was given, its words are its own", model,
              provider);
}

void tell_sources(const json_t *facts, const struct report_meta *meta, struct buf *out)
{
    struct buf names;
    size_t index = 0;
    json_t *one = NULL;
    char run[64] = "";
    if (meta->run > 0) {
        snprintf(run, sizeof run, " of run %" PRId64, meta->run);
    }
    buf_init(&names, LINE_MAX_BYTES);
    json_array_foreach(facts, index, one)
    {
        buf_printf(&names, "%s%s (record %" JSON_INTEGER_FORMAT, index == 0 ? "" : "), ", page_string(one, "workload"),
                   json_integer_value(json_object_get(one, "record")));
    }
    page_line(out, 0, "", "from: %s%s of the %s artifact%s, sha256 %s%s", index == 0 ? "all records" : buf_str(&names),
              index > 1 ? ")" : "",
              artifact_kind_name(meta->kind), run, meta->digest, index == 1 ? ")" : "");
    buf_release(&names);
}
