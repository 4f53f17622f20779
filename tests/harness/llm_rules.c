#include "tests/harness/llm_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

#define X(name, word) word,
static const char *const number_words[] = {LLM_RULE_NUMBERS(X)};
static const char *const text_words[] = {LLM_RULE_TEXTS(X)};
#undef X

struct llm_rules {
    struct llm_rule *items;
    size_t count, capacity;
};

static void bad(const char *word, const char *line)
{
    fprintf(stderr, "llm_server: no such word as \"%s\" in the rule \"%s\"\n", word, line);
    exit(64);
}

static int index_of(const char *const *words, int count, const char *word)
{
    for (int i = 0; i < count; i++) {
        if (str_equal(words[i], word)) {
            return i;
        }
    }
    return -1;
}

static bool takes_the_rest(int text)
{
    return text == RULE_MESSAGE || text == RULE_HEADER || text == RULE_TEXT || text == RULE_BODY;
}

/* Takes one word from *at, which moves behind it: new key, new value (NULL: none). False at the end. */
static bool next_word(const char **at, char **key, char **value)
{
    const char *from = *at + strspn(*at, " \t");
    if (*from == '\0') {
        return false;
    }
    size_t length = strcspn(from, " \t=");
    *key = xstrndup(from, length);
    *value = NULL;
    from += length;
    if (*from == '=') {
        from++;
        bool quoted = *from == '"' && !takes_the_rest(index_of(text_words, RULE_TEXTS, *key));
        from += quoted;
        length = takes_the_rest(index_of(text_words, RULE_TEXTS, *key)) ? strlen(from) : strcspn(from, quoted ? "\"" : " \t");
        *value = xstrndup(from, length);
        from += length;
        from += quoted && *from == '"';
    }
    *at = from;
    return true;
}

static void read_rule(struct llm_rule *rule, const char *line)
{
    char *key, *value;
    const char *at = line;
    for (int i = 0; i < RULE_NUMBERS; i++) {
        rule->numbers[i] = -1;
    }
    while (next_word(&at, &key, &value)) {
        int number = index_of(number_words, RULE_NUMBERS, key), text = index_of(text_words, RULE_TEXTS, key);
        if (number >= 0) {
            rule->numbers[number] = value ? strtol(value, NULL, 10) : 1;
        } else if (text >= 0 && value && !rule->texts[text]) {
            rule->texts[text] = xstrdup(value);
        } else {
            bad(key, line);
        }
        free(key);
        free(value);
    }
}

struct llm_rules *llm_rules_new(const char *lines)
{
    struct llm_rules *rules = xcalloc(sizeof *rules);
    char *copy = xstrdup(lines), *next = NULL;
    for (char *line = strtok_r(copy, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
        line += strspn(line, " \t");
        if (*line == '\0' || *line == '#') {
            continue;
        }
        GROW(rules->items, rules->capacity, rules->count + 1);
        rules->items[rules->count] = (struct llm_rule){.seen = 0};
        read_rule(&rules->items[rules->count++], line);
    }
    free(copy);
    return rules;
}

void llm_rules_free(struct llm_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        for (int text = 0; text < RULE_TEXTS; text++) {
            free(rules->items[i].texts[text]);
        }
    }
    free(rules->items);
    free(rules);
}

static bool is_question(const char *api)
{
    return str_equal(api, "anthropic") || str_equal(api, "openai") || str_equal(api, "batched");
}

static bool fits_api(const char *wanted, const char *api)
{
    if (!wanted || str_equal(wanted, "question")) {
        return is_question(api);
    }
    return str_equal(wanted, "any") || str_equal(wanted, api);
}

static bool fits_workload(const char *glob, const struct llm_asked *asked)
{
    for (size_t i = 0; glob && i < asked->workload_count; i++) {
        if (str_glob(glob, asked->workloads[i])) {
            return true;
        }
    }
    return !glob;
}

/* Whether a rule holds for the request, which is counted. */
static bool holds(struct llm_rule *rule, const struct llm_asked *asked)
{
    const long *numbers = rule->numbers;
    if (!fits_api(rule->texts[RULE_API], asked->api) || !fits_workload(rule->texts[RULE_WORKLOAD], asked) ||
        (rule->texts[RULE_HAS] && !strstr(asked->raw, rule->texts[RULE_HAS]))) {
        return false;
    }
    rule->seen++;
    if ((numbers[RULE_NTH] >= 0 && rule->seen != numbers[RULE_NTH]) ||
        (numbers[RULE_EVERY] > 0 && rule->seen % numbers[RULE_EVERY] != 0) ||
        (numbers[RULE_AFTER] >= 0 && rule->seen <= numbers[RULE_AFTER]) ||
        (numbers[RULE_TIMES] >= 0 && rule->served >= numbers[RULE_TIMES])) {
        return false;
    }
    rule->served++;
    return true;
}

static void merge(struct llm_act *act, const struct llm_rule *rule)
{
    for (int i = 0; i < RULE_NUMBERS; i++) {
        if (act->rule.numbers[i] < 0) {
            act->rule.numbers[i] = rule->numbers[i];
        }
    }
    for (int i = 0; i < RULE_TEXTS; i++) {
        if (!act->rule.texts[i]) {
            act->rule.texts[i] = rule->texts[i];
        }
    }
    if (rule->texts[RULE_SAY] && act->say_count < LLM_SAYS_MAX) {
        act->say_for[act->say_count] = rule->texts[RULE_WORKLOAD];
        act->say[act->say_count++] = rule->texts[RULE_SAY];
    }
    if (rule->texts[RULE_HEADER] && act->header_count < LLM_SAYS_MAX) {
        act->headers[act->header_count++] = rule->texts[RULE_HEADER];
    }
}

void llm_rules_apply(struct llm_rules *rules, const struct llm_asked *asked, struct llm_act *out)
{
    *out = (struct llm_act){.say_count = 0};
    for (int i = 0; i < RULE_NUMBERS; i++) {
        out->rule.numbers[i] = -1;
    }
    for (size_t i = 0; i < rules->count; i++) {
        if (holds(&rules->items[i], asked)) {
            merge(out, &rules->items[i]);
        }
    }
}

long llm_act_number(const struct llm_act *act, enum rule_number which, long fallback)
{
    return act->rule.numbers[which] < 0 ? fallback : act->rule.numbers[which];
}

const char *llm_act_text(const struct llm_act *act, enum rule_text which)
{
    return act->rule.texts[which];
}

bool llm_act_says(const struct llm_act *act, const char *how)
{
    for (size_t i = 0; i < act->say_count; i++) {
        if (str_equal(act->say[i], how)) {
            return true;
        }
    }
    return false;
}
