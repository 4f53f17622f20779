#include "stages/ask/pick.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/text/insight.h"

enum { PART_LEAST = 3 };

/* Findings and risks come before money. */
static const double step = 1e16;

/* ---- What a question names ---- */

/* Whether the word is one of the parts of the name between dashes, or several in a row. */
static bool is_part(const char *word, const char *name)
{
    size_t length = strlen(word);
    size_t whole = strlen(name);
    for (size_t at = 0; length >= PART_LEAST && at + length <= whole; at++) {
        bool begins = at == 0 || strchr("-_.", name[at - 1]) != NULL;
        bool ends = at + length == whole || strchr("-_.", name[at + length]) != NULL;
        if (begins && ends && strncasecmp(name + at, word, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_container(const struct report_row *row, const struct word *word)
{
    for (size_t i = 0; i < row->container_count; i++) {
        if (word_is(word, row->containers[i].name)) {
            return true;
        }
    }
    return false;
}

/* "shop/Deployment/cart", "shop/cart" and "Deployment/cart" are written out. */
static bool is_whole(const struct word *word, const char *name, const struct report_row *row)
{
    const char *slash = strchr(word->text, '/');
    const char *own = slash == NULL ? NULL : strrchr(word->text, '/') + 1;
    if (slash == NULL || strcasecmp(own, row->name) != 0) {
        return false;
    }
    size_t length = (size_t)(slash - word->text);
    bool kind = strlen(row->kind) == length && strncasecmp(word->text, row->kind, length) == 0;
    bool namespace = strncasecmp(word->text, name, length) == 0 && name[length] == '/';
    return word_is(word, name) || (slash + 1 == own && (kind || namespace));
}

static enum pick_tier tier_by(const struct word *word, const char *name, const struct report_row *row)
{
    if (is_whole(word, name, row)) {
        return PICK_WHOLE;
    }
    if (word->common) {
        return PICK_NOT;
    }
    if (word_is(word, row->name)) {
        return PICK_NAME;
    }
    return is_part(word->low, row->name) || has_container(row, word) ? PICK_PART : PICK_NOT;
}

/* Whether the word is the kind, one or many of it. */
static bool is_kind(const struct word *word, const char *kind)
{
    size_t length = strlen(kind);
    return strncasecmp(word->text, kind, length) == 0 && (word->text[length] == '\0' || strcasecmp(word->text + length, "s") == 0);
}

static void judge_words(struct pick *pick, const struct report_row *row, struct picked *out)
{
    size_t length = strcspn(out->name, "/");
    bool namespace = false;
    bool kind = false;
    for (size_t i = 0; i < pick->wording->count; i++) {
        const struct word *word = &pick->wording->words[i];
        enum pick_tier tier = tier_by(word, out->name, row);
        bool own = !word->common && strlen(word->text) == length && strncasecmp(word->text, out->name, length) == 0;
        out->word = tier > out->tier ? i : out->word;
        out->tier = tier > out->tier ? tier : out->tier;
        kind = kind || is_kind(word, row->kind);
        namespace = namespace || own;
        pick->is_namespace[i] = pick->is_namespace[i] || own;
    }
    out->place = (int)namespace + (int)kind;
}

/* ---- What a question is about ---- */

static double worst_of(const json_t *record, const char *member)
{
    double worst = 0;
    const char *name = NULL;
    json_t *container = NULL;
    json_object_foreach(json_at(record, "usage.containers"), name, container)
    {
        double value = 0;
        if (json_get_number(container, member, &value) && value > worst) {
            worst = value;
        }
    }
    return worst;
}

static double number_or_none(bool fits, double rank)
{
    return fits ? rank : NAN;
}

static double rank_of_gate(enum topic topic, const struct report_row *row, double money)
{
    switch (topic) {
    case TOPIC_BLOCKED:
        return number_or_none(row->group == REPORT_HELD, money);
    case TOPIC_APPROVAL:
        return number_or_none(str_equal(row->verdict, "needs-approval"), money);
    default:
        return number_or_none(row->group == REPORT_STAYS, row->priced ? (double)row->before : 0);
    }
}

/* Whether a finding's code holds `part`. */
static bool has_finding(const json_t *record, const char *part)
{
    size_t index = 0;
    json_t *finding = NULL;
    json_array_foreach(json_at(record, "recommendation.findings"), index, finding)
    {
        const char *code = json_string_or_null(finding, "code");
        if (code != NULL && strstr(code, part) != NULL) {
            return true;
        }
    }
    return false;
}

static double rank_of_model(enum topic topic, const json_t *record, double money)
{
    const json_t *recommendation = json_object_get(record, "recommendation");
    double differs = 0;
    switch (topic) {
    case TOPIC_DIFFERS:
        (void)json_get_number(recommendation, "disagreement", &differs);
        return number_or_none(differs > 0, differs);
    case TOPIC_CLAMPED:
        return number_or_none(json_array_size(json_object_get(recommendation, "clamps")) > 0, money);
    default:
        return number_or_none(str_equal(json_string_or_null(recommendation, "source"), "llm"), money);
    }
}

static double rank_of_trouble(enum topic topic, const json_t *record, const struct report_row *row, double money)
{
    double kills = worst_of(record, "oom_kills");
    double restarts = worst_of(record, "restarts");
    double throttled = worst_of(record, "throttled_ratio");
    size_t problems = json_array_size(json_object_get(record, "problems"));
    switch (topic) {
    case TOPIC_THROTTLED:
        return number_or_none(throttled > 0, throttled);
    case TOPIC_KILLED:
        return number_or_none(kills > 0 || restarts > 0, kills * 1000 + restarts);
    case TOPIC_FALLBACK:
        return number_or_none(json_is_object(json_at(record, "recommendation.fallback")), money);
    case TOPIC_LEAK:
        return number_or_none(has_finding(record, "leak"), row->severity * step + money);
    case TOPIC_IDLE:
        return number_or_none(has_finding(record, "idle"), money);
    case TOPIC_TROUBLE:
        return number_or_none(row->no_data || problems > 0, (double)problems + (row->no_data ? 1 : 0));
    default:
        return number_or_none(row->severity > 0, row->severity * step + money);
    }
}

static double rank_of_money(enum topic topic, const struct report_row *row, double money)
{
    bool known = row->priced;
    switch (topic) {
    case TOPIC_WASTE:
        return number_or_none(row->waste_known && row->waste_before > 0, (double)row->waste_before);
    case TOPIC_DEARER:
        return number_or_none(known && row->proposed > row->before, money);
    case TOPIC_RISK:
        return number_or_none(row->action == REPORT_CHANGE && row->risk != RISK_UNKNOWN, (double)row->risk * step + money);
    case TOPIC_COST:
        return number_or_none(known, (double)row->before);
    default:
        return number_or_none(known && row->proposed < row->before, money);
    }
}

/* How far a record belongs to the topic; NaN: not at all. */
static double rank_of(enum topic topic, const json_t *record, const struct report_row *row)
{
    double money = row->priced ? fabs((double)row->before - (double)row->proposed) : 0;
    switch (topic) {
    case TOPIC_BLOCKED:
    case TOPIC_APPROVAL:
    case TOPIC_UNCHANGED:
        return rank_of_gate(topic, row, money);
    case TOPIC_THROTTLED:
    case TOPIC_KILLED:
    case TOPIC_FALLBACK:
    case TOPIC_TROUBLE:
    case TOPIC_LEAK:
    case TOPIC_IDLE:
    case TOPIC_FINDINGS:
        return rank_of_trouble(topic, record, row, money);
    case TOPIC_DIFFERS:
    case TOPIC_CLAMPED:
    case TOPIC_MODEL:
        return rank_of_model(topic, record, money);
    case TOPICS:
        return money;
    default:
        return rank_of_money(topic, row, money);
    }
}

/* ---- The best of them ---- */

static void picked_release(struct picked *picked)
{
    json_decref(picked->record);
    free(picked->name);
}

/* Whether `a` comes before `b`; of equals the earlier record. */
static bool before(const struct picked *a, const struct picked *b)
{
    if (a->tier != b->tier) {
        return a->tier > b->tier;
    }
    return a->place != b->place ? a->place > b->place : a->rank > b->rank;
}

/* Puts it (copied) where it belongs in a list of the best. */
static void keep(struct picked *list, size_t *count, const struct picked *wanted)
{
    size_t at = *count;
    while (at > 0 && before(wanted, &list[at - 1])) {
        at--;
    }
    if (at == PICKS_MAX) {
        return;
    }
    if (*count == PICKS_MAX) {
        picked_release(&list[PICKS_MAX - 1]);
        (*count)--;
    }
    memmove(&list[at + 1], &list[at], (*count - at) * sizeof *list);
    list[at] = *wanted;
    list[at].record = json_incref(wanted->record);
    list[at].name = xstrdup(wanted->name);
    (*count)++;
}

/* Names that may have been meant. */
static void offer_name(struct pick *pick, const char *name, const char *own)
{
    size_t apart = SIZE_MAX;
    for (size_t i = 0; i < pick->wording->count; i++) {
        const struct word *word = &pick->wording->words[i];
        const char *last = strrchr(word->low, '/');
        const char *meant = last == NULL ? word->low : last + 1;
        size_t far = word->common ? SIZE_MAX : str_distance(meant, own);
        far = far > 1 + strlen(meant) / 4 ? SIZE_MAX : far;
        apart = far < apart ? far : apart;
    }
    size_t at = PICKS_NEAR;
    while (at > 0 && (pick->near[at - 1] == NULL || apart < pick->far[at - 1])) {
        at--;
    }
    if (at == PICKS_NEAR || apart == SIZE_MAX) {
        return;
    }
    free(pick->near[PICKS_NEAR - 1]);
    for (size_t i = PICKS_NEAR - 1; i > at; i--) {
        pick->near[i] = pick->near[i - 1];
        pick->far[i] = pick->far[i - 1];
    }
    pick->near[at] = xstrdup(name);
    pick->far[at] = apart;
}

void pick_look(struct pick *pick, json_t *record, const struct report_row *row)
{
    double rank = rank_of(pick->wording->topic, record, row);
    char *name = xasprintf("%s/%s/%s", row->namespace == NULL ? pick->fallback : row->namespace, row->kind, row->name);
    struct picked found = {.record = record, .name = name, .number = ++pick->workloads, .rank = rank};
    judge_words(pick, row, &found);
    if (pick->wording->least) {
        found.rank = -found.rank;
    }
    if (found.tier == PICK_NOT) {
        offer_name(pick, name, row->name);
    }
    if (!isnan(rank)) {
        struct picked of_topic = found;
        of_topic.tier = PICK_NOT;
        pick->topic_fitting[found.place]++;
        keep(pick->by_topic, &pick->topic_count, &of_topic);
    }
    if (found.tier != PICK_NOT) {
        found.rank = isnan(rank) ? -INFINITY : found.rank;
        pick->named_fitting[found.tier]++;
        keep(pick->list, &pick->count, &found);
    }
    free(name);
}

/* Names that are written out or whole leave those that are only alike; of these, a namespace or a kind that is named counts. */
static void settle_named(struct pick *pick)
{
    size_t kept = 0;
    enum pick_tier best = pick->list[0].tier;
    enum pick_tier least = best > PICK_NAME ? PICK_NAME : best;
    int place = pick->list[0].place;
    for (size_t i = 0; i < pick->count; i++) {
        if (pick->list[i].tier >= least && (pick->list[i].place >= place || best == PICK_WHOLE)) {
            pick->list[kept++] = pick->list[i];
        } else {
            picked_release(&pick->list[i]);
        }
    }
    pick->fitting = kept == pick->count ? pick->named_fitting[PICK_WHOLE] + pick->named_fitting[PICK_NAME] : kept;
    if (best == PICK_PART && kept == pick->count) {
        pick->fitting = pick->named_fitting[PICK_PART];
    }
    pick->count = kept;
    pick->named = true;
}

/* The first by the topic; where the question has neither a topic nor a place, none. */
static void settle_topic(struct pick *pick)
{
    int place = pick->topic_count == 0 ? 0 : pick->by_topic[0].place;
    bool about = pick->wording->topic != TOPICS || pick->wording->totals || place > 0;
    pick->vague = !about && pick->any;
    for (size_t i = 0; i < pick->topic_count; i++) {
        if ((about || pick->any) && pick->by_topic[i].place == place) {
            pick->list[pick->count++] = pick->by_topic[i];
        } else {
            picked_release(&pick->by_topic[i]);
        }
    }
    pick->topic_count = 0;
    pick->fitting = about ? pick->topic_fitting[place] : 0;
}

/* A word that is a namespace was no part of a name. */
static void drop_namespaces(struct pick *pick)
{
    size_t kept = 0;
    for (size_t i = 0; i < pick->count; i++) {
        if (pick->list[i].tier == PICK_PART && pick->is_namespace[pick->list[i].word]) {
            picked_release(&pick->list[i]);
        } else {
            pick->list[kept++] = pick->list[i];
        }
    }
    pick->count = kept;
}

void pick_finish(struct pick *pick)
{
    drop_namespaces(pick);
    if (pick->count > 0) {
        settle_named(pick);
    } else {
        settle_topic(pick);
    }
}

void pick_release(struct pick *pick)
{
    for (size_t i = 0; i < pick->count; i++) {
        picked_release(&pick->list[i]);
    }
    for (size_t i = 0; i < pick->topic_count; i++) {
        picked_release(&pick->by_topic[i]);
    }
    for (size_t i = 0; i < PICKS_NEAR; i++) {
        free(pick->near[i]);
    }
}
