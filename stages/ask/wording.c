#include "stages/ask/wording.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const struct {
    const char *word;
    enum topic topic;
} topics[] = {
    {"blocked", TOPIC_BLOCKED},       {"blocks", TOPIC_BLOCKED},        {"block", TOPIC_BLOCKED},       {"forbidden", TOPIC_BLOCKED},
    {"refused", TOPIC_BLOCKED},       {"denied", TOPIC_BLOCKED},        {"held", TOPIC_BLOCKED},        {"approval", TOPIC_APPROVAL},
    {"approvals", TOPIC_APPROVAL},    {"approve", TOPIC_APPROVAL},      {"approved", TOPIC_APPROVAL},   {"throttled", TOPIC_THROTTLED},
    {"throttling", TOPIC_THROTTLED},  {"throttles", TOPIC_THROTTLED},   {"oom", TOPIC_KILLED},          {"killed", TOPIC_KILLED},
    {"kills", TOPIC_KILLED},          {"oomkilled", TOPIC_KILLED},      {"restarts", TOPIC_KILLED},     {"restarted", TOPIC_KILLED},
    {"crash", TOPIC_KILLED},          {"crashes", TOPIC_KILLED},        {"waste", TOPIC_WASTE},         {"wasted", TOPIC_WASTE},
    {"wastes", TOPIC_WASTE},          {"wasteful", TOPIC_WASTE},        {"unused", TOPIC_WASTE},        {"overprovisioned", TOPIC_WASTE},
    {"unchanged", TOPIC_UNCHANGED},   {"kept", TOPIC_UNCHANGED},        {"keeps", TOPIC_UNCHANGED},     {"stays", TOPIC_UNCHANGED},
    {"stay", TOPIC_UNCHANGED},        {"untouched", TOPIC_UNCHANGED},   {"dearer", TOPIC_DEARER},       {"increase", TOPIC_DEARER},
    {"increases", TOPIC_DEARER},      {"increased", TOPIC_DEARER},      {"raised", TOPIC_DEARER},       {"raise", TOPIC_DEARER},
    {"grows", TOPIC_DEARER},          {"fallback", TOPIC_FALLBACK},     {"fell", TOPIC_FALLBACK},       {"problem", TOPIC_TROUBLE},
    {"problems", TOPIC_TROUBLE},      {"unpriced", TOPIC_TROUBLE},      {"missing", TOPIC_TROUBLE},     {"failed", TOPIC_TROUBLE},
    {"errors", TOPIC_TROUBLE},        {"finding", TOPIC_FINDINGS},      {"findings", TOPIC_FINDINGS},   {"critical", TOPIC_FINDINGS},
    {"urgent", TOPIC_FINDINGS},       {"first", TOPIC_FINDINGS},        {"attention", TOPIC_FINDINGS},  {"anomaly", TOPIC_FINDINGS},
    {"anomalies", TOPIC_FINDINGS},    {"risk", TOPIC_RISK},             {"risks", TOPIC_RISK},          {"risky", TOPIC_RISK},
    {"riskiest", TOPIC_RISK},         {"dangerous", TOPIC_RISK},        {"save", TOPIC_SAVING},         {"saves", TOPIC_SAVING},
    {"saved", TOPIC_SAVING},          {"saving", TOPIC_SAVING},         {"savings", TOPIC_SAVING},      {"cheaper", TOPIC_SAVING},
    {"cost", TOPIC_COST},             {"costs", TOPIC_COST},            {"expensive", TOPIC_COST},      {"price", TOPIC_COST},
    {"money", TOPIC_COST},            {"dollars", TOPIC_COST},          {"bill", TOPIC_COST},           {"priciest", TOPIC_COST},
    {"cheapest", TOPIC_COST},         {"rise", TOPIC_DEARER},           {"rises", TOPIC_DEARER},        {"higher", TOPIC_DEARER},
    {"differ", TOPIC_DIFFERS},        {"differs", TOPIC_DIFFERS},       {"disagree", TOPIC_DIFFERS},    {"disagrees", TOPIC_DIFFERS},
    {"disagreement", TOPIC_DIFFERS},  {"clamp", TOPIC_CLAMPED},         {"clamps", TOPIC_CLAMPED},      {"clamped", TOPIC_CLAMPED},
    {"moved", TOPIC_CLAMPED},         {"leak", TOPIC_LEAK},             {"leaks", TOPIC_LEAK},          {"leaking", TOPIC_LEAK},
    {"idle", TOPIC_IDLE},             {"asleep", TOPIC_IDLE},           {"safe", TOPIC_RISK},           {"safely", TOPIC_RISK},
    {"spike", TOPIC_FINDINGS},        {"spikes", TOPIC_FINDINGS},       {"model", TOPIC_MODEL},         {"models", TOPIC_MODEL},
    {"llm", TOPIC_MODEL},             {"anthropic", TOPIC_MODEL},       {"openai", TOPIC_MODEL},
};

/* Words that say nothing of what is meant. */
static const char *const plain[] = {
    "a",     "about", "after", "again",  "all",      "also",     "an",        "and",        "any",     "are",   "as",      "at",    "be",
    "because", "before", "but", "by",    "can",      "change",   "changed",   "changes",    "container", "containers", "could", "day",
    "did",   "do",    "does",  "done",   "down",     "each",     "every",     "for",        "from",    "get",   "gets",    "give",  "given",
    "go",
    "has",   "have",  "how",   "i",      "if",       "in",       "instead",   "into",       "is",      "it",    "its",     "list",  "low",
    "less",  "lower", "made",  "many",   "me",       "month",    "more",      "most",       "move",    "much",  "my",      "need",  "needs",
    "new",   "no",
    "not",   "now",   "of",    "on",     "one",      "only",     "or",        "our",        "out",     "over",  "per",     "please", "pod",
    "pods",  "run",   "set",   "should", "show",     "so",       "some",      "still",      "such",    "tell",  "than",    "that",  "the",
    "their", "them",  "then",  "there",  "these",    "they",     "this",      "those",      "to",      "too",   "under",   "up",    "us",
    "use",   "used",  "uses",  "using",  "was",      "we",       "were",      "what",       "when",    "where", "which",   "while", "who",
    "why",   "will",  "with",  "workload", "workloads", "would",  "year",      "you",        "namespace", "namespaces",
};

static const char *const totals[] = {"total", "totals", "sum", "overall", "altogether", "everything", "summary", "summarize", "whole"};
static const char *const ends[] = {"least", "smallest", "lowest", "cheapest", "fewest"};

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], word) == 0) {
            return true;
        }
    }
    return false;
}

bool word_is(const struct word *word, const char *name)
{
    return strcasecmp(word->text, name) == 0;
}

/* Whether the question has a word. */
static bool has(const struct wording *wording, const char *low)
{
    for (size_t i = 0; i < wording->count; i++) {
        if (strcmp(wording->words[i].low, low) == 0) {
            return true;
        }
    }
    return false;
}

/* Which numbers the word means. True where it is such a word. */
static bool take_focus(struct wording *wording, const char *low)
{
    bool cpu = strcmp(low, "cpu") == 0 || strcmp(low, "cpus") == 0 || strcmp(low, "millicores") == 0;
    bool memory = strcmp(low, "memory") == 0 || strcmp(low, "ram") == 0 || strcmp(low, "mem") == 0;
    bool request = strcmp(low, "request") == 0 || strcmp(low, "requests") == 0;
    bool limit = strcmp(low, "limit") == 0 || strcmp(low, "limits") == 0;
    wording->cpu = wording->cpu || cpu;
    wording->memory = wording->memory || memory;
    wording->request = wording->request || request;
    wording->limit = wording->limit || limit;
    return cpu || memory || request || limit;
}

static bool take_topic(struct wording *wording, const char *low)
{
    for (size_t i = 0; i < ARRAY_COUNT(topics); i++) {
        if (strcmp(topics[i].word, low) == 0) {
            wording->topic = topics[i].topic < wording->topic ? topics[i].topic : wording->topic;
            return true;
        }
    }
    return false;
}

static void add_word(struct wording *wording, const char *text, size_t length, struct arena *arena)
{
    if (length == 0 || wording->count == WORDING_WORDS_MAX) {
        return;
    }
    struct word *word = &wording->words[wording->count++];
    char *low = arena_strndup(arena, text, length);
    word->text = arena_strndup(arena, text, length);
    for (char *c = low; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    word->low = low;
    bool sums = is_one_of(low, totals, ARRAY_COUNT(totals));
    bool end = is_one_of(low, ends, ARRAY_COUNT(ends));
    wording->totals = wording->totals || sums;
    wording->least = wording->least || end;
    bool topic = take_topic(wording, low);
    word->common = take_focus(wording, low) || topic || sums || end || is_one_of(low, plain, ARRAY_COUNT(plain));
}

/* Characters of names: of objects, containers, kinds, and `/` between their parts. */
static bool of_name(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.' || c == '/' || c == '#' || ((unsigned char)c & 0x80U) != 0;
}

/* A full stop, a dash or a slash around a word is none of its own. */
static void split(struct wording *wording, struct arena *arena)
{
    const char *at = wording->text;
    while (*at != '\0') {
        const char *end = at;
        while (of_name(*end)) {
            end++;
        }
        size_t length = (size_t)(end - at);
        size_t front = strspn(at, ".-/");
        front = front > length ? length : front;
        while (length > front && strchr(".-/", at[length - 1]) != NULL) {
            length--;
        }
        add_word(wording, at + front, length - front, arena);
        at = *end == '\0' ? end : end + 1;
    }
}

/* What several words together are about. */
static void settle_topic(struct wording *out)
{
    bool changes = has(out, "change") || has(out, "changed") || has(out, "changes");
    if (out->topic == TOPIC_MODEL && has(out, "not")) {
        out->topic = TOPIC_FALLBACK;
    } else if (out->topic == TOPIC_MODEL && has(out, "move")) {
        out->topic = TOPIC_CLAMPED;
    }
    if (out->topic != TOPICS) {
        return;
    }
    if (has(out, "not") && (changes || has(out, "lowered"))) {
        out->topic = TOPIC_UNCHANGED;
    } else if (has(out, "many") && (changes || has(out, "workloads"))) {
        out->totals = true;
    } else if (has(out, "up") || has(out, "more")) {
        out->topic = TOPIC_DEARER;
    } else if (has(out, "down") || has(out, "less")) {
        out->topic = TOPIC_SAVING;
    }
}

int wording_read(const char *text, struct arena *arena, struct wording *out, struct err *err)
{
    size_t length = strlen(text);
    *out = (struct wording){.topic = TOPICS};
    if (length > WORDING_BYTES_MAX) {
        err_set(err, ERR_USAGE, "the question has %zu bytes, and %d are the most", length, WORDING_BYTES_MAX);
        return err_hint(err, "ask about fewer things at once");
    }
    if (!str_utf8_valid(text, length, NULL)) {
        err_set(err, ERR_USAGE, "the question is no UTF-8 text");
        return err_hint(err, "write it in the terminal's own encoding, UTF-8");
    }
    char *masked = arena_strdup(arena, text);
    str_mask_controls(masked);
    out->text = masked;
    split(out, arena);
    if (out->count == 0) {
        err_set(err, ERR_USAGE, "the question is empty");
        return err_hint(err, "as in: tare ask \"why does cart get 300m?\"");
    }
    settle_topic(out);
    return 0;
}
